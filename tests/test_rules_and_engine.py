"""`pc.rules` beside the exact engine, through what both show: prices within a tick, money within a step.

Accounts and tiers are random, the rules those of every preset. `tests/rules_and_engine.rs` holds the two to
each other over many more of them, inside the core.
"""

import itertools
import math
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import perpcore as pc

R = pc.rules
START, TICK = 10.0, 0.001
ACCOUNT = 8  # the first of the scenario's own
FUND = -3
NAMES = pytest.mark.parametrize("name", pc.venues.NAMES)
RANKS = ["profit_leverage", "hyperliquid", "profit_share", "size"]
FEWER = settings(max_examples=max(1, settings.default.max_examples // 4))  # each takes several runs

Ladder = dict[str, Any]
Book = dict[str, float]


def rules_of(name: str, **changes: Any) -> pc.Venue:
    """A preset without funding; mark and index stand where the last trade in spot was."""
    still: dict[str, Any] = {"mark": "index", "index": pc.venues.SpotIndex(), "impact_notional": 0}
    return pc.venues.load(name).replace({**still, "funding": None, **changes})


def near(value: float, venue: pc.Venue, steps: int = 1) -> Any:
    """Within so many steps of money; a worth in coin is rounded, and then what is made of it."""
    return pytest.approx(value, rel=1e-12, abs=steps * (2e-8 if venue.contract == "inverse" else 1e-6))


@st.composite
def accounts(draw, venue: pc.Venue, most_leverage: int = 20) -> tuple[pc.Venue, Ladder]:
    """Tiers for the venue's tier rule around the size of a position; and it, as a ladder of one."""
    qty, side = draw(st.integers(100, 10**6)), draw(st.sampled_from(["long", "short"]))
    entry = round(START + draw(st.integers(-300, 300)) * TICK, 3)
    leverage = draw(st.integers(3, 2 * most_leverage)) / 2
    notional = R.notional(qty=qty, price=entry, contract=venue.contract)
    rates = sorted(draw(st.lists(st.integers(1, 3_000), min_size=1, max_size=6)))
    second = notional * draw(st.floats(0.01, 1))
    # So far apart that no linear rate outgrows the notional.
    floors = [0, *(round(second * 2**i, 6) for i in range(len(rates) - 1))]
    tiers = [
        pc.Tier(min_notional=floor, maintenance_rate=rate / 10_000, max_leverage=100)
        for floor, rate in zip(floors, rates, strict=True)
    ]
    wallet = round(notional * draw(st.sampled_from([0, 0, 0.05])), 6)
    cross = {"margin_mode": "cross", "wallet": wallet} if wallet else {}
    ladder = {"side": side, "qty": qty, "entry_price": entry, "leverage": leverage, **cross}
    return venue.replace(tiers=tiers, insurance_fund=round(notional, 6)), ladder


def run(venue: pc.Venue, ladders: list[Ladder], mark: float, book: Book | None = None) -> pc.Run:
    """A small trade in spot moves index and mark, which then stay; `book` has the perpetual's best prices.

    Without it nothing closes the first ladder.
    """
    side = "asks" if mark >= START else "bids"
    book = book or ({"bids": TICK} if ladders[0]["side"] == "short" else {"asks": 1_000.0})
    levels = {at: pc.Levels(levels=[(price, 10**9)]) for at, price in book.items()}
    return pc.Scenario(
        start_price=START,
        total_supply=10**9,
        circulating=10**9,
        spot=pc.Market(tick_size=TICK, lot_size=1, **{side: pc.Levels(levels=[(mark, 10**6)])}),
        perp=pc.Market(tick_size=TICK, lot_size=1, **levels),
        venue=venue,
        market_maker=pc.MarketMaker(capital=10**9, hedge_ratio=0),
        positions=[pc.Ladder(**ladder) for ladder in ladders],
        ignition=pc.Ignition(qty=10, side="buy" if side == "asks" else "sell"),
        round_seconds=1,
    ).run(seed=1)


def opened(venue: pc.Venue, ladder: Ladder) -> dict[str, Any]:
    return {name: ladder[name] for name in ("side", "qty", "entry_price")} | {"contract": venue.contract}


def backing(venue: pc.Venue, ladder: Ladder) -> float:
    """Initial margin, and what a cross account has besides."""
    worth = R.notional(qty=ladder["qty"], price=ladder["entry_price"], contract=venue.contract)
    found: float = R.initial_margin(notional=worth, leverage=ladder["leverage"]) + ladder.get("wallet", 0)
    return found


def equity(venue: pc.Venue, ladder: Ladder, mark: float) -> float:
    found: float = backing(venue, ladder) + R.unrealised_pnl(**opened(venue, ladder), mark_price=mark)
    return found


def tiers_of(venue: pc.Venue) -> dict[str, Any]:
    return {"tiers": pc.MarginTiers(tiers=venue.tiers), "tier_rule": venue.tier_rule}


def held(venue: pc.Venue, ladder: Ladder, mark: float) -> float:
    """Maintenance margin at mark or entry, and the fee for closing at the mark."""
    at = mark if venue.maintenance_at == "mark" else ladder["entry_price"]
    worth = R.notional(qty=ladder["qty"], price=at, contract=venue.contract)
    rate = float(venue.close_fee)
    fee = R.fee(qty=ladder["qty"], price=mark, fee_rate=rate, contract=venue.contract)
    found: float = R.maintenance_margin(notional=worth, **tiers_of(venue), closing_fee=fee)
    return found


def way_of(ladder: Ladder) -> int:
    """Where loss lies."""
    return 1 if ladder["side"] == "short" else -1


def on_tick(price: float) -> float:
    return max(round(price / TICK), 1) * TICK


def breaks_at(venue: pc.Venue, ladder: Ladder) -> float:
    """Liquidation price of an account that is clear of it at the start, where a mark can be brought."""
    price = R.liquidation_price(
        **opened(venue, ladder),
        margin=backing(venue, ladder),
        **tiers_of(venue),
        maintenance_at=venue.maintenance_at,
        fee_rate=float(venue.close_fee),
    )
    assume(not math.isnan(price) and (price - START) * way_of(ladder) > 5 * TICK and 0.05 < price < 500)
    assume(equity(venue, ladder, START) > held(venue, ladder, START) * (1 + 1e-9))
    return float(price)


def assume_due(venue: pc.Venue, ladder: Ladder, mark: float) -> None:
    """A rate on the whole position falls with a long's notional below its tier: it may be safe again."""
    assume(equity(venue, ladder, mark) < held(venue, ladder, mark) * (1 - 1e-9))


@NAMES
@FEWER
@given(data=st.data())
def test_where_an_account_is_liquidated_and_what_it_is_worth_there(name, data):
    venue, ladder = data.draw(accounts(rules_of(name)))
    price, way = breaks_at(venue, ladder), way_of(ladder)
    mark = round(on_tick(price + way * data.draw(st.integers(2, 400)) * TICK), 3)
    assume_due(venue, ladder, mark)
    rows = run(venue, [ladder], mark).liquidations
    assert rows["account"][0] == ACCOUNT
    threshold = round(rows["threshold"][0], 3)
    assert abs(threshold - price) <= TICK * (1 + 1e-6)

    # A tick before it nothing happens; at it, it does.
    assert not len(run(venue, [ladder], round(threshold - way * TICK, 3)).liquidations)
    assert run(venue, [ladder], threshold).liquidations["mark"][0] == pytest.approx(threshold)

    assert rows["margin"][0] == near(backing(venue, ladder), venue)
    assert rows["equity"][0] == near(equity(venue, ladder, mark), venue, 2)
    assert rows["maintenance"][0] == near(held(venue, ladder, mark), venue)
    bankrupt = R.bankruptcy_price(**opened(venue, ladder), margin=backing(venue, ladder))
    assert math.isnan(bankrupt) or abs(rows["bankruptcy_price"][0] - bankrupt) <= TICK


@NAMES
@FEWER
@given(data=st.data())
def test_what_the_fund_gains_or_pays(name, data):
    """Closed whole, at another price than where nothing is left."""
    whole = {"liquidation_size": pc.venues.Whole(), "liquidation_order": "market", "rest": "takeover"}
    plain = {"leftover": "fund", "liquidation_fee": 0, "adl": None, "backstop": None, "loss_sharing": "none"}
    venue, ladder = data.draw(accounts(rules_of(name, **whole, **plain, unwind="hold")))
    price, way = breaks_at(venue, ladder), way_of(ladder)
    bankrupt = R.bankruptcy_price(**opened(venue, ladder), margin=backing(venue, ladder))
    assume(not math.isnan(bankrupt))
    mark = round(on_tick(price + way * 2 * TICK), 3)
    assume_due(venue, ladder, mark)
    fill = round(on_tick(mark + way * data.draw(st.integers(0, 2_000)) * TICK), 3)
    done = run(venue, [ladder], mark, {"asks" if way > 0 else "bids": fill})
    gain = R.insurance_fund_change(
        side=ladder["side"],
        qty=ladder["qty"],
        bankruptcy_price=bankrupt,
        fill_price=fill,
        contract=venue.contract,
    )
    had = float(venue.insurance_fund)
    balances = dict(zip(done.accounts["account"], done.accounts["balance"], strict=True))
    assert balances[FUND] - had == near(max(gain, -had), venue, 2)
    assert done.summary["venue_loss"] == near(max(0.0, -gain - had), venue, 2)


@NAMES
@FEWER
@given(data=st.data())
def test_who_is_deleveraged_first(name, data):
    """Two counterparties and the rest of the market: what each scores and makes, and in which order."""
    rank = data.draw(st.sampled_from(RANKS))
    adl = {"rest": "takeover", "backstop": None, "adl": pc.venues.Adl(trigger="always", rank=rank)}
    venue, ladder = data.draw(accounts(rules_of(name, **adl)))
    price, way = breaks_at(venue, ladder), way_of(ladder)
    mark = round(on_tick(price + way * TICK), 3)
    assume_due(venue, ladder, mark)
    named = {}
    for number, part in ((ACCOUNT + 1, 2), (ACCOUNT + 2, 3)):
        entry = round(START + data.draw(st.integers(-500, 500)) * TICK, 3)
        other = {"qty": ladder["qty"] // part, "entry_price": entry, "leverage": data.draw(st.integers(1, 2))}
        other["side"] = "long" if ladder["side"] == "short" else "short"
        assume(all(equity(venue, other, at) > 1.01 * held(venue, other, at) for at in (START, mark)))
        named[number] = other
    rows = run(venue, [ladder, *named.values()], mark).adl
    scores = {}
    for number, other in named.items():
        own = {**opened(venue, other), "mark_price": mark, "equity": equity(venue, other, mark)}
        scores[number] = R.adl_score(**own, rank=rank)
        for i in [i for i, account in enumerate(rows["account"]) if account == number]:
            worth = R.notional(qty=other["qty"], price=mark, contract=venue.contract)
            fill = {**opened(venue, other), "qty": rows["qty"][i], "mark_price": rows["price"][i]}
            # Scores of small positions in coin are those of rounded worths.
            assert rows["score"][i] == pytest.approx(scores[number], rel=1e-5, abs=1e-6)
            assert rows["leverage"][i] == pytest.approx(worth / own["equity"], rel=1e-5)
            share = R.adl_score(**own, rank="profit_share")
            assert rows["profit_share"][i] == pytest.approx(share, rel=1e-5, abs=1e-6)
            assert rows["profit"][i] == near(R.unrealised_pnl(**fill), venue, 3)
    order = [int(number) for number in rows["account"] if number in named]
    assert len(rows)
    left = [number for number in named if number not in order]
    best = [scores[number] for number in [*order, *left]]
    assert all(one >= after - 1e-6 * abs(after) - 1e-6 for one, after in itertools.pairwise(best))


@NAMES
@FEWER
@given(data=st.data())
def test_funding_and_what_is_paid(name, data):
    """One payment, in the first round, of the premium of a book that stands still."""
    terms = pc.venues.load(name).funding.replace(next_in_s=0)
    venue, ladder = data.draw(accounts(rules_of(name, funding=terms), most_leverage=2))
    mark = round(START + data.draw(st.integers(-20, 20)) * TICK, 3)
    assume(all(equity(venue, ladder, at) > 1.1 * held(venue, ladder, at) for at in (START, mark)))
    low, high = sorted(data.draw(st.lists(st.integers(-300, 300), min_size=2, max_size=2, unique=True)))
    book = {"bids": round(mark + low * TICK, 3), "asks": round(mark + high * TICK, 3)}
    done = run(venue, [ladder], mark, book)
    premium = R.average_premium(
        premiums=[R.premium_index(impact_bid=book["bids"], impact_ask=book["asks"], index_price=mark)],
        weighting="ramp" if terms.average == "ramp" else "plain",
        expected=terms.samples,
    )
    band = float(terms.dead_band)
    rate = R.funding_rate(
        premium=premium,
        interest=0 if band else float(terms.interest),
        clamp=band or float(terms.clamp),
        divisor=8 / float(terms.interval_h),
        cap=float(terms.cap),
    )
    paid = float(done.stages["funding_rate"][1])
    assert paid == pytest.approx(rate, abs=3e-9)  # the engine's are whole billionths
    given_ = {"side": ladder["side"], "qty": ladder["qty"], "price": mark, "contract": venue.contract}
    balances = dict(zip(done.accounts["account"], done.accounts["balance"], strict=True))
    change = R.funding_payment(**given_, funding_rate=paid)
    assert balances[ACCOUNT] - backing(venue, ladder) == near(change, venue, 2)
