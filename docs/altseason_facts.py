"""Measures stylised facts of `pc.presets.altseason()`: the quiet market, its squeezes, what metaorders move.

python docs/altseason_facts.py                          # prints the quiet market's, from few seeds
python docs/altseason_facts.py --seeds 40 --write       # into docs/ALTSEASON.md
python docs/altseason_facts.py --squeezes 10 --liquidations FILE    # beside a venue's recorded liquidations
python docs/altseason_facts.py --impact 200             # in books that lie there, and in markets that react
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import perpcore as pc
from perpcore.analysis import facts

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import altseason  # beside this script
import pages

import impact_worlds  # those that tests measure

FIRST, LAST = 2, 12  # days of one-minute returns
SQUEEZED, HASTE = 11.5, 3  # days of what is looked at for squeezes, and how much faster the crowd comes
PUSH = 5  # times the whale's purchase, and his capital
MARKETS = {"perp": "perpetual", "spot": "spot"}
Floats = npt.NDArray[np.float64]
#: Name, what is known of markets, how a figure is written.
QUIET = {
    "lags": ("leading lags outside the band around no autocorrelation", "a few", "{:.1f}"),
    "beyond": ("of seeds that keep no autocorrelation beyond lag 5 (5 % test)", "0.95", "{:.2f}"),
    "hill": ("Hill exponent of the 1 % tail", "2 to 5", "{:.2f}"),
    "clustering": ("mean autocorrelation of absolute returns, lags 1 to 60", "above 0", "{:.4f}"),
    "first": ("the same at lag 1", "above 0", "{:.3f}"),
    "volume": ("rank correlation of absolute return and volume", "above 0", "{:.2f}"),
}


def minutes(path: int) -> list[altseason.Measured]:
    """The facts of both markets in one quiet path."""
    run = altseason.quiet(altseason.coin(), LAST, 60).run(seed=altseason.SEED, path=path, keep="samples")
    later = run.series["time"] >= FIRST * altseason.DAY
    return [of_market({name: run.series[name][later] for name in run.series}, market) for market in MARKETS]


def of_market(table: Mapping[str, Floats], market: str) -> altseason.Measured:
    """The facts of one market."""
    bars = facts.bars(table["time"], table[f"{market}_last"], volume=table[f"{market}_volume"])
    memory, clusters = facts.autocorrelation(bars.returns), facts.volatility_clustering(bars.returns)
    return {
        "lags": memory.first,
        "beyond": float(memory.p_value_beyond > 0.05),
        "hill": facts.hill(bars.returns).value,
        "clustering": clusters.mean.value,
        "first": float(clusters.autocorrelation.value[0]),
        "volume": facts.volume_volatility(bars.returns, bars.volume).value,
    }


def quiet_market(seeds: int) -> str:
    """Both markets over seeds."""
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as workers:
        found = list(workers.map(minutes, altseason.JUDGED[:seeds]))
    tables = (
        altseason.claims(rows, QUIET, f"markets ({words} here)")
        for rows, words in zip(zip(*found, strict=True), MARKETS.values(), strict=True)
    )
    return "\n\n".join(tables)


def squeezing() -> pc.Scenario:
    """In tenths of a second, and no more than a run may have: the crowd comes faster, and a larger whale.

    What is ordered in a step at most is a tenth of what it was.
    """
    month = altseason.coin()
    larger = {f"agents.{side}_crowd.rate_per_s": HASTE for side in ("long", "short")}
    larger |= {f"agents.whale.{what}": PUSH for what in ("ignite.qty", "capital")}
    coin = altseason.scaled(month, larger)
    plan: dict[str, object] = {
        "unlocks": (),
        "time.horizon_s": SQUEEZED * altseason.DAY,
        "time.step_s": "0.1",
    }
    plan["agents.whale.ignite.at_s"] = (SQUEEZED - 1) * altseason.DAY
    for leg in ("accumulate", "longs"):
        plan[f"agents.whale.{leg}.at_s"] = (SQUEEZED - 4) * altseason.DAY
    for agent in coin.agents:
        if hasattr(agent, "order_qty"):
            plan[f"agents.{agent.name}.order_qty"] = altseason.rounded(float(agent.order_qty) / 10)
    return coin.replace(plan)


def windows_of(path: int) -> list[facts.Window]:
    """Squeeze windows of one path, both sides."""
    run = squeezing().run(seed=altseason.SEED, path=path, keep="liquidations")
    return windows(facts.liquidation_times(run))


def windows(prints: facts.Prints) -> list[facts.Window]:
    """Those of every symbol and side, by the one rule."""
    return [window for times in prints.by_symbol().values() for window in facts.squeeze_windows(times)]


def squeezes(seeds: int, recorded: Path | None) -> str:
    """Branching ratios, simulated and recorded."""
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as workers:
        found = [w for each in workers.map(windows_of, altseason.JUDGED[:seeds]) for w in each]
    rows = [row(f"altseason in haste, {seeds} seeds, steps of 0.1 s", found)]
    if recorded is not None:
        real = windows(pc.sources.force_orders.forced_orders(recorded))
        rows.append(row("recorded, Binance USDT perpetuals, June 2025", real))
    return pages.table(["squeeze windows", "windows", "orders", "branching ratio", "its 95 % interval"], rows)


def row(words: str, found: Sequence[facts.Window]) -> list[str]:
    """One market's windows fitted together, or that there are too few."""
    events = sum(window.events for window in found)
    try:
        fit = facts.fit_squeezes(found).branching
    except pc.ScenarioError as error:
        return [words, str(len(found)), str(events), f"not fitted: {error}", ""]
    return [words, str(len(found)), str(events), f"{fit.value:.2f}", f"{fit.low:.2f} to {fit.high:.2f}"]


def impact(paths: int) -> str:
    """Slopes of metaorders' impact: known ones first, then those of markets that react."""
    linear = impact_worlds.static({"kind": "linear", "depth": 1_000})
    power = impact_worlds.static({"kind": "levels", "levels": impact_worlds.power_rows(2)})
    still = {"at_s": 5, "over_s": 20, "paths": 1}
    moving = {"paths": paths, "seed": altseason.SEED, "over_s": 600, "wait_s": 600}
    month = altseason.quiet(altseason.coin(), 1, 60)
    two_decades = np.geomspace(1, 100, 9)
    lines = [
        impact_row("static, linear", "1", linear, 50 * two_decades, still),
        impact_row("static, depth grows as distance squared", "0.5", power, 100 * two_decades, still),
    ]
    for first in (50, 12.5):
        words = "latent orders that live an hour, in 10 minutes"
        lines.append(
            impact_row(words, "0.5", impact_worlds.latent(), first * two_decades, moving | {"at_s": 1_800})
        )
    for market in ("spot", "perp"):
        options = moving | {"at_s": 43_200, "market": market}
        lines.append(
            impact_row(f"altseason, quiet, {market}, in 10 minutes", "0.5", month, 500 * two_decades, options)
        )
    head = ["book", "expected", "participation", "slope of impact in size", "its 95 % interval"]
    return pages.table(head, lines)


def impact_row(
    words: str, expected: str, scenario: pc.Scenario, sizes: Floats, options: dict[str, Any]
) -> list[str]:
    """One market's slope."""
    found = facts.metaorder_impact(scenario, sizes=sizes, **options)
    slope, (least, most) = found.slope, found.participation[[0, -1]]
    took = f"{100 * least:.1f} to {100 * most:.0f} %" if most < 1 else "all"
    return [words, expected, took, f"{slope.value:.3f}", f"{slope.low:.3f} to {slope.high:.3f}"]


def main() -> None:
    """Print or write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=4, metavar="N", help="of the quiet market, from 100 on")
    parser.add_argument("--squeezes", type=int, metavar="N", help="squeezes of so many seeds instead")
    parser.add_argument("--liquidations", type=Path, metavar="FILE", help="a venue's recorded ones")
    parser.add_argument("--impact", type=int, metavar="N", help="of metaorders over so many paths instead")
    parser.add_argument("--write", action="store_true", help="write the page")
    given = parser.parse_args()
    if given.squeezes:
        made = {"squeezes": squeezes(given.squeezes, given.liquidations)}
    elif given.impact:
        made = {"impact": impact(given.impact)}
    else:
        made = {"quiet": quiet_market(given.seeds)}
    pages.deliver(altseason.FILE, "altseason_facts.py", made, write=given.write)


if __name__ == "__main__":
    main()
