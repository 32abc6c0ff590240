"""perpcore's preset of the episode: random numbers drawn inside the clock, money through a ledger."""

from time import perf_counter

import perpcore as pc


def passes(accounts: int, paths: int, count: int) -> tuple[list[float], dict[str, float]]:
    """Milliseconds a path of each pass, and means over the paths."""
    scenario, times = pc.presets.two_books(accounts=accounts), []
    for _ in range(count):
        start = perf_counter()
        ensemble = scenario.monte_carlo(paths=paths, seed=1, n_threads=1, progress=False)
        times.append(1e3 * (perf_counter() - start) / paths)
    names = {"liquidations": "liquidated_accounts", "rounds": "rounds", "price": "final_price"}
    return times, {ours: float(ensemble[theirs].mean()) for ours, theirs in names.items()}
