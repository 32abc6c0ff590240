"""Plays the episode on one contestant and prints a line of JSON; `../episode.py` calls it."""

import argparse
import importlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict
from statistics import fmean, stdev
from time import perf_counter
from typing import Any

from world import Outcome, World, draw

MODULES = {"plain": "plain", "bourse": "over_bourse", "lrvx": "over_lrvx"}
COMPARED = ("liquidations", "rounds", "price")


def passes(who: str, worlds: list[World], count: int) -> tuple[list[float], list[Outcome]]:
    """Milliseconds an episode of each pass through all worlds, and what came of each world."""
    module = importlib.import_module(MODULES[who])
    prepare: Callable[[World], Any] = getattr(module, "prepare", lambda world: world)
    prepared, times = [prepare(world) for world in worlds], []
    for _ in range(count):
        start = perf_counter()
        outcomes = [module.play(world) for world in prepared]
        times.append(1e3 * (perf_counter() - start) / len(worlds))
    return times, outcomes


def error(figures: list[float]) -> float:
    """The standard error of their mean."""
    return stdev(figures) / len(figures) ** 0.5 if len(figures) > 1 else math.inf


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("who", choices=[*MODULES, "perpcore"])
    parser.add_argument("--accounts", type=int, required=True)
    parser.add_argument("--worlds", type=int, required=True, help="paths, for perpcore")
    parser.add_argument("--passes", type=int, required=True, help="the first counts only if alone")
    options = parser.parse_args()
    if options.who == "perpcore":
        times, figures = importlib.import_module("over_perpcore").passes(
            options.accounts, options.worlds, options.passes
        )
        outcomes = []
    else:
        worlds = [draw(seed, options.accounts) for seed in range(options.worlds)]
        times, found = passes(options.who, worlds, options.passes)
        outcomes = [asdict(outcome) for outcome in found]
        figures = {name: [outcome[name] for outcome in outcomes] for name in COMPARED}
    means = {name: (fmean(of), error(of)) for name, of in figures.items()}
    print(json.dumps({"times": times[1:] or times, "means": means, "outcomes": outcomes}))


if __name__ == "__main__":
    main()
