"""Mark, index, funding, funds and deleveraging over arrays have the properties that the venues publish."""

import json
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import perpcore as pc

r = pc.rules

rates = st.floats(-0.1, 0.1)
prices = st.floats(0.01, 1e6)
ticks = st.integers(1, 10**6)


# ---- funding ----


@given(premium=rates, interest=rates, clamp=st.floats(0, 0.01), cap=st.floats(0, 0.05))
def test_funding_is_the_interest_in_the_flat_zone_and_leaves_it_without_a_jump(
    premium: float, interest: float, clamp: float, cap: float
) -> None:
    rate = r.funding_rate(premium=premium, interest=interest, clamp=clamp)
    if abs(interest - premium) <= clamp:
        assert rate == interest
    else:
        assert rate == pytest.approx(premium + np.copysign(clamp, interest - premium), abs=1e-15)
    assert min(premium, interest) - 1e-15 <= rate <= max(premium, interest) + 1e-15
    capped = r.funding_rate(premium=premium, interest=interest, clamp=clamp, cap=cap, divisor=8)
    assert capped == pytest.approx(min(max(rate / 8, -cap), cap), abs=1e-15)


@given(premium=rates, band=st.floats(0, 0.01))
def test_a_clamp_without_interest_is_deribits_dead_band(premium: float, band: float) -> None:
    expected = max(band, premium) + min(-band, premium)
    assert r.funding_rate(premium=premium, clamp=band) == pytest.approx(expected, abs=1e-15)


def test_the_flat_zone_ends_where_binance_says() -> None:
    """Interest 0.01 % and clamp 0.05 %: the rate is the interest from -0.04 % to 0.06 %."""
    premium = np.linspace(-0.002, 0.002, 4001)
    rate = r.funding_rate(premium=premium, interest=0.0001, clamp=0.0005)
    flat = (premium > -0.0004 + 1e-9) & (premium < 0.0006 - 1e-9)
    assert (rate[flat] == 0.0001).all()
    beyond = (premium < -0.0004 - 1e-9) | (premium > 0.0006 + 1e-9)
    assert (rate[beyond] != 0.0001).all()
    assert (np.diff(rate) >= -1e-18).all()


@given(st.lists(rates, min_size=1, max_size=20))
def test_averages_are_the_written_out_sums(premiums: list[float]) -> None:
    n = len(premiums)
    assert r.average_premium(premiums=premiums) == pytest.approx(sum(premiums) / n, abs=1e-15)
    ramp = sum((k + 1) * x for k, x in enumerate(premiums)) / sum(range(1, n + 1))
    assert r.average_premium(premiums=premiums, weighting="ramp") == pytest.approx(ramp, abs=1e-15)
    padded = r.average_premium(premiums=premiums, expected=2 * n)
    assert padded == pytest.approx(sum(premiums) / n / 2, abs=1e-15)
    assert r.average_premium(premiums=premiums, expected=n - 1) == r.average_premium(premiums=premiums)


def test_a_ramp_leans_on_the_last_sample() -> None:
    assert r.average_premium(premiums=[0, 0, 6], weighting="ramp") == 3
    assert r.average_premium(premiums=[6, 0, 0], weighting="ramp") == 1


sides = st.lists(st.tuples(st.integers(1, 500), st.integers(1, 50)), min_size=1, max_size=6)


@given(bids=sides, asks=sides, index=st.integers(1, 10**6), notional=st.integers(1, 10**9))
def test_dydx_ppm_are_the_exact_quotient_cut_towards_zero(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]], index: int, notional: int
) -> None:
    """Against fractions: levels are (distance from a far edge in cents, size)."""

    def levels(side: list[tuple[int, int]], way: int) -> list[tuple[Fraction, int]]:
        steps = np.cumsum([distance for distance, _ in side]).tolist()
        rows = zip(steps, side, strict=True)
        return [(Fraction(500_000 + way * step, 100), size) for step, (_, size) in rows]

    def exact(side: list[tuple[Fraction, int]]) -> Fraction | None:
        left, qty = Fraction(notional), Fraction(0)
        for price, size in side:
            taken = min(left, price * size)
            left, qty = left - taken, qty + taken / price
        return Fraction(notional) / qty if left == 0 else None

    books = levels(bids, -1), levels(asks, 1)
    bid, ask = (exact(book) for book in books)
    spot = Fraction(index, 100)
    premium = max(0, bid - spot) if bid is not None else Fraction(0)
    premium -= max(0, spot - ask) if ask is not None else Fraction(0)
    expected = int(premium * 1_000_000 / spot)

    found = [
        r.impact_price(prices=[float(p) for p, _ in book], sizes=[s for _, s in book], notional=notional)
        for book in books
    ]
    for mine, theirs in zip(found, (bid, ask), strict=True):
        assert np.isnan(mine) if theirs is None else mine == pytest.approx(float(theirs), rel=1e-13)
    ppm = r.premium_index(impact_bid=found[0], impact_ask=found[1], index_price=float(spot), ppm=True)
    assert ppm == expected


def test_a_thin_side_is_missing_or_nothing() -> None:
    book: dict[str, Any] = {"prices": [100.0, 99.0], "sizes": [1.0, 1.0], "notional": [199.0, 199.1]}
    assert r.impact_price(**book).tolist() == pytest.approx([99.5, np.nan], nan_ok=True)
    assert r.impact_price(**book, thin="zero").tolist() == pytest.approx([99.5, 0])
    assert r.premium_index(impact_bid=np.nan, impact_ask=99, index_price=100) == -0.01
    assert r.premium_index(impact_bid=0, impact_ask=0, index_price=100) == 0
    assert r.premium_index(index_price=100) == 0


@given(qty=st.floats(0, 1e6), price=prices, rate=rates)
def test_funding_is_paid_by_one_side_to_the_other(qty: float, price: float, rate: float) -> None:
    paid = r.funding_payment(side=["long", "short"], qty=qty, price=price, funding_rate=rate)
    assert paid.sum() == 0
    assert paid[0] == pytest.approx(-qty * price * rate)
    coin = r.funding_payment(
        side=["long", "short"], qty=qty, price=price, funding_rate=rate, contract="inverse"
    )
    assert coin[0] == pytest.approx(-qty / price * rate)
    assert coin.sum() == 0


@given(
    long=st.floats(0.001, 1e4), short=st.floats(0.001, 1e4), rate=rates, pool=st.floats(0, 1e4),
    floor=st.floats(0, 1e4),
)  # fmt: skip
def test_capped_funding_conserves_money_and_keeps_the_floor(
    long: float, short: float, rate: float, pool: float, floor: float
) -> None:
    found = r.capped_funding(long_qty=long, short_qty=short, rate=rate, pool=pool, pool_floor=floor)
    # What longs pay reaches shorts or the pool.
    assert long * found.long_rate + pool == pytest.approx(short * found.short_rate + found.pool, abs=1e-9)
    assert found.pool >= min(pool, floor) - 1e-9
    payers = found.long_rate if rate >= 0 else found.short_rate
    receivers = found.short_rate if rate >= 0 else found.long_rate
    assert payers == rate
    assert abs(receivers) <= abs(rate) * (1 + 1e-12)


def test_twap_payment_terms_act_one_by_one() -> None:
    plain: dict[str, Any] = {"internal_twap": 103, "external_twap": 100}
    assert r.twap_payment(**plain) == (3, 0.03)
    # An interest term that is not bounded makes the payment the interest alone.
    free = r.twap_payment(**plain, interest=0.1, years=0.5, clamp=(-1, 1))
    assert free.payment == pytest.approx(5)
    assert r.twap_payment(**plain, scaling=2, upper_rate=0.05).payment == pytest.approx(5)
    assert r.twap_payment(**plain, scaling=0.5, whole=True).payment == 1


@given(
    samples=st.lists(st.integers(-20_000, 20_000), max_size=70), default=st.integers(-1000, 1000),
    cap=st.integers(0, 15_000), price=st.integers(1, 10**7),
)  # fmt: skip
def test_dydx_index_delta_is_integer_arithmetic(
    samples: list[int], default: int, cap: int, price: int
) -> None:
    def cut(number: Fraction) -> int:
        return int(number)

    rate = cut(Fraction(sum(samples), max(len(samples), 60))) + default
    rate = max(-cap, min(cap, rate))
    expected = cut(Fraction(rate * price * 100, 8_000_000))
    delta = r.funding_index_delta(premiums=samples, expected=60, default=default, cap=cap, price=price)
    assert delta == expected


# ---- recorded funding ----

# Until when (UTC), clamp, divisor. Hyperliquid's rules of 2023, as the recorded rates show them: a clamp of
# 0.03 %, paid every eight hours, then an eighth an hour; for a month the bare premium (no interest, no flat
# zone); then a flat zone again, which today's 0.05 % fits as well, since no premium of those days left it.
ERAS = [
    ("2023-06-08T00:30", 0.0003, 1),
    ("2023-06-16T20:30", 0.0003, 8),
    ("2023-07-15T02:30", 0.0, 8),
    ("2023-07-18T00:00", 0.0003, 8),
]
DIGITS = 1.01e-8  # premium and rate are both recorded to eight digits
# One hour fits no clamp that its neighbours allow: it is 0.02 % below its premium, and they bear 0.0279 %.
ODD_HOUR = "2023-07-16T01:00"


def test_recorded_hyperliquid_funding_follows_from_its_premiums(shared: Path) -> None:
    path = shared / "data" / "hyperliquid" / "funding_history.json"
    if not path.is_file():
        pytest.skip("real data: ../shared/data/hyperliquid/funding_history.json is not here")
    rows = json.loads(path.read_text())
    premium, recorded = (np.array([float(row[name]) for row in rows]) for name in ("premium", "fundingRate"))
    at = np.array([row["time"] / 1000 for row in rows])
    ends = [datetime.fromisoformat(end).replace(tzinfo=UTC).timestamp() for end, _, _ in ERAS]
    era = np.searchsorted(ends, at)
    assert np.bincount(era).tolist() == [82, 212, 677, 67]
    clamp, divisor = (np.array([row[i] for row in ERAS])[era] for i in (1, 2))
    rate = r.funding_rate(premium=premium, interest=0.0001, clamp=clamp, divisor=divisor)
    (odd,) = np.flatnonzero(np.abs(rate - recorded) > DIGITS)
    assert datetime.fromtimestamp(at[odd], UTC).isoformat().startswith(ODD_HOUR)
    # The flat zone is no formality: without it, or with today's, the first two rules' hours do not come out.
    for other in (0.0, 0.0002, 0.0004, 0.0005):
        wrong = r.funding_rate(premium=premium, interest=0.0001, clamp=other, divisor=divisor)
        assert (np.abs(wrong - recorded) > DIGITS)[era < 2].sum() > 100
    today = r.funding_rate(premium=premium, interest=0.0001, clamp=0.0005, divisor=divisor)
    assert (np.abs(today - recorded) > DIGITS)[era == 3].sum() == 1


# ---- prices ----


@given(st.lists(prices, min_size=1, max_size=9), st.floats(0, 0.2))
def test_an_index_stays_within_its_sources_and_its_cap(sources: list[float], cap: float) -> None:
    median = r.median_price(prices=sources)
    assert median == pytest.approx(np.median(sources), rel=1e-15)
    capped = r.capped_prices(prices=sources, cap=cap)
    assert (np.abs(capped / median - 1) <= cap + 1e-12).all()
    index = r.index_price(prices=sources, cap=cap)
    assert index == pytest.approx(capped.mean())
    assert min(sources) * (1 - 1e-12) <= index <= max(sources) * (1 + 1e-12)
    assert r.index_price(prices=sources) == pytest.approx(np.mean(sources))


def test_outliers_are_moved_or_dropped_and_stale_sources_move_no_median() -> None:
    sources = [100.0, 101.0, 150.0, None]
    assert r.index_price(prices=sources, cap=0.01) == pytest.approx((100 + 101 + 102.01) / 3)
    assert r.index_price(prices=sources, cap=0.01, outliers="drop") == 100.5
    fresh = r.index_price(prices=[100, 101, 150, 151], ages=[1, 2, 99, 99], max_age=5, cap=0.01)
    assert fresh == 100.5
    assert np.isnan(r.index_price(prices=[None, None]))


@given(st.tuples(prices, prices, prices))
def test_a_mark_of_three_is_never_the_outermost(three: tuple[float, float, float]) -> None:
    assert r.median_price(prices=three) == sorted(three)[1]


def test_a_weighted_median_has_half_of_the_weight_on_either_side() -> None:
    assert r.median_price(prices=[3, 1, 2], weights=[3, 2, 2]) == 2
    assert r.median_price(prices=[3, 1, 2], weights=[5, 2, 2]) == 3
    assert r.median_price(prices=[1, 2], weights=[1, 1]) == 1.5
    assert np.isnan(r.median_price(prices=[np.nan]))


def test_stale_sources_weigh_nothing() -> None:
    both = r.weighted_price(prices=[100, 110], weights=[1, 3])
    assert both == 107.5
    assert r.weighted_price(prices=[100, 110], weights=[1, 3], ages=[0, 9], max_age=5) == 100
    assert r.weighted_price(prices=[100, None], weights=[1, 3]) == 100
    assert np.isnan(r.weighted_price(prices=[None], weights=[1]))


def test_the_fair_price_ends_at_the_index() -> None:
    mark = r.fair_price(index_price=10_000, funding_rate=0.0003, hours_to_funding=[8, 4, 0])
    assert mark.tolist() == pytest.approx([10_003, 10_001.5, 10_000])


def test_an_exponential_average_closes_its_gap_with_the_time_constant() -> None:
    values = np.r_[0.0, np.ones(300)]
    for kernel in ("step", "time"):
        average = r.exponential_average(values=values, seconds=1.0, time_constant_s=150, kernel=kernel)
        assert (np.diff(average) > 0).all()
        assert average[-1] < 1
    step = r.exponential_average(values=values, seconds=1.0, time_constant_s=150)
    np.testing.assert_allclose(1 - step, np.exp(-np.arange(301) / 150), rtol=1e-12)
    # However the time is cut: one step of ten seconds, or ten of one.
    one = r.exponential_average(values=[0, 1], seconds=[0, 10], time_constant_s=30)[-1]
    ten = r.exponential_average(values=[0] + [1] * 10, seconds=[0] + [1] * 10, time_constant_s=30)[-1]
    assert one == pytest.approx(ten, rel=1e-12)


def test_hyperliquids_mark_is_the_median_of_oracle_book_and_others() -> None:
    book: dict[str, Any] = {"bid": 99.0, "ask": 103.0, "last_price": 101.0}
    assert r.composite_price(oracle_price=100.0, basis_average=0.5, **book, others=102.0) == 101
    assert r.composite_price(oracle_price=100.0, basis_average=0.5, **book, others=90.0) == 100.5
    # Two are left: the averaged book stands in, or they meet in the middle.
    assert r.composite_price(oracle_price=100.0, **book, book_average=100.4) == 100.4
    assert r.composite_price(oracle_price=100.0, **book) == 100.5
    alone = r.composite_price(oracle_price=100.0, bid=None, ask=None, last_price=None)
    assert alone == 100


def test_a_limited_step_is_the_price_or_the_bound() -> None:
    assert r.limit_step(price=[90, 100.5, 110], previous=100, max_step=0.01).tolist() == [99, 100.5, 101]


# ---- funds, deleveraging, losses ----


def test_profit_and_leverage_come_first_and_losses_last() -> None:
    position: dict[str, Any] = {"side": "short", "qty": 1.0, "mark_price": 80.0}
    score = r.adl_score(**position, entry_price=[100, 90, 70, 70], equity=[10, 10, 10, 40])
    assert (np.diff(score[:3]) < 0).all()
    assert score[0] == pytest.approx(0.2 * 8)
    assert score[3] < score[2] < 0  # the same loss ranks higher with more leverage
    assert np.isnan(r.adl_score(**position, entry_price=100, equity=0))


def test_hyperliquids_index_can_be_read_two_ways_for_shorts() -> None:
    shorts: dict[str, Any] = {
        "side": "short",
        "qty": 1,
        "entry_price": [100, 200],
        "mark_price": 50,
        "equity": 25,
    }
    inverted = r.adl_score(**shorts, rank="hyperliquid")
    literal = r.adl_score(**shorts, rank="hyperliquid", shorts="literal")
    assert inverted.tolist() == [4, 8]
    assert literal.tolist() == [1, 0.5]
    longs = shorts | {"side": "long"}
    assert (
        r.adl_score(**longs, rank="hyperliquid") == r.adl_score(**longs, rank="hyperliquid", shorts="literal")
    ).all()


queues = st.lists(st.tuples(st.floats(-10, 10), st.integers(1, 1000)), min_size=1, max_size=30)


@given(queues)
def test_lights_are_fifths_of_the_quantity_in_rank_order(queue: list[tuple[float, int]]) -> None:
    score, qty = map(list, zip(*queue, strict=True))
    order, lights = r.adl_order(score=score, qty=qty)
    assert sorted(order) == list(range(len(queue)))
    ranked = [score[i] for i in order]
    assert ranked == sorted(score, reverse=True)
    ahead = np.cumsum([qty[i] for i in order])
    assert lights.tolist() == [-(-5 * int(end) // sum(qty)) * 20 for end in ahead]


def test_equal_scores_keep_their_order_and_unranked_ones_come_last() -> None:
    order, lights = r.adl_order(score=[1, np.nan, 1, 2], qty=[1, 1, 1, 1])
    assert order.tolist() == [3, 0, 2, 1]
    assert lights.tolist() == [40, 60, 80, 100]


@given(
    qty=st.floats(0, 1e4), price=prices, queue=st.lists(st.floats(0, 1e3), min_size=1, max_size=9),
    side=st.sampled_from(["long", "short"]),
)  # fmt: skip
def test_deleveraging_closes_what_is_missing_and_conserves_money(
    qty: float, price: float, queue: list[float], side: str
) -> None:
    found = r.deleverage(side=side, qty=qty, price=price, queue_qty=queue, cash=5, queue_cash=7)
    assert found.closed + found.left == pytest.approx(qty, abs=1e-9)
    assert found.closed == pytest.approx(min(qty, sum(queue)), abs=1e-9)
    partly = (found.fills > 0) & (found.queue_left > 0)
    assert partly.sum() <= 1
    touched = np.flatnonzero(found.fills > 0)
    assert (found.queue_left[: touched[-1]] == 0).all() if len(touched) else qty == 0 or sum(queue) == 0
    total = found.cash + found.queue_cash.sum()
    assert total == pytest.approx(5 + 7 * len(queue), abs=1e-6)


def test_without_counterparties_everything_is_left() -> None:
    found = r.deleverage(side="long", qty=2, price=1, queue_qty=[], cash=3)
    assert (found.left, found.closed, found.cash, len(found.fills)) == (2, 0, 3, 0)
    order, lights = r.adl_order(score=[], qty=[])
    assert len(order) == len(lights) == 0


def test_at_the_bankruptcy_price_nothing_is_left() -> None:
    found = r.deleverage(side=["short", "long"], qty=2, cash=[210, -190], queue_qty=[0.5, 3])
    assert found.cash.tolist() == pytest.approx([0, 0])
    assert found.queue_cash.tolist() == [[52.5, 157.5], [-47.5, -142.5]]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=9), st.integers(0, 10**7), st.integers(0, 10**6))
def test_shared_losses_sum_to_the_loss(gains: list[int], loss: int, fund: int) -> None:
    found = r.share_loss(owed=loss, available=0, gains=gains, fund=fund, whole=True)
    shortfall = max(loss - fund, 0)
    assert found.shortfall == shortfall
    assert found.fund == max(fund - loss, 0)
    assert found.cuts.sum() == -min(shortfall, sum(gains))
    assert (found.payouts == np.floor(found.payouts)).all()
    assert (found.payouts >= 0).all()
    assert (found.cuts[:-1] <= 0).all()
    exact = r.share_loss(owed=loss, available=0, gains=gains, fund=fund)
    assert exact.cuts.sum() == pytest.approx(found.cuts.sum(), abs=1e-6)
    assert (np.abs(exact.payouts - found.payouts) <= len(gains) + 1e-6).all()


def test_losses_a_unit_cover_the_loss_after_rounding() -> None:
    loss = np.array([100.0, 1.0, 0.0])
    found = r.loss_per_unit(loss=loss, units=[7, 4], decimals=6)
    total = found.shares.sum(axis=-1)
    assert (total >= loss).all()
    assert (total - loss <= 11e-6).all()
    assert r.loss_per_unit(loss=2.5, units=[10], decimals=2).per_unit == 0.25


def test_a_fund_gains_what_a_liquidation_is_better_than_bankruptcy() -> None:
    change = r.insurance_fund_change(side=["long", "short"], bankruptcy_price=100, fill_price=103, qty=2)
    assert change.tolist() == [6, -6]
    assert r.insurance_fund_change(side=1, bankruptcy_price=100, fill_price=100, qty=2, fee_rate=0.01) == -2
    coin = {"side": ["long", "short"], "qty": 600, "bankruptcy_price": 100, "contract": "inverse"}
    assert r.insurance_fund_change(**coin, fill_price=120).tolist() == pytest.approx([1, -1])
    assert r.insurance_fund_change(**coin, fill_price=100, fee_rate=0.01).tolist() == pytest.approx(
        [-0.06] * 2
    )
    # dYdX takes a share of the fill at most, and never more than is left.
    fees = r.fund_fee(bankruptcy_quote=100, fill_quote=[90, 100, 101, 200], max_fee_rate=0.05)
    assert fees.tolist() == [-10, 0, 1, 10]


def test_a_take_over_needs_margin_below_maintenance() -> None:
    position: dict[str, Any] = {"side": "long", "qty": 10, "previous_price": 100, "price": 90}
    found = r.take_over(
        **position, margin=[250, 150], risk_factor=0.1, fund=1000, fill_price=85, fee_rate=0.01
    )
    assert found.loss.tolist() == [100, 100]
    assert found.closed_out.tolist() == [False, True]
    assert found.to_fund.tolist() == [0, 50]
    assert found.fund.tolist() == [1000, 1000 + 50 - 50 - 8.5]


def test_okx_deleverages_below_a_fall_of_a_share_or_of_the_floor() -> None:
    assert r.adl_threshold(average_fund=[400_000, 100_000]).tolist() == [280_000, 50_000]


# ---- bad input ----

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("impact_notional", {"initial_rate": 0}, "initial_rate: 0.0 .* more than 0"),
    ("impact_price", {"prices": [1, 2], "sizes": [1, 1, 1], "notional": 1}, "shapes that broadcast"),
    ("impact_price", {"prices": 1, "sizes": [1], "notional": 1}, "prices: 1 .* a sequence"),
    ("impact_price", {"prices": [1], "sizes": [-1], "notional": 1}, "sizes: -1.0 .* 0 or more"),
    ("impact_price", {"prices": [None], "sizes": [1], "notional": 1}, "prices: nan .* finite"),
    ("impact_price", {"prices": [1], "sizes": [1], "notional": 1, "thin": "no"}, 'thin: .* "nan" or "zero"'),
    ("premium_index", {"impact_bid": "x", "index_price": 1}, "impact_bid: 'x' .* numbers"),
    ("premium_index", {"impact_ask": -1, "index_price": 1}, "impact_ask: -1.0 .* 0 or more"),
    ("premium_index", {"impact_bid": 1, "index_price": 0}, "index_price: 0.0 .* more than 0"),
    ("average_premium", {"premiums": [1], "weighting": "square"}, '"plain" or "ramp"'),
    ("average_premium", {"premiums": [1], "weighting": "ramp", "expected": 2}, "expected: 2"),
    ("average_premium", {"premiums": [], "weighting": "ramp"}, "at least one sample"),
    ("average_premium", {"premiums": [np.nan]}, "premiums: nan .* finite"),
    ("interest_rate", {"quote_rate": 1, "base_rate": 1, "per_day": 0}, "per_day: 0.0"),
    ("funding_rate", {"premium": 0, "clamp": -1}, "clamp: -1.0 .* 0 or more"),
    ("funding_rate", {"premium": 0, "divisor": 0}, "divisor: 0.0 .* more than 0"),
    ("funding_rate", {"premium": np.inf}, "premium: inf .* finite"),
    ("funding_rate", {"premium": [0, 1], "interest": [0, 1, 2]}, "shapes that broadcast"),
    ("max_divergence", {"oracle_twap": 1, "tier": "D"}, "tier: 'D'"),
    ("max_divergence", {"oracle_twap": 1, "tier": 0}, "tier: 0.0 .* more than 0"),
    ("twap_funding_rate", {"mark_twap": 1, "oracle_twap": 1, "hours": 0}, "hours: 0.0"),
    ("twap_payment", {"internal_twap": 1, "external_twap": 0}, "external_twap: 0.0"),
    ("twap_payment", {"internal_twap": 1, "external_twap": 1, "clamp": (1, 0)}, "clamp: 1.0 .* not above"),
    ("twap_payment", {"internal_twap": 1, "external_twap": 1, "lower_rate": 2, "upper_rate": 1}, "not"),
    ("capped_funding", {"long_qty": -1, "short_qty": 1, "rate": 0, "pool": 1}, "long_qty: -1.0"),
    ("funding_payment", {"side": "up", "qty": 1, "price": 1, "funding_rate": 0}, "side: 'up'"),
    ("funding_payment", {"side": 1, "qty": 1, "price": 1, "funding_rate": 0, "contract": "x"}, "contract"),
    ("funding_index_delta", {"premiums": [1], "price": 1, "hours": 0}, "hours: 0.0"),
    ("fair_price", {"index_price": 1, "funding_rate": 0, "hours_to_funding": 1, "interval_h": 0}, "interval"),
    ("weighted_price", {"prices": [1], "weights": [-1]}, "weights: -1.0"),
    ("weighted_price", {"prices": [1], "ages": [1]}, "max_age: None"),
    ("weighted_price", {"prices": [1, 2], "ages": [1, 2, 3], "max_age": 1}, "ages.* shapes"),
    ("index_price", {"prices": [0, 1]}, "prices: 0.0"),
    ("index_price", {"prices": [1], "cap": -0.1}, "cap: -0.1"),
    ("index_price", {"prices": [1], "cap": 0.1, "outliers": "keep"}, "outliers: 'keep'"),
    ("composite_price", {"oracle_price": 0, "bid": 1, "ask": 1, "last_price": 1}, "oracle_price: 0.0"),
    ("exponential_average", {"values": [1], "seconds": 1, "time_constant_s": 0}, "time_constant_s: 0.0"),
    ("limit_step", {"price": 1, "previous": 1, "max_step": -1}, "max_step: -1.0"),
    ("adl_order", {"score": [1, 2], "qty": [1]}, "score, qty"),
    ("adl_order", {"score": [1], "qty": [0]}, "qty: 0.0"),
    ("adl_score", {"side": 1, "qty": 1, "entry_price": 1, "mark_price": 1, "equity": 1, "rank": "x"}, "rank"),
    ("deleverage", {"side": 1, "qty": 1, "price": 0, "queue_qty": [1]}, "price: 0.0"),
    ("deleverage", {"side": 1, "qty": -1, "price": 1, "queue_qty": [1]}, "qty: -1.0"),
    ("deleverage", {"side": 1, "qty": 1, "cash": 5, "queue_qty": [1]}, "price: -5.0"),
    ("insurance_fund_change", {"side": 0, "bankruptcy_price": 1, "fill_price": 1}, "side: 0"),
    ("share_loss", {"owed": 1, "available": 0, "gains": [1], "fund": -1}, "fund: -1.0 .* 0 or more"),
    ("share_loss", {"owed": 1, "available": 0, "gains": []}, "at least one winner"),
    ("loss_per_unit", {"loss": 1, "units": [0, 0]}, "units: 0.0"),
    ("loss_per_unit", {"loss": 1, "units": [1], "decimals": 1.5}, "decimals: 1.5"),
    ("take_over", {"side": 1, "qty": 1, "margin": 1, "previous_price": 1, "price": 0}, "price: 0.0"),
    ("profit_share", {"side": 1, "profit": 1, "exit_notional": 0}, "exit_notional: 0.0"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "message"), BAD)
def test_bad_input_is_named(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(pc.ScenarioError, match=message):
        getattr(r, name)(**arguments)


def test_arrays_broadcast_and_no_rows_are_no_error() -> None:
    index = np.full((3, 1), 100.0)
    premium = r.premium_index(impact_bid=[101, 102], impact_ask=103, index_price=index)
    assert premium.shape == (3, 2)
    assert r.funding_rate(premium=np.empty(0)).shape == (0,)
    assert r.median_price(prices=np.ones((0, 3))).shape == (0,)
    assert r.median_price(prices=np.ones((4, 5, 3))).shape == (4, 5)
    assert r.impact_price(prices=[[1, 2], [2, 3]], sizes=[5, 5], notional=[[1], [2]]).shape == (2, 2)
