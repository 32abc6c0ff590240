"""Plays the episode on one contestant and prints a line of JSON; `../episode.py` calls it."""

import argparse
import importlib
import json
from collections.abc import Callable
from dataclasses import asdict
from time import perf_counter
from typing import Any

from world import Outcome, World, draw

MODULES = {"plain": "plain", "bourse": "over_bourse", "lrvx": "over_lrvx"}


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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("who", choices=[*MODULES, "perpcore"])
    parser.add_argument("--accounts", type=int, required=True)
    parser.add_argument("--worlds", type=int, required=True, help="paths, for perpcore")
    parser.add_argument("--passes", type=int, required=True, help="the first counts only if alone")
    options = parser.parse_args()
    if options.who == "perpcore":
        times, means = importlib.import_module("over_perpcore").passes(
            options.accounts, options.worlds, options.passes
        )
        outcomes = []
    else:
        worlds = [draw(seed, options.accounts) for seed in range(options.worlds)]
        times, outcomes = passes(options.who, worlds, options.passes)
        outcomes = [asdict(outcome) for outcome in outcomes]
        means = {
            name: sum(outcome[name] for outcome in outcomes) / len(outcomes)
            for name in ("liquidations", "rounds", "price")
        }
    print(json.dumps({"times": times[1:] or times, "means": means, "outcomes": outcomes}))


if __name__ == "__main__":
    main()
