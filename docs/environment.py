"""Writes the tables of docs/GYM.md: what an agent sees and does, and what the example agents make.

python docs/environment.py            # prints them, from fewer paths
python docs/environment.py --write    # puts them where the file has their marks (some minutes on two cores)
python docs/environment.py --check    # fails where the file was made of other episodes
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

import perpcore as pc

sys.path.insert(0, str(Path(__file__).parent))
import pages  # beside this script

FILE = Path(__file__).with_name("GYM.md")
SCRIPT = "environment.py"
JUDGED, FEW = range(100, 300), range(100, 104)  # the examples' figures were chosen on paths 0 to 39
TERMS = {"capital": 20_000, "max_order": 500, "steps_per_action": 10}

Policy = Callable[[np.ndarray], np.ndarray]


def nothing(_: pc.gym.Market) -> Policy:
    """Does nothing."""
    return lambda _: pc.gym.action()


def chance(env: pc.gym.Market) -> Policy:
    """Any action, each as likely; the same ones in the same episode."""
    env.action_space.seed(1)
    return lambda _: env.action_space.sample()


WHO: dict[str, Callable[[pc.gym.Market], Policy]] = {
    "nothing": nothing,
    "random actions": chance,
    "hunter": pc.gym.Hunter,
    "market maker": pc.gym.Quoter,
}


def market(horizon_s: int | None = None) -> pc.gym.Market:
    """The environment of the page."""
    return pc.gym.Market("rocketcoin-live", horizon_s=horizon_s, **TERMS)


def played(path: int, horizon_s: int | None = None) -> list[pc.gym.Episode]:
    """An episode of each."""
    env = market(horizon_s)
    return [pc.gym.play(env, make(env), path=path) for make in WHO.values()]


def mean(values: np.ndarray) -> str:
    """With its 95 % interval (normal)."""
    middle, half = values.mean(), 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    return f"{middle:,.0f} ({middle - half:,.0f} to {middle + half:,.0f})"


def agents(paths: range) -> str:
    """What each made."""
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        episodes = list(pool.map(played, paths))
    rows = []
    for name, each in zip(WHO, zip(*episodes, strict=True), strict=True):
        profit = np.array([episode.profit for episode in each])
        worst, middle, best = np.quantile(profit, (0.05, 0.5, 0.95))
        liquidated = 100 * np.mean([episode.liquidated for episode in each])
        lost = 100 * np.mean(profit < 0)
        figures = [mean(profit), *(f"{value:,.0f}" for value in (worst, middle, best))]
        rows.append([name, *figures, f"{lost:.0f} %", f"{liquidated:.0f} %"])
    head = [f"profit, $ ({len(paths)} paths)", "mean", "5 %", "median", "95 %", "loses", "liquidated"]
    return pages.table(head, rows)


def parts(components: tuple[pc.gym.Component, ...]) -> str:
    """A table of components."""
    rows = [[f"`{c.name}`", c.meaning, f"{c.low:,g} to {c.high:,g}"] for c in components]
    return "\n".join(
        "| " + " | ".join(row) + " |" for row in [["component", "what it is", "bounds"], ["---"] * 3, *rows]
    )


def observation() -> str:
    """Its components, at one level and one reach."""
    seen = pc.gym.Market("rocketcoin-live", levels=1, reaches=[0.05]).components
    return parts(seen)


def fingerprint() -> str:
    """Of the first half hour of each agent's first episode."""
    profits = [f"{episode.profit:.6f}" for episode in played(JUDGED[0], 1_800)]
    return f"`{hashlib.blake2b(' '.join(profits).encode(), digest_size=8).hexdigest()}`"


def main() -> None:
    """Print, write or check."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    if given.check:
        text = FILE.read_text(encoding="utf-8")
        if not all(made in text for made in (fingerprint(), observation(), parts(pc.gym.Market().actions))):
            sys.exit("docs/GYM.md is of another engine: python docs/environment.py --write")
        return
    made = {
        "observation": observation(),
        "action": parts(pc.gym.Market().actions),
        "agents": agents(JUDGED if given.write else FEW),
        "fingerprint": fingerprint(),
    }
    pages.deliver(FILE, SCRIPT, made, write=given.write)


if __name__ == "__main__":
    main()
