"""Runs through time: the cascade is the instant one, and averages, funding and bounds go by the clock."""

import math

import numpy as np
import pytest
from click.testing import CliRunner

import perpcore as pc
from perpcore.cli import main

HOUR = 3_600


def timed(step_s, horizon_s, *, at_s=0, until="horizon", **changes):
    scenario = pc.presets.rocketcoin().replace(
        {"time": pc.Time(step_s=step_s, horizon_s=horizon_s, until=until)}
    )
    return scenario.replace({"ignition.at_s": at_s, **changes})


@pytest.mark.parametrize(("step_s", "at_s"), [(1, 0), ("0.001", "0.25"), (60, 7_200)])
def test_within_a_step_the_cascade_is_the_instant_one(step_s, at_s):
    instant = pc.presets.rocketcoin().run(seed=1)
    scenario = timed(step_s, float(at_s) + 10 * float(step_s), at_s=at_s, until="quiet")
    run = scenario.run(seed=1)
    for name, values in instant.exact("fills").to_numpy().items():
        if name != "round":
            np.testing.assert_array_equal(run.exact("fills")[name], values, err_msg=name)
    apart = {"rounds"}
    ours, theirs = (r.exact("summary") for r in (run, instant))
    assert {k: ours[k] for k in theirs if k not in apart} == {
        k: v for k, v in theirs.items() if k not in apart
    }
    assert run.stages["time"][run.fills["round"]] == pytest.approx(float(at_s))
    assert (run.stages["round"] == np.arange(len(run.stages))).all()


def test_it_goes_on_to_its_horizon_or_until_it_is_quiet():
    run = timed(60, HOUR, at_s=600).run(seed=1)
    assert run.summary["stop_reason"] == "horizon"
    assert run.stages["time"][-1] == HOUR - 60
    assert len(np.unique(run.stages["time"])) == 60
    quiet = timed(60, HOUR, at_s=600, until="quiet").run(seed=1)
    assert (quiet.summary["stop_reason"], quiet.stages["time"][-1]) == ("quiet", 660)


def test_funding_is_due_by_the_clock():
    funding = pc.venues.Funding(interval_h=8, interest="0.0001")
    run = timed(60, 48 * HOUR, at_s=47 * HOUR, **{"venue.funding": funding}).run(seed=1)
    paid = np.flatnonzero(run.stages["funding_rate"])
    # A push of an hour before the end is not heard by any premium before.
    assert run.stages["time"][paid].tolist() == [8 * HOUR * k for k in range(1, 6)]
    assert run.stages["funding_rate"][paid] == pytest.approx(0.0001)
    longs = 787_640  # the other side of the ten batches
    assert run.stages["funding_paid"][paid] == pytest.approx(longs * 10 * 0.0001)


@pytest.mark.parametrize("rounds", [1, 100_000])
def test_an_average_goes_by_the_clock_however_many_rounds_a_step_has(rounds):
    """One push in spot that breaks nobody: the mark follows with the basis' time constant."""
    constant, push = 90, 1.5
    run = timed(
        1,
        300,
        at_s=10,
        positions=(),
        **{
            "ignition.qty": 30_000,
            "venue.mark": "ema_basis",
            "venue.mark_ema_s": constant,
            "venue.max_rounds": rounds,
            "market_maker.hedge_ratio": 0,
            "market_maker.quote": None,
            "perp.asks": pc.Levels(levels=[(20, 1)]),
        },
    ).run(seed=1)
    last = {float(t): float(m) for t, m in zip(run.stages["time"], run.stages["mark"], strict=True)}
    assert float(run.stages["index"][-1]) == 10 + push
    for seconds in (0, 1, 10, 60, 289):
        # The perpetual's last trade stays at 10: the basis goes from 0 to -1.5.
        expected = 10 + push * math.exp(-(seconds + 1) / constant)
        assert last[10.0 + seconds] == pytest.approx(expected, abs=0.0051)


def test_a_bound_of_the_mark_holds_for_a_step_not_for_a_round():
    run = timed(1, 60, at_s=5, **{"venue.mark_step": "0.01"}).run(seed=1)
    times, first = np.unique(run.stages["time"], return_index=True)
    ends = np.append(first[1:], len(run.stages)) - 1
    marks = run.stages["mark"][ends]
    assert marks.max() > 12
    assert (np.abs(np.diff(marks)) <= 0.01 * marks[:-1] + 0.0051).all()
    assert len(times) == 60


def test_a_path_is_the_same_in_an_ensemble_and_alone():
    scenario = timed(10, 600, at_s=60, until="quiet", **{"ignition.qty": pc.Uniform(19_000, 22_000)})
    one, two = (scenario.monte_carlo(paths=40, seed=3, n_threads=n, progress=False) for n in (1, 2))
    assert one.hash() == two.hash()
    run = scenario.run(seed=3, path=17)
    assert {n: one.exact(n)[17] for n in ("final_price", "liquidated_qty", "rounds")} == {
        n: run.exact("summary")[n] for n in ("final_price", "liquidated_qty", "rounds")
    }


@pytest.mark.parametrize(
    ("changes", "field", "allowed"),
    [
        ({"time.step_s": 0}, "time.step_s", "from 0.001"),
        ({"time.horizon_s": "0.5"}, "time.horizon_s", "from time.step_s (1)"),
        ({"time.horizon_s": 10**8}, "time.horizon_s", "10000000 of them"),
        ({"ignition.at_s": 60}, "ignition.at_s", "before"),
        ({"ignition.at_s": -1}, "ignition.at_s", "from 0"),
        ({"round_seconds": 1}, "round_seconds", "0 beside time"),
        ({"time": None, "ignition.at_s": 5}, "ignition.at_s", "0 without time"),
        ({"time.until": "midnight"}, "time.until", "horizon"),
    ],
)
def test_a_time_that_cannot_be_is_refused(changes, field, allowed):
    with pytest.raises(pc.ScenarioError) as caught:
        timed(1, 60).replace(changes)
    assert [problem[0] for problem in caught.value.problems] == [field]
    assert allowed in str(caught.value)


def test_a_scenario_without_time_is_what_it_was():
    scenario = pc.presets.rocketcoin()
    assert not {"time", "at_s"} & {*scenario.to_dict(), *scenario.to_dict()["ignition"]}
    through = timed(1, 60, at_s=3)
    assert pc.Scenario.from_toml(through.to_toml()) == through
    assert through.digest() != scenario.digest()


def test_the_command_tells_when_it_happened():
    settings = ["--set", "time.step_s=60", "--set", "time.horizon_s=7200", "--set", "ignition.at_s=3600"]
    shown = CliRunner().invoke(main, ["run", "rocketcoin", *settings])
    assert shown.exit_code == 0, shown.output
    assert "moved spot from 10.00 to 11.00" in shown.output
    assert "It ended at its horizon" in shown.output
