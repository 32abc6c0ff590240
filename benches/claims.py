"""What is claimed of speed and memory, each figure beside what it is measured against, in one run.

To be called by a Python that has perpcore's release wheel. Builds the bench target `ensemble` (Rust alone)
and times it in turn with `monte_carlo` on one thread and on two, over the same paths: their means must agree,
or the script fails. Python's time has everything in it from the scenario to a column of doubles, the checks
before the first path too. `--memory` adds ten million paths, as statistics and
into a directory, which takes some minutes.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from floor import ask, build_ours
from reporting import deliver, load, ratio, spread, where

# Scenarios as `ensemble` names them, by their words, and the paths of a run.
SCENARIOS = {"200": "heavy", "20": "light"} | {
    f"two_books:{accounts}": f"two books, {accounts:,}" for accounts in (1_000, 5_000, 50_000)
}
PATHS = dict(zip(SCENARIOS, (20_000, 50_000, 10_000, 2_000, 200), strict=True))
SIZES = ("200", "20")
EPISODE, EMPTY, EMPTIER = list(SCENARIOS)[2:]
COMPARED = ("liquidations", "rounds", "final_price")
FEW, MANY = 1_000_000, 10_000_000
CORES = sorted(os.sched_getaffinity(0))

Row = tuple[str, str, str, bool | None]  # claim, asked, measured, whether it holds
VERDICT = {True: "yes", False: "**no**", None: ""}


@dataclass
class Runner:
    """Who runs which scenarios, on which cores, and what came of it: microseconds a path, and means."""

    words: str
    scenarios: tuple[str, ...]
    cores: list[int]
    command: Callable[[str, int], list[str | Path]]
    times: dict[str, list[float]] = field(default_factory=dict)
    did: dict[str, dict[str, float]] = field(default_factory=dict)

    def run(self, name: str) -> None:
        os.sched_setaffinity(0, self.cores)  # those started inherit it
        spent, self.did[name] = ask(self.command(name, PATHS[name]))
        self.times.setdefault(name, []).append(spent)

    def least(self, name: str) -> float:
        return min(self.times[name])


def scenario_of(name: str | int):
    import perpcore as pc

    if isinstance(name, str):
        return pc.presets.two_books(accounts=int(name.removeprefix("two_books:")))
    return pc.presets.reference(smallest_size=name)


def play(name: str | int, paths: int, n_threads: int) -> dict[str, float]:
    """In a process of its own: nanoseconds a path, from the scenario to a column of doubles."""
    scenario = scenario_of(name)
    start = perf_counter()
    ensemble = scenario.monte_carlo(paths=paths, seed=1, n_threads=n_threads, progress=False)
    prices = ensemble["final_price"]
    spent = perf_counter() - start
    columns = ensemble["liquidated_accounts"], ensemble["rounds"], prices
    means = (round(float(column.mean()), 4) for column in columns)
    return {"ns_per_path": 1e9 * spent / paths} | dict(zip(COMPARED, means, strict=True))


def twins(name: str | int, paths: int) -> dict[str, float]:
    """The same by two processes at once, one thread and one core each: what the machine itself gives."""
    cores, both = sorted(os.sched_getaffinity(0)), []
    for core in cores:
        os.sched_setaffinity(0, {core})
        both.append(subprocess.Popen(child("play", name, paths, 1), stdout=subprocess.PIPE, text=True))
    said = [json.loads(process.communicate()[0]) for process in both]
    return said[0] | {"ns_per_path": sum(each["ns_per_path"] for each in said) / len(cores) ** 2}


def fill(paths: int) -> dict[str, float]:
    """In a process of its own: the most memory that statistics of so many light paths took, in MB."""
    ensemble = scenario_of(20).monte_carlo(paths=paths, seed=1, keep="statistics", progress=False)
    assert len(ensemble) == paths
    return {"mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3}


def write(paths: int) -> dict[str, float]:
    """The same of so many light paths with all columns, into a directory; and the bytes of a row there."""
    with tempfile.TemporaryDirectory() as place:
        found = scenario_of(20).monte_carlo(paths=paths, seed=1, directory=place, progress=False)
        size = sum(file.stat().st_size for file in found.files)
    return {"mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, "bytes": size / paths}


def child(*words: str | int) -> list[str | Path]:
    return [sys.executable, Path(__file__), "--child", *map(str, words)]


def runners() -> list[Runner]:
    ours, every, one_core = build_ours(), tuple(SCENARIOS), CORES[-1:]

    def rust(*words: str) -> Callable[[str, int], list[str | Path]]:
        return lambda name, paths: [ours, "time", name, str(paths), *words]

    def python(n_threads: int) -> Callable[[str, int], list[str | Path]]:
        return lambda name, paths: child("play", name, paths, n_threads)

    return [
        Runner("Rust alone", every, one_core, rust()),
        Runner("the same, ten times the accounts", SIZES, one_core, rust("tenfold")),
        Runner("`monte_carlo(n_threads=1)`", every, one_core, python(1)),
        Runner("`monte_carlo(n_threads=2)`", SIZES, CORES[-2:], python(2)),
        Runner(
            "two processes of one thread at once",
            SIZES,
            CORES[-2:],
            lambda name, paths: child("twins", name, paths),
        ),
    ]


def measure(all_of_them: list[Runner], rounds: int) -> None:
    """Another one first in each round."""
    for number in range(rounds):
        for name in SCENARIOS:
            taking_part = [who for who in all_of_them if name in who.scenarios]
            for at in range(len(taking_part)):
                taking_part[(number + at) % len(taking_part)].run(name)
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    os.sched_setaffinity(0, CORES)


def compare(all_of_them: list[Runner]) -> None:
    """Rust's scenarios and Python's are the same, to the last path."""
    rust, tenfold, *python = all_of_them
    for who in python:
        for name in who.scenarios:
            for figure in COMPARED:
                one, other = rust.did[name][figure], who.did[name][figure]
                if abs(one - other) > 1.1e-4:  # the last digit that is printed
                    sys.exit(f"{SCENARIOS[name]}, {figure}: {one} in Rust, {other} by {who.words}")
    for name in SIZES:
        one, other = rust.did[name]["liquidations"], tenfold.did[name]["liquidations"]
        if abs(other / one - 1) > 0.01:
            sys.exit(f"{SCENARIOS[name]}: {one} liquidations a path, {other} with ten times the accounts")


def claims(all_of_them: list[Runner]) -> Iterator[Row]:
    rust, tenfold, one, two, processes = all_of_them
    pairs = [
        ("`monte_carlo` / Rust alone, one thread", one, rust, "at most 1.03", lambda x: x <= 1.03),
        ("ten times the accounts / not", tenfold, rust, "at most 1.3", lambda x: x <= 1.3),
        ("one thread / two", one, two, "at least 1.9", lambda x: x >= 1.9),
    ]
    for words, over, under, asked, holds in pairs:
        for name in SIZES:
            found = ratio(over.times[name], under.times[name])
            yield f"{words}, {SCENARIOS[name]}", asked, found, holds(over.least(name) / under.least(name))
    for name in SIZES:
        found = ratio(one.times[name], processes.times[name])
        yield f"one process / two at once: what the machine gives, {SCENARIOS[name]}", "", found, None
    a_second = 1e6 / one.least("20")
    yield "light cascades a second on one core", "at least 30,000", f"{a_second:,.0f}", a_second >= 30_000
    seconds = spread(two.times["20"], 1)  # a microsecond a path
    yield "a million light cascades on two threads, s", "at most 17", seconds, two.least("20") <= 17
    episode = [us / 1e3 for us in one.times[EPISODE]]
    yield "an episode of two books, ms", "at most 0.15", spread(episode, 3), min(episode) <= 0.15
    found, growth = ratio(rust.times[EMPTIER], rust.times[EMPTY]), rust.least(EMPTIER) / rust.least(EMPTY)
    yield "an exhausted book, 50,000 accounts / 5,000", "at most 10", found, growth <= 10


def memory() -> Iterator[Row]:
    most = []
    for paths in (FEW, MANY):
        done = subprocess.run(child("fill", paths), check=True, stdout=subprocess.PIPE, text=True)
        most.append(json.loads(done.stdout)["mb"])
        print(f"{paths:,} paths: {most[-1]:.0f} MB", file=sys.stderr)
    few, many = most
    yield "most memory, statistics of 10 M paths, MB", "under 200", f"{many:.0f}", many < 200
    yield "the same over 1 M", "flat", f"{many / few:.2f}", many / few < 1.05
    done = subprocess.run(child("write", MANY), check=True, stdout=subprocess.PIPE, text=True)
    written = json.loads(done.stdout)
    held, row = written["mb"], written["bytes"]
    yield (
        "most memory, 10 M paths with all columns into a directory, MB",
        "under 500",
        f"{held:.0f}",
        held < 500,
    )
    yield "Parquet, bytes a row", "", f"{row:.1f}", None


def line(words: str, cells: list[str]) -> str:
    return f"| {words} | " + " | ".join(cells) + " |"


def report(all_of_them: list[Runner], rows: list[Row]) -> str:
    text = [line("µs a path, minimum / median", list(SCENARIOS.values())), "|---|" + "---:|" * len(SCENARIOS)]
    for who in all_of_them:
        cells = [spread(who.times[name], 1) if name in who.scenarios else "" for name in SCENARIOS]
        text.append(line(who.words, cells))
    text += ["", line("", ["asked", "measured", "holds"]), "|---|---:|---:|---|"]
    text += [line(words, [asked, found, VERDICT[holds]]) for words, asked, found, holds in rows]
    return "\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--memory", action="store_true", help="statistics of ten million paths too")
    parser.add_argument("--write", type=Path, metavar="README.md", help="puts the tables between its marks")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        (task, *words) = options.child
        tasks = {"play": play, "twins": twins, "fill": fill, "write": write}
        print(json.dumps(tasks[task](*(int(word) if word.isdigit() else word for word in words))))
        return
    if len(CORES) < 2:
        sys.exit("two cores are compared with one: start it on at least two")
    all_of_them, before = runners(), load()
    measure(all_of_them, options.rounds)
    compare(all_of_them)
    rows = [*claims(all_of_them), *(memory() if options.memory else ())]
    counts = ", ".join(f"{paths:,}" for paths in PATHS.values())
    head = f"{counts} paths a run, {options.rounds} rounds. What is asked is asked of the minima."
    deliver(options.write, "claims", f"{head} {where([before, load()])}\n\n{report(all_of_them, rows)}")


if __name__ == "__main__":
    main()
