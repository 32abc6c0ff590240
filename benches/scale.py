"""What one core does, and from that what a trillion paths or a book of 100 million accounts would take.

To be called by a Python that has perpcore's release wheel with its extra `runs`. Rates are of CPU seconds of
the process (a busy machine shows less in them than in the clock), files and memory as they come. `--write
FILE` puts the tables between their marks.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from reporting import deliver

import perpcore as pc
from perpcore.runs import plan

WORLDS = {  # name: scenario, paths
    "light": (lambda: pc.presets.reference(smallest_size=20), 131_072),
    "heavy": (lambda: pc.presets.reference(smallest_size=200), 32_768),
    "RocketCoin live": (pc.presets.rocketcoin_live, 256),
}
TRILLION, DEAR_CORE_HOUR, DEAR_GB_MONTH = 10**12, 0.04, 0.023
ACCOUNTS, BOOK = 1_000_000, 100_000_000


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def shards(scenario: pc.Scenario, paths: int, keep: str) -> tuple[float, float, float]:
    """CPU seconds, bytes and seconds of merging one shard of so many paths."""
    with tempfile.TemporaryDirectory() as place:
        begun = process_time()
        scenario.monte_carlo(
            paths=paths, seed=1, directory=place, shard_paths=paths, n_threads=1, keep=keep, progress=False
        )
        spent = process_time() - begun
        size = sum(file.stat().st_size for file in Path(place).glob("part-*.parquet"))
        begun = process_time()
        pc.read_results(place).hash()
        return spent, size, process_time() - begun


def trillion() -> str:
    rows = []
    for name, (make, paths) in WORLDS.items():
        scenario = make()
        shards(scenario, paths // 16, "columns")  # warms up
        with_rows = shards(scenario, paths, "columns")
        without = shards(scenario, paths, "statistics")
        for keep, (spent, size, merging) in (("columns", with_rows), ("statistics", without)):
            core_years = TRILLION * spent / paths / 3600 / 24 / 365.25
            options = {"seed": 1, "first_path": 0, "paths": TRILLION, "keep": keep}
            parts = TRILLION / plan.shard_paths(scenario._json(), **options, slices=1)  # as cut by default
            stored = TRILLION * size / paths if keep == "columns" else parts * size
            dollars = core_years * 24 * 365.25 * DEAR_CORE_HOUR
            rows.append(
                [
                    f"{name}, {keep}",
                    f"{paths / spent:,.0f}",
                    f"{size / paths:,.1f}",
                    f"{core_years:,.1f}",
                    f"{dollars:,.0f}",
                    f"{stored / 1e12:,.2f}",
                    f"{stored / 1e9 * DEAR_GB_MONTH:,.0f}",
                    f"{parts / 1e6:,.1f}",
                    f"{parts * merging / 3600:,.1f}",
                ]
            )
    head = [
        "world, kept",
        "paths a CPU s",
        "bytes a path",
        "core-years",
        "$",
        "TB",
        "$ a month",
        "shards, M",
        "merging, core-h",
    ]
    return table(head, rows)


def prepare(accounts: int) -> None:
    """In a process of its own: CPU seconds and memory of a book of so many accounts."""
    rng, near = np.random.default_rng(7), np.linspace(10.55, 11.5, 1_000)
    columns = {
        "side": np.full(accounts, "short"),
        "qty": rng.integers(1, 100, accounts),
        "liquidation_price": np.concatenate([near, rng.uniform(25, 60, accounts - len(near))]),
    }
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = process_time()
    base = pc.presets.rocketcoin().replace({"ignition.qty": pc.Uniform(34_000, 36_000)})
    scenario = base.replace(positions=[pc.Accounts(**columns)])
    prepared = process_time() - begun
    begun = process_time()
    scenario.monte_carlo(paths=1, seed=1, n_threads=1, progress=False)
    first = process_time() - begun
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(prepared, first, grown)


def book() -> str:
    command = [sys.executable, __file__, "--prepare", str(ACCOUNTS)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    prepared, first, grown = map(float, said.split())
    times = BOOK // ACCOUNTS
    rows = [
        [f"{ACCOUNTS:,}", f"{prepared:.2f}", f"{first:.2f}", f"{grown / 1e9:.2f}"],
        [f"{BOOK:,}", f"{times * prepared:.0f}", f"{times * first:.0f}", f"{times * grown / 1e9:.1f}"],
    ]
    head = ["accounts", "prepared, CPU s", "first path of a thread, CPU s", "memory with one thread, GB"]
    return table(head, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepare", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables into this page")
    options = parser.parse_args()
    if options.prepare:
        prepare(options.prepare)
        return
    begun = perf_counter()
    made = {"trillion": trillion(), "book": book()}
    for name, text in made.items():
        deliver(options.write, name, text)
    print(f"{perf_counter() - begun:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
