"""Runs in a directory: the same bits as in memory, gone on with, refused where another is asked for."""

import hashlib
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kills
import perpcore as pc
from perpcore.runs import Job, run_shard
from perpcore.runs.driving import Threads
from running import PATHS, SEED, SHARD, digests, in_memory, name_of, run, same_statistics, scenario


@pytest.fixture(scope="module")
def whole() -> pc.Ensemble:
    return in_memory()


# ---- what it gives ----


@pytest.mark.parametrize("keep", ["columns", "statistics"])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_statistics_are_those_of_one_process(
    tmp_path: Path, whole: pc.Ensemble, keep: str, n_threads: int
) -> None:
    found = run(tmp_path, keep=keep, n_threads=n_threads)
    assert found.complete
    assert len(found.files) == 8
    same_statistics(found, whole)
    same_statistics(pc.read_results(tmp_path), whole)
    assert repr(found) == repr(whole).replace("Ensemble", "Results").replace("columns", keep)


def test_rows_are_those_of_one_process(tmp_path: Path, whole: pc.Ensemble) -> None:
    found = run(tmp_path / "run")
    for name in whole.columns:
        np.testing.assert_array_equal(found[name], whole[name])
        assert not found[name].flags.writeable
    assert found.to_pyarrow().equals(whole.to_pyarrow())
    assert found.to_polars().equals(whole.to_polars())
    assert found.to_pandas().equals(whole.to_pandas())
    found.to_parquet(tmp_path / "one.parquet")
    from pyarrow import dataset, parquet

    assert parquet.read_table(tmp_path / "one.parquet").replace_schema_metadata().equals(whole.to_pyarrow())
    above = found.dataset().count_rows(filter=dataset.field("final_price") > 11.5)
    assert above == (whole["final_price"] > 11.5).sum()


def test_rows_are_written_in_groups_without_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perpcore.runs.shards.GROUP", 100)
    found = run(tmp_path, shard_paths=512)
    same_statistics(found, scenario().monte_carlo(paths=PATHS, seed=SEED, progress=False))
    np.testing.assert_array_equal(found["path"], np.arange(PATHS))


@pytest.mark.parametrize("keep", ["columns", "statistics"])
def test_what_is_not_there_is_said(tmp_path: Path, keep: str) -> None:
    found = run(tmp_path, keep=keep)
    with pytest.raises(pc.PerpcoreError, match="in units"):
        found.exact("final_price")
    with pytest.raises(pc.PerpcoreError, match="to_pyarrow"):
        found.table()
    if keep == "columns":
        with pytest.raises(KeyError, match="no column 'nothing'"):
            found["nothing"]
    else:
        with pytest.raises(pc.PerpcoreError, match='keep="columns"'):
            found["final_price"]


def test_paths_may_begin_anywhere(tmp_path: Path) -> None:
    found = run(tmp_path, first_path=5_000, paths=300)
    whole = scenario().monte_carlo(paths=300, seed=SEED, first_path=5_000, progress=False)
    same_statistics(found, whole)
    assert found.first_path == 5_000
    np.testing.assert_array_equal(found["path"], whole["path"])
    assert found.run(path=5_003).summary["final_price"] == whole["final_price"][3]


def test_the_cut_is_by_what_happens_not_by_the_clock(tmp_path: Path) -> None:
    cuts = [run(tmp_path / name, shard_paths=None, paths=100)._manifest.shard_paths for name in "ab"]
    assert cuts[0] == cuts[1] == 1 << (cuts[0].bit_length() - 1)
    heavy = pc.presets.rocketcoin_live()
    found = run(tmp_path / "c", heavy, shard_paths=None, paths=2)._manifest
    assert 16 <= found.shard_paths <= 256 < cuts[0]


# ---- gone on with ----


def test_kill_9_at_random_moments_changes_no_byte(tmp_path: Path) -> None:
    times = int(os.environ.get("PERPCORE_KILLS", "6"))
    seen = kills.check(tmp_path, times, 120_000, seed=int(os.environ.get("PERPCORE_KILLS_SEED", "3")))
    assert any(0 < count < 30 for count, _ in seen), "no run was killed in its middle: the test tests nothing"


def test_the_same_call_goes_on_and_says_how_far_it_is(tmp_path: Path, whole: pc.Ensemble) -> None:
    run(tmp_path)
    before = digests(tmp_path)
    lost = pc.read_results(tmp_path).files[2:4]
    for file in lost:
        file.unlink()
    half = pc.read_results(tmp_path)
    assert (half.complete, len(half), half.missing()) == (False, PATHS - 2 * SHARD, [range(2, 4)])
    told: list[tuple[int, int]] = []
    found = run(tmp_path, seed=None, shard_paths=None, progress=lambda *of: told.append(of))
    assert told[-1] == (PATHS, PATHS)
    assert all(PATHS - 2 * SHARD <= done <= PATHS for done, _ in told)
    assert digests(tmp_path) == before
    same_statistics(found, whole)


def test_what_was_half_written_goes(tmp_path: Path) -> None:
    run(tmp_path)
    before = digests(tmp_path)
    pc.read_results(tmp_path).files[0].unlink()
    for name in ("part-00000000.host-1-0.tmp", "manifest.host-1-0.tmp", ".lock"):
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / "notes.tmp").write_bytes(b"not ours")
    run(tmp_path)
    assert digests(tmp_path) == before | {"notes.tmp": hashlib.sha256(b"not ours").hexdigest()}


INTERRUPTED = """
import os, signal, sys, threading, time
import perpcore as pc
pressed = []
def press():
    time.sleep(2)
    pressed.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=press, daemon=True).start()
try:
    options = {"directory": sys.argv[1], "shard_paths": int(sys.argv[2])}
    pc.presets.reference().monte_carlo(paths=10**12, seed=7, **options)
except pc.Interrupted as interrupted:
    took = time.perf_counter() - pressed[0]
    found = interrupted.ensemble
    print(took, len(found), found.hash(), len(found.files), found.complete)
"""


@pytest.mark.parametrize("shard_paths", [16_384, 4_194_304])
def test_ctrl_c_keeps_what_is_finished(tmp_path: Path, shard_paths: int) -> None:
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path), str(shard_paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    took, count, hashed, shards, complete = done.stdout.split()
    assert float(took) < 0.5
    assert (int(count), complete) == (int(shards) * shard_paths, "False")
    assert not list(tmp_path.glob("*.tmp"))
    found = pc.read_results(tmp_path)
    assert (len(found), found.hash()) == (int(count), int(hashed))
    assert found._manifest.paths == 10**12
    if int(count):
        assert found.mean("rounds").value > 1


def test_a_path_that_fails_is_told_as_in_memory(tmp_path: Path) -> None:
    ladder = pc.Ladder(side="short", qty=9 * 10**11, lump=9 * 10**10, leverage=1)
    tiers = [pc.Tier(min_notional=0, maintenance_rate=0.01, max_leverage=20)]
    breaking = pc.presets.rocketcoin().replace({"positions": [ladder], "venue.tiers": tiers})
    with pytest.raises(pc.RunError, match="seed 9, path 4: "):
        breaking.monte_carlo(paths=400, seed=9, first_path=4, progress=False)
    with pytest.raises(pc.RunError, match="seed 9, path 4: "):
        run(tmp_path, breaking, paths=400, seed=9, first_path=4, shard_paths=16)
    assert not pc.read_results(tmp_path).files
    assert not list(tmp_path.glob("*.tmp"))


# ---- refused ----


def test_another_scenario_is_refused_with_what_differs(tmp_path: Path) -> None:
    run(tmp_path)
    before = digests(tmp_path)
    other = scenario().replace({"ignition.qty": 20_000, "venue.insurance_fund": 5})
    with pytest.raises(pc.ScenarioError) as error:
        run(tmp_path, other, seed=8, paths=2_000, keep="statistics", shard_paths=64, first_path=1)
    said = {field: (value, allowed) for field, value, allowed in error.value.problems}
    names = {"scenario.ignition.qty", "scenario.venue.insurance_fund"}
    assert set(said) == names | {"seed", "paths", "keep", "shard_paths", "first_path"}
    assert said["scenario.ignition.qty"][0] == "20000"
    assert "begun with 20500" in said["scenario.ignition.qty"][1]
    assert "begun with 7" in said["seed"][1]
    assert digests(tmp_path) == before


def test_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path)
    job = Job(str(tmp_path), 0, name_of(tmp_path), pc.__version__)
    monkeypatch.setattr("perpcore._core.__version__", "0.0.9")
    with pytest.raises(pc.ScenarioError, match=rf"perpcore: 0\.0\.9 .* begun with {pc.__version__}"):
        run(tmp_path)
    with pytest.raises(pc.ScenarioError, match="in every worker"):
        run_shard(job)


def test_a_job_of_another_run_is_refused(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(pc.ScenarioError, match="as its worker sees it"):
        run_shard(Job(str(tmp_path), 0, "0" * 64, pc.__version__))
    done = run_shard(Job(str(tmp_path), 3, name_of(tmp_path), pc.__version__))  # checked, not run again
    assert done == pickle.loads(pickle.dumps(done))
    assert (done.number, done.paths, done.name) == (3, SHARD, pc.read_results(tmp_path).files[3].name)


@pytest.mark.parametrize("other", [{"seed": 8}, {"paths": 500}, {"keep": "statistics"}, {"first_path": 5}])
def test_a_directory_begun_anew_is_another_run(tmp_path: Path, other: dict[str, Any]) -> None:
    run(tmp_path / "run", paths=600)
    shutil.rmtree(tmp_path / "run")
    found, fresh = (run(tmp_path / name, **{"paths": 600} | other) for name in ("run", "fresh"))
    found.verify()
    assert digests(tmp_path / "run") == digests(tmp_path / "fresh")
    same_statistics(found, fresh)


WRITER = """
import sys, time
import perpcore as pc
slow = lambda done, total: print("running", flush=True)
pc.presets.reference().monte_carlo(paths=10**9, seed=7, directory=sys.argv[1], progress=slow, n_threads=1)
"""


def test_a_second_writer_is_told_who_the_first_is(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        first.stdout.readline()
        for options in ({}, {"shard": (1, 4)}):
            with pytest.raises(pc.ScenarioError, match=f"process {first.pid} on .* is writing there"):
                run(tmp_path, **options)
        first.send_signal(signal.SIGKILL)
    with pytest.raises(pc.ScenarioError, match="begun with"):  # the lock is free, the run is another
        run(tmp_path)


@pytest.mark.parametrize("how", ["cut", "altered", "empty", "renamed"])
def test_a_damaged_shard_is_named(tmp_path: Path, how: str) -> None:
    whole = run(tmp_path)
    file, content = whole.files[3], whole.files[3].read_bytes()
    if how == "renamed":
        stray = file.rename(file.with_name(file.name.replace("part-00000003", "part-00000009")))
        with pytest.raises(pc.ScenarioError, match=f"{stray.name}.*which has 0 to 7. Remove the file"):
            pc.read_results(tmp_path)
        file = stray.rename(tmp_path / "aside")
        other = run(tmp_path).files[4]
        file = file.rename(file.with_name(other.name.replace("part-00000004", "part-00000003")))
        whole.files[3].unlink()
    else:
        altered = bytearray(content)
        altered[random.Random(1).randrange(len(content))] ^= 1
        file.write_bytes({"cut": content[:-100], "altered": altered, "empty": b""}[how])
    with pytest.raises(pc.ScenarioError, match=f"{file.name}.*Remove the file and run again"):
        run(tmp_path)
    with pytest.raises(pc.ScenarioError, match=file.name):
        pc.read_results(tmp_path).verify()
    if how in ("cut", "empty"):
        with pytest.raises(pc.ScenarioError, match=file.name):
            pc.read_results(tmp_path).hash()
    file.unlink()
    assert run(tmp_path).hash() == whole.hash()


@pytest.mark.parametrize("change", ['"paths": 1000', '"seed": 7', '"keep": "columns"', '"shard_paths": 128'])
def test_an_altered_manifest_is_what_is_blamed(tmp_path: Path, change: str) -> None:
    run(tmp_path)
    place = tmp_path / "manifest.json"
    text = place.read_text()
    assert change in text
    place.write_text(text.replace(change, '"keep": "statistics"' if "keep" in change else f"{change}0"))
    for call in (lambda: pc.read_results(tmp_path), lambda: run(tmp_path)):
        with pytest.raises(pc.ScenarioError, match=r"manifest.json is not allowed: .* altered since"):
            call()


@pytest.mark.parametrize("directory", ["", None, 5, b"run", "a\0b"])
def test_what_is_no_path_is_refused(directory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for call in (pc.read_results, run):
        if call is run and directory is None:
            continue  # that is a run in memory
        with pytest.raises(pc.ScenarioError, match=r"directory: .* is not allowed: the path of a directory"):
            call(directory)
    assert list(tmp_path.iterdir()) == []


def test_a_shard_that_is_gone_is_named(tmp_path: Path) -> None:
    found = run(tmp_path)
    found.files[2].unlink()
    with pytest.raises(pc.ScenarioError, match=rf"{found.files[2].name}.*can't be read \(No such file"):
        found.verify()


def test_two_files_of_one_shard_are_refused(tmp_path: Path) -> None:
    file = run(tmp_path).files[0]
    file.with_name("part-00000000-0123456789abcdef.parquet").write_bytes(file.read_bytes())
    with pytest.raises(pc.ScenarioError, match="same paths"):
        run(tmp_path)


def test_a_damaged_manifest_is_refused(tmp_path: Path) -> None:
    run(tmp_path)
    place = tmp_path / "manifest.json"
    text = place.read_text()
    for other in (text[:-40], text.replace("20500", "20501"), "{}", ""):
        place.write_text(other)
        for use in (lambda: run(tmp_path), lambda: pc.read_results(tmp_path)):
            with pytest.raises(pc.ScenarioError, match=r"manifest\.json"):
                use()
    place.unlink()
    with pytest.raises(pc.ScenarioError, match=r"no manifest\.json"):
        run(tmp_path)
    with pytest.raises(pc.ScenarioError, match=r"no manifest\.json"):
        pc.read_results(tmp_path)
    with pytest.raises(pc.ScenarioError, match="no such directory"):
        pc.read_results(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"paths": 0}, "paths: 0"),
        ({"n_threads": 0}, "n_threads: 0"),
        ({"keep": "rows"}, "keep: 'rows'"),
        ({"shard_paths": 0}, "shard_paths: 0"),
        ({"shard_paths": 5, "paths": 10**12}, "shard_paths: 5 .* at least 10,000"),
        ({"first_path": 2**64 - 5}, "first_path"),
        ({"shard": (0, 4)}, "shard: 0/4 .* from 1/4 to 4/4"),
        ({"shard": (5, 4)}, "shard: 5/4 .* from 1/4 to 4/4"),
        ({"shard": (1, 0)}, "shard: 1/0"),
        ({"shard": "1/4"}, "shard: '1/4' .* two whole numbers"),
        ({"progress": 3}, "progress: 3"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_is_made(
    tmp_path: Path, options: dict[str, object], said: str
) -> None:
    with pytest.raises(pc.ScenarioError, match=said):
        run(tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("option", [{"shard_paths": 5}, {"shard": (1, 2)}])
def test_shards_go_with_a_directory(option: dict[str, object]) -> None:
    with pytest.raises(pc.ScenarioError, match="only with a directory"):
        scenario().monte_carlo(paths=10, **option)  # type: ignore[arg-type]


def test_a_trillion_paths_are_planned_at_once(tmp_path: Path) -> None:
    began = time.perf_counter()

    def enough(done: int, total: int) -> None:
        assert total == 10**12
        raise InterruptedError

    with pytest.raises(InterruptedError):
        run(tmp_path, paths=10**12, shard_paths=None, progress=enough)
    assert time.perf_counter() - began < 5
    found = pc.read_results(tmp_path)
    assert found.missing()[0].stop == -(-(10**12) // found._manifest.shard_paths)


def test_a_missing_extra_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    for use in (lambda: run(tmp_path / "run"), lambda: pc.read_results(tmp_path)):
        with pytest.raises(pc.ScenarioError, match=r"pip install perpcore\[runs\]"):
            use()


def test_threads_are_shared_out() -> None:
    for n_threads, shards, window, each in [(8, 100, 8, 1), (8, 2, 2, 4), (1, 5, 1, 1), (3, 0, 1, 3)]:
        threads = Threads(run_shard, n_threads, shards)
        assert (threads.window, threads.threads_each) == (window, each)
        threads.close()
