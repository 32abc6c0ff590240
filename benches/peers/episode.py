"""The same squeeze in plain Python, over bourse, over lrvx, and by perpcore, in one run.

Makes an environment of its own, with the peers from PyPI and the wheel of perpcore that it is given, and
calls one contestant after the other in it. README.md has the episode's rules, the command and the last run.
"""

import argparse
import json
import math
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from reporting import deliver, load, ratio, spread, where  # noqa: E402

BOURSE, LRVX, NUMPY = "0.4.0", "0.11.0", "2.4.6"
WORKER = HERE / "episodes" / "worker.py"
WORLDS = {1_000: 100, 5_000: 4, 50_000: 1}  # by accounts: episodes a pass
COMPARED = ("liquidations", "rounds", "price")
PATHS = 20  # perpcore's paths for each of them
PASSES = 4
NOISE = 5  # standard errors that perpcore's means may be away from plain Python's


def environment(home: Path, wheel: Path | None) -> Path:
    """Its python, with the peers and the wheel installed."""
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*install, f"bourse=={BOURSE}", f"lrvx=={LRVX}", f"numpy=={NUMPY}"], check=True)
    if wheel:
        subprocess.run([*install, wheel], check=True)
        # Another build may have the same version.
        subprocess.run([*install, "--force-reinstall", "--no-deps", wheel], check=True)
    return python


def play(python: Path, who: str, accounts: int, limit: int) -> dict[str, Any] | None:
    """What the worker says; nothing if it takes longer than `limit` seconds."""
    worlds = WORLDS[accounts] * (PATHS if who == "perpcore" else 1)
    command = [python, WORKER, who, "--accounts", str(accounts), "--worlds", str(worlds)]
    command += ["--passes", str(PASSES if accounts == 1_000 else 2)]
    try:
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return None
    return json.loads(done.stdout)


class Runs:
    """Milliseconds an episode, and what came of it, by accounts and contestant."""

    def __init__(self, contestants: dict[str, str], limit: int):
        self.contestants, self.limit = contestants, limit
        self.times: dict[tuple[int, str], list[float] | None] = {}
        self.said: dict[tuple[int, str], dict[str, Any]] = {}

    def round(self, python: Path, accounts: int) -> None:
        for who in self.contestants:
            key = accounts, who
            if self.times.get(key, []) is None:
                continue
            said = play(python, who, accounts, self.limit)
            if said is None:
                self.times[key] = None
            else:
                self.times.setdefault(key, []).extend(said["times"])
                self.said[key] = said

    def cell(self, accounts: int, who: str) -> str:
        times = self.times[accounts, who]
        if times is None:
            return f"> {self.limit} s"
        return spread(
            times, next(digits for digits, least in enumerate((10, 1, 0.1, 0)) if min(times) >= least)
        )

    def fastest(self, accounts: int) -> list[float]:
        """The times of the fastest peer that came to an end."""
        peers = (self.times[accounts, who] for who in self.contestants if who != "perpcore")
        return min((times for times in peers if times), key=min, default=[])

    def differences(self) -> list[str]:
        """Where plain Python and bourse, given the same world, do not agree."""
        found, both = [], ("plain", "bourse")
        for accounts in WORLDS:
            if any(self.times[accounts, who] is None for who in both):
                continue  # the table says so
            pairs = (self.said[accounts, who]["outcomes"] for who in both)
            for seed, (plain, bourse) in enumerate(zip(*pairs, strict=True)):
                same = all(plain[name] == bourse[name] for name in COMPARED)
                if not same or abs(plain["fund"] - bourse["fund"]) > 1:
                    found.append(f"{accounts:,} accounts, seed {seed}: plain {plain}, bourse {bourse}")
        return found

    def astray(self) -> list[str]:
        """Where perpcore, in worlds of its own, is further from plain Python than chance takes it."""
        found, both = [], ("plain", "perpcore")
        if not all(self.times.get((1_000, who)) for who in both):
            return found
        for name in COMPARED:
            (plain, error), (ours, our_error) = (self.said[1_000, who]["means"][name] for who in both)
            if abs(ours - plain) > NOISE * math.hypot(error, our_error):
                found.append(f"{name}: {plain:.2f} in plain Python, {ours:.2f} by perpcore")
        return found


def table(runs: Runs) -> list[str]:
    text = [
        "| 1,000 accounts | ms an episode, minimum / median | liquidations | rounds | end mark |",
        "|---|---:|---:|---:|---:|",
    ]
    for who, words in runs.contestants.items():
        means = runs.said[1_000, who]["means"] if (1_000, who) in runs.said else {}
        ends = ("{:,.1f} ± {:.1f}".format(*means[name]) if means else "" for name in COMPARED)
        text.append(f"| {words} | {runs.cell(1_000, who)} | " + " | ".join(ends) + " |")
    return text


def scaling(runs: Runs) -> list[str]:
    heads = " | ".join(f"{accounts:,} accounts" for accounts in WORLDS)
    text = [f"| ms an episode, minimum / median | {heads} |", "|---|" + "---:|" * len(WORLDS)]
    for who, words in runs.contestants.items():
        text.append(f"| {words} | " + " | ".join(runs.cell(accounts, who) for accounts in WORLDS) + " |")
    if "perpcore" in runs.contestants:
        pairs = ((runs.fastest(accounts), runs.times[accounts, "perpcore"]) for accounts in WORLDS)
        cells = (f"**{ratio(peer, ours)}**" if peer and ours else "" for peer, ours in pairs)
        text.append("| **fastest peer / perpcore** | " + " | ".join(cells) + " |")
    return text


def report(runs: Runs, rounds: int, loads: list[str]) -> str:
    times = "once" if rounds == 1 else f"{rounds} times"
    counts = ", ".join(map(str, WORLDS.values()))
    head = [
        f"One contestant after the other, {times}; each time the mean of {counts} drawn worlds"
        + (f", perpcore of {PATHS} times as many paths." if "perpcore" in runs.contestants else "."),
        f"Python {sys.version.split()[0]}, numpy {NUMPY}, {where(loads)}",
    ]
    return "\n".join([*head, "", *table(runs), "", *scaling(runs)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--wheel", type=Path, help="perpcore's, as dist/perpcore-*.whl")
    source.add_argument("--without-perpcore", action="store_true", help="the peers alone")
    parser.add_argument("--venv", type=Path, default=HERE / ".venv" / "episode", help="made if not there")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=int, default=60, help="seconds that one process may take [60]")
    parser.add_argument("--write", type=Path, metavar="README.md", help="puts the tables between its marks")
    options = parser.parse_args()
    python = environment(options.venv.resolve(), options.wheel)
    contestants = {"plain": "plain Python", "bourse": f"bourse {BOURSE}", "lrvx": f"lrvx {LRVX}, its nearest"}
    if options.wheel:
        contestants["perpcore"] = f"perpcore {options.wheel.name.split('-')[1]}"
    runs, loads = Runs(contestants, options.limit), [load()]
    for number in range(options.rounds):
        for accounts in WORLDS:
            runs.round(python, accounts)
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    if differences := runs.differences():
        sys.exit("PLAIN PYTHON AND BOURSE DO NOT AGREE:\n" + "\n".join(differences))
    if astray := runs.astray():
        sys.exit("PERPCORE PLAYS ANOTHER EPISODE:\n" + "\n".join(astray))
    deliver(options.write, "episode", report(runs, options.rounds, [*loads, load()]))


if __name__ == "__main__":
    main()
