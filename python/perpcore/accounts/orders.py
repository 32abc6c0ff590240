"""Changes of an account that its trader makes: orders, and margin put in or taken out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from perpcore import rules
from perpcore._structs import problem
from perpcore.accounts import terms
from perpcore.accounts.holdings import Holding, one_of, real

if TYPE_CHECKING:
    from typing import Literal

    from perpcore.accounts.account import Account
    from perpcore.venues import Venue

    AnAccount = TypeVar("AnAccount", bound=Account)
else:
    AnAccount = TypeVar("AnAccount")

NEAR = 1e-9  # of the amounts compared, so that exact figures pass in floating point


class Order(NamedTuple):
    """What `Account.place` was asked for."""

    market: str
    side: Literal["buy", "sell"]
    qty: float
    price: float
    leverage: float | None
    fee_rate: float
    margin_mode: Literal["isolated", "cross"]
    reduce_only: bool


def place(account: AnAccount, given: Order) -> AnAccount:
    """Close what stands against it, then open the rest."""
    one_of("side", given.side, "buy", "sell")
    one_of("margin_mode", given.margin_mode, "isolated", "cross")
    leverage = None if given.leverage is None else real("leverage", given.leverage, above=0.0)
    given = given._replace(
        qty=real("qty", given.qty, above=0.0),
        price=real("price", given.price, above=0.0),
        leverage=leverage,
        fee_rate=real("fee_rate", given.fee_rate),
    )
    held = account.find(given.market)
    against = held is not None and held.side != _side(given)
    if given.reduce_only and not against:
        found = f"{given.market!r} is {held.side}" if held else f"there is none in {given.market!r}"
        raise problem("reduce_only", True, f"a {given.side} against a position: {found}")
    rest = given.qty
    if held is not None and against:
        closed = min(held.qty, given.qty)
        account = _close(account, held, given, closed)
        rest = 0.0 if given.reduce_only else given.qty - closed
    return _open(account, held, given, rest) if rest else account


def _side(given: Order) -> Literal["long", "short"]:
    return "long" if given.side == "buy" else "short"


def _close(account: AnAccount, held: Holding, given: Order, qty: float) -> AnAccount:
    """Profit to the wallet, margin freed in proportion; a loss beyond that is met by what margin is left."""
    venue = account.rules_of(held)
    gain = terms.profit(venue, held, given.price, qty)
    gain -= given.fee_rate * terms.worth(venue, qty, given.price)
    left = held.qty - qty
    wallet = account.wallet + gain
    margin = terms.isolated_margin(venue, held)
    stays = margin * left / held.qty
    stays += min(0.0, margin - stays + gain)
    if held.margin_mode == "isolated" and stays < -NEAR * margin:
        allowed = f"a price that loses no more than the margin, {margin:g}: this loses {-gain:g}"
        raise problem("price", given.price, allowed)
    if not left:
        return account.with_holding(held.market, None, wallet=wallet)
    fields = {"qty": left}
    if held.margin_mode == "isolated":
        fields |= {"margin": max(0.0, stays), "leverage": terms.leverage_of(venue, held)}
    return account.with_holding(held.market, msgspec.structs.replace(held, **fields), wallet=wallet)


def _open(account: AnAccount, was: Holding | None, given: Order, qty: float) -> AnAccount:
    """A new position, more of one, or what follows one that was flipped; with all that is asked of it."""
    venue = account.venue if was is None else account.rules_of(was)
    held = was if was is not None and was.side == _side(given) else None
    new = _grown(account, was, held, given, qty)
    part = msgspec.structs.replace(new, qty=qty, entry_price=given.price)
    fee = given.fee_rate * terms.worth(venue, qty, given.price)
    needed = fee + max(0.0, -terms.profit(venue, part, new.mark))
    asked = account.initial if new.margin_mode == "cross" else partial(terms.isolated_margin, venue)
    needed += asked(new) - (asked(held) if held else 0.0)
    there = account.available
    if needed > there + NEAR * max(abs(account.wallet), needed):
        allowed = f"what {there:g} available covers: it needs {needed:g} of margin, fee and loss at the mark"
        raise problem("qty", given.qty, allowed)
    after = account.with_holding(given.market, new, wallet=account.wallet - fee)
    if after.is_due(given.market):
        equity, maintenance = after.pocket(new)
        found = f"equity {equity:g} against maintenance {maintenance:g} at the mark {new.mark:g}"
        raise problem("price", given.price, f"one at which the position is not due at once: {found}")
    return after


def _grown(account: Account, was: Holding | None, held: Holding | None, given: Order, qty: float) -> Holding:
    """The position after its opening part: entry price averaged, margin put aside for what is added."""
    venue = account.venue if was is None else account.rules_of(was)
    mode = given.margin_mode if was is None else was.margin_mode
    entry, total = given.price, qty
    if held is not None:
        total += held.qty
        parts = {"qty": [held.qty, qty], "price": [held.entry_price, given.price]}
        entry = float(rules.entry_price(contract=venue.contract, **parts))
    notional = terms.worth(venue, total, given.price)
    leverage, margin = _leverage(venue, was, given, notional), None
    if mode == "isolated":
        leverage = leverage or terms.max_leverage(venue, notional)
        margin = _margin(account, venue, held, given, qty, leverage)
    return Holding(
        market=given.market,
        side=_side(given),
        qty=total,
        entry_price=entry,
        mark_price=None if was is None else was.mark,
        leverage=leverage,
        margin=margin,
        margin_mode=mode,
        venue=None if was is None else was.venue,
    )


def _leverage(venue: Venue, was: Holding | None, given: Order, notional: float) -> float | None:
    """The order's or the position's, allowed at a notional; None: the largest that is."""
    leverage = given.leverage
    if leverage is None and was is not None:
        leverage = was.leverage if was.margin_mode == "cross" else terms.leverage_of(venue, was)
    most = terms.max_leverage(venue, notional)
    if leverage is not None and leverage > most * (1 + NEAR):
        raise problem("leverage", leverage, f"at most {most:g}, the tier's of a notional of {notional:g}")
    return leverage


def _margin(
    account: Account, venue: Venue, held: Holding | None, given: Order, qty: float, leverage: float
) -> float:
    """Isolated margin with what is added; a lower leverage is the whole position's, and tops it up."""
    interest = account.open_interest
    before = held.qty if held else 0.0
    rate = terms.initial_rate(venue, leverage, terms.worth(venue, before + qty, given.price), interest)
    added = terms.worth(venue, qty, given.price) * rate
    if held is None:
        return added
    was = terms.leverage_of(venue, held)
    rate -= terms.initial_rate(venue, was, terms.worth(venue, held.qty, given.price), interest)
    topped = terms.worth(venue, held.qty, held.entry_price) * max(0.0, rate)
    return terms.isolated_margin(venue, held) + topped + added


def _isolated(account: Account, market: str) -> Holding:
    held = account.holding(market)
    if held.margin_mode == "cross":
        raise problem("market", repr(market), "one whose margin is isolated: behind cross stands the wallet")
    return held


def _moved(account: AnAccount, held: Holding, amount: float) -> AnAccount:
    """Margin put aside, or given back to the free wallet."""
    venue = account.rules_of(held)
    margin = max(0.0, terms.isolated_margin(venue, held) + amount)
    fields = {"margin": margin, "leverage": terms.leverage_of(venue, held)}
    return account.with_holding(held.market, msgspec.structs.replace(held, **fields))


def add_margin(account: AnAccount, market: str, amount: float) -> AnAccount:
    """Out of what is available."""
    held, amount = _isolated(account, market), real("amount", amount, above=0.0)
    there = max(0.0, account.available)
    if amount > there + NEAR * abs(account.wallet):
        raise problem("amount", amount, f"at most what is available, {there:g}")
    return _moved(account, held, amount)


def removable(account: Account, market: str) -> float:
    """Margin less a loss, less initial margin."""
    held = _isolated(account, market)
    margin = terms.isolated_margin(account.rules_of(held), held)
    return max(0.0, margin + min(0.0, account.profit(held)) - account.initial(held))


def remove_margin(account: AnAccount, market: str, amount: float) -> AnAccount:
    """No more than may be removed."""
    held, amount = _isolated(account, market), real("amount", amount, above=0.0)
    most = removable(account, market)
    if amount > most * (1 + NEAR):
        raise problem("amount", amount, f"at most what initial margin and losses leave, {most:g}")
    return _moved(account, held, -amount)
