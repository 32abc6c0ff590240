"""How a run is cut into shards: by what its first paths come to, so that all machines cut alike."""

from __future__ import annotations

import math

from perpcore import _core

SHARD_NS = 5_000_000_000  # what a shard should take on one core
PROBE_NS = 500_000_000  # what looking ahead may take
MAX_PROBE = 64
PER_SLICE = 8  # shards at least, so that no slice has much more than another

# Nanoseconds on a 2.5 GHz core, from presets; a wrong one makes shards longer or shorter, nothing else.
PATH_NS, ROUND_NS, LIQUIDATION_NS, EVENT_NS = 1_000, 1_500, 35, 60
ROW_NS = 1_500  # to write a row


def shard_paths(scenario: str, *, seed: int, first_path: int, paths: int, keep: str, slices: int) -> int:
    """How many paths of a scenario take some five seconds: a power of two.

    Parameters
    ----------
    scenario : str
        As the core reads it.
    seed, first_path, paths : int
        The whole run.
    keep : {"columns", "statistics"}
    slices : int
        How many share it.

    Returns
    -------
    int
    """
    cost, probed, most = 0, 0, min(paths, MAX_PROBE)
    while probed < most and cost < PROBE_NS:
        count = min(max(1, probed), most - probed)
        cost += _cost(scenario, seed=seed, first_path=first_path + probed, paths=count)
        probed += count
    each = cost / probed + (ROW_NS if keep == "columns" else 0)
    found = 1 << max(0, round(math.log2(SHARD_NS / each)))
    share = max(1, paths // (PER_SLICE * slices))
    return min(found, 1 << (share.bit_length() - 1)) if slices > 1 else found


def _cost(scenario: str, *, seed: int, first_path: int, paths: int) -> int:
    """What paths cost by what happened in them."""
    core = _core.monte_carlo(scenario, paths=paths, seed=seed, first_path=first_path)
    if core.error is not None:
        raise core.error

    def total(name: str) -> int:
        column = core.column(name, exact=True)
        return 0 if isinstance(column, tuple) else int(column.sum())

    events = total("events") if "events" in core.column_names else 0
    rounds, liquidations = total("rounds"), total("liquidated_accounts")
    return PATH_NS * paths + ROUND_NS * rounds + LIQUIDATION_NS * liquidations + EVENT_NS * events
