"""Slices of a run, run apart and merged: the same hash as one machine, in any order."""

import fcntl
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import perpcore as pc
from perpcore.cli import main
from perpcore.runs import locking
from running import PATHS, SEED, digests, in_memory, run, same_statistics, scenario


@pytest.fixture(scope="module")
def whole() -> pc.Ensemble:
    return in_memory()


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    place = tmp_path / "scenario.toml"
    place.write_text(scenario().to_toml())
    return place


def command(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def test_slices_in_any_order_are_the_whole(tmp_path: Path, whole: pc.Ensemble) -> None:
    one = run(tmp_path / "one")
    order = list(range(1, 6))
    random.Random(4).shuffle(order)
    hashes = 0
    for i in order:
        part = run(tmp_path / "five", shard=(i, 5))
        assert part.complete
        hashes += part.hash()
    found = pc.read_results(tmp_path / "five")
    assert found.complete
    assert hashes % 2**64 == found.hash()
    same_statistics(found, whole)
    shards = {name: sha for name, sha in digests(one.directory).items() if name.startswith("part-")}
    assert shards.items() <= digests(found.directory).items()
    assert len(digests(found.directory)) == len(shards) + 1


def test_slices_that_overlap_exclude_each_other(tmp_path: Path) -> None:
    run(tmp_path, paths=300)
    with locking.writing(tmp_path, (1, 2)):
        with pytest.raises(pc.ScenarioError, match=r"one writer at a time: process \d+ .* \(slice 1/2\)"):
            run(tmp_path, paths=300, shard=(1, 3))
        run(tmp_path, paths=300, shard=(2, 2))


def test_a_lock_that_others_only_look_at_is_no_writer(tmp_path: Path) -> None:
    run(tmp_path, paths=300)
    stale = tmp_path / ".lock"
    stale.write_text("process 1 on dead")
    with stale.open() as looking:  # another slice, about to remove what a killed run left
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert run(tmp_path, paths=300, shard=(1, 2)).complete


def test_a_child_that_leaves_by_an_exception_leaves_the_lock(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from perpcore.runs import locking\n"
        f"place = Path({str(tmp_path)!r})\n"
        "with locking.writing(place, None):\n"
        "    child = os.fork()\n"
        "    if not child: raise SystemExit(0)\n"
        "    os.waitpid(child, 0)\n"
        "    print((place / '.lock').exists())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_more_slices_than_shards(tmp_path: Path, whole: pc.Ensemble) -> None:
    parts = [run(tmp_path, shard=(i, 20)) for i in range(1, 21)]
    assert sum(len(part) for part in parts) == PATHS
    same_statistics(pc.read_results(tmp_path), whole)
    assert all(part.complete and repr(part) for part in parts)


def test_slices_at_once_on_the_command_line(tmp_path: Path, toml: Path, whole: pc.Ensemble) -> None:
    out = tmp_path / "run"
    base = ["monte-carlo", str(toml), "--paths", "1e3", "--seed", str(SEED), "--out", str(out), "--json"]
    script = [sys.executable, "-c", "from perpcore.cli import main; main()"]
    slices = [
        subprocess.Popen(
            [*script, *base, "--shard", f"{i}/3"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for i in (1, 2)
    ]
    for each in slices:
        said, wrong = each.communicate(timeout=60)
        assert each.returncode == 0, wrong
        assert json.loads(said)["complete"] is True
    lacking = command("merge", out, code=3).stderr
    assert "run again with --shard: 3/3" in lacking
    assert "of 1,000 paths are there" in lacking
    assert "run again" not in command(*base, "--shard", "3/3").stderr
    merged = json.loads(command("merge", out, "--json").stdout)
    memory = command(*base[:-3], "--json").stdout
    assert merged == json.loads(memory)
    assert merged["hash"] == f"{whole.hash():016x}"
    assert command("merge", out).stdout.splitlines()[2:] == command(*base[:-3]).stdout.splitlines()[2:]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--shard", "0/4"], 2, "from 1/4 to 4/4"),
        (["--shard", "5/4"], 2, "from 1/4 to 4/4"),
        (["--shard", "1/0"], 2, "at least 1 slice"),
        (["--shard", "three"], 2, "i/n is wanted"),
        (["--paths", "1e3.5"], 2, "no whole number"),
        (["--paths", "0.5"], 2, "no whole number"),
        (["--paths", "2e19"], 2, "not in the range"),
        (["--out", "rows.parquet", "--shard", "1/2"], 2, "goes with --out DIRECTORY"),
        (["--out", "rows.csv"], 2, "must end in .parquet"),
    ],
)
def test_what_is_wrong_is_a_line_and_a_code(
    tmp_path: Path, toml: Path, arguments: list[str], code: int, said: str
) -> None:
    base = ["monte-carlo", toml, "--paths", "100", "--out", tmp_path / "run"]
    assert said in command(*base, *arguments, code=code).stderr
    assert not (tmp_path / "run").exists()


def test_paths_are_read_exactly(tmp_path: Path, toml: Path) -> None:
    for text, count in [("1_000", 1_000), ("1e2", 100), ("1.5e2", 150), ("200.0", 200)]:
        found = json.loads(command("monte-carlo", toml, "--paths", text, "--json").stdout)
        assert found["paths"] == count


def test_merge_checks_every_byte(tmp_path: Path, toml: Path) -> None:
    assert "no such directory" in command("merge", tmp_path / "none", code=2).stderr
    assert "manifest.json" in command("merge", tmp_path, code=3).stderr
    found = run(tmp_path / "run")
    content = bytearray(found.files[5].read_bytes())
    content[100] ^= 4
    found.files[5].write_bytes(content)
    assert found.files[5].name in command("merge", tmp_path / "run", code=3).stderr


def test_slices_must_be_as_many_for_everybody(tmp_path: Path) -> None:
    run(tmp_path, shard=(1, 3))
    with pytest.raises(pc.ScenarioError, match=r"slices: 4 .* begun with 3"):
        run(tmp_path, shard=(1, 4))
    assert run(tmp_path).complete  # one machine may do what is left
