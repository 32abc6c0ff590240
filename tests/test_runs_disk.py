"""Where a run can't be written: said in a line, nothing half-written, what was finished stays."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import perpcore as pc
from perpcore.cli import main
from running import run, scenario


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small tmpfs can't be mounted here: {mounted.stderr.strip()}")
    yield place
    # Lazily: an error's traceback may still hold a file of it open.
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.parametrize("shard_paths", [2_048, 65_536])
def test_a_full_disk_is_an_error_that_names_the_file(small: Path, shard_paths: int) -> None:
    with pytest.raises(pc.PerpcoreError, match=r"part-\d{8} cannot be written: No space left") as error:
        run(small / "run", paths=200_000, shard_paths=shard_paths)
    assert "the same call goes on" in str(error.value)
    assert {path.suffix for path in (small / "run").iterdir()} <= {".parquet", ".json"}
    found = pc.read_results(small / "run")
    found.verify()
    assert bool(found.files) == (shard_paths == 2_048)
    if found.files:
        assert found.mean("rounds").value > 1
    subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
    whole = run(small / "run", paths=200_000, shard_paths=shard_paths)
    assert whole.complete
    assert whole.hash() == scenario().monte_carlo(paths=200_000, seed=7, progress=False).hash()


def test_a_disk_without_room_for_the_manifest(small: Path) -> None:
    (small / "fill").write_bytes(b"0" * (1 << 20))
    with pytest.raises(pc.PerpcoreError, match="No space left on device"):
        run(small / "run")
    assert not list(small.glob("run/*"))


def test_a_read_only_directory_is_refused(small: Path) -> None:
    run(small / "run", paths=100)
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    with pytest.raises(pc.ScenarioError, match=r"can be written to .Read-only file system"):
        run(small / "run", paths=100)
    assert len(pc.read_results(small / "run")) == 100
    assert CliRunner().invoke(main, ["merge", str(small / "run")]).exit_code == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(pc.ScenarioError, match="Permission denied"):
        run(tmp_path / "run")


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(pc.ScenarioError, match="a directory that can be written to"):
            run(place)
    done = CliRunner().invoke(
        main, ["monte-carlo", "rocketcoin", "--paths", "3", "--out", str(tmp_path / "file" / "run")]
    )
    assert done.exit_code == 3
    assert "directory" in done.stderr
