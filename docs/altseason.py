"""Measures the month of `pc.presets.altseason()` and writes the tables of docs/ALTSEASON.md.

python docs/altseason.py                        # prints the claims, from few seeds
python docs/altseason.py --seeds 200 --write    # judged on seeds 100 to 299, into the page (16 minutes)
python docs/altseason.py --elasticities         # what drives each ratio, over seeds 0 to 99
python docs/altseason.py --tune                 # the free rates to published magnitudes, over seeds 0 to 99
python docs/altseason.py --check                # fails where the first days are others
python docs/altseason.py --picture FILE         # one month, drawn

Seeds are paths of seed 1. `--directory RUN` keeps what is measured, to go on after an interruption.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy
import statsmodels.api as sm

import perpcore as pc
from perpcore.analysis import facts

sys.path.insert(0, str(Path(__file__).parent))
import pages  # beside this script

FILE = Path(__file__).with_name("ALTSEASON.md")
SEED, TUNING, JUDGED = 1, range(100), range(100, 300)
DAY = 86_400
LED_FROM, LED_FOR = 2 * DAY, DAY  # where lead and lag are measured, second by second
CHECKED = 4  # days of the fingerprint

#: What is measured of a month: name, how the story has it, and how a figure is written.
RATIOS = {
    "volume_ratio": ("perpetual volume over spot volume", "10 to 15", "{:.1f}"),
    "open_interest_ratio": ("open interest over free float on exchanges, last day", "above 1", "{:.2f}"),
    "above_float": ("share of hours with it above 1", "", "{:.2f}"),
    "funding_positive": ("funding intervals with a positive rate", "above 0.8", "{:.2f}"),
    "locked_share": ("float locked by arbitrageurs, last day", "", "{:.3f}"),
    "locked_growth": ("the same over that of day 3", "above 1", "{:.1f}"),
    "depth_change": ("asks in spot within 2 %, last three days over first three", "below 1", "{:.2f}"),
    "level_change": ("the same a cent of price, of which 2 % of more holds more", "below 1", "{:.2f}"),
    "lead_ratio": ("lead-lag ratio of perpetual and spot", "above 1", "{:.2f}"),
}
#: What is no ratio, beside what is published of it.
MAGNITUDES = {
    "perp_volume": ("perpetual volume, $ M a day", "9.6", "{:.1f}"),
    "spot_turnover": ("spot volume over the float's worth, a day", "0.02 to 0.10", "{:.3f}"),
    "open_interest": ("open interest, $ M, last day", "7.3", "{:.1f}"),
    "volatility": ("volatility of a day, from hours", "0.05 to 0.08", "{:.3f}"),
    "calm_volatility": ("the same from the median hour", "", "{:.3f}"),
    "liquidated": ("liquidated, $ M a month", "", "{:.1f}"),
    "last_price": ("price after the month, $", "", "{:.2f}"),
}
#: What elasticities are taken of, by whose they are; a law is longer or shorter as a whole, "+" is together.
VARIED = {
    "": "circulating+agents.holders.tokens total_supply",
    "unlocks.0": "at_s qty",
    "spot": "taker_fee bids.depth",
    "spot.quote": "skew half_spread level_gap level_qty recovery_half_life_s",
    "perp": "maker_fee taker_fee",
    "venue": "insurance_fund price_band spot_margin adl.drawdown",
    "venue.tiers": "0.maintenance_rate 1.maintenance_rate 1.min_notional",
    "venue.funding": "interval_h interest clamp cap stress_interval_h",
    "market_maker": "capital hedge_ratio hedge_latency_s hedge_band spot_inventory skew widen",
    "market_maker.quote": "half_spread level_gap level_qty recovery_half_life_s",
    "agents.spot_noise": "rate_per_s qty qty.alpha 1-branching decay_s limit_rate_per_s limit_gap lifetime_s "
    "tokens",
    "agents.perp_noise": "rate_per_s qty qty.alpha 1-branching decay_s limit_rate_per_s limit_gap lifetime_s",
    "agents.perp_trend": "window_s threshold order_qty max_qty capital leverage",
    "agents.spot_trend": "window_s threshold order_qty max_qty",
    "agents.long_crowd": "rate_per_s qty qty.alpha leverage.weights.2 hold_s",
    "agents.short_crowd": "rate_per_s slope qty qty.alpha leverage.weights.2 hold_s",
    "agents.spot_maker": "tokens half_spread level_gap level_qty skew inventory_limit",
    "agents.holders": "tokens elasticity order_qty",
    "agents.carry_early": "capital leverage enter_rate exit_rate order_qty max_qty",
    "agents.carry_late": "capital leverage enter_rate exit_rate order_qty max_qty",
    "agents.basis": "kappa tokens capital leverage",
    "agents.hunter": "reach min_notional order_qty max_qty capital leverage",
    "agents.whale": "capital leverage accumulate.at_s+longs.at_s accumulate.over_s+longs.over_s "
    "accumulate.qty longs.qty ignite.qty ignite.at_s.low ignite.over_s exit.over_s exit.drawdown",
}
#: As full paths.
PARAMETERS = tuple(
    " + ".join(path if path.startswith("agents.") or not of else f"{of}.{path}" for path in name.split("+"))
    for of, names in VARIED.items()
    for name in names.split()
)
#: By how much a parameter is moved, and how many at once.
LESS, MORE, GROUP = 0.75, 1.25, 15
#: Rates that no source gives, and the published magnitude that each is tuned to.
KNOBS = {
    "agents.perp_noise.rate_per_s": ("perp_volume", 9.6),
    "agents.spot_noise.rate_per_s": ("spot_turnover", 0.06),
    "agents.long_crowd.rate_per_s": ("open_interest", 7.3),
}
#: Factors at which a knob is tried first.
REACH = (0.25, 0.5, 1, 2, 4)
Measured = dict[str, float]


def coin() -> pc.Scenario:
    """The month."""
    return pc.presets.altseason()


def quiet(scenario: pc.Scenario, days: int, sample_s: int) -> pc.Scenario:
    """Its first days, without whale and unlocks."""
    agents = tuple(agent for agent in scenario.agents if not isinstance(agent, pc.agents.Whale))
    shorter = {"time.horizon_s": days * DAY, "time.sample_s": sample_s}
    return scenario.replace({"agents": agents, "unlocks": (), **shorter})


def month(scenario: pc.Scenario, path: int) -> Measured:
    """All figures of one month."""
    run = scenario.run(seed=SEED, path=path, keep="samples")
    table, days = run.series, float(run.series["time"][-1]) / DAY
    names = list(dict.fromkeys(run.agents["agent"]))
    tokens = run.agents["tokens"].reshape(-1, len(names))[:, names.index("holders")]
    exchanges = table["free_float"] - tokens
    over = table["open_interest"] / np.maximum(exchanges, 1)
    locked, asks = table["locked_float"] / table["circulating"], table["spot_ask_depth"]
    price, day = table["spot_last"], round(DAY / (table["time"][1] - table["time"][0]))
    hourly = np.diff(np.log(price))
    worth = float(np.mean(price * table["circulating"]))
    spot, perp = table["spot_volume"].sum() / days, table["perp_volume"].sum() / days
    return {
        "volume_ratio": perp / spot,
        "open_interest_ratio": float(np.mean(over[-day:])),
        "above_float": float(np.mean(over[day:] > 1)),
        "funding_positive": run.summary["funding_positive_share"],
        "locked_share": float(np.mean(locked[-day:])),
        "locked_growth": float(np.mean(locked[-day:]) / np.mean(locked[2 * day : 3 * day])),
        "depth_change": float(np.mean(asks[-3 * day :]) / np.mean(asks[: 3 * day])),
        "level_change": float(np.mean((asks / price)[-3 * day :]) / np.mean((asks / price)[: 3 * day])),
        "lead_ratio": lead_ratio(scenario, path),
        "perp_volume": perp * float(np.mean(price)) / 1e6,
        "spot_turnover": spot * float(np.mean(price)) / worth,
        "open_interest": float(np.mean((table["open_interest"] * price)[-day:])) / 1e6,
        "volatility": float(hourly.std() * math.sqrt(24)),
        "calm_volatility": float(np.median(np.abs(hourly)) / 0.6745 * math.sqrt(24)),
        "liquidated": run.summary["liquidated_notional"] / 1e6,
        "last_price": float(price[-1]),
        "events": float(table["events"].sum()),
    }


def lead_ratio(scenario: pc.Scenario, path: int) -> float:
    """How much more of spot's moves follows the perpetual's within a minute than the other way round.

    Not a number where spot trades too rarely.
    """
    sim = quiet(scenario, 3, DAY).simulation(seed=SEED, path=path)
    sim.step(LED_FROM)
    last = np.empty((2, LED_FOR))
    for second in range(LED_FOR):
        sim.step()
        last[:, second] = sim.perp.last, sim.spot.last
    time = np.arange(LED_FOR, dtype=float)
    try:
        return facts.lead_lag(time, last[0], time, last[1], max_lag_s=60, step_s=1).ratio.value
    except pc.ScenarioError as error:
        print(f"path {path}, lead and lag: {error}", file=sys.stderr)
        return math.nan


def scaled(scenario: pc.Scenario, factors: Mapping[str, float]) -> pc.Scenario:
    """The scenario with parameters, or several at once, times so much: numbers, or the scale of laws."""
    leaves: dict[str, float] = {}
    for parameter, by in factors.items():
        for leaf in parameter.split(" + "):
            leaves[leaf] = leaves.get(leaf, 1.0) * by
    changes: dict[str, object] = {}
    for leaf, by in leaves.items():
        old = at(scenario, leaf)
        if isinstance(old, pc.distributions.Law):
            for name in ("low", "high", "mean", "median"):
                if getattr(old, name, None) is not None:
                    changes[f"{leaf}.{name}"] = rounded(float(getattr(old, name)) * by)
        elif "1-" in leaf:
            changes[leaf.replace("1-", "")] = rounded(1 - old * by)
        else:
            changes[leaf] = rounded(float(old) * by)
    return scenario.replace(changes)


def taken(scenario: pc.Scenario, parameter: str, by: float) -> float:
    """The factor next to this one that leaves distances of quotes whole in ticks.

    Of what holders have off exchanges it is that which makes what is left there so much less or more.
    """
    if parameter == "agents.holders.tokens":
        left = float(scenario.circulating) / float(at(scenario, parameter)) - 1
        return 1 + (by - 1) * left
    if not parameter.endswith(("half_spread", "level_gap", "limit_gap")):
        return by
    ticks = float(at(scenario, parameter)) / float(scenario.spot.tick_size)
    return round(ticks * by) / round(ticks)


def at(scenario: pc.Scenario, parameter: str) -> Any:
    """What stands at a dotted path; agents go by their names, "1-" before a name is what it lacks of one."""
    found: Any = scenario
    for part in parameter.split("."):
        if part.isdigit():
            found = found[int(part)]
        elif isinstance(found, tuple):
            found = next(agent for agent in found if agent.name == part)
        elif part.startswith("1-"):
            found = 1 - float(getattr(found, part[2:]))
        else:
            found = getattr(found, part)
    return found


def rounded(value: float) -> str:
    """Whole if it is large, for what is counted in lots; else to four digits."""
    return f"{round(value)}" if abs(value) >= 100 else f"{float(f'{value:.4g}'):.12f}".rstrip("0")


def measured(scenario: pc.Scenario, paths: Iterable[int], kept: Path | None = None) -> list[Measured]:
    """Many months of one scenario."""
    return months([(path, scenario, path) for path in paths], kept)


def months(jobs: Iterable[tuple[int, pc.Scenario, int]], kept: Path | None = None) -> list[Measured]:
    """Months by number, scenario and path, on all cores; what is in the file is not measured again."""
    jobs, known = list(jobs), {}
    if kept is not None and kept.exists():
        known = {row["path"]: row["figures"] for row in map(json.loads, kept.read_text().splitlines())}
    missing = [job for job in jobs if job[0] not in known]
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as workers:
        found = workers.map(month, *zip(*(job[1:] for job in missing), strict=True)) if missing else ()
        for (number, _, _), figures in zip(missing, found, strict=True):
            known[number] = figures
            if kept is not None:
                with kept.open("a") as file:
                    file.write(json.dumps({"path": number, "figures": figures}) + "\n")
            print(f"month {number}", file=sys.stderr)
    return [known[job[0]] for job in jobs]


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean with its 95 % interval over seeds (normal)."""
    mean, half = float(np.mean(values)), 1.96 * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def claims(rows: Sequence[Measured], about: Mapping[str, tuple[str, str, str]], said: str) -> str:
    """A table of figures, each beside what is said of it."""
    lines = []
    for name, (words, claim, form) in about.items():
        values = [row[name] for row in rows if math.isfinite(row[name])]
        if len(values) < len(rows):
            words += f" ({len(values)} seeds)"
        mean, low, high = (form.format(value) for value in interval(values))
        few, many = (form.format(value) for value in np.quantile(values, (0.05, 0.95)))
        lines.append([words, claim, mean, f"{low} to {high}", f"{few} to {many}"])
    head = [f"{len(rows)} seeds", said, "mean", "its 95 % interval", "nine of ten months"]
    return pages.table(head, lines)


def design() -> npt.NDArray[np.bool_]:
    """Which parameters of a group are larger in which month: half of them in each, every two independently.

    Plackett and Burman's two-level screening (Biometrika 33, 1946), from a Hadamard matrix, with its mirror
    image, so that what two parameters do together is in no one's main effect. A group is measured from all of
    its months: one parameter at a time would take many times as many. All parameters at once would be one
    group, but a coin of which everything is another by a quarter is another coin.
    """
    signs = scipy.linalg.hadamard(GROUP + 1)[:, 1:] > 0
    return np.vstack([signs, ~signs])


def elasticities(scenario: pc.Scenario, kept: Path | None) -> str:
    """By how many per cent a mean ratio changes where a parameter changes by one, by least squares."""
    larger = design()
    count = math.ceil(len(PARAMETERS) / GROUP)
    groups = [PARAMETERS[first::count] for first in range(count)]  # neighbours apart
    factors = []
    for group in groups:
        steps = np.array([[taken(scenario, name, by) for by in (LESS, MORE)] for name in group])
        factors.append(np.where(larger[:, : len(group)], steps[:, 1], steps[:, 0]))
    jobs = [
        (scaled(scenario, dict(zip(group, row, strict=True))), TUNING[path])
        for group, of in zip(groups, factors, strict=True)
        for path, row in enumerate(of.tolist())
    ]
    rows = months([(number, *job) for number, job in enumerate(jobs)], kept and kept / "elasticities.jsonl")
    lines = {}
    for place, (group, of) in enumerate(zip(groups, factors, strict=True)):
        own = rows[place * len(larger) : (place + 1) * len(larger)]
        lines |= effects(group, sm.add_constant(np.log(of)), own)
    head = [f"{len(rows)} months", *(name.replace("_", " ") for name in RATIOS)]
    return pages.table(head, [[f"`{name}`", *lines[name]] for name in PARAMETERS])


def effects(
    group: Sequence[str], given: npt.NDArray[np.float64], rows: Sequence[Measured]
) -> dict[str, list[str]]:
    """Cells of a group's parameters: one a ratio, relative to the ratio's mean."""
    ratios = [np.array([row[name] for row in rows]) for name in RATIOS]
    fits = [sm.OLS(ratio / np.nanmean(ratio), given, missing="drop").fit() for ratio in ratios]
    cells: dict[str, list[str]] = {name: [] for name in group}
    for fit in fits:
        low_high = fit.conf_int()
        for place, name in enumerate(group, start=1):
            value, (low, high) = fit.params[place], low_high[place]
            bold = "**" if fit.pvalues[place] < 0.05 / len(PARAMETERS) / len(RATIOS) else ""
            cells[name].append(f"{bold}{value:+.2f}{bold} ± {(high - low) / 2:.2f}")
    return cells


def tuned(scenario: pc.Scenario, paths: Sequence[int]) -> str:
    """Each free rate where its magnitude is the published one, or what is missing for it."""
    said = []
    for knob, (magnitude, aim) in KNOBS.items():
        factor, reached = solve(scenario, paths, knob, magnitude, aim)
        if factor is None:
            said.append(
                f"{knob}: out of reach, {magnitude} is {reached[0]:.3g} to {reached[1]:.3g}, not {aim}"
            )
        else:
            scenario = scaled(scenario, {knob: factor})
            said.append(f"{knob}: times {factor:.3f} for {magnitude} = {aim}")
    return "\n".join(said)


def solve(
    scenario: pc.Scenario, paths: Sequence[int], knob: str, magnitude: str, aim: float
) -> tuple[float | None, tuple[float, float]]:
    """The factor of a knob, next to 1, at which a magnitude is that aimed at; none if it is out of reach.

    Looked for between factors of two: more of a crowd may end in less open interest, once it is liquidated.
    """

    def mean(factor: float) -> float:
        rows = measured(scaled(scenario, {knob: factor}), paths)
        return float(np.mean([row[magnitude] for row in rows]))

    known = [(factor, mean(factor)) for factor in REACH]
    ends = [
        pair
        for pair in itertools.pairwise(known)
        if min(p[1] for p in pair) <= aim <= max(p[1] for p in pair)
    ]
    if not ends:
        return None, (min(found for _, found in known), max(found for _, found in known))
    (low, at_low), (high, at_high) = min(ends, key=lambda pair: abs(math.log(pair[0][0] * pair[1][0])))
    while high / low > 1.02:
        middle = math.sqrt(low * high)
        if (mean(middle) < aim) == (at_low < at_high):
            low = middle
        else:
            high = middle
    return math.sqrt(low * high), (at_low, at_high)


def fingerprint() -> str:
    """What the first days came to, as one number."""
    days = coin().replace(
        {"time.horizon_s": CHECKED * DAY, "agents": quiet(coin(), 1, DAY).agents, "unlocks": ()}
    )
    return f"`{days.monte_carlo(paths=2, seed=SEED, first_path=JUDGED[0], progress=False).hash()}`"


def picture(file: Path, path: int) -> None:
    """Price, funding, open interest over float, locked float and volumes of a month."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    run = coin().run(seed=SEED, path=path, keep="samples")
    table = run.series
    days = table["time"] / DAY
    names = list(dict.fromkeys(run.agents["agent"]))
    tokens = run.agents["tokens"].reshape(-1, len(names))[:, names.index("holders")]
    figure, axes = plt.subplots(5, 1, figsize=(9, 11), sharex=True, constrained_layout=True)
    axes[0].plot(days, table["spot_last"], lw=1)
    axes[0].set_ylabel("price, $")
    axes[1].step(days, 100 * table["funding_rate"], where="post", lw=1)
    axes[1].axhline(0, color="grey", lw=0.5)
    axes[1].set_ylabel("funding of\n8 hours, %")
    axes[2].plot(days, table["open_interest"] / (table["free_float"] - tokens), lw=1)
    axes[2].axhline(1, color="grey", lw=0.5)
    axes[2].set_ylabel("open interest over\nfloat on exchanges")
    axes[3].plot(days, 100 * table["locked_float"] / table["circulating"], lw=1, label="arbitrageurs")
    axes[3].plot(days, 100 * table["hedge_float"] / table["circulating"], lw=1, label="market maker's hedges")
    axes[3].set_ylabel("share of the\nfloat, %")
    axes[3].legend(frameon=False)
    each_day = round(DAY / (table["time"][1] - table["time"][0]))
    for name, words in (("perp_volume", "perpetual"), ("spot_volume", "spot")):
        volume = table[name][1:].reshape(-1, each_day).sum(axis=1)
        axes[4].step(np.arange(len(volume)) + 0.5, volume / 1e6, where="mid", lw=1, label=words)
    axes[4].set_yscale("log")
    axes[4].set_ylabel("volume of a day,\nM tokens")
    axes[4].set_xlabel("days")
    axes[4].legend(frameon=False)
    figure.savefig(file, dpi=80)


def main() -> None:
    """Print, write, tune, check or draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=4, metavar="N", help="judged on so many, from 100 on")
    parser.add_argument("--elasticities", action="store_true", help="what drives each ratio")
    parser.add_argument("--tune", type=int, nargs="?", const=8, metavar="N", help="over so many of them")
    parser.add_argument("--directory", type=Path, metavar="RUN", help="keep what is measured there")
    parser.add_argument("--write", action="store_true", help="write the page")
    parser.add_argument("--check", action="store_true", help="fail where the first days are others")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw a month")
    given = parser.parse_args()
    if given.picture:
        picture(given.picture, JUDGED[0])
        return
    if given.check:
        sys.exit(
            0 if fingerprint() in FILE.read_text(encoding="utf-8") else "python docs/altseason.py --write"
        )
    if given.directory:
        given.directory.mkdir(parents=True, exist_ok=True)
    if given.tune:
        print(tuned(coin(), TUNING[: given.tune]))
        return
    made = {}
    if given.elasticities:
        made["elasticities"] = elasticities(coin(), given.directory)
    else:
        rows = measured(coin(), JUDGED[: given.seeds], given.directory and given.directory / "judged.jsonl")
        made["claims"] = claims(rows, RATIOS, "the story")
        made["magnitudes"] = claims(rows, MAGNITUDES, "published")
        made["fingerprint"] = fingerprint()
    pages.deliver(FILE, "altseason.py", made, write=given.write)


if __name__ == "__main__":
    main()
