"""docs/ALTSEASON.md is of this engine and this month; its script measures what it says."""

import math

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
    for name in ("claims", "magnitudes"):
        assert len(page) - len(made.pages.written(page, "altseason.py", name, "")) > 300, f"{name} is empty"


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
    """Noise alone trades 0.178 and 0.0172 orders a second of 500 tokens; the crowd comes by its rate."""
    first = made.quiet(made.coin(), 1, 3_600)
    runs = first.monte_carlo(paths=4, seed=2, progress=False)
    perp, spot = np.mean(runs["perp_volume"]), np.mean(runs["spot_volume"])
    assert perp > 0.178 * DAY * 400
    assert spot > 0.0172 * DAY * 300
    assert perp > 2 * spot
    assert (runs["peak_open_interest"] > 0.0002 * DAY * 8_631).all()


def test_judged_seeds_are_not_the_tuned_ones(made):
    assert not set(made.TUNING) & set(made.JUDGED)
    assert (len(made.TUNING), len(made.JUDGED)) == (100, 200)


@pytest.mark.parametrize("by", [0.75, 1.25])
def test_every_parameter_can_be_varied(made, by):
    coin = made.coin()
    for parameter in made.PARAMETERS:
        changed = made.scaled(coin, parameter, by)
        assert changed != coin, parameter


def test_a_laws_scale_is_its_mean(made):
    changed = made.scaled(made.coin(), "agents.long_crowd.qty", 1.25)
    law = next(agent.qty for agent in changed.agents if agent.name == "long_crowd")
    assert (float(law.low), float(law.high), float(law.alpha)) == (10_789, 75_000, 1.5)


def test_a_magnitude_out_of_reach_is_said_to_be(made, monkeypatch):
    """A knob of power 1/2: 4 at factor 16 of the start, and 100 nowhere within its reach."""
    coin, knob = made.coin(), "agents.perp_noise.rate_per_s"

    def measured(scenario, paths):
        rate = next(float(agent.rate_per_s) for agent in scenario.agents if agent.name == "perp_noise")
        return [{"perp_volume": math.sqrt(rate / 0.178)} for _ in paths]

    monkeypatch.setattr(made, "measured", measured)
    factor, _ = made.solve(coin, [0], knob, "perp_volume", 1.5)
    assert factor == pytest.approx(2.25, rel=0.02)
    factor, ends = made.solve(coin, [0], knob, "perp_volume", 100)
    assert factor is None
    assert ends == pytest.approx((0.5, 2), rel=1e-3)
    monkeypatch.setitem(made.KNOBS, knob, ("perp_volume", 100))
    monkeypatch.delitem(made.KNOBS, "agents.long_crowd.rate_per_s")
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
