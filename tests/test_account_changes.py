"""What a trader may change of an account: orders, margin put in and taken out; what is refused, and why."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import perpcore as pc
from account_cases import NAMES, long, most_leverage, notionals, one, price_of, refused, short, size_of

OKX = pc.venues.okx()
sides = st.sampled_from(["buy", "sell"])
modes = pytest.mark.parametrize("mode", ["isolated", "cross"])
presets = pytest.mark.parametrize("name", NAMES)
OTHER = {"buy": "sell", "sell": "buy"}


def empty(rules, wallet) -> pc.Account:
    return pc.Account(venue=rules, wallet=wallet)


# ---- orders ----


@modes
@presets
@given(data=st.data(), side=sides)
def test_what_an_order_opens_must_be_covered_to_the_last_bit(name, mode, data, side):
    rules = pc.venues.load(name)
    notional = data.draw(notionals(rules))
    leverage = most_leverage(rules, notional) * data.draw(st.floats(0.1, 1))
    fee_rate = data.draw(st.floats(0, 0.001))
    price, qty = price_of(rules), size_of(rules, notional)
    order = {"market": "X", "side": side, "qty": qty, "price": price, "margin_mode": mode}
    order |= {"leverage": leverage, "fee_rate": fee_rate}
    needed = notional * (1 / leverage + fee_rate)
    opened = empty(rules, needed).place(**order)
    assert opened.initial_margin == pytest.approx(notional / leverage)
    assert opened.available == pytest.approx(0, abs=1e-9 * notional)
    assert opened.equity == pytest.approx(needed - fee_rate * notional)
    assert not opened.is_liquidatable
    with pytest.raises(pc.ScenarioError, match=r"^qty: .* available covers: it needs .* of margin, fee"):
        empty(rules, needed * (1 - 1e-6)).place(**order)


@presets
@given(data=st.data(), side=sides)
def test_leverage_is_capped_in_the_tier_of_the_whole_position(name, data, side):
    rules = pc.venues.load(name)
    notional, share = data.draw(notionals(rules)), data.draw(st.floats(0.1, 0.9))
    assume(all(abs(notional - float(tier.min_notional)) > 1e-9 * notional for tier in rules.tiers))
    cap = most_leverage(rules, notional)
    price, wallet = price_of(rules), 10 * notional
    order = {"market": "X", "side": side, "price": price}
    whole = order | {"qty": size_of(rules, notional)}
    assert empty(rules, wallet).place(**whole).holding("X").leverage == pytest.approx(cap)
    empty(rules, wallet).place(**whole, leverage=cap)
    refused(
        lambda: empty(rules, wallet).place(**whole, leverage=cap * 1.001),
        "leverage",
        str(cap * 1.001),
        f"at most {cap:g}",
    )
    # The same in two parts: the first may be in a tier that allows more.
    first = empty(rules, wallet).place(**order, qty=size_of(rules, notional * share), leverage=cap)
    rest = order | {"qty": size_of(rules, notional * (1 - share))}
    assert first.place(**rest).holding("X").leverage == cap
    with pytest.raises(pc.ScenarioError, match=r"^leverage: "):
        first.place(**rest, leverage=cap * 1.001)


@modes
@presets
@given(data=st.data(), side=sides)
def test_an_order_changes_equity_by_what_it_is_off_the_mark_and_its_fee(name, mode, data, side):
    """Opened, then added to, reduced, closed or flipped, within 2 % of a mark that moved by up to 5 %."""
    rules = pc.venues.load(name)
    entry, notional = price_of(rules), data.draw(notionals(rules))
    order = {"market": "X", "fee_rate": data.draw(st.floats(-1e-4, 1e-3)), "margin_mode": mode}
    first = {"side": side, "qty": size_of(rules, notional), "price": entry, "leverage": 0.9}
    mark = entry * data.draw(st.floats(0.95, 1.05))
    before = empty(rules, 20 * notional).place(**order | first).at(X=mark)
    second = {"side": data.draw(sides), "qty": data.draw(st.floats(0.1, 3)) * first["qty"]}
    second["price"] = mark * data.draw(st.floats(0.98, 1.02))
    after = before.place(**order | second)
    off = pc.rules.unrealised_pnl(
        side={"buy": "long", "sell": "short"}[second["side"]],
        qty=second["qty"],
        entry_price=second["price"],
        mark_price=mark,
        contract=rules.contract,
    )
    fee = order["fee_rate"] * pc.rules.notional(
        qty=second["qty"], price=second["price"], contract=rules.contract
    )
    assert after.equity - before.equity == pytest.approx(off - fee, abs=1e-9 * notional)
    assert all(held.margin_mode == mode for held in after.holdings)


@modes
@presets
@given(qty=st.floats(10, 5_000), more=st.floats(10, 3_000), side=sides)
def test_reducing_returns_the_start(name, mode, qty, more, side):
    rules = pc.venues.load(name)
    start, price = empty(rules, 1e6), price_of(rules)
    order = {"market": "X", "price": price}
    opened = start.place(side=side, qty=qty, leverage=0.9, margin_mode=mode, **order)
    back = opened.place(side=OTHER[side], qty=2 * qty, reduce_only=True, **order)
    assert back.holdings == ()
    assert back.wallet == pytest.approx(start.wallet)
    part = opened.place(side=side, qty=more, **order).place(side=OTHER[side], qty=more, **order)
    assert part.holding("X").qty == pytest.approx(qty)
    assert part.holding("X").entry_price == pytest.approx(price)
    assert part.available == pytest.approx(opened.available)


def test_a_price_worse_than_the_mark_is_covered_too():
    """10 more at 12 beside a mark of 10: 24 of margin and 20 lost at once."""
    held = long(10, 10, leverage=5)
    order = {"market": "X", "side": "buy", "qty": 10, "price": 12}
    assert one(OKX, 20 + 44, **held).place(**order).available == pytest.approx(20)
    with pytest.raises(pc.ScenarioError, match=r"qty: 10.0 .*what 43.9 available covers: it needs 44 of"):
        one(OKX, 20 + 43.9, **held).place(**order)


def test_a_lower_leverage_tops_up_what_was_there():
    account = one(OKX, 1_000, **long(10, 10, leverage=10))
    lower = account.place(market="X", side="buy", qty=10, price=10, leverage=4).holding("X")
    assert (lower.margin, lower.leverage) == (pytest.approx(50), 4)
    higher = account.place(market="X", side="buy", qty=10, price=10, leverage=20).holding("X")
    assert (higher.margin, higher.leverage) == (pytest.approx(15), 20)


def test_a_loss_on_a_part_is_met_by_the_margin_that_stays():
    """Of 20 behind 10 from 10, half is freed; 5 sold at 7 lose 15, so that 5 of the other half go too."""
    account = one(OKX, 100, **long(10, 10, leverage=5))
    left = account.place(market="X", side="sell", qty=5, price=7)
    assert left.wallet == pytest.approx(85)
    assert left.holding("X").margin == pytest.approx(5)
    assert left.available == pytest.approx(account.available)


def test_flipping_closes_first_and_pays():
    account = empty(OKX, 1_000).place(market="X", side="buy", qty=100, price=10, leverage=5).at(X=11)
    flipped = account.place(market="X", side="sell", qty=150, price=11, fee_rate=0.001)
    held = flipped.holding("X")
    assert (held.side, held.qty, held.entry_price, held.leverage) == ("short", 50, 11, 5)
    assert held.margin == pytest.approx(110)
    assert flipped.wallet == pytest.approx(1_000 + 100 - 0.001 * 150 * 11)


def test_a_flip_keeps_mark_mode_and_tiers():
    own = OKX.replace(close_fee="0.001")
    fields = {"mark_price": 11, "margin_mode": "cross", "leverage": 4, "venue": own}
    account = pc.Account(venue=OKX, wallet=1_000, holdings=[pc.Holding(market="X", **long(10, 10, **fields))])
    held = account.place(market="X", side="sell", qty=30, price=10.9).holding("X")
    assert held == pc.Holding(market="X", **short(20, 10.9, **fields))


def test_waiting_orders_lock_margin():
    order = pc.RestingOrder(market="X", side="buy", qty=10, price=8, leverage=4)
    account = pc.Account(venue=OKX, wallet=100, orders=[order])
    assert account.available == 80
    with pytest.raises(pc.ScenarioError, match=r"qty: 45.0 .* what 80 available covers: it needs 90 of"):
        account.place(market="Y", side="buy", qty=45, price=10, leverage=5)


@given(open_interest=st.floats(0, 2e7), side=sides, mode=st.sampled_from(["isolated", "cross"]))
def test_open_interest_raises_what_opening_takes_on_dydx_alone(open_interest, side, mode):
    order = {"market": "X", "side": side, "qty": 100, "price": 10, "leverage": 5, "margin_mode": mode}
    rate = min(max(0.2, 0.2 + 0.8 * (open_interest - 5e6) / 5e6), 1)
    account = empty(pc.venues.dydx_v4(), 1_000 * rate).replace(open_interest=open_interest)
    opened = account.place(**order)
    assert opened.initial_margin == pytest.approx(1_000 * rate)
    assert opened.available == pytest.approx(0, abs=1e-6)
    assert opened.maintenance_margin == pytest.approx(100)
    with pytest.raises(pc.ScenarioError, match=r"^qty: 100"):
        account.replace(wallet=999 * rate).place(**order)
    elsewhere = empty(pc.venues.hyperliquid(max_leverage=5), 200).replace(open_interest=open_interest)
    assert elsewhere.place(**order).initial_margin == pytest.approx(200)


# ---- margin ----


@presets
@given(data=st.data(), side=st.sampled_from([long, short]), away=st.floats(-0.1, 0.1), more=st.floats(0.1, 2))
def test_margin_may_be_taken_down_to_initial_margin(name, data, side, away, more):
    rules = pc.venues.load(name)
    entry, notional = price_of(rules), data.draw(notionals(rules))
    leverage = most_leverage(rules, 1.2 * notional) * data.draw(st.floats(0.2, 1))
    held = side(size_of(rules, notional), entry, mark_price=entry * (1 + away), leverage=leverage)
    bare = one(rules, 5 * notional / min(leverage, 1), **held)
    account = bare.add_margin("X", more * notional)
    assert account.available == pytest.approx(bare.available - more * notional)
    assert account.wallet == bare.wallet
    most = account.removable_margin("X")
    assume(most > 1e-6 * notional)
    left = account.remove_margin("X", most)
    assert left.isolated_margin + min(0, left.unrealised_pnl) == pytest.approx(left.initial_margin)
    assert left.wallet == account.wallet
    assert not left.is_liquidatable
    sign, prices = left.holding("X").sign, [each.liquidation_price("X") for each in (account, left)]
    assert not (prices[1] - prices[0]) * sign < 0  # nearer, or as far as for ever
    with pytest.raises(pc.ScenarioError, match=r"^amount: .*: at most what initial margin and losses leave"):
        account.remove_margin("X", most * 1.001)
    again = left.add_margin("X", most)
    assert again.isolated_margin == pytest.approx(account.isolated_margin)
    with pytest.raises(pc.ScenarioError, match=r"^amount: .*: at most what is available"):
        account.add_margin("X", account.available * 1.001)


def test_bybit_margin_moves_the_liquidation_price_by_itself():
    """Its example: 3,000 more behind a short of 1 from 20,000 at 50x, from 20,300 to 23,300."""
    rules = pc.venues.bybit(tiers=[pc.Tier(min_notional=0, maintenance_rate="0.005", max_leverage=100)])
    account = one(rules, **short(1, 20_000, leverage=50))
    assert account.liquidation_price("X") == pytest.approx(20_300)
    more = account.add_margin("X", 3_000)
    assert more.liquidation_price("X") == pytest.approx(23_300)
    assert more.remove_margin("X", 3_000).liquidation_price("X") == pytest.approx(20_300)


# ---- what is refused ----


def buy(account, *, qty=11, price=10, market="X", **fields):
    return account.place(market=market, side="buy", qty=qty, price=price, **fields)


@pytest.mark.parametrize(
    ("call", "field", "value", "allowed"),
    [
        (lambda a: a.liquidation_price("Y"), "market", "'Y'", "one with a position: X, Z"),
        (lambda a: a.bankruptcy_price(3), "market", "3", "one with a position: X, Z"),
        (lambda a: a.at(Y=3), "market", "'Y'", "one with a position: X, Z"),
        (lambda a: a.replace(holdings=()).is_due("X"), "market", "'X'", "one with a position: there is none"),
        (lambda a: a.at(X=0), "mark_price", "0", "more than 0"),
        (lambda a: buy(a, qty=-1), "qty", "-1", "more than 0"),
        (lambda a: buy(a, qty="much"), "qty", "'much'", "more than 0"),
        (lambda a: buy(a, price=0), "price", "0", "more than 0"),
        (lambda a: buy(a, leverage=-2), "leverage", "-2", "more than 0"),
        (lambda a: buy(a, fee_rate=None), "fee_rate", "None", "a finite number"),
        (lambda a: buy(a, margin_mode="both"), "margin_mode", "'both'", "'isolated' or 'cross'"),
        (lambda a: buy(a, market=""), "market", "''", "a name"),
        (lambda a: a.place(market="X", side="long", qty=1, price=9), "side", "'long'", "'buy' or 'sell'"),
        (lambda a: buy(a, market="Y", reduce_only=True), "reduce_only", "True", "there is none in 'Y'"),
        (lambda a: buy(a, reduce_only=True), "reduce_only", "True", "a buy against a position: 'X' is long"),
        (lambda a: buy(a, leverage=30), "leverage", "30.0", "at most 25, the tier's of a notional of 120"),
        (lambda a: buy(a, qty=9_000, leverage=10), "leverage", "10.0", "at most 4, "),
        (lambda a: buy(a, qty=100), "qty", "100.0", "what 90 available covers: it needs 500 of margin"),
        (lambda a: buy(a, qty=15, price=14, leverage=20), "price", "14.0", "not due at once: equity -44.5"),
        (
            lambda a: a.place(market="X", side="sell", qty=1, price=4),
            "price",
            "4.0",
            "the margin, 5: this loses 6",
        ),
        (lambda a: a.add_margin("X", 96), "amount", "96.0", "at most what is available, 90"),
        (lambda a: a.add_margin("X", -1), "amount", "-1", "more than 0"),
        (lambda a: a.remove_margin("X", 1), "amount", "1.0", "losses leave, 0"),
        (lambda a: a.add_margin("Z", 1), "market", "'Z'", "one whose margin is isolated"),
        (lambda a: a.removable_margin("Z"), "market", "'Z'", "one whose margin is isolated"),
        (lambda a: a.liquidate("X", bids=[3]), "bids", "[3]", "pairs (price, qty)"),
        (lambda a: a.liquidate("X", bids=[(3, -1)]), "bids[0].qty", "-1", "0 or more"),
        (lambda a: a.liquidate("X", lot_size=0), "lot_size", "0", "more than 0"),
        (lambda a: a.liquidate("X", previous_mark=0), "previous_mark", "0", "more than 0"),
        (lambda a: a.liquidate("Y"), "market", "'Y'", "one with a position: X, Z"),
    ],
)
def test_what_is_refused_names_what_is_allowed(call, field, value, allowed):
    held = long(1, 10, leverage=2)
    holdings = [pc.Holding(market="X", **held), pc.Holding(market="Z", margin_mode="cross", **held)]
    account = pc.Account(venue=pc.venues.binance_usdtm(), wallet=100, holdings=holdings)
    refused(lambda: call(account), field, value, allowed)
