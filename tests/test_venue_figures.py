"""A venue and its parts refuse at construction what no scenario would take."""

import timeit
from decimal import Decimal

import pytest

import perpcore as pc

V = pc.venues


def refusal(make) -> pc.ScenarioError:
    with pytest.raises(pc.ScenarioError) as caught:
        make()
    return caught.value


def tier(floor=0, rate="0.01", leverage=10) -> pc.Tier:
    return pc.Tier(min_notional=floor, maintenance_rate=rate, max_leverage=leverage)


def of(*tiers, **fields) -> pc.Venue:
    return pc.Venue(tiers=tiers or (tier(),), **fields)


NONSENSE = {
    "fund": (lambda: V.bybit(insurance_fund=-1), "insurance_fund", "-1", "0 or more"),
    "vault": (lambda: V.hyperliquid(backstop_capital=-1), "capital", "-1", "0 or more"),
    "interval": (lambda: V.Funding(interval_h=0), "interval_h", "0", "more than 0, at most 168"),
    "cap": (lambda: V.Funding(cap=-1), "cap", "-1", "more than 0, at most 1"),
    "samples": (lambda: V.Funding(samples=6), "samples", "6", "padded"),
    "share": (lambda: V.Share(share=0), "share", "0", "more than 0, at most 1"),
    "cooldown": (lambda: V.Share(share=1, cooldown_s=-1), "cooldown_s", "-1", "from 0"),
    "tiers down": (lambda: V.ByTier(tiers=0), "tiers", "0", "from 1 to 256"),
    "drawdown": (lambda: V.Adl(drawdown=2), "drawdown", "2", "from 0 to 1"),
    "rank": (lambda: V.Adl(rank="luck"), "rank", "'luck'", "profit_leverage"),
    "vault's share": (lambda: V.Backstop(below=2), "below", "2", "from 0 to 1"),
    "negative rate": (lambda: tier(rate=-1), "maintenance_rate", "-1", "from 0 to 0.99"),
    "rate of one": (lambda: tier(5, rate=1), "maintenance_rate", "1", "from 0 to 0.99"),
    "leverage": (lambda: tier(leverage=0), "max_leverage", "0", "more than 0"),
    "floor": (lambda: tier(-1), "min_notional", "-1", "0 or more"),
    "no tiers": (lambda: pc.Venue(tiers=[]), "tiers", "[]", "at least one tier"),
    "first floor": (lambda: of(tier(5)), "tiers[0].min_notional", "5", "0: the first"),
    "falling rates": (
        lambda: of(tier(), tier(5, "0.005")),
        "tiers[1].maintenance_rate",
        "0.005",
        "not below the tier before it",
    ),
    "unordered floors": (
        lambda: of(tier(), tier(9, "0.02"), tier(5, "0.03")),
        "tiers[2].min_notional",
        "5",
        "above the tier before it",
    ),
    "steep rates": (
        lambda: of(tier(), tier(10, "0.1"), tier(11, "0.9"), tier_rule="linear"),
        "tiers[2].maintenance_rate",
        "0.9",
        "0.99 of the notional",
    ),
    "delay": (
        lambda: of(index=V.SpotIndex(sources=[V.IndexSource(weight=1, delay_s=-1)])),
        "index.sources[0].delay_s",
        "-1",
        "from 0",
    ),
    "own mark": (
        lambda: of(mark="last", index=V.OwnMark(average_s=0)),
        "index.average_s",
        "0",
        "more than 0",
    ),
    "impact": (lambda: of(contract="inverse", impact_notional=1), "impact_notional", "1", "0, the best"),
}


@pytest.mark.parametrize("case", NONSENSE)
def test_nonsense_is_refused_where_it_is_written(case):
    make, field, value, allowed = NONSENSE[case]
    problem = next(found for found in refusal(make).problems if found[0] == field)
    assert problem[1] == value
    assert allowed in problem[2]


@pytest.mark.parametrize(
    ("at", "value"),
    [("tiers[0].max_leverage", 0), ("adl.drawdown", 2), ("funding.interval_h", 0), ("insurance_fund", -1)],
)
def test_a_figure_is_named_with_where_it_stands(at, value):
    """By a path, as a part given whole, and as plain data in a venue or a scenario."""
    scenario = pc.presets.rocketcoin().replace({"venue.adl": V.Adl(), "venue.funding": V.Funding()})
    assert refusal(lambda: scenario.venue.replace({at: value})).problems[0][0] == at
    assert refusal(lambda: scenario.replace({f"venue.{at}": value})).problems[0][0] == f"venue.{at}"
    data = scenario.to_dict()
    *above, name = at.replace("[0]", ".0").split(".")
    part = data["venue"]
    for step in above:
        part = part[int(step)] if step.isdecimal() else part[step]
    part[name] = value
    assert refusal(lambda: pc.Scenario.from_dict(data)).problems[0][0] == f"venue.{at}"


def test_what_rests_on_the_scenario_is_left_to_it():
    """A delay while time stands still, money off the scenario's steps, sums beyond its largest."""
    late = V.SpotIndex(sources=[V.IndexSource(weight=1, delay_s=30)])
    fine = of(tier(), tier("1e-12", "0.02"), tier("1e23", "0.03"), index=late, insurance_fund="1e-18")
    scenario = pc.presets.rocketcoin()
    refused = {field for field, *_ in refusal(lambda: scenario.replace(venue=fine)).problems}
    floors = {"venue.tiers[1].min_notional", "venue.tiers[2].min_notional"}
    assert refused == {"venue.index.sources[0].delay_s", "venue.insurance_fund", *floors}


def test_what_is_drawn_is_left_to_the_scenario_and_the_rest_is_not():
    drawn = {
        "insurance_fund": pc.Uniform(1, 2),
        "max_rounds": pc.Choice(values=(1, 2)),
        "backstop": V.Backstop(capital=pc.Uniform(1, 2)),
    }
    venue = of(tier(rate=pc.Uniform("0.01", "0.02")), tier(5, "0.005"), **drawn)
    assert venue.insurance_fund == pc.Uniform(1, 2)
    assert refusal(lambda: venue.replace(close_fee=1)).problems[0][0] == "close_fee"
    assert refusal(lambda: tier(rate=pc.Uniform(0, 1), leverage=0)).problems[0][0] == "max_leverage"


def test_all_figures_of_a_venue_are_told_at_once():
    error = refusal(lambda: of(close_fee=1, insurance_fund=-1, mark_step=0))
    assert {field for field, *_ in error.problems} == {"close_fee", "insurance_fund", "mark_step"}


def test_a_venue_is_still_made_in_milliseconds():
    """Some one millisecond with sixteen tiers; ten are for a busy machine."""
    venue = V.okx()
    seconds = min(timeit.repeat(lambda: venue.replace(close_fee=Decimal("0.001")), number=10, repeat=5)) / 10
    assert seconds < 0.010
