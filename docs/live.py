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
PATHS, ABLATED, CHECKED, FEW, TRACED = 10_000, 500, 32, 100, 500
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
    shares = [f"{value:.1f}" for value in np.nanquantile(taken, LEVELS)]
    rows.insert(
        1 + list(FIGURES).index("liquidated_notional"), ["taken over of what was liquidated, %", *shares]
    )
    head = [f"{len(runs):,} paths", *(f"{100 * level:.0f} %" for level in LEVELS)]
    fizzles = runs["peak_multiple"] < FIZZLED
    middle = [f"{np.nanmedian(taken[some]):.1f} %" for some in (fizzles, ~fizzles)]
    dead = share(runs["market_maker_liquidated"].astype(bool))
    return (
        f"{pages.table(head, rows)}\n\n"
        f"Pushes that fizzle (the peak stays below {FIZZLED} times the start price): {share(fizzles)}. "
        f"Paths in which the market maker is liquidated: {dead}.\n"
        f"Taken over of what was liquidated: {middle[0]} in the median push that fizzles,"
        f" {middle[1]} in the median path that does not."
    )


class Traced:
    """What one path's rounds, fills and agents show, and its summary does not."""

    def __init__(self, scenario: pc.Scenario, path: int) -> None:
        """Run it."""
        run = scenario.run(seed=SEED, path=path)
        time, mark = run.stages["time"], run.stages["mark"]
        begins, halt = pushed_at(scenario), scenario.venue.halt
        before = time < begins
        push = np.argmax(~before)  # its own round
        self.flies = run.summary["peak_multiple"] >= FIZZLED
        self.early = bool(self.flies and mark[before].max() >= FIZZLED * float(scenario.start_price))
        self.halts = mark[push] >= (1 + float(halt.move)) * mark[time <= begins - float(halt.window_s)][-1]
        self.taken = run.stages["taken_over_qty"][push]
        forced, taken = (run.stages[f"{name}_notional"].sum() for name in ("forced_buy", "taken_over"))
        self.filled = (forced - taken) / run.summary["ignition_cost"]
        series, agents, fills = run.series, run.agents, run.fills
        locked = series["locked_float"][series["time"] < begins][-1]
        self.locked = 100 * locked / float(scenario.circulating)
        kinds = [isinstance(agent, pc.agents.FundingArbitrageur) for agent in scenario.agents]
        carry = kinds.index(True)
        self.carry = agents["profit"][agents["agent"] == scenario.agents[carry].name][-1]
        paid = []
        for account, side in ((8 + 2 * carry, "sell"), (9 + 2 * carry, "buy")):  # docs/AGENTS.md, section 1
            some = (fills["taker"] == account) & (fills["taker_side"] == side)
            some &= fills["round"] < run.stages["round"][push]
            paid.append(np.average(fills["price"][some], weights=fills["qty"][some]))
        self.basis = 100 * (paid[0] / paid[1] - 1)


def pushed_at(scenario: pc.Scenario) -> float:
    """The second at which the whale pushes."""
    return next(float(agent.ignite.at_s) for agent in scenario.agents if isinstance(agent, pc.agents.Whale))


def looked_at(paths: int) -> str:
    """How pushes that fizzle and those that do not went, what the arbitrageur earned, and the first path."""
    scenario = pc.presets.rocketcoin_live()
    traced = [Traced(scenario, path) for path in range(paths)]
    kinds = [
        [each for each in traced if not each.flies],
        [each for each in traced if each.flies and not each.early],
        [each for each in traced if each.early],
    ]
    move, window = 100 * float(scenario.venue.halt.move), float(scenario.venue.halt.window_s)

    def spread(name: str, unit: float, form: str) -> list[str]:
        cells = []
        for kind in kinds:
            values = np.quantile([getattr(each, name) for each in kind], (0.5, 0.05, 0.95)) * unit
            middle, low, high = (form.format(value) for value in values)
            cells.append(f"{middle} ({low} to {high})")
        return cells

    rows = [
        ["paths", *(f"{len(kind):,}" for kind in kinds)],
        [
            f"the push takes the mark {move:.0f} % above that of {window:.0f} s before: halt",
            *(f"{sum(each.halts for each in kind):,}" for kind in kinds),
        ],
        ["taken over in the push's own round, k tokens", *spread("taken", 1e-3, "{:,.0f}")],
        ["filled in the book over the push's cost", *spread("filled", 1, "{:.2f}")],
        ["float locked before the push, %", *spread("locked", 1, "{:.1f}")],
        ["funding arbitrageur, $ k", *spread("carry", 1e-3, "{:,.1f}")],
    ]
    head = [f"{paths:,} paths: median (5 to 95 %)", "fizzle", "run away after the push", "began before it"]
    early, flies = (np.array([getattr(each, name) for each in traced]) for name in ("early", "flies"))
    unhalted = ensemble(scenario.replace({"venue.halt": None}), paths)["peak_multiple"] >= FIZZLED
    return (
        f"{pages.table(head, rows)}\n\n"
        f"Squeezes that begin before the push: {share(early)} of all paths,"
        f" {share(early[flies])} of those that run away.\n"
        f"Paths that run away with the halt: {share(flies)}; the same paths without it: {share(unhalted)}.\n"
        f"{first_path(scenario)}\n{carried(scenario, traced)}"
    )


def first_path(scenario: pc.Scenario) -> str:
    """What the README's example shows."""
    rounds = scenario.run(seed=SEED).stages
    time, mark, begins = rounds["time"], rounds["mark"], pushed_at(scenario)
    much = FIZZLED * float(scenario.start_price)
    at = time[np.argmax(mark >= much)]
    if not 0 < at < begins:
        return "The README's `live.run(seed=1)` is the first of these paths."
    rise = (time >= at) & (time < at + 4)
    quote = scenario.spot.quote
    ladder = float(quote.levels * (quote.level_qty.low + quote.level_qty.high)) / 2
    return (
        f"The README's `live.run(seed=1)` is one that began before: its mark passes {much:.0f} at {at:,.0f} s"
        f" and is {mark[time <= at + 60][-1]:.0f} at {at + 60:,.0f} s; the push comes at {begins:,.0f} s.\n"
        f"In the first four of those seconds the mark goes from {mark[time < at][-1]:.0f} to"
        f" {mark[rise][-1]:.0f} while {rounds['spot_volume'][rise].sum():,.0f} tokens trade in spot;"
        f" at the start holders quote {ladder:,.0f} a side."
    )


def carried(scenario: pc.Scenario, traced: list[Traced]) -> str:
    """The arbitrageur's profit, and how long he would have to stay."""
    levels = {"5 %": 0.05, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "95 %": 0.95, "best": 1}
    profit = np.quantile([each.carry for each in traced], list(levels.values())) / 1e3
    listed = ", ".join(f"{value:,.1f} ({name})" for name, value in zip(levels, profit, strict=True))
    basis = float(np.median([each.basis for each in traced]))
    fees = 100 * float(scenario.spot.taker_fee + scenario.perp.taker_fee)
    earned = 100 * float(scenario.venue.funding.interest)  # in 8 hours, where there is no premium
    return (
        f"The funding arbitrageur's profit after four hours, $ k: {listed}.\n"
        f"He enters at a basis of {basis:.2f} % (median path) and pays {fees:.2f} % of fees, for"
        f" {earned:.2f} % in eight hours: {(fees - basis) / (3 * earned):.0f} days until that is earned,"
        f" his way out not counted."
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
        "looked_at": looked_at(TRACED if given.write else FEW),
        "attacker": attacker(runs),
        "longs": longs(ABLATED if given.write else FEW // 2),
        "ablation": ablation(ABLATED if given.write else FEW // 10),
        "fingerprint": fingerprint(),
    }
    pages.deliver(FILE, "live.py", made, write=given.write)


if __name__ == "__main__":
    main()
