"""Formulas of margin and liquidation: prices that solve equity = maintenance, and figures by hand."""

import itertools
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import perpcore as pc

R = pc.rules
FLOORS = np.array([0.0, 1e3, 5e3, 2e4, 1e5, 3e5, 1e6])
RATES = np.array([0.005, 0.01, 0.025, 0.05, 0.1, 0.125, 0.25])
PAIRS = list(zip(FLOORS.tolist(), RATES.tolist(), strict=True))
N = 4_000


def positions(seed: int, contract: str) -> dict[str, NDArray[np.float64]]:
    """Worth from well inside the first tier to beyond the last; margins from thin to more than the worth."""
    rng = np.random.default_rng(seed)
    worth, entry = 10 ** rng.uniform(1, 7, N), 10 ** rng.uniform(-3, 4, N)
    return {
        "side": rng.choice([-1.0, 1.0], N),
        "qty": worth * entry if contract == "inverse" else worth / entry,
        "entry_price": entry,
        "margin": worth * rng.uniform(0.02, 1.2, N),
    }


def worth(qty: Any, price: Any, contract: str) -> Any:
    return qty / price if contract == "inverse" else qty * price


def slices(notional: NDArray[np.float64]) -> Any:
    """Maintenance bracket by bracket, without deductions."""
    tops = np.append(FLOORS[1:], np.inf)
    inside = np.clip(notional[:, None], FLOORS, tops) - FLOORS
    return inside @ RATES


def whole(notional: NDArray[np.float64]) -> Any:
    return notional * RATES[np.searchsorted(FLOORS, notional, side="right") - 1]


def equity(p: dict[str, Any], price: Any, contract: str) -> Any:
    change = worth(p["qty"], price, contract) - worth(p["qty"], p["entry_price"], contract)
    return p["margin"] + p["side"] * change * (-1 if contract == "inverse" else 1)


def solves(left: Any, required: Any, scale: Any) -> None:
    np.testing.assert_allclose(left / scale, required / scale, rtol=0, atol=1e-11)


VARIANTS = [*itertools.product(("linear", "inverse"), ("mark", "entry"), (0.0, 0.0006))]


@pytest.mark.parametrize(("contract", "at", "fee"), VARIANTS)
def test_prices_solve_equity_is_maintenance_by_tiers(contract: str, at: str, fee: float) -> None:
    p = positions(1, contract)
    extra, closing = 0.03 * p["margin"], 0.001 * p["margin"]
    price = R.liquidation_price(
        **p,
        tiers=PAIRS,
        maintenance_at=at,
        fee_rate=fee,
        extra_margin=extra,
        closing_fee=closing,
        contract=contract,
    )
    found = ~np.isnan(price)
    assert 0.6 < found.mean() < 1
    p = {name: values[found] for name, values in p.items()}
    there = worth(p["qty"], price[found], contract)
    base = there if at == "mark" else worth(p["qty"], p["entry_price"], contract)
    left = equity(p, price[found], contract) + (extra - closing)[found]
    solves(left, slices(base) + fee * there, there + base + p["margin"])
    if at == "mark":  # every tier is met
        assert len(set(np.searchsorted(FLOORS, there))) == len(FLOORS)


@pytest.mark.parametrize("contract", ["linear", "inverse"])
def test_where_there_is_no_price_the_position_outlives_all(contract: str) -> None:
    p = positions(2, contract)
    none = np.isnan(R.liquidation_price(**p, tiers=PAIRS, contract=contract))
    assert none.any()
    for price in (1e-9, 1e12):
        towards_loss = p["side"] * (1 if price < 1 else -1) > 0
        at = {name: values[none & towards_loss] for name, values in p.items()}
        assert (equity(at, price, contract) >= slices(worth(at["qty"], price, contract)) - 1e-6).all()


@pytest.mark.parametrize("contract", ["linear", "inverse"])
def test_a_rate_on_the_whole_position_breaks_at_the_first_price_met(contract: str) -> None:
    p = positions(3, contract)
    options: dict[str, Any] = {"tiers": PAIRS, "tier_rule": "whole_position", "contract": contract}
    price = R.liquidation_price(**p, **options)
    found = ~np.isnan(price)
    p, price = {name: values[found] for name, values in p.items()}, price[found]
    inverse = contract == "inverse"
    for nearer in (1e-9, 1e-6, 1e-3, 0.02, 0.2):  # closer to profit it holds
        at = price * (1 + p["side"] * nearer)
        there = worth(p["qty"], at, contract)
        assert (equity(p, at, contract) > whole(there)).all()
    at = price * (1 - p["side"] * 1e-9)  # ... and just beyond it does not
    assert (equity(p, at, contract) < whole(worth(p["qty"], at, contract))).all()
    on_edge = np.isin(np.round(worth(p["qty"], price, contract), 6), FLOORS)
    rising = p["side"] == (1 if inverse else -1)  # the worth rises into the next tier
    assert (on_edge & rising).any()
    assert not (on_edge & ~rising).any()


@pytest.mark.parametrize(("contract", "at", "fee"), VARIANTS)
def test_prices_solve_equity_is_maintenance_by_linear_tiers(contract: str, at: str, fee: float) -> None:
    p = positions(8, contract)
    options: dict[str, Any] = {"tiers": PAIRS, "tier_rule": "linear"}
    price = R.liquidation_price(**p, **options, maintenance_at=at, fee_rate=fee, contract=contract)
    found = ~np.isnan(price)
    assert 0.6 < found.mean() < 1
    p = {name: values[found] for name, values in p.items()}
    there = worth(p["qty"], price[found], contract)
    base = there if at == "mark" else worth(p["qty"], p["entry_price"], contract)
    required = base * np.interp(base, FLOORS, RATES)
    np.testing.assert_allclose(R.maintenance_margin(notional=base, **options), required, rtol=1e-14)
    solves(equity(p, price[found], contract), required + fee * there, there + base + p["margin"])


@pytest.mark.parametrize(("contract", "at", "fee"), VARIANTS)
def test_prices_solve_equity_is_maintenance_at_a_rate(contract: str, at: str, fee: float) -> None:
    p = positions(4, contract)
    rng = np.random.default_rng(5)
    rate, start = rng.uniform(0.003, 0.1, N), worth(p["qty"], p["entry_price"], contract)
    rise, deduction = rng.choice([0, 1], N) * 0.02 / start, 0.002 * start
    price = R.liquidation_price(
        **p,
        maintenance_rate=rate,
        deduction=deduction,
        rate_rise=rise,
        maintenance_at=at,
        fee_rate=fee,
        contract=contract,
    )
    there = worth(p["qty"], price, contract)
    base = there if at == "mark" else start
    found = ~np.isnan(price)
    assert found.mean() > 0.6
    left, required = equity(p, price, contract), base * (rate + rise * base) - deduction + fee * there
    solves(left[found], required[found], (there + start + p["margin"])[found])


def test_the_price_is_within_a_tick_of_the_exact_one() -> None:
    """In decimals, with the exact deductions that the engine has."""
    tiers = pc.MarginTiers(
        tiers=[pc.Tier(min_notional=f, maintenance_rate=r, max_leverage=2) for f, r in PAIRS]
    )
    rng, tick = np.random.default_rng(6), Decimal("0.01")
    checked = 0
    for _ in range(300):
        side, qty = int(rng.choice([-1, 1])), Decimal(int(rng.integers(1, 10_000)))
        entry = Decimal(int(rng.integers(500, 100_000))) * tick
        margin = (qty * entry * Decimal(str(round(rng.uniform(0.02, 0.6), 4)))).quantize(tick)
        price = R.liquidation_price(
            side=side, qty=float(qty), entry_price=float(entry), margin=float(margin), tiers=tiers
        )

        def due(
            at: Decimal, s: int = side, q: Decimal = qty, e: Decimal = entry, m: Decimal = margin
        ) -> bool:
            return m + s * q * (at - e) <= tiers.maintenance_margin(q * at)

        at = Decimal(price).quantize(tick)
        assert due(at - side * tick)
        assert not due(at + side * tick)
        checked += 1
    assert checked == 300


@pytest.mark.parametrize("contract", ["linear", "inverse"])
@pytest.mark.parametrize("fee", [0.0, 0.0006])
def test_nothing_is_left_at_bankruptcy(contract: str, fee: float) -> None:
    p = positions(7, contract)
    price = R.bankruptcy_price(**p, fee_rate=fee, contract=contract)
    found = ~np.isnan(price)
    cost = fee * worth(p["qty"], price, contract)
    start = worth(p["qty"], p["entry_price"], contract)
    solves(equity(p, price, contract)[found], cost[found], start[found])


def test_a_cross_account_breaks_where_its_equity_is_its_maintenance() -> None:
    side, qty = np.array([1.0, -1.0, 1.0]), np.array([2.0, 30.0, 400.0])
    mark, rate = np.array([100.0, 10.0, 1.0]), np.array([0.01, 0.02, 0.05])
    price = R.account_liquidation_price(
        side=side, qty=qty, mark_price=mark, equity=60.0, maintenance_rate=rate
    )
    for i in range(3):
        at = mark.copy()
        at[i] = price[i]
        assert 60 + (side * qty * (at - mark)).sum() == pytest.approx((qty * at * rate).sum(), rel=1e-12)
    # Two accounts at once, one row each.
    both = R.account_liquidation_price(
        side=[side, side], qty=[qty, qty], mark_price=mark, equity=[60.0, 70.0], maintenance_rate=rate
    )
    np.testing.assert_array_equal(both[0], price)
    alone = R.cross_liquidation_price(
        side=1, qty=2, entry_price=90, wallet=40, others_pnl=0, others_maintenance=26, maintenance_rate=0.01
    )
    assert alone == pytest.approx(price[0], rel=1e-12)


TIERS = pc.MarginTiers(
    tiers=[
        pc.Tier(min_notional=0, maintenance_rate="0.01", max_leverage=50),
        pc.Tier(min_notional=1000, maintenance_rate="0.02", max_leverage=20),
    ]
)
BY_HAND = [
    ("notional", {"qty": -3, "price": 20, "contract_size": 0.1}, -6),
    ("notional", {"qty": 100, "price": 20, "contract": "inverse"}, 5),
    ("implied_price", {"notional": 5, "qty": 100, "contract": "inverse"}, 20),
    ("unrealised_pnl", {"side": "short", "qty": 2, "entry_price": 10, "mark_price": 8}, 4),
    ("unrealised_pnl", {"side": 1, "qty": 80, "entry_price": 8, "mark_price": 10, "contract": "inverse"}, 2),
    ("realised_pnl", {"side": 1, "qty": 2, "entry_price": 8, "exit_price": 10, "fees": 1}, 3),
    ("fee", {"qty": 2, "price": 50, "fee_rate": 0.01}, 1),
    ("entry_price", {"qty": [1, 3], "price": [10, 20]}, 17.5),
    ("entry_price", {"qty": [10, 40], "price": [10, 20], "contract": "inverse"}, 50 / 3),
    ("account_value", {"balance": -50, "side": [1, -1], "qty": [2, 3], "price": [40, 5]}, 15),
    ("initial_margin", {"notional": -500, "leverage": 5, "closing_fee": 1}, 101),
    ("initial_margin", {"notional": 2000, "leverage": 50, "tiers": TIERS}, 100),  # at most 20
    ("initial_margin", {"notional": 500, "leverage": 50, "tiers": TIERS}, 10),
    ("initial_margin", {"notional": 101, "initial_rate": 0.25, "step": 1}, 26),
    ("initial_margin", {"notional": 441_000_000, "initial_rate": 0.2, "step": 1}, 88_200_000),
    ("maintenance_margin", {"notional": 2000, "tiers": TIERS}, 30),
    ("maintenance_margin", {"notional": 2000, "tiers": TIERS, "tier_rule": "whole_position"}, 40),
    (
        "maintenance_margin",
        {"notional": 100, "maintenance_rate": 0.01, "rate_rise": 1e-4, "fee_rate": 0.005},
        2.5,
    ),
    ("open_interest_rate", {"initial_rate": 0.2, "open_interest": 30, "lower_cap": 20, "upper_cap": 40}, 0.6),
    ("open_interest_rate", {"initial_rate": 0.2, "open_interest": 10, "lower_cap": 20, "upper_cap": 40}, 0.2),
    ("open_interest_rate", {"initial_rate": 0.2, "open_interest": 20, "lower_cap": 20, "upper_cap": 20}, 1),
    ("maintenance_margin", {"notional": 500, "tiers": TIERS, "tier_rule": "linear"}, 7.5),
    ("maintenance_margin", {"notional": 2000, "tiers": TIERS, "tier_rule": "linear"}, 40),
    ("stepped_rate", {"notional": 351, "base": 200, "step": 150, "rate": 0.005, "rate_rise": 0.005}, 0.015),
    ("stepped_rate", {"notional": 350, "base": 200, "step": 150, "rate": 0.005, "rate_rise": 0.005}, 0.01),
    ("stepped_rate", {"notional": 90, "base": 200, "step": 150, "rate": 0.005, "rate_rise": 0.005}, 0.005),
    ("size_scaled_weight", {"weight": 1.1, "factor": 0.01, "size": 1600, "of": "liability"}, 1.28),
    ("size_scaled_weight", {"weight": 0.9, "factor": 0.01, "size": 2500, "of": "asset"}, 1.1 / 1.5),
    ("size_scaled_weight", {"weight": 0.57, "factor": 0, "size": 1, "of": "asset", "step": 1e-4}, 0.57),
    ("slippage_margin", {"qty": 2, "mark_price": 100, "slippage_cap": 0.25, "risk_factor": 0.1}, 70),
    (
        "slippage_margin",
        {"qty": 2, "mark_price": 100, "exit_price": 90, "slippage_cap": 0.25, "risk_factor": 0.1},
        40,
    ),
    ("available_margin", {"wallet": 100, "initial_margin": 30, "unrealised_pnl": -20}, 50),
    ("available_margin", {"wallet": 100, "initial_margin": 30, "unrealised_pnl": 20}, 70),
    ("sustainable_loss", {"available": 20, "initial_margin": 10, "maintenance_margin": 4}, 26),
    ("margin_ratio", {"equity": 30, "maintenance_margin": 12}, 2.5),
    ("margin_ratio", {"equity": 30, "maintenance_margin": 0}, np.inf),
    ("is_liquidatable", {"equity": 5, "maintenance_margin": 5}, True),
    ("is_liquidatable", {"equity": 5, "maintenance_margin": 5, "trigger": "below"}, False),
    ("return_on_margin", {"pnl": 3, "margin": 4}, 0.75),
    ("maintenance_rate", {"max_leverage": 40}, 0.0125),
    ("tier_rate", {"notional": 1000, "tiers": TIERS}, 0.02),
    ("tier_deduction", {"notional": 999, "tiers": TIERS}, 0),
    ("round_to_tick", {"side": "long", "price": 10.01, "tick_size": 0.05}, 10.05),
    ("round_to_tick", {"side": "short", "price": 10.04, "tick_size": 0.05}, 10),
    ("round_to_tick", {"side": "long", "price": 0.3, "tick_size": 0.1}, 0.3),  # but for its last bits
    ("quantity_to_tier", {"qty": 150, "max_qty": 20}, 130),
    ("quantity_to_tier", {"qty": 15, "max_qty": 20}, 0),
    ("quantity_to_cover", {"shortage": 9, "margin_rate": 0.07, "price": 100}, 9 / 7),
    ("quantity_to_cover", {"shortage": -1, "margin_rate": 0.07, "price": 100}, 0),
    ("quantity_to_cover", {"shortage": 1, "margin_rate": 0.01, "price": 1, "fund_fee_rate": 0.02}, np.inf),
    (
        "fillable_price",
        {
            "side": -1,
            "price": 10,
            "maintenance_rate": 0.1,
            "equity": 5,
            "maintenance_margin": 10,
            "spread": 0.2,
        },
        10.1,
    ),
]


@pytest.mark.parametrize(("name", "arguments", "value"), BY_HAND)
def test_by_hand(name: str, arguments: dict[str, Any], value: float) -> None:
    found = getattr(R, name)(**arguments)
    assert isinstance(found, bool | np.bool_ if isinstance(value, bool) else float)
    assert found == pytest.approx(value, rel=1e-14, abs=1e-15)


def test_every_public_name_is_there_and_has_words() -> None:
    for name in R.__all__:
        assert getattr(R, name).__doc__, name


def test_a_takeover_conserves_money() -> None:
    after = R.after_takeover(
        balance=-150.0, side="long", qty=2, closed=5, price=100, liquidator_fee_rate=0.01, fund_fee_rate=0.02
    )
    assert after == pytest.approx({"qty": 0, "balance": 44, "liquidator_balance": -198, "fund": 4})
    assert after["balance"] + 150 + after["liquidator_balance"] + after["fund"] == pytest.approx(0)


def test_slices_are_the_whole_position() -> None:
    slices = R.disposal_slices(qty=280, fraction=0.5, full_size=50, max_slice=100)
    np.testing.assert_array_equal(slices, [100, 90, 45, 45])
    pnl = R.disposal_pnl(side="short", slices=slices, takeover_price=10, fill_price=11)
    np.testing.assert_array_equal(pnl, [-100, -190, -235, -280])


def test_an_account_shares_its_equity_by_maintenance() -> None:
    """One that stands at zero gets what it owes, in halves as in whole, and pays what it is worth."""
    one = {"price": 500.0, "maintenance_rate": 0.1, "equity": 0, "maintenance_margin": 500_000_000}
    assert R.bankruptcy_quote(position=10_000_000, change=-10_000_000, **one) == 5_000_000_000
    assert R.bankruptcy_quote(position=-10_000_000, change=5_000_000, **one) == -2_500_000_000
    one["equity"] = 100_000_001
    assert R.bankruptcy_quote(position=10_000_000, change=-5_000_000, **one) == 2_450_000_000


def test_ranks_are_the_venues_own() -> None:
    """By hand: 2 tokens from 10 to 16, 8 of equity: a profit of 0.6, a leverage of 4."""
    position = {"side": "long", "qty": 2, "entry_price": 10, "mark_price": 16, "equity": 8}
    expected = {"profit_leverage": 2.4, "hyperliquid": 6.4, "profit_share": 0.6, "size": 32}
    for rank, score in expected.items():
        assert R.adl_score(**position, rank=rank) == pytest.approx(score)
    loss = position | {"side": "short"}
    assert R.adl_score(**loss, rank="profit_leverage") == pytest.approx(-0.15)
    broke = position | {"equity": -1}
    assert [bool(np.isnan(R.adl_score(**broke, rank=rank))) for rank in expected] == [
        True,
        True,
        False,
        False,
    ]


def test_levels_are_multiples_of_maintenance() -> None:
    levels = R.margin_levels(maintenance_margin=5565, step=1)
    assert levels == {"search": 6121, "initial": 6678, "release": 7791}


@pytest.mark.parametrize(
    ("name", "arguments", "field"),
    [
        ("notional", {"qty": 1, "price": 0}, "price"),
        ("notional", {"qty": 1, "price": 1, "contract": "quanto"}, "contract"),
        ("entry_price", {"qty": [1, -1], "price": [1, 1]}, "qty"),
        ("entry_price", {"qty": [0, 0], "price": [1, 1]}, "qty"),
        ("initial_margin", {"notional": 1}, "leverage"),
        ("initial_margin", {"notional": 1, "leverage": 0}, "leverage"),
        ("initial_margin", {"notional": 1, "leverage": 1, "tiers": PAIRS}, "tiers"),
        ("maintenance_margin", {"notional": 1}, "tiers"),
        ("maintenance_margin", {"notional": 1, "maintenance_rate": 0.1, "tiers": TIERS}, "tiers"),
        ("maintenance_margin", {"notional": 1, "tiers": [(1, 0.1)]}, "tiers[0].min_notional"),
        ("maintenance_margin", {"notional": 1, "tiers": [(0, 0.1), (0, 0.2)]}, "tiers[1].min_notional"),
        ("maintenance_margin", {"notional": 1, "tiers": [(0, 0.1), (5, 0.05)]}, "tiers[1].maintenance_rate"),
        # At its end the first tier asks 0.6 + 0.5 of another unit of notional.
        (
            "maintenance_margin",
            {"notional": 1, "tiers": [(0, 0.1), (5, 0.6)], "tier_rule": "linear"},
            "tiers[1].maintenance_rate",
        ),
        (
            "maintenance_margin",
            {"notional": 1, "tiers": [(0, 0.9)], "fee_rate": 0.1},
            "tiers[0].maintenance_rate",
        ),
        ("maintenance_margin", {"notional": 1, "tiers": []}, "tiers"),
        ("maintenance_margin", {"notional": 1, "tiers": 7}, "tiers"),
        ("maintenance_margin", {"notional": 1, "tiers": TIERS, "tier_rule": "flat"}, "tier_rule"),
        ("maintenance_margin", {"notional": 1, "tiers": TIERS, "fee_rate": -1}, "fee_rate"),
        ("tiers_by_leverage", {"min_notional": [0, 1], "max_leverage": [5]}, "max_leverage"),
        ("tiers_by_leverage", {"min_notional": [0, 1], "max_leverage": [5, 10]}, "tiers[1].maintenance_rate"),
        ("margin_ratio", {"equity": 1, "maintenance_margin": np.inf}, "maintenance_margin"),
        ("is_liquidatable", {"equity": np.nan, "maintenance_margin": 0}, "equity"),
        ("round_to_tick", {"side": 1, "price": 1, "tick_size": -1}, "tick_size"),
        ("disposal_slices", {"qty": 9, "fraction": 0, "full_size": 1, "max_slice": 1}, "fraction"),
        ("disposal_slices", {"qty": 1e9, "fraction": 0.5, "full_size": 1, "max_slice": 1}, "max_slice"),
    ],
)
def test_what_is_not_allowed_is_named(name: str, arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(pc.ScenarioError) as caught:
        getattr(R, name)(**arguments)
    assert caught.value.problems[0][0] == field


@pytest.mark.parametrize(
    "rules",
    [{}, {"tiers": TIERS, "maintenance_rate": 0.1}, {"tiers": TIERS, "maintenance_at": "liquidation"}],
)
def test_a_liquidation_price_needs_one_rule(rules: dict[str, Any]) -> None:
    with pytest.raises(pc.ScenarioError, match=r"^(tiers|maintenance_at):"):
        R.liquidation_price(side=1, qty=1, entry_price=1, margin=0.1, **rules)


def test_arguments_broadcast_and_empty_ones_stay_empty() -> None:
    prices = R.liquidation_price(
        side=[["long"], ["short"]], qty=[1.0, 2.0, 3.0], entry_price=10, margin=2, tiers=TIERS
    )
    assert prices.shape == (2, 3)
    assert prices[1, 2] == R.liquidation_price(side=-1, qty=3, entry_price=10, margin=2, tiers=TIERS)
    assert R.liquidation_price(side=1, qty=[], entry_price=10, margin=2, tiers=TIERS).shape == (0,)
    assert R.notional(qty=np.arange(6)[::2], price=2).tolist() == [0, 4, 8]
