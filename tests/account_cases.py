"""Positions for the tests of `perpcore.Account`, in the sizes of each preset's tiers."""

import pytest
from hypothesis import strategies as st

import perpcore as pc

NAMES = pc.venues.NAMES


def tiers(*rows) -> list[pc.Tier]:
    names = ("min_notional", "maintenance_rate", "max_leverage")
    return [pc.Tier(**dict(zip(names, row, strict=True))) for row in rows]


def flat(rate, most=125) -> list[pc.Tier]:
    return tiers((0, rate, most))


def one(rules, wallet=1e7, **fields) -> pc.Account:
    return pc.Account(venue=rules, wallet=wallet, holdings=[pc.Holding(market="X", **fields)])


def long(qty, entry_price, **fields) -> dict:
    return {"side": "long", "qty": qty, "entry_price": entry_price, **fields}


def short(qty, entry_price, **fields) -> dict:
    return long(qty, entry_price, **fields) | {"side": "short"}


def price_of(rules):
    return 10_000 if rules.contract == "inverse" else 10


def size_of(rules, notional):
    return notional * price_of(rules) if rules.contract == "inverse" else notional / price_of(rules)


def most_leverage(rules, notional):
    """The tier's, or Deribit's rule: 2 % and 0.005 % a coin."""
    if rules.tier_rule == "linear":
        return 1 / (0.02 + 0.00005 * min(notional, 1_000))
    return float([tier for tier in rules.tiers if tier.min_notional <= notional][-1].max_leverage)


@st.composite
def notionals(draw, rules):
    top = float(rules.tiers[-1].min_notional) or 1e6
    return 10 ** draw(st.floats(-3, 0.3)) * top


def refused(call, field, value, allowed) -> None:
    """The one problem of an error; what is allowed in part."""
    with pytest.raises(pc.ScenarioError) as caught:
        call()
    ((said, given, may),) = caught.value.problems
    assert (said, given) == (field, value)
    assert allowed in may
