"""Changes of an account that its trader makes: orders, and margin put in or taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from perpcore import rules
from perpcore._core import OrderError
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
    held = next((h for h in account.holdings if h.market == given.market), None)
    against = held is not None and held.side != _side(given)
    if given.reduce_only and not against:
        has = f"the position is {held.side} as well" if held else "there is no position"
        raise OrderError(f"reduce_only: a {given.side} in {given.market!r} reduces nothing: {has}")
    rest = given.qty
    if held is not None and against:
        closed = min(held.qty, given.qty)
        account = _close(account, held, given, closed)
        rest = 0.0 if given.reduce_only else given.qty - closed
    return _open(account, given, rest) if rest else account


def _side(given: Order) -> Literal["long", "short"]:
    return "long" if given.side == "buy" else "short"


def _close(account: AnAccount, held: Holding, given: Order, qty: float) -> AnAccount:
    """Profit to the wallet, margin freed in proportion; a loss beyond that is met by what margin is left."""
    venue = account.rules_of(held)
    gain = terms.profit(venue, held, given.price, qty)
    gain -= given.fee_rate * terms.worth(venue, qty, given.price)
    margin = terms.isolated_margin(venue, held)
    freed = margin * qty / held.qty
    left = held.qty - qty
    if held.margin_mode == "isolated" and margin - freed + min(0.0, freed + gain) < 0:
        raise OrderError(
            f"price: closing at {given.price:g} loses {-gain:g}, more than the margin {margin:g}"
        )
    wallet = account.wallet + gain
    if not left:
        return account.with_holding(held.market, None, wallet=wallet)
    fields: dict[str, float] = {"qty": left}
    if held.margin_mode == "isolated":
        fields |= {
            "margin": margin - freed + min(0.0, freed + gain),
            "leverage": terms.leverage_of(venue, held),
        }
    return account.with_holding(held.market, msgspec.structs.replace(held, **fields), wallet=wallet)


def _open(account: AnAccount, given: Order, qty: float) -> AnAccount:
    """A new position or more of one, with all that is asked of it."""
    held = next((h for h in account.holdings if h.market == given.market), None)
    venue = account.venue if held is None else account.rules_of(held)
    new = _grown(account, venue, held, given, qty)
    notional = terms.worth(venue, new.qty, given.price)
    tier = terms.tier_at(venue, notional)
    most = terms.tier_rows(venue)[tier][2]
    leverage = terms.leverage_of(venue, new)
    if given.leverage is not None and leverage > most * (1 + NEAR):
        raise OrderError(
            f"leverage: {leverage:g} is not allowed in tier {tier + 1}, notional {notional:g}: "
            f"at most {most:g}"
        )
    fee = given.fee_rate * terms.worth(venue, qty, given.price)
    after = account.with_holding(given.market, new, wallet=account.wallet - fee)
    part = msgspec.structs.replace(new, qty=qty, entry_price=given.price)
    gain = terms.profit(venue, part, new.mark)
    free = after.available - (max(gain, 0.0) if new.margin_mode == "cross" else -min(gain, 0.0))
    short = -free
    if short > NEAR * max(abs(account.wallet), notional / leverage):
        needed, there = account.available + short, account.available
        raise OrderError(
            f"available: opening {qty:g} {new.side} at {given.price:g} needs {needed:g} of margin, fee and "
            f"loss at the mark; {there:g} is available"
        )
    if after.is_due(given.market):
        equity, maintenance = after.pocket(new)
        raise OrderError(
            f"price: at {given.price:g} the position would be due at once: equity {equity:g} "
            f"against maintenance {maintenance:g} at the mark {new.mark:g}"
        )
    return after


def _grown(account: Account, venue: Venue, held: Holding | None, given: Order, qty: float) -> Holding:
    """The position after its opening part; the entry price averaged."""
    at, contract = given.price, venue.contract
    notional = terms.worth(venue, qty + (held.qty if held else 0.0), at)
    cap = terms.tier_rows(venue)[terms.tier_at(venue, notional)][2]
    leverage = given.leverage or (cap if held is None else min(cap, terms.leverage_of(venue, held)))
    rate = terms.initial_rate(venue, leverage, notional, account.open_interest)
    added = terms.worth(venue, qty, at) * rate
    if held is None:
        margin = added if given.margin_mode == "isolated" else None
        return Holding(
            market=given.market,
            side=_side(given),
            qty=qty,
            entry_price=at,
            leverage=leverage,
            margin=margin,
            margin_mode=given.margin_mode,
        )
    entry = rules.entry_price(qty=[held.qty, qty], price=[held.entry_price, at], contract=contract)
    fields = {"qty": held.qty + qty, "entry_price": float(entry), "leverage": leverage}
    if held.margin_mode == "isolated":
        fields["margin"] = terms.isolated_margin(venue, held) + added
    return msgspec.structs.replace(held, **fields)


def _isolated(account: Account, market: str) -> Holding:
    held = account.holding(market)
    if held.margin_mode == "cross":
        raise OrderError(f"margin_mode: {market!r} is cross: the wallet stands behind it, not a margin")
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
    there = account.available
    if amount > there + NEAR * abs(account.wallet):
        raise OrderError(f"amount: {amount:g} is more than is available: {there:g}")
    return _moved(account, held, amount)


def removable(account: Account, market: str) -> float:
    """Margin less a loss, less initial margin at the mark."""
    held = _isolated(account, market)
    venue = account.rules_of(held)
    kept = terms.initial_margin(venue, held, held.mark, account.open_interest)
    return max(0.0, terms.isolated_margin(venue, held) + min(0.0, account.profit(held)) - kept)


def remove_margin(account: AnAccount, market: str, amount: float) -> AnAccount:
    """No more than may be removed."""
    held, amount = _isolated(account, market), real("amount", amount, above=0.0)
    most = removable(account, market)
    if amount > most * (1 + NEAR):
        raise OrderError(f"amount: {amount:g} is more than may be removed: {most:g}")
    return _moved(account, held, -amount)
