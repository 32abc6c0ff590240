"""perpcore's reference ensemble beside the floor of `../shared/reference`, a sketch without ledger or queues.

Compiles the sketch into a temporary directory, builds the bench target `ensemble`, runs the two in turn on
one core. `--instructions` counts instructions too, under valgrind, which no load on the machine disturbs.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from reporting import deliver, load, ratio, spread, where

ROOT = Path(__file__).resolve().parents[1]
ACCOUNTS, SIZES = 1_000, (200, 20)  # smallest size in dollars
COUNTED = 500, 2_500  # paths; the difference leaves the set-up out
SAID = re.compile(
    r"(?P<us>[\d.]+) us/path .*liq (?P<liquidations>[\d.]+) fills (?P<fills>[\d.]+) "
    r"rounds (?P<rounds>[\d.]+) final (?P<final_price>[\d.]+)"
)

Command = list[str | Path]


@dataclass
class Contestant:
    """A command for a size and a number of paths, and what its runs said, by size."""

    name: str
    command: Callable[[int, int], Command]
    times: dict[int, list[float]] = field(default_factory=dict)
    did: dict[int, dict[str, float]] = field(default_factory=dict)
    instructions: dict[int, float] = field(default_factory=dict)


def build_sketch(source: Path, folder: Path) -> Path:
    if not source.is_file():
        sys.exit(f"{source}: not here. The floor lies beside the checkout, in ../shared (or --sketch PATH)")
    if not shutil.which("rustc"):
        sys.exit("rustc: not found")
    binary = folder / "floor"
    command = ["rustc", "-C", "opt-level=3", "-C", "codegen-units=1", "-A", "warnings", "-o", binary, source]
    subprocess.run(command, check=True)
    return binary


def build_ours() -> Path:
    """The bench target `ensemble`, in the bench profile."""
    command = ["cargo", "bench", "--locked", "--bench", "ensemble", "--no-run", "--message-format=json"]
    done = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-artifact" and message["target"]["name"] == "ensemble":
            return Path(message["executable"])
    sys.exit("cargo named no executable of the bench target `ensemble`")


def contestants(sketch: Path, ours: Path) -> list[Contestant]:
    def quoting(*words: str) -> Callable[[int, int], Command]:
        return lambda size, paths: [ours, "time", str(size), str(paths), *words]

    return [
        Contestant("the sketch", lambda size, paths: [sketch, str(ACCOUNTS), str(paths), str(size)]),
        Contestant("perpcore", quoting()),
        Contestant("perpcore, quoting anew each round", quoting("requote")),
    ]


def ask(command: Command) -> tuple[float, dict[str, float]]:
    """Microseconds a path, and what happened in a path on average."""
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    if said := SAID.search(text):
        numbers = {name: float(number) for name, number in said.groupdict().items()}
    else:
        numbers = json.loads(text)
        numbers["us"] = numbers.pop("ns_per_path") / 1e3
    return numbers.pop("us"), numbers


def measure(all_of_them: list[Contestant], rounds: int, paths: int) -> None:
    """Another one first in each round."""
    for number in range(rounds):
        for size in SIZES:
            for at in range(len(all_of_them)):
                who = all_of_them[(number + at) % len(all_of_them)]
                spent, who.did[size] = ask(who.command(size, paths))
                who.times.setdefault(size, []).append(spent)
        print(f"round {number + 1} of {rounds}", file=sys.stderr)


def instructions(command: Command) -> int:
    callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run([*callgrind, *command], check=True, capture_output=True, text=True)
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def count(all_of_them: list[Contestant]) -> None:
    few, many = COUNTED
    for size in SIZES:
        for who in all_of_them:
            more = instructions(who.command(size, many)) - instructions(who.command(size, few))
            who.instructions[size] = more / (many - few)
        print(f"counted, smallest size {size}", file=sys.stderr)


def line(words: str, cells: list[str]) -> str:
    return f"| {words} | " + " | ".join(cells) + " |"


def timings(all_of_them: list[Contestant]) -> list[str]:
    sketch, ours, anew = all_of_them
    pairs = {"perpcore / the sketch": (ours, sketch), "quoting anew / not": (anew, ours)}
    heads = [f"sizes from ${size}" for size in SIZES]
    text = [line("µs a path, minimum / median", heads), "|---|" + "---:|" * len(SIZES)]
    for who in all_of_them:
        text.append(line(who.name, [spread(who.times[size], 2) for size in SIZES]))
    for words, (over, under) in pairs.items():
        cells = [f"**{ratio(over.times[size], under.times[size])}**" for size in SIZES]
        text.append(line(f"**{words}**", cells))
    if not sketch.instructions:
        return text
    for who in all_of_them:
        cells = [f"{who.instructions[size]:,.0f}" for size in SIZES]
        text.append(line(f"instructions a path: {who.name}", cells))
    for words, (over, under) in pairs.items():
        cells = [f"**{over.instructions[size] / under.instructions[size]:.2f}**" for size in SIZES]
        text.append(line(f"**instructions: {words}**", cells))
    return text


def happened(all_of_them: list[Contestant]) -> list[str]:
    names = ("liquidations", "fills", "rounds", "final_price")
    heads = [name.replace("_", " ") for name in names]
    text = [line("a path, on average", heads), "|---|" + "---:|" * len(names)]
    for size in SIZES:
        for who in all_of_them:
            cells = [f"{who.did[size][name]:,.2f}" for name in names]
            text.append(line(f"{who.name}, sizes from ${size}", cells))
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--paths", type=int, default=20_000, help="a run [20000]")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--instructions", action="store_true", help="count them too, under valgrind")
    parser.add_argument(
        "--sketch", type=Path, default=ROOT.parent / "shared" / "reference" / "cascade_lazy.rs"
    )
    parser.add_argument("--write", type=Path, metavar="README.md", help="puts the tables between its marks")
    options = parser.parse_args()
    if options.instructions and not shutil.which("valgrind"):
        sys.exit("valgrind: not found; leave --instructions out")
    loads = [load()]
    with tempfile.TemporaryDirectory() as folder:
        all_of_them = contestants(build_sketch(options.sketch, Path(folder)), build_ours())
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # this process and those it starts
        measure(all_of_them, options.rounds, options.paths)
        if options.instructions:
            count(all_of_them)
    head = (
        f"{ACCOUNTS:,} accounts, {options.paths:,} paths a run, {options.rounds} rounds. "
        f"{where([*loads, load()])}"
    )
    text = [head, "", *timings(all_of_them), "", *happened(all_of_them)]
    deliver(options.write, "floor", "\n".join(text))


if __name__ == "__main__":
    main()
