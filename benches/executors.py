"""What an engine costs: CPU seconds of the same shards on threads, a pool of processes, Dask and Ray.

To be called by a Python that has perpcore's release wheel with its extras `dask` and `ray`. Each engine runs
in a process of its own; counted is what that process and all below it used between the first shard and the
last, and apart from it what starting it took. `--write FILE` puts the table between its marks.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import psutil
from reporting import deliver, load, where

import perpcore as pc

SHARDS, EACH, ROUNDS = 12, 90_000, 2
ASKED = {"processes": "under 5 %", "dask": "reported", "ray": "reported"}


def spent() -> float:
    """CPU seconds of this process and all below it, those that ended included."""
    own, total = psutil.Process(), 0.0
    for process in (own, *own.children(recursive=True)):
        try:
            total += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return total


@contextmanager
def engine(name: str) -> Iterator[Executor | None]:
    if name == "threads":
        yield None
    elif name == "processes":
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            yield pool
    elif name == "dask":
        from distributed import Client, LocalCluster

        options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
        with LocalCluster(**options) as cluster, Client(cluster) as client:
            yield client.get_executor(pure=False)
    else:
        import ray

        from perpcore.runs import RayExecutor

        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield RayExecutor()
        ray.shutdown()


def measured(name: str) -> None:
    """In a process of its own."""
    scenario = pc.presets.reference(smallest_size=200)
    with engine(name) as executor, tempfile.TemporaryDirectory() as place:

        def run(paths: int, each: int, where: str) -> None:
            scenario.monte_carlo(
                paths=paths,
                seed=1,
                directory=Path(place, where),
                shard_paths=each,
                executor=executor,
                n_threads=2 if executor is None else None,
                progress=False,
            )

        run(4_000, 500, "warm")
        begun, clock = spent(), perf_counter()
        run(SHARDS * EACH, EACH, "run")
        print(json.dumps({"started": begun, "cpu": spent() - begun, "wall": perf_counter() - clock}))


def table() -> str:
    least: dict[str, dict[str, float]] = {}
    for _ in range(ROUNDS):
        for name in ("threads", *ASKED):
            command = [sys.executable, __file__, "--engine", name]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ)
            found = json.loads(done.stdout.splitlines()[-1])
            print(name, found, file=sys.stderr)
            least[name] = min(least.get(name, found), found, key=lambda each: each["cpu"])
    base = least["threads"]
    head = f"| {SHARDS} shards of {EACH:,} paths | CPU s | overhead | asked | wall s | start-up, CPU s |"
    lines = [head, "| --- | ---: | ---: | --- | ---: | ---: |"]
    for name, found in least.items():
        over = "" if name == "threads" else f"{100 * (found['cpu'] / base['cpu'] - 1):+.1f} %"
        cells = [f"{found['cpu']:.1f}", over, ASKED.get(name, ""), f"{found['wall']:.1f}"]
        lines.append(f"| {name} | {' | '.join(cells)} | {found['started']:.1f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table into this page")
    options = parser.parse_args()
    if options.engine:
        measured(options.engine)
        return
    deliver(options.write, "executors", f"{table()}\n\n{where([load()])}")


if __name__ == "__main__":
    main()
