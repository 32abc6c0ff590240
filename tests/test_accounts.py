"""What an account is worth and what is asked of it: venues' own examples by number, laws, and bad input."""

import math
import pickle

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import perpcore as pc
from account_cases import (
    NAMES,
    flat,
    long,
    most_leverage,
    notionals,
    one,
    price_of,
    refused,
    short,
    size_of,
    tiers,
)


def cross(wallet, position, **fields) -> dict:
    return position | {"margin_mode": "cross", "wallet": wallet, **fields}


binance, bybit, okx, hyperliquid, dydx, bitmex, deribit = (getattr(pc.venues, name) for name in NAMES)

# ---- the venues' examples ----

ONE, HALF = flat("0.01"), flat("0.005")
ONE_LESS = tiers((0, "0.005", 125), (2, "0.01", 125))  # 1 % less 0.01
BTC = tiers((0, "0.004", 125), (50_000, "0.005", 100), (250_000, "0.01", 50), (1_000_000, "0.025", 20))
ETH = [(0, "0.005", 100), (10_000, "0.0065", 75), (100_000, "0.01", 50), (500_000, "0.02", 25)]
ETH = tiers(*ETH, (1_000_000, "0.05", 10), (2_000_000, "0.1", 5), (5_000_000, "0.125", 4))
ADA = [(0, "0.025", 50), (100_000, "0.05", 20), (500_000, "0.1", 10), (1_000_000, "0.15", 6)]
ADA = tiers(*ADA, (2_000_000, "0.25", 4), (5_000_000, "0.5", 2))
XYZ = tiers((0, "0.02", 9), (1_000, "0.025", 8), (2_000, "0.03", 7), (3_000, "0.035", 6), (4_000, "0.04", 5))
WIDE = tiers((0, "0.0125", 40), (150_000_000, "0.025", 20))
GATE = okx(tiers=ONE, close_fee="0.0006")
COINS_OKX = okx(tiers=flat("0.008"), contract="inverse")
COINS_BYBIT = bybit(tiers=HALF, contract="inverse")
FREE = bitmex(close_fee=0)

# A figure is one of `Account`, or of its position in the market X where it takes one.
EXAMPLES = [
    # Binance's help page, by way of freqtrade@c9ae5e1e, tests/exchange/test_binance.py
    (binance(tiers=ETH), long(3683.979, 1456.84, margin=1_535_443.01), {"liquidation_price": 1114.78}, 0.006),
    # freqtrade@c9ae5e1e, tests/exchange/test_exchange.py: prices and maintenance of five venues
    (binance(tiers=ONE_LESS), short(1, 10, leverage=3), {"liquidation_price": 13.211221122}, 1e-8),
    (binance(tiers=ONE_LESS), long(1, 10, leverage=5), {"liquidation_price": 8.070707071}, 1e-8),
    (GATE, short(2, 10, leverage=5), {"liquidation_price": 11.874134178}, 1e-8),
    (GATE, long(1, 10, leverage=3), {"liquidation_price": 6.738090425}, 1e-8),
    (bybit(tiers=ONE), long(1, 10, leverage=3), {"liquidation_price": 6.7666666}, 1e-6),
    (bybit(tiers=ONE), short(1, 10, leverage=1), {"liquidation_price": 19.9}, 1e-9),
    (binance(tiers=ADA), long(2e7, 1, leverage=2), {"maintenance_margin": 2e7 * 0.5 - 1_527_500}, 1e-6),
    # Binance, FAQ "Leverage and Margin of USD-M Futures": 1 %, maintenance amount 1,300
    (binance(tiers=BTC), long(264, 1_000, leverage=9), {"maintenance_margin": 2_640 - 1_300}, 1e-6),
    # The venues' replies in ccxt 4.5.90: binance.py, okx.py, bybit.py, hyperliquid.py
    (
        binance(tiers=flat("0.006")),
        long(5, 2.3483, mark_price=2.3956, leverage=5),
        {"unrealised_pnl": 0.2365, "initial_margin": 2.3956, "maintenance_margin": 0.071868},
        1e-9,
    ),
    (
        okx(tiers=flat("0.004"), close_fee=0),
        long(0.01, 34131.1, mark_price=34132.186083589573, leverage=2),
        {"initial_margin": 170.660930418, "maintenance_margin": 1.365287443, "unrealised_pnl": 0.010860836},
        1e-9,
    ),
    (COINS_OKX, long(10, 2566.31, leverage=10), {"isolated_margin": 0.0003896645377994}, 1e-15),
    (
        COINS_OKX,
        long(10, 2566.31, margin=0.0003896645377994, mark_price=10 / 0.003897638654597485),
        {"margin_ratio": 11.7317265, "liquidation_price": 2352.84966818 - 0.01},  # theirs: a tick sooner
        1e-6,
    ),
    (
        hyperliquid(max_leverage=50),
        long(0.2259, 500.12001 / 0.2259, margin=500.12001 - 475.23904),
        {"liquidation_price": 2125.00856238},
        1e-4,
    ),
    # nautilus_trader@a95c8042, http_clearinghouse_state_negative_total_raw_usd.json
    (
        hyperliquid(max_leverage=25),
        cross(24094.9691 - 22358.938225, long(24094.9691, 1, leverage=25)),
        {"equity": 1736.030875, "initial_margin": 963.798764, "available": 772.232111},
        2e-6,
    ),
    # A third party's calculator of Hyperliquid's rule: equity a ninth of the notional, or 40 M
    (
        hyperliquid(max_leverage=40),
        cross(115_510 / 9, long(1, 115_510, leverage=9)),
        {"liquidation_price": 103_975.246},
        1e-3,
    ),
    (hyperliquid(tiers=WIDE), cross(4e7, long(4_000, 50_000)), {"liquidation_price": 40_544.8718}, 1e-4),
    # Bybit, help: maintenance of XYZUSDT, bankruptcy prices, ADL example, isolated liquidation prices
    (bybit(tiers=XYZ), long(350, 10, leverage=5), {"maintenance_margin": 92.5}, 1e-9),
    (bybit(tiers=HALF), long(1, 10_000, leverage=50), {"bankruptcy_price": 9_800}, 1e-9),
    (bybit(), cross(1_000 + 100, long(100, 500)), {"bankruptcy_price": 489}, 1e-9),
    (bybit(tiers=HALF), short(1, 20_000, margin=400 + 3_000), {"liquidation_price": 23_300}, 1e-9),
    (bybit(tiers=HALF), long(1, 20_000, margin=400 - 200), {"liquidation_price": 19_900}, 1e-9),
    # Bybit, help, inverse contracts; the last is printed as 5739.50, its equation gives 5739.08, with the fee
    # of the bankruptcy price rather than of this one
    (COINS_BYBIT, long(1, 7890.08, leverage=50), {"bankruptcy_price": 7735.372549}, 1e-6),
    (COINS_BYBIT, long(10_000, 8_000, mark_price=12_500, leverage=9), {"unrealised_pnl": 0.45}, 1e-12),
    (COINS_BYBIT, long(12_000, 8_000, leverage=50), {"isolated_margin": 0.03}, 1e-12),
    (
        COINS_BYBIT.replace(close_fee="0.00075"),
        cross(0.5, long(10_000, 8_000)),
        {"liquidation_price": 5739.08},
        0.02,
    ),
    # dydxprotocol/v4-chain@84d4664b: x/clob/keeper/liquidations_test.go, x/perpetuals/lib/lib_test.go
    (dydx(), cross(500, long(0.1, 50_000)), {"margin_ratio": 1, "is_liquidatable": False}, 1e-12),
    (dydx(), cross(499, long(0.1, 50_000)), {"is_liquidatable": True}, 0),
    (dydx(), cross(99, long(0.012, 36_750)), {"initial_margin": 88.2, "maintenance_margin": 44.1}, 1e-9),
    # dYdX, "Contract loss mechanisms"
    (dydx(), cross(100, short(500, 1)), {"bankruptcy_price": 1.2}, 1e-9),
    (dydx(), cross(100, long(500, 1, mark_price=0.801)), {"unrealised_pnl": -99.5, "equity": 0.5}, 1e-9),
    # BitMEX: a position of its API (nautilus_trader@a95c8042, ws_position.json), "Risk limits"
    (
        bitmex(),
        long(1_000, 98_000, mark_price=98_500, leverage=100),
        {"unrealised_pnl": 5_180e-8, "initial_margin": 10_204e-8},
        1e-8,
    ),
    (bitmex(), long(1_000, 98_000, leverage=100), {"maintenance_margin": 5_867e-8}, 1e-8),
    (FREE, long(1_800_000, 10_000, leverage=9), {"maintenance_margin": 0.9}, 1e-9),
    (FREE, cross(20, long(4_000_000, 10_000)), {"maintenance_margin": 6, "initial_margin": 8}, 1e-6),
    (FREE, cross(20, short(6_000_000, 10_000)), {"maintenance_margin": 12, "initial_margin": 15}, 1e-6),
    # Deribit, "example futures": profit of 1,000 dollars from 600 to 700, margin at 4 %
    (deribit(), long(1_000, 600, mark_price=700, leverage=25), {"unrealised_pnl": 0.238095}, 1e-6),
    (deribit(), long(1_000, 600, leverage=25), {"isolated_margin": 0.0666}, 1e-4),
]


@pytest.mark.parametrize(("rules", "held", "figures", "within"), EXAMPLES)
def test_venues_own_figures(rules, held, figures, within):
    account = one(rules, **held)
    for figure, expected in figures.items():
        found = getattr(account, figure)
        found = found("X") if callable(found) else found
        assert found == pytest.approx(expected, rel=0, abs=within), figure


@pytest.mark.parametrize(
    ("wallet", "rules", "held", "other", "price", "within"),
    [
        # Binance's help page, as above: BTC loses beside it.
        (
            1_535_443.01,
            binance(tiers=ETH),
            long(3683.979, 1456.84, mark_price=1335.18),
            long(109.488, 32481.98, mark_price=31967.27, venue=binance(tiers=BTC)),
            1153.26,
            0.006,
        ),
        # Its FAQ: others lose 0.06 and must keep 0.19.
        (
            10.72,
            binance(tiers=flat("0.0065")),
            long(1, 199.53),
            long(1, 19.06, mark_price=19, venue=binance(tiers=ONE)),
            190.29,
            0.02,
        ),
    ],
)
def test_binance_cross_beside_another_position(wallet, rules, held, other, price, within):
    both = zip("XY", (held, other), strict=True)
    holdings = [pc.Holding(market=market, margin_mode="cross", **fields) for market, fields in both]
    account = pc.Account(venue=rules, wallet=wallet, holdings=holdings)
    found = account.liquidation_price("X")
    assert found == pytest.approx(price, rel=0, abs=within)
    assert account.at(X=found).margin_ratio == pytest.approx(1)


def test_bybit_prices_of_its_interface():
    """ccxt 4.5.90, a reply in bybit.py: both prices rounded up to the tick, for a long."""
    account = one(bybit(tiers=HALF), **long(0.1, 1198.45, leverage=4.2))
    for price, theirs in ((account.bankruptcy_price("X"), 913.15), (account.liquidation_price("X"), 919.1)):
        assert pc.rules.round_to_tick(side="long", price=price, tick_size=0.05) == pytest.approx(theirs)


def test_bybit_hedged_loss():
    """Wallet 3,000 at 100x: 560 of initial margin; a net loss of 2,000 leaves 440, none 2,440."""
    rules = bybit(tiers=flat("0.005", 100))
    legs = (("L", long(2, 10_000)), ("S", short(4, 9_000)))
    holdings = [pc.Holding(market=m, leverage=100, margin_mode="cross", **leg) for m, leg in legs]
    account = pc.Account(venue=rules, wallet=3_000, holdings=holdings)
    assert account.initial_margin == pytest.approx(560)
    assert account.at(L=9_000, S=9_000).available == pytest.approx(440)
    assert account.at(L=8_000, S=8_000).available == pytest.approx(2_440)
    first = pc.Account(venue=rules, wallet=3_000)
    first = first.place(market="L", side="buy", qty=2, price=10_000, leverage=100, margin_mode="cross")
    assert first.available == pytest.approx(2_800)


@pytest.mark.parametrize(
    ("rules", "fills", "entry"),
    [(bybit(), [(0.5, 5_000), (0.3, 6_000)], 5_375), (COINS_BYBIT, [(1_000, 5_000), (2_000, 6_000)], 5_625)],
)
def test_bybit_average_entry_price(rules, fills, entry):
    account = pc.Account(venue=rules, wallet=1_000)
    for qty, price in fills:
        account = account.marked({held.market: price for held in account.holdings})
        account = account.place(market="X", side="buy", qty=qty, price=price, leverage=10)
    assert account.holding("X").entry_price == pytest.approx(entry)


def test_deribit_round_trip():
    """Its example: 0.238095 coins of profit from 600 to 700 on 1,000 dollars, fees of 0.05 % each way."""
    account = pc.Account(venue=deribit(), wallet=1)
    for side, price in (("buy", 600), ("sell", 700)):
        account = account.place(market="X", side=side, qty=1_000, price=price, leverage=25, fee_rate=0.0005)
    assert account.holdings == ()
    assert account.wallet == pytest.approx(1 + 0.238095 - 0.00154755, rel=0, abs=1e-6)


def test_okx_cuts_to_the_tier_below():
    """Its older page: of 15,000 contracts, tier 1 reaching to 2,000, 13,000 are closed."""
    rules = okx(tiers=tiers((0, "0.01", 50), (2_000, "0.02", 25), (8_000, "0.03", 16)))
    done = one(rules, **long(15_000, 1, margin=440)).liquidate("X", bids=[(1, 50_000)])
    assert (done.steps[0].what, done.steps[0].qty) == ("order", pytest.approx(13_000, abs=1e-6))
    assert done.account.margin_ratio > 1


def test_dydx_initial_margin_rises_with_open_interest():
    """Its tests: 441 USDC at 20 %; caps of 25 and 50 M, 1,123.456789 BTC open at 36,750."""
    rules = dydx(open_interest_caps=(25_000_000, 50_000_000))
    account = one(rules, **cross(1_000, long(0.012, 36_750)))
    for open_interest, margin in ((0, 88.2), (1123.456789 * 36_750, 318.042585), (5e7, 441), (9e7, 441)):
        at_that = account.replace(open_interest=open_interest)
        assert at_that.initial_margin == pytest.approx(margin, abs=5e-4)  # theirs cuts the rate to 1e-6
        assert at_that.maintenance_margin == pytest.approx(44.1)
        order = {"market": "Y", "side": "buy", "qty": 0.024, "price": 36_750, "margin_mode": "cross"}
        if 3 * margin > 1_000:
            with pytest.raises(pc.ScenarioError, match=rf"qty: 0.024 is not allowed: .* {2 * margin:.6g} of"):
                at_that.place(**order)
        else:
            assert at_that.place(**order).initial_margin == pytest.approx(3 * margin)


# ---- laws, under the presets as they are ----

sides = st.sampled_from(["long", "short"])


@st.composite
def accounts(draw, rules):
    """A position in X that is not due, beside others that win and lose."""
    entry, notional = price_of(rules), draw(notionals(rules))
    leverage = most_leverage(rules, notional) * draw(st.floats(0.1, 0.95))
    wallet = notional / leverage
    mode = draw(st.sampled_from(["isolated", "cross"]))
    first = {"side": draw(sides), "leverage": leverage, "margin_mode": mode}
    sized = [("X", first, notional, draw(st.floats(0.97, 1.03)))]
    for market, side in (("Y", "long"), ("Z", "short")):
        part = notional * draw(st.floats(0.01, 0.4))
        sized.append((market, {"side": side, "margin_mode": "cross"}, part, draw(st.floats(0.9, 1.1))))
        wallet += part * draw(st.floats(0.3, 0.8))
    holdings = [
        pc.Holding(
            market=market, qty=size_of(rules, part), entry_price=entry, mark_price=entry * away, **fields
        )
        for market, fields, part, away in sized
    ]
    account = pc.Account(venue=rules, wallet=wallet, holdings=holdings)
    assume(not account.is_due("X"))
    return account


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_a_position_breaks_at_its_liquidation_price_and_not_before(name, data):
    rules = pc.venues.load(name)
    account = data.draw(accounts(rules))
    held, price = account.holding("X"), account.liquidation_price("X")
    share = data.draw(st.floats(0, 1 - 1e-7), "of the way there")
    if math.isnan(price):
        assert not account.at(X=held.mark * 10 ** (-9 * share * held.sign)).is_due("X")
        return
    assert (held.mark - price) * held.sign > 0
    assert not account.at(X=held.mark + share * (price - held.mark)).is_due("X")
    assert not account.at(X=price * (1 + held.sign * 1e-7)).is_due("X")
    assert account.at(X=price * (1 - held.sign * 1e-7)).is_due("X")
    # By hand: what stands behind it, and what is asked of that.
    there = account.at(X=price)
    shares = there.holdings[:1] if held.margin_mode == "isolated" else there.holdings
    shares = [each for each in shares if each.margin_mode == held.margin_mode]
    backing = account.isolated_margin if held.margin_mode == "isolated" else account.wallet
    equity, asked = backing + sum(map(there.profit, shares)), sum(map(there.maintenance, shares))
    assert there.margin_ratio_of("X") == pytest.approx(equity / asked)
    notional = pc.rules.notional(qty=held.qty, price=price, contract=rules.contract)
    jumps = rules.tier_rule == "whole_position" and rules.maintenance_at == "mark"
    if not (jumps and any(math.isclose(notional, tier.min_notional, rel_tol=1e-9) for tier in rules.tiers)):
        assert equity == pytest.approx(asked, rel=1e-9, abs=1e-9 * notional)


@pytest.mark.parametrize(
    ("name", "held", "price"),
    [
        # 9,000 rises into the tier from 10,000: 5 % less 275.
        ("binance_usdtm", short(900, 10, leverage=3), (3_000 + 9_000 + 275) / (900 * 1.05)),
        # 10,000 falls out of it: 2.5 % less 25.
        ("binance_usdtm", long(1_000, 10, leverage=5), (10_000 - 2_000 - 25) / (1_000 * 0.975)),
        # 49,000 rises into 2 % of all, and 0.05 % to close.
        ("okx", short(4_900, 10, leverage=4), (49_000 / 4 + 49_000) / (4_900 * 1.0205)),
        # At entry: 24,000 stay at 2 %, 199.9 coins at 0.5 %, and 0.075 % of more of them to close.
        ("bybit", short(2_400, 10, leverage=3), 10 + (8_000 - 480) / 2_400),
        (
            "bitmex_inverse",
            long(1_999_000, 10_000, leverage=3),
            1_999_000 * 1.00075 / (199.9 * (4 / 3 - 0.005)),
        ),
        # V (0.01 + 0.00005 V) = 33 + 99 - V, from 99 coins to above 100.
        ("deribit_inverse", long(990_000, 10_000, leverage=3), 990_000 * 1e-4 / (math.sqrt(1.0465) - 1.01)),
    ],
)
def test_the_tier_is_that_of_the_liquidation_price(name, held, price):
    account = one(pc.venues.load(name), **held)
    assert account.liquidation_price("X") == pytest.approx(price, rel=1e-12)


def test_others_profit_and_maintenance_move_a_cross_price():
    """Short 100 from 10 with 500 behind it, and another that wins 20 or loses and asks 1 % of its worth."""
    rules = binance(tiers=flat("0.01"))
    for mark, price in ((10.2, (1_500 + 20 - 10.2) / 101), (9.8, (1_500 - 20 - 9.8) / 101)):
        other = pc.Holding(market="Y", margin_mode="cross", **long(100, 10, mark_price=mark))
        held = pc.Holding(market="X", margin_mode="cross", **short(100, 10))
        account = pc.Account(venue=rules, wallet=500, holdings=[held, other])
        assert account.liquidation_price("X") == pytest.approx(price)
        assert account.bankruptcy_price("X") == pytest.approx((1_500 + account.profit(other)) / 100)
        # An isolated one beside them takes its margin out of the wallet, and nothing else.
        third = pc.Holding(market="Z", **long(10, 10, leverage=1, mark_price=6))
        beside = account.replace(wallet=600.0, holdings=(*account.holdings, third))
        assert beside.liquidation_price("X") == pytest.approx(price)


def test_accounts_are_frozen_equal_and_pickled():
    account = one(okx(), **long(1, 10, leverage=2))
    assert pickle.loads(pickle.dumps(account)) == account
    assert hash(account) == hash(one(okx(), **long(1, 10, leverage=2)))
    assert account.replace({"holdings[0].qty": 2.0}).holding("X").qty == 2
    with pytest.raises(AttributeError):
        account.wallet = 3
    empty = pc.Account(venue=okx(), wallet=5)
    assert (empty.margin_ratio, empty.is_liquidatable, empty.available) == (math.inf, False, 5)


# ---- bad input ----

GOOD = long(1, 10, market="X", leverage=2)


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("side", "buy", "'long' or 'short'"),
        ("qty", 0, "more than 0"),
        ("qty", -3, "more than 0"),
        ("qty", "many", "more than 0"),
        ("qty", True, "more than 0"),
        ("qty", None, "more than 0"),
        ("entry_price", math.inf, "more than 0"),
        ("mark_price", -1, "more than 0"),
        ("leverage", 0, "more than 0"),
        ("leverage", None, "a leverage or a margin of an isolated position"),
        ("margin", -1, "0 or more"),
        ("margin_mode", "portfolio", "'isolated' or 'cross'"),
        ("market", "", "a name"),
        ("venue", "okx", "a Venue"),
    ],
)
def test_what_no_holding_is(field, value, allowed):
    said = "nothing" if field == "leverage" and value is None else repr(value)
    refused(lambda: pc.Holding(**GOOD | {field: value}), field, said, allowed)


def test_a_cross_position_has_no_margin_of_its_own():
    fields = {"margin_mode": "cross", "margin": 1}
    refused(
        lambda: pc.Holding(**GOOD | fields),
        "margin",
        "1.0",
        "nothing under cross: the wallet stands behind it",
    )


TWO = [pc.Holding(**GOOD), pc.Holding(**GOOD)]
CROSS = pc.Holding(**GOOD | {"market": "Y", "margin_mode": "cross"})
STEEP = pc.Holding(**GOOD | {"leverage": 1_000})
LARGE = pc.Holding(**GOOD | {"leverage": 30, "qty": 5_000, "mark_price": 5})
WAITS = pc.RestingOrder(market="X", side="buy", qty=1, price=10, leverage=34)
COIN = pc.Holding(**GOOD, venue=deribit())


@pytest.mark.parametrize(
    ("fields", "field", "value", "allowed"),
    [
        ({"venue": "okx"}, "venue", "'okx'", "a Venue"),
        ({"wallet": None}, "wallet", "None", "a finite number"),
        ({"wallet": 4}, "wallet", "4.0", "at least the isolated margin, 5"),
        ({"wallet": 4, "holdings": [*TWO[:1], CROSS]}, "wallet", "4.0", "at least the isolated margin, 5"),
        (
            {"holdings": [STEEP]},
            "holdings[0].leverage",
            "1000.0",
            "at most 33.3333, the tier's of a notional of 10",
        ),
        ({"holdings": [LARGE]}, "holdings[0].leverage", "30.0", "at most 25, "),
        (
            {"orders": [WAITS]},
            "orders[0].leverage",
            "34.0",
            "at most 33.3333, the tier's of a notional of 10",
        ),
        ({"holdings": [1]}, "holdings", "[1]", "a sequence of Holding"),
        ({"holdings": TWO}, "holdings[1].market", "X", "a market that has no holding yet"),
        ({"holdings": [COIN]}, "holdings[0].venue.contract", "inverse", "linear, the account's"),
        ({"open_interest": -1}, "open_interest", "-1", "0 or more"),
        ({"orders": 3}, "orders", "3", "a sequence of RestingOrder"),
    ],
)
def test_what_no_account_is(fields, field, value, allowed):
    good = {"venue": okx(), "wallet": 10, "holdings": TWO[:1]}
    refused(lambda: pc.Account(**good | fields), field, value, allowed)


def test_cross_profit_may_stand_behind_isolated_margin():
    """Of 10, 30 are gone with a cross position that was closed; another has won 40."""
    won = pc.Holding(**GOOD | {"market": "Y", "margin_mode": "cross", "mark_price": 50})
    account = pc.Account(venue=okx(liquidation_order="market"), wallet=-20, holdings=[*TWO[:1], won])
    assert account.available == pytest.approx(-20 - 5 + 40 - 25)
    refused(lambda: account.replace(wallet=-36), "wallet", "-36.0", "at least the isolated margin, 5")
    # What it is at other marks may be asked all the same, and what becomes of it.
    order = pc.RestingOrder(market="Y", side="buy", qty=1, price=10, leverage=2)
    gone = account.replace(orders=[order]).at(Y=34)
    assert gone.equity == pytest.approx(4)
    done = gone.liquidate("Y", bids=[(34, 1)])
    assert (done.account.holdings, done.account.wallet, done.total("fund pays")) == ((TWO[0],), 5, 1)


def test_what_is_drawn_has_no_figure_yet():
    fund, rate = pc.Uniform(1, 2), pc.Uniform("0.01", "0.02")
    account = one(okx(insurance_fund=fund), **long(1, 10, leverage=2))
    refused(lambda: account.liquidate("X"), "fund", repr(fund), "0 or more")
    assert account.liquidate("X", fund=1).fund == 1
    with pytest.raises(pc.ScenarioError, match=r"^tiers\[0\]\.maintenance_rate: .* cannot be drawn"):
        _ = one(okx(tiers=flat(rate)), **long(1, 10, leverage=2)).maintenance_margin
