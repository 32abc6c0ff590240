"""Kill a run in a directory with -9 again and again, and compare what comes of it with an undisturbed one.

`python tests/kills.py 100` does it a hundred times over and prints what it saw.
"""

import hashlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPT = """
import sys
import perpcore as pc

ladder = pc.Ladder(side="short", qty=30_000, lump=100, liquidation_price=[11, 13], placement="poisson")
few = pc.presets.rocketcoin().replace({"positions": [ladder], "ignition.qty": 20_500})
few.monte_carlo(paths=int(sys.argv[2]), seed=7, directory=sys.argv[1], shard_paths=4096, n_threads=2,
                progress=False)
"""


def start(directory: Path, paths: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", SCRIPT, str(directory), str(paths)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def finish(directory: Path, paths: int) -> float:
    """Run to the end; seconds it took."""
    began = time.perf_counter()
    run = start(directory, paths)
    _, said = run.communicate(timeout=120)
    assert run.returncode == 0, said
    return time.perf_counter() - began


def digests(directory: Path) -> dict[str, str]:
    """Every file there is, hidden ones too."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def killed(directory: Path, paths: int, shards: int, after: float) -> tuple[int, bool]:
    """Killed so long after so many shards were there: how many were, and whether one was half-written."""
    run = start(directory, paths)
    while len(list(directory.glob("part-*.parquet"))) < shards and run.poll() is None:
        time.sleep(0.001)
    time.sleep(after)
    run.send_signal(signal.SIGKILL)
    run.communicate(timeout=60)
    return len(list(directory.glob("part-*.parquet"))), any(directory.glob("*.tmp"))


def check(home: Path, times: int, paths: int, seed: int) -> list[tuple[int, bool]]:
    """Kill at `times` random moments; what is gone on with must end as the undisturbed run."""
    moment = random.Random(seed)
    calm, shards = home / "calm", -(-paths // 4096)
    length = finish(calm, paths)
    wanted, seen = digests(calm), []
    assert len(wanted) == 1 + shards
    begun = finish(calm, paths)  # what it takes where nothing is left to do
    each = max(length - begun, 0.1) / shards
    while len(seen) < times:
        place, there = home / f"killed-{len(seen)}", 0
        for _ in range(min(moment.randint(1, 3), times - len(seen))):
            # Before it has begun, or somewhere within the shard after so many.
            wanted_there = moment.randint(there, shards - 1)
            after = moment.uniform(0, begun if wanted_there == there else 2 * each)
            seen.append(killed(place, paths, wanted_there, after))
            there = seen[-1][0]
            if there == shards:
                break
        finish(place, paths)
        assert digests(place) == wanted, place
    return seen


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        seen = check(Path(home), int(sys.argv[1]), 200_000, seed=int(sys.argv[2]) if sys.argv[2:] else 1)
    drafts = sum(draft for _, draft in seen)
    print(f"killed {len(seen)} times, {drafts} of them within the writing of a file; shards then finished:")
    print(sorted(count for count, _ in seen))
    print("every run ended byte for byte as the undisturbed one")
