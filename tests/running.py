"""What the tests of runs in a directory share: a quick scenario, its run, what equal ensembles are."""

from pathlib import Path

import numpy as np

import perpcore as pc
from kills import digests
from perpcore.runs import manifest

__all__ = ["PATHS", "SEED", "SHARD", "digests", "in_memory", "name_of", "run", "same_statistics", "scenario"]

PATHS, SHARD, SEED = 1_000, 128, 7


def scenario() -> pc.Scenario:
    ladder = pc.Ladder(side="short", qty=30_000, lump=100, liquidation_price=[11, 13], placement="poisson")
    return pc.presets.rocketcoin().replace({"positions": [ladder], "ignition.qty": 20_500})


def in_memory() -> pc.Ensemble:
    return scenario().monte_carlo(paths=PATHS, seed=SEED, progress=False)


def run(directory: Path, of: pc.Scenario | None = None, **options: object) -> pc.Results:
    given = {"paths": PATHS, "seed": SEED, "shard_paths": SHARD, "progress": False} | options
    found = (of or scenario()).monte_carlo(directory=directory, **given)  # type: ignore[arg-type]
    assert isinstance(found, pc.Results)
    return found


def name_of(directory: Path) -> str:
    """Which run is there."""
    there = manifest.read(directory)
    assert there
    return there.name()


def same_statistics(one: pc.Ensemble, other: pc.Ensemble) -> None:
    assert (one.hash(), len(one), one.stop_reasons) == (other.hash(), len(other), other.stop_reasons)
    assert one.describe() == other.describe()
    for name in one.columns:
        if name not in ("path", "stop_reason"):
            np.testing.assert_equal(one.moments(name), other.moments(name))
            for q in (0.01, 0.5, 0.999):
                np.testing.assert_equal(one.quantile(name, q), other.quantile(name, q))
                np.testing.assert_equal(one.tail_expectation(name, q), other.tail_expectation(name, q))
