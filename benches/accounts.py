"""A million real accounts against ten thousand: preparing them, and a path that burns a thousand of either.

To be called by a Python that has perpcore's release wheel. Prints the seconds from arrays to a scenario, the
microseconds a path of 10,000 ignitions on one thread and on two (least of some rounds, in turn), and the
memory.
"""

import argparse
import resource
from time import perf_counter

import numpy as np

import perpcore as pc

BURNT, SIZES, PATHS, ROUNDS = 1_000, (10_000, 1_000_000), 10_000, 3
ASKED_RATIO, ASKED_SECONDS = 1.3, 1.0


def arrays(accounts: int) -> dict[str, np.ndarray]:
    """Columns of shorts in any order, `BURNT` of them within reach of the push."""
    rng = np.random.default_rng(7)
    near, far = np.linspace(10.55, 11.5, BURNT), rng.uniform(25, 60, accounts - BURNT)
    order = rng.permutation(accounts)
    return {
        "side": np.full(accounts, "short"),
        "qty": np.concatenate([np.full(BURNT, 20), rng.integers(1, 100, accounts - BURNT)])[order],
        "liquidation_price": np.concatenate([near, far])[order],
    }


def prepared(columns: dict[str, np.ndarray]) -> tuple[pc.Scenario, float]:
    base = pc.presets.rocketcoin().replace({"ignition.qty": pc.Uniform(34_000, 36_000)})
    begun = perf_counter()
    scenario = base.replace(positions=[pc.Accounts(**columns)])
    return scenario, perf_counter() - begun


def timed(scenario: pc.Scenario, paths: int, threads: int) -> float:
    begun = perf_counter()
    mc = scenario.monte_carlo(paths=paths, seed=1, n_threads=threads, progress=False)
    assert (mc["liquidated_accounts"] == BURNT).all()
    return perf_counter() - begun


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    scenarios, least = {}, {}
    for accounts in SIZES:
        columns, before = arrays(accounts), memory()
        scenarios[accounts], seconds = prepared(columns)
        grown = memory() - before
        said = f" (asked: under {ASKED_SECONDS} s)" if accounts == SIZES[-1] else ""
        print(f"{accounts:>9,} accounts: prepared in {seconds:.3f} s{said}, {grown:.0f} MB at most")
    for threads in (1, 2):
        for _ in range(ROUNDS):
            for accounts, scenario in scenarios.items():
                spent = timed(scenario, PATHS, threads)
                least[accounts] = min(spent, least.get(accounts, spent))
        small, large = (least[accounts] / PATHS * 1e6 for accounts in SIZES)
        text = f"{small:.1f} and {large:.1f} us a path, first one included, ratio {large / small:.3f}"
        print(f"{threads} threads: {text} (asked: at most {ASKED_RATIO})")
        least.clear()
    print(f"{memory():.0f} MB in all")


if __name__ == "__main__":
    main()
