"""A venue takes positions only of the margin modes it has; and whoever is not named holds the other side."""

import numpy as np
import pytest

import perpcore as pc

LEG = {"market": "X", "side": "long", "qty": 1, "entry_price": 10}
LADDER = {"side": "short", "qty": 100, "lump": 10, "leverage": 5}
CROSS = pc.Ladder(margin_mode="cross", wallet=40, **LADDER)
ISOLATED = pc.Ladder(**LADDER)
DRAWN = pc.Population(side="long", accounts=50, leverage=pc.Uniform(2, 5), notional=1_000)


def only(*modes: str) -> pc.Venue:
    return pc.presets.rocketcoin().venue.replace(margin_modes=modes)


def refusal(make) -> tuple[str, str, str]:
    with pytest.raises(pc.ScenarioError) as caught:
        make()
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("position", "mode", "field", "given"),
    [
        (CROSS, "isolated", "positions[1].margin_mode", "cross"),
        (ISOLATED, "cross", "positions[1].margin_mode", "isolated"),
        (DRAWN, "cross", "positions[1].kind", "a distribution of isolated accounts"),
    ],
)
def test_a_scenario_refuses_the_other_mode(position, mode, field, given):
    scenario = pc.presets.rocketcoin()
    first = CROSS if mode == "cross" else ISOLATED
    changes = {"positions": [first, position], "venue": only(mode)}
    problem = refusal(lambda: scenario.replace(changes))
    assert problem == (field, given, f"one of the venue's margin_modes, [{mode}]")
    assert scenario.replace({**changes, "venue": scenario.venue}).positions[1] == position
    alone = scenario.replace({"positions": [first], "venue": only(mode)})
    assert alone.run(seed=1).accounts["position_qty"].sum() == 0


def test_an_account_refuses_the_other_mode():
    cross = pc.Holding(margin_mode="cross", **LEG)
    isolated = pc.Holding(leverage=2, **LEG)
    for mode, held, other in (("isolated", isolated, cross), ("cross", cross, isolated)):
        named = ("holdings[0].margin_mode", other.margin_mode, f"one of the venue's margin_modes: {mode}")
        assert refusal(lambda m=mode, h=other: pc.Account(venue=only(m), wallet=100, holdings=[h])) == named
        account = pc.Account(venue=only(mode), wallet=100, holdings=[held])
        order = {"side": "buy", "qty": 1, "price": 10, "leverage": 2, "margin_mode": other.margin_mode}
        assert refusal(lambda a=account, o=order: a.place(market="Y", **o))[0] == "holdings[1].margin_mode"


def test_a_holding_follows_its_own_markets_modes():
    cross = pc.Holding(margin_mode="cross", venue=only("isolated"), **LEG)
    account = {"venue": pc.presets.rocketcoin().venue, "wallet": 100}
    assert refusal(lambda: pc.Account(holdings=[cross], **account))[0] == "holdings[0].margin_mode"
    pc.Account(holdings=[pc.Holding(margin_mode="cross", **LEG)], **account)


@pytest.mark.parametrize("modes", [[], ["isolated", "isolated"], ["portfolio"], "cross"])
def test_modes_are_one_or_both(modes):
    with pytest.raises(pc.ScenarioError) as caught:
        pc.presets.rocketcoin().venue.replace(margin_modes=modes)
    assert caught.value.problems[0][0].startswith("margin_modes")


def test_modes_survive_toml_and_leave_older_digests():
    scenario = pc.presets.rocketcoin()
    assert pc.Venue.from_toml(only("isolated").to_toml()).margin_modes == ("isolated",)
    assert scenario.replace(venue=only("isolated", "cross")).digest() == scenario.digest()
    assert scenario.replace(venue=only("isolated")).digest() != scenario.digest()


@pytest.mark.parametrize(
    "positions", [[ISOLATED], [CROSS, pc.Ladder(**{**LADDER, "side": "long", "qty": 30})]]
)
def test_positions_sum_to_zero_whatever_is_named(positions):
    """The rest of the market (account 4) holds the other side."""
    run = pc.presets.rocketcoin().replace({"positions": positions, "ignition.qty": 1}).run(seed=1)
    held, accounts = run.accounts["position_qty"], run.accounts["account"]
    named = sum(float(each.qty) * (1 if each.side == "long" else -1) for each in positions)
    assert run.summary["liquidated_accounts"] == 0
    assert held[accounts == 4].sum() == -named
    assert np.sum(held) == 0


def test_positions_still_sum_to_zero_after_a_cascade():
    run = pc.presets.rocketcoin().run(seed=1)
    assert run.summary["liquidated_accounts"] == 78_764
    assert run.accounts["position_qty"].sum() == 0
