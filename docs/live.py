"""Writes the tables of docs/LIVE.md: ten thousand squeezes with all frictions, and each friction alone.

python docs/live.py                     # prints the tables, from fewer paths
python docs/live.py --write             # puts them where the file has their marks (half an hour on two cores)
python docs/live.py --check             # fails where the first paths are not those the file was made of
python docs/live.py --pictures FOLDER   # the pictures of one path
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

import perpcore as pc

sys.path.insert(0, str(Path(__file__).parent))
import pages  # beside this script

FILE = Path(__file__).with_name("LIVE.md")
SEED = 1
PATHS, ABLATED, CHECKED, FEW, TRACED = 10_000, 500, 32, 100, 200
LONGS = (0, 20_000, 40_000, 60_000, 90_000)
FIZZLED = 1.5  # a push whose peak stays below so many times the start price
LEVELS = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
FIGURES = {
    "peak_multiple": ("peak over start price", "{:.2f}"),
    "final_price": ("price after four hours, $", "{:.2f}"),
    "amplification": ("forced buying over the push's cost", "{:.1f}"),
    "liquidated_notional": ("liquidated, $ M", "{:.2f}"),
    "insurance_fund_change": ("insurance fund, $ k", "{:,.0f}"),
    "venue_loss": ("venue's own loss, $ k", "{:,.0f}"),
    "market_maker_pnl": ("market maker, $ k", "{:,.0f}"),
    "peak_open_interest": ("peak open interest, k tokens", "{:,.0f}"),
    "locked_float_share": ("float locked at the end, %", "{:.1f}"),
}
UNITS = {
    "liquidated_notional": 1e-6,
    "insurance_fund_change": 1e-3,
    "venue_loss": 1e-3,
    "market_maker_pnl": 1e-3,
    "peak_open_interest": 1e-3,
    "locked_float_share": 100,
}


def ensemble(scenario: pc.Scenario, paths: int) -> pc.Ensemble:
    """Paths of the page's seed."""
    return scenario.monte_carlo(paths=paths, seed=SEED, progress=sys.stderr.isatty())


def fingerprint() -> str:
    """What the first paths came to, as one number."""
    return f"`{ensemble(pc.presets.rocketcoin_live(), CHECKED).hash()}`"


def share(yes: np.ndarray) -> str:
    """A share with its 95 % interval (Wilson)."""
    n, z = len(yes), 1.96
    p = float(np.mean(yes))
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return f"{100 * p:.1f} % ({100 * (middle - half):.1f} to {100 * (middle + half):.1f})"


def outcomes(runs: pc.Ensemble) -> str:
    """Quantiles over all paths."""
    rows = []
    for column, (name, form) in FIGURES.items():
        values = np.quantile(runs[column], LEVELS) * UNITS.get(column, 1)
        rows.append([name, *(form.format(value) for value in values)])
    taken = 100 * runs["taken_over_qty"] / runs["liquidated_qty"]
    rows.insert(
        4, ["of that taken over by the fund, %", *(f"{x:.1f}" for x in np.nanquantile(taken, LEVELS))]
    )
    head = [f"{len(runs):,} paths", *(f"{100 * level:.0f} %" for level in LEVELS)]
    fizzles = runs["peak_multiple"] < FIZZLED
    fizzled = share(fizzles)
    middle = [f"{np.nanmedian(taken[some]):.1f} %" for some in (fizzles, ~fizzles)]
    dead = share(runs["market_maker_liquidated"].astype(bool))
    return (
        f"{pages.table(head, rows)}\n\n{before_the_push()}\n"
        f"Pushes that fizzle (the peak stays below {FIZZLED} times the start price): {fizzled}. "
        f"Paths in which the market maker is liquidated: {dead}.\n"
        f"Of what is liquidated the fund takes over, off the book, {middle[0]} in the median push that"
        f" fizzles and {middle[1]} in the median one that does not."
    )


def before_the_push() -> str:
    """What arbitrageurs hold before the push, where the mark has been by then, and their profit."""
    scenario = pc.presets.rocketcoin_live()
    begins = next(float(agent.ignite.at_s) for agent in scenario.agents if isinstance(agent, pc.agents.Whale))
    carry = next(agent.name for agent in scenario.agents if isinstance(agent, pc.agents.FundingArbitrageur))
    locked, early, flies, earned = [], [], [], []
    for path in range(TRACED):
        run = scenario.run(seed=SEED, path=path, keep="samples")
        series, agents = run.series, run.agents
        before = series["time"] < begins
        locked.append(series["locked_float"][before][-1] / float(scenario.circulating))
        early.append(series["mark"][before].max() >= FIZZLED * float(scenario.start_price))
        flies.append(run.summary["peak_multiple"] >= FIZZLED)
        earned.append(agents["profit"][agents["agent"] == carry][-1])
    low, middle, high = 100 * np.quantile(locked, (0.05, 0.5, 0.95))
    worst, usual, best = np.quantile(earned, (0.05, 0.5, 1))
    begun = np.array(early)
    return (
        f"In {TRACED} of these paths arbitrageurs have locked {middle:.1f} % of the float before the push"
        f" ({low:.1f} to {high:.1f} in nine of ten), and"
        f" the squeeze begins without it in {share(begun)}:"
        f" {share(begun[np.array(flies)])} of those that run away."
        f" After four hours the arbitrageur has {usual:,.0f} $ in the median path, {worst:,.0f} in the worst"
        f" twentieth, {best:,.0f} at best."
    )


def attacker(runs: pc.Ensemble) -> str:
    """The whale's profit with and without his long position, on paper and after his exit."""
    without = ensemble(pc.presets.rocketcoin_live().replace({"agents.whale.longs": None}), len(runs))
    rows = []
    for name, each in (("spot and a long of 60,000", runs), ("spot only", without)):
        for when, column in (
            ("on paper, as he begins to leave", "attacker_paper_pnl"),
            ("in hand", "attacker_pnl"),
        ):
            profit = each[column]
            middle = [f"{x / 1e3:,.0f}" for x in np.quantile(profit, (0.05, 0.5, 0.95))]
            rows.append([f"{name}, {when}", *middle, f"{np.mean(profit) / 1e3:,.0f}", share(profit < 0)])
    return pages.table(["profit, $ k", "5 %", "median", "95 %", "mean", "paths with a loss"], rows)


def longs(paths: int) -> str:
    """What the size of his long changes."""
    scenario, rows = pc.presets.rocketcoin_live(), []
    for qty in LONGS:
        size = {"agents.whale.longs.qty": qty} if qty else {"agents.whale.longs": None}
        runs = ensemble(scenario.replace(size), paths)
        flies = share(runs["peak_multiple"] >= FIZZLED)
        middle, mean = np.median(runs["attacker_pnl"]) / 1e3, np.mean(runs["attacker_pnl"]) / 1e3
        rows.append([f"{qty:,}", flies, f"{middle:,.0f}", f"{mean:,.0f}"])
    head = [f"long, tokens ({paths:,} paths)", "run away", "in hand, median, $ k", "mean"]
    return pages.table(head, rows)


def ablation(paths: int) -> str:
    """Each friction switched off alone, over the same random numbers."""
    effects = pc.ablation(pc.presets.rocketcoin_live(), paths=paths, seed=SEED, progress=sys.stderr.isatty())
    rows = []
    for i, name in enumerate(effects["friction"]):
        row = [str(name).replace("_", " ") if i else "none: as it is"]
        row += [f"{effects['peak_multiple'][i]:.2f}"]
        row += [interval(effects, "peak_multiple_effect", i, 1, "{:+.2f}") if i else ""]
        for column in ("insurance_fund_change", "market_maker_pnl"):
            row += [f"{effects[column][i] / 1e3:,.0f}"]
            row += [interval(effects, f"{column}_effect", i, 1e-3, "{:+,.0f}") if i else ""]
        rows.append(row)
    head = [
        f"without ({paths:,} paths)",
        "median peak",
        "change",
        "fund, $ k",
        "change",
        "market maker, $ k",
        "change",
    ]
    return pages.table(head, rows)


def interval(effects: pc.Ablation, column: str, i: int, unit: float, form: str) -> str:
    """An effect with its interval."""
    value, low, high = (form.format(effects[column + end][i] * unit) for end in ("", "_low", "_high"))
    return f"{value} ({low} to {high})"


def pictures(folder: Path) -> None:
    """One path that flies, drawn."""
    run = pc.presets.rocketcoin_live().run(seed=SEED, path=4)
    for name in ("series", "agents", "heat_map"):
        drawn = getattr(pc.plots, name)(run)
        (getattr(drawn, "figure", None) or drawn).savefig(folder / f"{name}.png", dpi=80)


def main() -> None:
    """Print, write, check or draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the file")
    parser.add_argument("--check", action="store_true", help="fail where the first paths are others")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="draw one path")
    given = parser.parse_args()
    if given.pictures:
        pictures(given.pictures)
        return
    if given.check:
        sys.exit(0 if fingerprint() in FILE.read_text(encoding="utf-8") else "python docs/live.py --write")
    runs = ensemble(pc.presets.rocketcoin_live(), PATHS if given.write else FEW)
    made = {
        "outcomes": outcomes(runs),
        "attacker": attacker(runs),
        "longs": longs(ABLATED if given.write else FEW // 2),
        "ablation": ablation(ABLATED if given.write else FEW // 10),
        "fingerprint": fingerprint(),
    }
    pages.deliver(FILE, "live.py", made, write=given.write)


if __name__ == "__main__":
    main()
