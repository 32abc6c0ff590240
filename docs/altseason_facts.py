"""Measures stylised facts of `pc.presets.altseason()`: the quiet market minute by minute, and its squeezes.

python docs/altseason_facts.py                          # prints the quiet market's, from few seeds
python docs/altseason_facts.py --seeds 40 --write       # into docs/ALTSEASON.md
python docs/altseason_facts.py --squeezes 10 --liquidations FILE    # beside a venue's recorded liquidations
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import perpcore as pc
from perpcore.analysis import facts

sys.path.insert(0, str(Path(__file__).parent))
import altseason  # beside this script
import pages

FIRST, LAST = 2, 12  # days of one-minute returns
SQUEEZED = 4  # days, the whale's push at half a day before the end
STEP_S = "0.1"
#: Name, what is known of markets, how a figure is written.
QUIET = {
    "lags": ("leading lags outside the band around no autocorrelation", "a few", "{:.1f}"),
    "beyond": ("of seeds that keep no autocorrelation beyond lag 5 (5 % test)", "0.95", "{:.2f}"),
    "hill": ("Hill exponent of the 1 % tail", "2 to 5", "{:.2f}"),
    "clustering": ("mean autocorrelation of absolute returns, lags 1 to 60", "above 0", "{:.4f}"),
    "first": ("the same at lag 1", "above 0", "{:.3f}"),
    "volume": ("rank correlation of absolute return and volume", "above 0", "{:.2f}"),
}


def minutes(job: tuple[int, str]) -> altseason.Measured:
    """The facts of one market in one quiet path."""
    path, market = job
    run = altseason.quiet(altseason.coin(), LAST, 60).run(seed=altseason.SEED, path=path, keep="samples")
    table, later = run.series, run.series["time"] >= FIRST * altseason.DAY
    bars = facts.bars(
        table["time"][later], table[f"{market}_last"][later], volume=table[f"{market}_volume"][later]
    )
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
    said = []
    for market, words in (("perp", "perpetual"), ("spot", "spot")):
        jobs = [(path, market) for path in altseason.JUDGED[:seeds]]
        with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as workers:
            rows = list(workers.map(minutes, jobs))
        said.append(altseason.claims(rows, QUIET, f"markets ({words} here)"))
    return "\n\n".join(said)


def squeezing() -> pc.Scenario:
    """Four days in tenths of a second, in which the whale builds up and pushes."""
    day = altseason.DAY
    plan = {"agents.whale.ignite.at_s": (SQUEEZED - 0.5) * day, "unlocks": ()}
    for leg in ("accumulate", "longs"):
        plan |= {f"agents.whale.{leg}.at_s": day, f"agents.whale.{leg}.over_s": day}
    return altseason.coin().replace(plan | {"time.horizon_s": SQUEEZED * day, "time.step_s": STEP_S})


def windows_of(path: int) -> list[facts.Window]:
    """Squeeze windows of one path, both sides."""
    prints = facts.liquidation_times(squeezing().run(seed=altseason.SEED, path=path))
    return windows(prints)


def windows(prints: facts.Prints) -> list[facts.Window]:
    """Those of every symbol and side, by the one rule."""
    return [window for times in prints.by_symbol().values() for window in facts.squeeze_windows(times)]


def squeezes(seeds: int, recorded: Path | None) -> str:
    """Branching ratios, simulated and recorded."""
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as workers:
        found = [w for each in workers.map(windows_of, altseason.JUDGED[:seeds]) for w in each]
    rows = [row(f"altseason, {seeds} seeds of {SQUEEZED} days, steps of {STEP_S} s", found)]
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


def main() -> None:
    """Print or write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=4, metavar="N", help="of the quiet market, from 100 on")
    parser.add_argument("--squeezes", type=int, metavar="N", help="squeezes of so many seeds instead")
    parser.add_argument("--liquidations", type=Path, metavar="FILE", help="a venue's recorded ones")
    parser.add_argument("--write", action="store_true", help="write the page")
    given = parser.parse_args()
    if given.squeezes:
        made = {"squeezes": squeezes(given.squeezes, given.liquidations)}
    else:
        made = {"quiet": quiet_market(given.seeds)}
    pages.deliver(altseason.FILE, "altseason_facts.py", made, write=given.write)


if __name__ == "__main__":
    main()
