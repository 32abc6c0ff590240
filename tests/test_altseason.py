"""docs/ALTSEASON.md is of this engine and this month; its script measures what it says."""

import contextlib
import math
import re
import tomllib

import numpy as np
import pytest

import perpcore as pc

DAY = 86_400


@pytest.fixture(scope="module")
def made(page_maker):
    return page_maker("altseason")


def test_the_page_is_made_of_the_days_that_run_now(made):
    page = made.FILE.read_text(encoding="utf-8")
    assert made.fingerprint() in page, "python docs/altseason.py --write"
    tables = {
        "altseason.py": ("claims", "magnitudes", "elasticities"),
        "altseason_facts.py": ("quiet", "squeezes", "impact"),
    }
    for script, names in tables.items():
        for name in names:
            assert len(page) - len(made.pages.written(page, script, name, "")) > 200, f"{name} is empty"


def test_the_month_has_the_coin_and_the_agents_of_the_story():
    coin = pc.presets.altseason()
    assert pc.Scenario.from_toml(coin.to_toml()) == coin
    assert float(coin.circulating) / float(coin.total_supply) == 0.123
    assert float(coin.time.horizon_s) == 30 * DAY
    kinds = {type(agent) for agent in coin.agents}
    assert kinds == {
        *(pc.agents.Noise, pc.agents.Momentum, pc.agents.ShortCrowd, pc.agents.SpotMarketMaker),
        *(pc.agents.Holders, pc.agents.FundingArbitrageur, pc.agents.StockArbitrageur),
        *(pc.agents.LiquidationHunter, pc.agents.Whale),
    }
    for kind in (pc.agents.Noise, pc.agents.Momentum):
        assert {agent.market for agent in coin.agents if isinstance(agent, kind)} == {"spot", "perp"}


def test_the_first_day_is_what_its_numbers_say(made):
    """Noise trades 0.139 and 0.0055 orders a second of 500 and 200 tokens; the crowd comes by its rate."""
    first = made.quiet(made.coin(), 1, 3_600)
    runs = first.monte_carlo(paths=4, seed=2, progress=False)
    perp, spot = np.mean(runs["perp_volume"]), np.mean(runs["spot_volume"])
    assert perp > 0.139 * DAY * 400
    assert spot > 0.0055 * DAY * 150
    assert perp > 2 * spot
    assert (runs["peak_open_interest"] > 0.0002 * DAY * 8_631).all()


def test_judged_seeds_are_not_the_tuned_ones(made):
    assert not set(made.TUNING) & set(made.JUDGED)
    assert (len(made.TUNING), len(made.JUDGED)) == (100, 200)


#: What stays: units and resolution, whole numbers, classes of leverage, and the month itself.
HELD = re.compile(
    r"start_price|schema_version|time\..*|.*\.(tick_size|lot_size|levels|max_leverage|max_rounds|max_accounts|base)"
    r"|agents\.\w+_crowd\.leverage\.(components\..*|weights\.[01])|agents\.whale\.ignite\.at_s\.high"
    r"|agents\.(spot_noise|perp_noise|spot_trend)\.leverage"  # they have none
)


def numbers(table, path=()):
    """All numbers of a scenario but noughts, with their dotted paths."""
    if isinstance(table, dict):
        for name, value in table.items():
            yield from numbers(value, (*path, name))
    elif isinstance(table, list):
        for place, value in enumerate(table):
            own = value.get("name", str(place)) if isinstance(value, dict) else str(place)
            yield from numbers(value, (*path, own))
    elif not isinstance(table, bool):
        with contextlib.suppress(ValueError):
            if float(table):
                yield ".".join(path)


def test_every_number_of_the_month_is_varied_or_held(made):
    leaves = [leaf.replace("1-", "") for name in made.PARAMETERS for leaf in name.split(" + ")]
    found = list(numbers(tomllib.loads(made.coin().to_toml())))
    left = [name for name in found if not HELD.fullmatch(name) and not name.startswith(tuple(leaves))]
    assert not left
    assert len(found) > 150


def length(law):
    """One of a law's lengths."""
    return float(
        next(x for name in ("high", "mean", "median") if (x := getattr(law, name, None)) is not None)
    )


@pytest.mark.parametrize("by", [0.75, 1.25])
def test_every_parameter_can_be_varied(made, by):
    coin = made.coin()
    changed = made.scaled(coin, {name: made.taken(coin, name, by) for name in made.PARAMETERS})
    for leaf in {leaf for name in made.PARAMETERS for leaf in name.split(" + ")}:
        old, new = made.at(coin, leaf), made.at(changed, leaf)
        times = by
        if leaf == "agents.holders.tokens":  # with the float, and what is left of it on exchanges
            times *= 1 + (by - 1) * (12_300_000 / 8_600_000 - 1)
        if isinstance(old, pc.distributions.Law):
            assert length(new) / length(old) == pytest.approx(times, rel=0.01), leaf
        else:
            assert float(new) / float(old) == pytest.approx(times, rel=0.07), leaf


def test_a_laws_scale_is_its_mean(made):
    changed = made.scaled(made.coin(), {"agents.long_crowd.qty": 1.25})
    law = next(agent.qty for agent in changed.agents if agent.name == "long_crowd")
    assert (float(law.low), float(law.high), float(law.alpha)) == (10_789, 75_000, 1.5)


def test_the_design_tells_every_parameter_from_all_others_and_from_pairs(made):
    signs = np.where(made.design(), 1, -1)
    assert (signs.T @ signs == len(signs) * np.eye(made.GROUP)).all()
    pairs = signs[:, 3] * signs[:, 7]
    assert (signs.T @ pairs == 0).all()


def test_elasticities_are_found_where_they_are_known(made, monkeypatch):
    """A ratio of two powers; what a pair makes together is nobody's; one month could not be measured."""
    groups = math.ceil(len(made.PARAMETERS) / made.GROUP)
    name, other = made.PARAMETERS[3], made.PARAMETERS[3 + groups]  # of one group

    def months(jobs, kept):
        rows = []
        for number, times, path in jobs:
            assert path in made.TUNING
            a, b = times.get(name, 1), times.get(other, 1)
            row = dict.fromkeys(made.RATIOS, 5 * a**0.7 / b**1.5)
            row["lead_ratio"] = math.nan if number % 32 == 5 else 2 * a**-0.5
            row["depth_change"] = 1 + (a - 1) * (b - 1)
            rows.append(row)
        return rows

    monkeypatch.setattr(made, "scaled", lambda _, factors: factors)
    monkeypatch.setattr(made, "months", months)
    said = made.elasticities(made.coin(), None)
    table = [[cell.strip() for cell in line.split("|")] for line in said.splitlines()]
    column = {word: place for place, word in enumerate(table[0])}
    found = {row[1].strip("`"): row for row in table[2:]}
    assert list(found) == list(made.PARAMETERS)

    def figure(parameter, ratio):
        return float(found[parameter][column[ratio]].replace("*", "").split()[0])

    assert figure(name, "volume ratio") == pytest.approx(0.7, abs=0.04)
    assert figure(other, "volume ratio") == pytest.approx(-1.5, abs=0.1)
    assert figure(name, "lead ratio") == pytest.approx(-0.5, abs=0.04)
    assert figure(name, "depth change") == pytest.approx(0, abs=0.01)
    bold = {parameter for parameter, row in found.items() if "**" in row[column["volume ratio"]]}
    assert bold == {name, other}


def test_a_magnitude_out_of_reach_is_said_to_be(made, monkeypatch):
    """A knob of power 1/2: 4 at factor 16 of the start, and 100 nowhere within its reach."""
    coin, knob = made.coin(), "agents.perp_noise.rate_per_s"

    def measured(scenario, paths):
        rate = next(float(agent.rate_per_s) for agent in scenario.agents if agent.name == "perp_noise")
        return [{"perp_volume": math.sqrt(rate / 0.139)} for _ in paths]

    monkeypatch.setattr(made, "measured", measured)
    factor, _ = made.solve(coin, [0], knob, "perp_volume", 1.5)
    assert factor == pytest.approx(2.25, rel=0.02)
    factor, ends = made.solve(coin, [0], knob, "perp_volume", 100)
    assert factor is None
    assert ends == pytest.approx((0.5, 2), rel=1e-3)
    monkeypatch.setitem(made.KNOBS, knob, ("perp_volume", 100))
    for other in ("agents.long_crowd.rate_per_s", "agents.spot_noise.rate_per_s"):
        monkeypatch.delitem(made.KNOBS, other)
    assert "out of reach, perp_volume is 0.5 to 2, not 100" in made.tuned(coin, [0])


def test_intervals_and_the_table(made):
    mean, low, high = made.interval([1, 2, 3])
    assert (mean, high - mean) == (2, pytest.approx(1.96 / math.sqrt(3)))
    assert mean - low == pytest.approx(high - mean)
    rows = [dict.fromkeys(made.RATIOS, value) for value in (1, 2, 3)]
    assert "| 10 to 15 | 2.0 | 0.9 to 3.1 |" in made.claims(rows, made.RATIOS, "the story")


def test_measured_months_are_kept(made, tmp_path, monkeypatch):
    """What is in the file is not measured again."""
    kept = tmp_path / "judged.jsonl"
    kept.write_text('{"path": 100, "figures": {"volume_ratio": 4}}\n', encoding="utf-8")
    assert made.measured(made.coin(), [100], kept) == [{"volume_ratio": 4}]
