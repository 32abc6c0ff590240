"""Measures the month of `pc.presets.altseason()` and writes the tables of docs/ALTSEASON.md.

python docs/altseason.py                        # prints the claims, from few seeds
python docs/altseason.py --seeds 200 --write    # judged on seeds 100 to 299, into the page (half an hour)
python docs/altseason.py --elasticities 4       # what drives each ratio, over so many of the seeds 0 to 99
python docs/altseason.py --tune                 # the free rates to published magnitudes, over seeds 0 to 99
python docs/altseason.py --check                # fails where the first days are others
python docs/altseason.py --picture FILE         # one month, drawn

Seeds are paths of seed 1. `--directory RUN` keeps what is measured, to go on after an interruption.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import perpcore as pc
from perpcore.analysis import facts

sys.path.insert(0, str(Path(__file__).parent))
import pages  # beside this script

FILE = Path(__file__).with_name("ALTSEASON.md")
SEED, TUNING, JUDGED = 1, range(100), range(100, 300)
DAY, HOUR = 86_400, 3_600
LED_FROM, LED_FOR = 2 * DAY, 6 * HOUR  # where lead and lag are measured, second by second
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
    "lead_ratio": ("lead-lag ratio of perpetual and spot", "above 1", "{:.2f}"),
}
#: What is no ratio, beside what is published of it.
MAGNITUDES = {
    "perp_volume": ("perpetual volume, $ M a day", "9.6", "{:.1f}"),
    "spot_turnover": ("spot volume over the float's worth, a day", "0.02 to 0.10", "{:.3f}"),
    "open_interest": ("open interest, M tokens, last day", "7.3", "{:.1f}"),
    "volatility": ("volatility of a day, from hours", "0.05 to 0.08", "{:.3f}"),
    "calm_volatility": ("the same from the median hour", "", "{:.3f}"),
    "liquidated": ("liquidated, $ M a month", "", "{:.1f}"),
    "last_price": ("price after the month, $", "", "{:.2f}"),
}
#: The parameters of which elasticities are taken.
PARAMETERS = (
    "circulating + agents.holders.tokens",
    "spot.quote.skew",
    "spot.quote.half_spread",
    "spot.quote.level_qty",
    "spot.quote.recovery_half_life_s",
    "spot.bids.depth",
    "venue.funding.interest",
    "venue.insurance_fund",
    "venue.spot_margin",
    "market_maker.capital",
    "market_maker.hedge_ratio",
    "market_maker.hedge_band",
    "market_maker.skew",
    "market_maker.quote.half_spread",
    "market_maker.quote.level_qty",
    "agents.spot_noise.rate_per_s",
    "agents.spot_noise.qty",
    "agents.perp_noise.rate_per_s",
    "agents.perp_noise.qty",
    "agents.perp_noise.decay_s",
    "agents.perp_trend.max_qty",
    "agents.long_crowd.rate_per_s",
    "agents.long_crowd.qty",
    "agents.long_crowd.hold_s",
    "agents.short_crowd.rate_per_s",
    "agents.holders.tokens",
    "agents.holders.elasticity",
    "agents.carry_early.capital",
    "agents.carry_late.capital",
    "agents.carry_late.order_qty",
    "agents.basis.kappa",
    "agents.basis.capital",
    "agents.whale.ignite.qty",
)
#: Rates that no source gives, and the published magnitude that each is tuned to.
KNOBS = {
    "agents.perp_noise.rate_per_s": ("perp_volume", 9.6),
    "agents.long_crowd.rate_per_s": ("open_interest", 7.3),
}
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
        "lead_ratio": lead_ratio(scenario, path),
        "perp_volume": perp * float(np.mean(price)) / 1e6,
        "spot_turnover": spot * float(np.mean(price)) / worth,
        "open_interest": float(np.mean(table["open_interest"][-day:])) / 1e6,
        "volatility": float(hourly.std() * math.sqrt(24)),
        "calm_volatility": float(np.median(np.abs(hourly)) / 0.6745 * math.sqrt(24)),
        "liquidated": run.summary["liquidated_notional"] / 1e6,
        "last_price": float(price[-1]),
        "events": float(table["events"].sum()),
    }


def lead_ratio(scenario: pc.Scenario, path: int) -> float:
    """How much more of spot's moves follows the perpetual's within a minute than the other way round."""
    sim = quiet(scenario, 3, DAY).simulation(seed=SEED, path=path)
    sim.step(LED_FROM)
    last = np.empty((2, LED_FOR))
    for second in range(LED_FOR):
        sim.step()
        last[:, second] = sim.perp.last, sim.spot.last
    time = np.arange(LED_FOR, dtype=float)
    return facts.lead_lag(time, last[0], time, last[1], max_lag_s=60, step_s=1).ratio.value


def scaled(scenario: pc.Scenario, parameters: str, by: float) -> pc.Scenario:
    """The scenario with a parameter, or several, times so much: a number, or the scale of a law."""
    changes: dict[str, object] = {}
    for parameter in parameters.split(" + "):
        old = at(scenario, parameter)
        if isinstance(old, pc.distributions.Law):
            lengths = {name: getattr(old, name, None) for name in ("low", "high", "mean", "median")}
            longer = {name: rounded(float(x) * by) for name, x in lengths.items() if x is not None}
            changes[parameter] = old.replace(longer)
        else:
            tick = float(scenario.spot.tick_size)
            near = (
                round(float(old) * by / tick) * tick if parameter.endswith("half_spread") else float(old) * by
            )
            changes[parameter] = rounded(near)
    return scenario.replace(changes)


def size(scenario: pc.Scenario, parameters: str) -> float:
    """How large a parameter is; of a law one of its lengths."""
    value = at(scenario, parameters.split(" + ")[0])
    return float(getattr(value, "low", None) or getattr(value, "mean", None) or value)


def at(scenario: pc.Scenario, parameter: str) -> Any:
    """What stands at a dotted path; agents go by their names."""
    found: Any = scenario
    for part in parameter.split("."):
        if isinstance(found, tuple):
            found = next(agent for agent in found if agent.name == part)
        else:
            found = getattr(found, part)
    return found


def rounded(value: float) -> str:
    """Whole if it is large, for what is counted in lots; else to four digits."""
    return f"{round(value)}" if value >= 10 else f"{float(f'{value:.4g}'):.12f}".rstrip("0")


def measured(scenario: pc.Scenario, paths: Iterable[int], kept: Path | None = None) -> list[Measured]:
    """Many months on all cores; what is in the file is not measured again."""
    paths, known = list(paths), {}
    if kept is not None and kept.exists():
        known = {row["path"]: row["figures"] for row in map(json.loads, kept.read_text().splitlines())}
    missing = [path for path in paths if path not in known]
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as workers:
        for path, figures in zip(
            missing, workers.map(month, [scenario] * len(missing), missing), strict=True
        ):
            known[path] = figures
            if kept is not None:
                with kept.open("a") as file:
                    file.write(json.dumps({"path": path, "figures": figures}) + "\n")
            print(f"path {path}", file=sys.stderr)
    return [known[path] for path in paths]


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean with its 95 % interval over seeds (normal)."""
    mean, half = float(np.mean(values)), 1.96 * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def claims(rows: Sequence[Measured], about: Mapping[str, tuple[str, str, str]], said: str) -> str:
    """A table of figures, each beside what is said of it."""
    lines = []
    for name, (words, claim, form) in about.items():
        values = [row[name] for row in rows]
        mean, low, high = (form.format(value) for value in interval(values))
        few, many = (form.format(value) for value in np.quantile(values, (0.05, 0.95)))
        lines.append([words, claim, mean, f"{low} to {high}", f"{few} to {many}"])
    head = [f"{len(rows)} seeds", said, "mean", "its 95 % interval", "nine of ten months"]
    return pages.table(head, lines)


def elasticities(scenario: pc.Scenario, paths: Sequence[int], kept: Path | None) -> str:
    """By how many per cent a ratio changes where a parameter changes by one, from -25 % and +25 %."""
    lines = []
    for parameter in PARAMETERS:
        worlds = [scaled(scenario, parameter, by) for by in (0.75, 1.25)]
        files = [kept and kept / f"{parameter}-{end}.jsonl" for end in ("low", "high")]
        low, high = (measured(world, paths, file) for world, file in zip(worlds, files, strict=True))
        span = math.log(size(worlds[1], parameter) / size(worlds[0], parameter))
        row = [f"`{parameter}`"]
        for name in RATIOS:
            each = [
                (math.log(max(b[name], 1e-9)) - math.log(max(a[name], 1e-9))) / span
                for a, b in zip(low, high, strict=True)
            ]
            mean, least, most = interval(each)
            row.append(f"{mean:+.2f} ± {(most - least) / 2:.2f}")
        lines.append(row)
    return pages.table(["parameter", *(name.replace("_", " ") for name in RATIOS)], lines)


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
            scenario = scaled(scenario, knob, factor)
            said.append(f"{knob}: times {factor:.3f} for {magnitude} = {aim}")
    return "\n".join(said)


def solve(
    scenario: pc.Scenario, paths: Sequence[int], knob: str, magnitude: str, aim: float, reach: float = 4
) -> tuple[float | None, tuple[float, float]]:
    """The factor of a knob within `reach` at which a magnitude is aimed at; none if it is out of reach."""

    def mean(factor: float) -> float:
        rows = measured(scaled(scenario, knob, factor), paths)
        return float(np.mean([row[magnitude] for row in rows]))

    low, high = 1 / reach, reach
    ends = mean(low), mean(high)
    if not min(ends) <= aim <= max(ends):
        return None, ends
    rises = ends[1] > ends[0]
    while high / low > 1.02:
        middle = math.sqrt(low * high)
        if (mean(middle) < aim) == rises:
            low = middle
        else:
            high = middle
    return math.sqrt(low * high), ends


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
    parser.add_argument("--elasticities", type=int, metavar="N", help="of so many of the seeds 0 to 99")
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
        made["elasticities"] = elasticities(coin(), TUNING[: given.elasticities], given.directory)
    else:
        rows = measured(coin(), JUDGED[: given.seeds], given.directory and given.directory / "judged.jsonl")
        made["claims"] = claims(rows, RATIOS, "the story")
        made["magnitudes"] = claims(rows, MAGNITUDES, "published")
        made["fingerprint"] = fingerprint()
    pages.deliver(FILE, "altseason.py", made, write=given.write)


if __name__ == "__main__":
    main()
