"""perpcore's preset of the episode: random numbers drawn inside the clock, money through a ledger."""

from time import perf_counter

import perpcore as pc

TRACED = 200  # paths run again with their trace, off the clock: the rows hold the last trade, not the mark


def passes(accounts: int, paths: int, count: int) -> tuple[list[float], dict[str, list[float]]]:
    """Milliseconds a path of each pass, and what came of each path."""
    scenario, times = pc.presets.two_books(accounts=accounts), []
    for _ in range(count):
        start = perf_counter()
        ensemble = scenario.monte_carlo(paths=paths, seed=1, n_threads=1, progress=False)
        times.append(1e3 * (perf_counter() - start) / paths)
    traced = (ensemble.run(path=path).stages for path in range(min(paths, TRACED)))
    ticks = [float(stages["mark"][-1]) / float(scenario.perp.tick_size) for stages in traced]
    liquidations, rounds = ensemble["liquidated_accounts"].tolist(), ensemble["rounds"].tolist()
    return times, {"liquidations": liquidations, "rounds": rounds, "price": ticks}
