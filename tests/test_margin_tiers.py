"""Tiers give the venue's own deductions, and liquidation prices solve equity = maintenance."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import perpcore as pc

SYMBOLS = ("BTC", "ETH", "DOGE", "1000PEPE", "MYX", "JELLYJELLY", "OM")
D = Decimal


def row(floor: Any, rate: Any, leverage: Any) -> dict[str, Any]:
    return {"minNotional": floor, "maintenanceMarginRate": rate, "maxLeverage": leverage}


# Written by hand: 1 %, from 1,000 on 2 %, from 5,000 on 5 %.
SMALL = [row(0, 0.01, 50), row(1000.0, 0.02, 20), row(5000, "0.05", 5)]


@pytest.fixture(scope="module")
def venue(shared: Path) -> dict[str, list[dict[str, Any]]]:
    path = shared / "data" / "tiers_binance_7symbols.json"
    if not path.is_file():
        pytest.skip("real data: ../shared/data/tiers_binance_7symbols.json is not here")
    # As decimals of the file's own digits: no float comes between.
    data: dict[str, list[dict[str, Any]]] = json.loads(path.read_text(), parse_float=D)
    return data


def solved(
    tiers: pc.MarginTiers, floors: Any, rates: Any, deductions: Any, *, per_tier: int = 400, seed: int = 1
) -> NDArray[np.float64]:
    """Positions in every tier whose liquidation price is known; how far each is from equity = maintenance."""
    rng = np.random.default_rng(seed)
    floors, rates, deductions = (np.asarray(x, dtype=np.float64) for x in (floors, rates, deductions))
    tops = np.append(floors[1:], 3 * floors[-1])
    tier = np.repeat(np.arange(len(floors)), per_tier)
    notional = floors[tier] + (tops - floors)[tier] * rng.uniform(1e-6, 1, len(tier))
    price = 10 ** rng.uniform(-5, 5, len(tier))
    qty, side = notional / price, rng.choice([-1.0, 1.0], len(tier))
    entry = price * (1 + side * rng.uniform(0, 0.5, len(tier)))
    maintenance = notional * rates[tier] - deductions[tier]
    margin = maintenance + side * qty * (entry - price)
    found = pc.rules.liquidation_price(side=side, qty=qty, entry_price=entry, margin=margin, tiers=tiers)
    np.testing.assert_allclose(found, price, rtol=1e-9)
    # Equity and maintenance at the price that was found, in the tier that its notional is in.
    at = np.searchsorted(floors, qty * found, side="right") - 1
    equity = margin + side * qty * (found - entry)
    required = qty * found * rates[at] - deductions[at]
    assert set(at) == set(range(len(floors)))
    return np.asarray(np.abs(equity - required) / required)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_deductions_are_the_venues_own(venue: dict[str, list[dict[str, Any]]], symbol: str) -> None:
    rows = venue[f"{symbol}/USDT:USDT"]
    tiers = pc.MarginTiers.from_ccxt(rows)
    # To the last digit: the recursion in exact decimals gives the file's own figures.
    assert list(tiers.deductions) == [D(r["info"]["cum"]) for r in rows]
    # ... and from binary floats as well, as ccxt hands them over.
    floats = [{key: float(r[key]) for key in row(0, 0, 0)} for r in rows]
    assert pc.MarginTiers.from_ccxt(floats) == tiers
    assert pc.MarginTiers.from_ccxt(reversed(rows)) == tiers


def test_the_sample_has_seven_symbols(venue: dict[str, list[dict[str, Any]]]) -> None:
    assert set(venue) == {f"{symbol}/USDT:USDT" for symbol in SYMBOLS}


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_liquidation_prices_solve_equity_is_maintenance(
    venue: dict[str, list[dict[str, Any]]], symbol: str
) -> None:
    rows = venue[f"{symbol}/USDT:USDT"]
    cum = [r["info"]["cum"] for r in rows]  # the venue's deductions, not ours
    floors, rates = [r["minNotional"] for r in rows], [r["maintenanceMarginRate"] for r in rows]
    assert solved(pc.MarginTiers.from_ccxt(rows), floors, rates, cum).max() < 1e-9


# ---- by hand, where the sample is not ----


def test_small_tiers() -> None:
    tiers = pc.MarginTiers.from_ccxt(SMALL)
    assert tiers.tiers[2] == pc.Tier(min_notional=5000, maintenance_rate="0.05", max_leverage=5)
    assert tiers.deductions == (0, 10, 160)  # 1000 x 1 %; 10 + 5000 x 3 %
    assert solved(tiers, [0, 1000, 5000], [0.01, 0.02, 0.05], [0, 10, 160]).max() < 1e-9


def test_maintenance_is_continuous_where_tiers_meet() -> None:
    tiers = pc.MarginTiers.from_ccxt(SMALL)
    for floor, margin in ((1000, 10), (5000, 90)):
        below = tiers.maintenance_margin(D(floor) - D("1e-9"))
        assert tiers.maintenance_margin(floor) == margin
        assert 0 < margin - below < D("1e-9")
    assert [tiers.maintenance_margin(n) for n in (0, 500, 2000, 10_000)] == [0, 5, 30, 340]


@pytest.mark.parametrize(
    ("side", "qty", "entry", "margin", "price"),
    [
        ("short", 10, 10, 20, 120 / 10.1),  # 118.8: tier 1
        ("short", 100, 10, 100, 1110 / 102),  # 1,088: (1000 + 100 + 10) / (100 x 1.02)
        ("short", 600, 10, 1000, 7160 / 630),  # 6,819: (6000 + 1000 + 160) / (600 x 1.05)
        ("long", 10, 10, 20, 80 / 9.9),
        ("long", 110, 10, 50, 1040 / 107.8),  # 1,061, tier 2: (1100 - 50 - 10) / (110 x 0.98)
        ("long", 600, 10, 600, 5240 / 570),  # 5,516, tier 3: (6000 - 600 - 160) / (600 x 0.95)
        ("long", 600, 10, 1500, 4490 / 588),  # 4,582: into tier 2 on the way down
        ("short", 90, 10, 300, 1210 / 91.8),  # 1,186: into tier 2 on the way up
    ],
)
def test_by_hand(side: str, qty: float, entry: float, margin: float, price: float) -> None:
    tiers = pc.MarginTiers.from_ccxt(SMALL)
    found = pc.rules.liquidation_price(side=side, qty=qty, entry_price=entry, margin=margin, tiers=tiers)
    assert found == pytest.approx(price, rel=1e-12)


@pytest.mark.parametrize(
    ("at", "change", "field"),
    [
        (1, {"minNotional": None}, r"tiers\[1\]\.minNotional: None"),
        (1, {"maxLeverage": None}, r"tiers\[1\]\.maxLeverage: None"),
        (0, {"maintenanceMarginRate": None}, r"tiers\[0\]\.maintenanceMarginRate: None"),
        (1, {"maxLeverage": "much"}, "(maxLeverage|max_leverage): 'much'"),
        (1, {"maintenanceMarginRate": float("nan")}, "(maintenanceMarginRate|maintenance_rate): nan"),
        (2, {"minNotional": float("inf")}, "(minNotional|min_notional): inf"),
        (0, {"minNotional": 5}, r"tiers\[0\]\.min_notional: 5"),
        (2, {"minNotional": 1000}, r"tiers\[2\]\.min_notional: 1000"),
        (1, {"maintenanceMarginRate": 0.005}, r"tiers\[1\]\.maintenance_rate: 0\.005"),
        (2, {"maintenanceMarginRate": 1.5}, r"tiers\[2\]\.maintenance_rate: 1\.5"),
        (0, {"maintenanceMarginRate": -0.01}, r"tiers\[0\]\.maintenance_rate: -0\.01"),
        (1, {"maxLeverage": 0}, r"tiers\[1\]\.max_leverage: 0"),
    ],
)
def test_bad_rows_are_refused_by_field(at: int, change: dict[str, Any], field: str) -> None:
    rows = [dict(r) for r in SMALL]
    rows[at].update(change)
    with pytest.raises(pc.ScenarioError, match=field):
        pc.MarginTiers.from_ccxt(rows)


def topped(*tops: Any) -> list[dict[str, Any]]:
    return [{**fields, "maxNotional": top} for fields, top in zip(SMALL, tops, strict=True)]


def test_rows_that_meet_are_taken() -> None:
    plain = pc.MarginTiers.from_ccxt(SMALL)
    for rows in (topped(1000, 5000.0, "9000"), topped(None, 5000, None)):
        assert pc.MarginTiers.from_ccxt(rows) == plain
        assert pc.MarginTiers.from_ccxt(reversed(rows)) == plain


@pytest.mark.parametrize(
    ("tops", "field", "value", "allowed"),
    [
        ((900, 5000, 9000), "tiers[0].maxNotional", "900", "1000, the minNotional of the row above it"),
        ((1000, 6000, 9000), "tiers[1].maxNotional", "6000", "5000, the minNotional of the row above it"),
        ((1000, 5000, 5000), "tiers[2].maxNotional", "5000", "more than its minNotional, 5000"),
        ((1000, "far", 9000), "tiers[1].maxNotional", "'far'", "a finite number"),
    ],
)
def test_gaps_and_overlaps_are_refused(tops: tuple[Any, ...], field: str, value: str, allowed: str) -> None:
    with pytest.raises(pc.ScenarioError) as caught:
        pc.MarginTiers.from_ccxt(topped(*tops))
    ((named, given, said),) = caught.value.problems
    assert (named, given) == (field, value)
    assert allowed in said


def test_a_missing_key_and_no_rows_are_refused() -> None:
    rows = [dict(r) for r in SMALL]
    del rows[1]["maxLeverage"]
    with pytest.raises(pc.ScenarioError, match=r"tiers\[1\]\.maxLeverage: None"):
        pc.MarginTiers.from_ccxt(rows)
    with pytest.raises(pc.ScenarioError, match=r"tiers: \[\] is not allowed: at least one tier"):
        pc.MarginTiers.from_ccxt([])
