"""The waterfall of one account beside the exact engine: the same account, book and mark, order by order."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import perpcore as pc

START, LOT = 10.0, 1


def tiers(second: int, third: int, last: int) -> list[pc.Tier]:
    rows = zip((0, second, third, last), ("0.02", "0.04", "0.06", "0.1"), (25, 12, 8, 5), strict=True)
    names = ("min_notional", "maintenance_rate", "max_leverage")
    return [pc.Tier(**dict(zip(names, row, strict=True))) for row in rows]


TIERS, COINS = tiers(20_000, 50_000, 90_000), tiers(200, 500, 900)
VENUES = {
    "binance_usdtm": pc.venues.binance_usdtm(tiers=TIERS, insurance_fund=2_000),
    "bybit": pc.venues.bybit(tiers=TIERS, insurance_fund=20_000),
    "okx": pc.venues.okx(tiers=TIERS, insurance_fund=5_000),
    "hyperliquid": pc.venues.hyperliquid(tiers=TIERS),
    "dydx_v4": pc.venues.dydx_v4(tiers=TIERS, insurance_fund=3_000),
    # Face value in quote currency, a tenth of a coin each at the start.
    "bitmex_inverse": pc.venues.bitmex_inverse(tiers=COINS, insurance_fund=30),
    "deribit_inverse": pc.venues.deribit_inverse(tiers=COINS, insurance_fund=5),
    "plain": pc.Venue(tiers=TIERS, insurance_fund=1_000),
}


def engine(venue, side, qty, leverage, mark, book, *, wallet=0.0) -> pc.Run:
    """One account; a small trade in spot moves index and mark; the market maker does not hedge,
    so they stay."""
    ours = "asks" if side == "short" else "bids"
    levels = pc.Levels(levels=book)
    cross = {"margin_mode": "cross", "wallet": wallet} if wallet else {}
    return pc.Scenario(
        start_price=START,
        total_supply=10**9,
        circulating=10**9,
        spot=pc.Market(tick_size="0.01", lot_size=LOT, **{ours: pc.Levels(levels=[(mark, 10**6)])}),
        perp=pc.Market(tick_size="0.01", lot_size=LOT, **{ours: levels}),
        venue=venue.replace(mark="index", index=pc.venues.SpotIndex(), funding=None, impact_notional=0),
        market_maker=pc.MarketMaker(capital=10**9, hedge_ratio=0),
        positions=[pc.Ladder(side=side, qty=qty, leverage=leverage, **cross)],
        ignition=pc.Ignition(qty=10, side="buy" if side == "short" else "sell"),
        round_seconds=1,
    ).run(seed=1)


def account(venue, side, qty, leverage, *, wallet=0.0) -> pc.Account:
    margin = float(pc.rules.notional(qty=qty, price=START, contract=venue.contract)) / leverage
    mode = {"margin_mode": "cross"} if wallet else {"leverage": leverage}
    holding = pc.Holding(market="X", side=side, qty=qty, entry_price=START, **mode)
    return pc.Account(venue=venue, wallet=margin + wallet, holdings=[holding])


def rows(done: pc.Liquidation) -> list[dict[str, float]]:
    """The steps as the engine's table has them: a row an order, or what took its place."""
    found: list[dict[str, float]] = []
    under_way = False
    columns = {
        "liquidation fee": "liquidation_fee",
        "fund pays": "paid_by_fund",
        "venue loss": "venue_loss",
        "loss sharing": "venue_loss",  # a row has it as it was before it was shared
    }
    for step in done.steps:
        if step.what == "order" or (not under_way and step.what in ("vault", "deleverage")):
            found.append({"filled_qty": 0.0, "taken_over_qty": 0.0, "adl_qty": 0.0, "adl_relief": 0.0})
            found[-1] |= {"fill_price": math.nan, **dict.fromkeys(columns.values(), 0.0)}
            under_way = True
        if step.what == "fill":
            found[-1] |= {"filled_qty": step.qty, "fill_price": step.price}
        elif step.what in ("vault", "take over"):
            found[-1]["taken_over_qty"] = step.qty
        elif step.what == "deleverage":
            found[-1] |= {"adl_qty": step.qty, "adl_relief": step.money}
        elif step.what == "unwind":  # the desk's own, no part of the row
            break
        elif step.what in columns:
            found[-1][columns[step.what]] += step.money
        elif step.what in ("keep", "stuck"):
            under_way = False
    return found


def held_to_the_engine(venue, side, qty, leverage, mark, book, *, wallet=0.0) -> pc.Liquidation:
    run = engine(venue, side, qty, leverage, mark, book, wallet=wallet)
    sides = {"asks": book} if side == "short" else {"bids": book}
    done = account(venue, side, qty, leverage, wallet=wallet).liquidate(
        "X", mark_price=mark, lot_size=LOT, **sides
    )
    theirs, ours = run.liquidations, rows(done)
    near = 1e-6 if venue.contract == "inverse" else 1e-5  # some roundings of the engine's
    if any(step.what == "stuck" for step in done.steps):  # the engine asks once more, then rests
        assert len(theirs) >= len(ours)
    else:
        assert len(theirs) == len(ours)
    for i, row in enumerate(ours):
        for column, value in row.items():
            assert theirs[column][i] == pytest.approx(value, rel=1e-6, abs=near, nan_ok=True), (i, column)
    accounts = {int(number): i for i, number in enumerate(run.accounts["account"])}

    def final(number: int, column: str) -> float:
        return float(run.accounts[column][accounts[number]])

    assert final(8, "balance") == pytest.approx(done.account.wallet, rel=1e-6, abs=near)
    left = done.account.holdings[0].qty if done.account.holdings else 0.0
    assert abs(final(8, "position_qty")) == pytest.approx(left)
    assert final(-3, "balance") == pytest.approx(done.fund, rel=1e-6, abs=near)
    if done.account.holdings and not wallet:
        assert final(8, "margin") == pytest.approx(done.account.holdings[0].margin, rel=1e-6, abs=near)
    return done


@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize("side", ["short", "long"])
@given(data=st.data())
def test_every_step_is_the_engines(name, side, data):
    s = 1 if side == "short" else -1
    inverse = VENUES[name].contract == "inverse"
    qty = data.draw(st.integers(100, 15_000), "qty")
    leverage = data.draw(st.sampled_from([2, 4, 5]), "leverage")
    away = data.draw(st.integers(20, 700), "ticks from the start")
    ticks = data.draw(st.lists(st.integers(1, 850), min_size=1, max_size=4, unique=True), "book")
    book = [(round(START + s * t / 100, 2), data.draw(st.integers(1, 8_000))) for t in sorted(ticks)]
    wallet = data.draw(st.sampled_from([0.0, 0.0, 10.0 if inverse else 1_000.0]), "wallet")
    mark = round(START + s * away / 100, 2)
    given_ = (VENUES[name], side, qty, leverage)
    ratio = account(*given_, wallet=wallet).at(X=mark).margin_ratio
    assume(abs(ratio - 1) > 1e-9)  # a tie is a matter of rounding
    held_to_the_engine(*given_, mark, book, wallet=wallet)


def test_a_desk_that_the_fund_cannot_hold_is_deleveraged():
    """A fund of 30 coins buys back 3,827 of 8,999 at 16.54; for the rest it is 0.011 short at the mark."""
    book = [(10.01, 1), (16.54, 3_827)]
    done = held_to_the_engine(VENUES["bitmex_inverse"], "short", 9_000, 5, 11.28, book)
    last = done.steps[-1]
    assert (last.what, last.qty) == ("deleverage", 5_172)
    assert last.money == pytest.approx(0.0109852, abs=1e-6)
    assert (done.fund, done.desk_equity) == (0, 0)
