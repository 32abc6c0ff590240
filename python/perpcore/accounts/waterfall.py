"""A liquidation step by step, as `docs/MODEL.md` section 7 ("Under more rules") has it, for one account."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from perpcore import rules
from perpcore._structs import problem, shown
from perpcore.accounts import terms
from perpcore.accounts.holdings import Holding, real
from perpcore.accounts.orders import locked
from perpcore.accounts.steps import Liquidation, Step
from perpcore.venues.liquidation import ByTier, Share

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perpcore.accounts.account import Account
    from perpcore.accounts.holdings import RestingOrder
    from perpcore.venues import Venue

NEAR = 1e-9  # lots are counted in floating point


class Given(NamedTuple):
    """What `Account.liquidate` was asked with."""

    asks: list[tuple[float, float]]
    bids: list[tuple[float, float]]
    fund: float
    fee_rate: float
    lot: float
    previous_mark: float | None


def levels(name: str, rows: Iterable[tuple[float, float]], *, falling: bool) -> list[tuple[float, float]]:
    """A side of a book, best price first."""
    try:
        pairs = [(price, qty) for price, qty in rows]
    except (TypeError, ValueError):
        raise problem(name, shown(rows), "pairs (price, qty)") from None
    read = [
        (real(f"{name}[{i}].price", price, above=0.0), real(f"{name}[{i}].qty", qty, least=0.0))
        for i, (price, qty) in enumerate(pairs)
    ]
    return sorted(read, reverse=falling)


class Filled(NamedTuple):
    """What a book gave: quantity, mean price, worth."""

    qty: float
    price: float
    value: float


@dataclass
class Course:
    """Where the waterfall stands: what is open, what backs it, who has what."""

    venue: Venue  # the account's: what is done
    market: Venue  # the holding's: its tiers
    held: Holding
    margin: float
    asked_by_others: float
    given: Given
    fund: float
    peak: float
    kept: float = 0.0  # margin that went back to the trader
    desk: float = 0.0  # equity of what the fund took over
    steps: list[Step] = field(default_factory=list)

    def say(self, what: str, **figures: float | str) -> None:
        """Write a step down."""
        self.steps.append(Step(what, **figures))  # type: ignore[arg-type]

    @property
    def mark(self) -> float:
        """The mark price, which stands still."""
        return self.held.mark

    @property
    def equity(self) -> float:
        """What backs the position, and its profit."""
        return self.margin + terms.profit(self.market, self.held, self.mark)

    @property
    def asked(self) -> float:
        """What equity is held against: the position's own, and the others' it shares a wallet with."""
        return terms.requirement(self.market, self.held, self.mark) + self.asked_by_others

    @property
    def is_due(self) -> bool:
        """By the venue's trigger."""
        trigger = self.venue.trigger
        return bool(rules.is_liquidatable(equity=self.equity, maintenance_margin=self.asked, trigger=trigger))


def run(account: Account, market: str, given: Given) -> Liquidation:
    """All steps on one position."""
    held = account.holding(market)
    own, margin = account.maintenance(held), account.backing(held)
    course = Course(
        venue=account.venue,
        market=account.rules_of(held),
        held=held,
        margin=margin,
        asked_by_others=account.pocket(held).maintenance - own,
        given=given,
        fund=given.fund,
        peak=given.fund,
    )
    orders = _cancel(course, account) if course.is_due else account.orders
    end = _rounds(course)
    if course.kept:
        course.say("trader keeps", money=course.kept)
    new, left = None, 0.0
    if end != "closed":
        left = course.margin
        new = msgspec.structs.replace(held, qty=course.held.qty)
        if held.margin_mode == "isolated":
            leverage = terms.leverage_of(course.market, held)
            new = msgspec.structs.replace(new, margin=course.margin, leverage=leverage)
    wallet = account.wallet - margin + left + course.kept
    after = account.with_holding(market, new, wallet=wallet, orders=orders)
    if end == "vault":
        after = _to_vault(course, after)
    return Liquidation(steps=tuple(course.steps), account=after, fund=course.fund, desk_equity=course.desk)


def _cancel(course: Course, account: Account) -> tuple[RestingOrder, ...]:
    """Isolated: the market's orders (Bybit, "Liquidation process"); cross: all, as all of it is at stake."""
    isolated = course.held.margin_mode == "isolated"
    kept = tuple(order for order in account.orders if isolated and order.market != course.held.market)
    if gone := len(account.orders) - len(kept):
        course.say("cancel orders", qty=float(gone), money=account.order_margin - locked(account, kept))
    return kept


def _to_vault(course: Course, account: Account) -> Account:
    """Position and margin go whole; of cross, all positions and all that is not isolated.

    Hyperliquid, "Liquidations": a trader without isolated positions ends with nothing.
    """
    others, money, backstop = [], course.margin, course.venue.backstop
    assert backstop is not None
    if course.held.margin_mode == "cross":
        others = [held for held in account.holdings if held.margin_mode == "cross"]
        others.remove(account.holding(course.held.market))
        money = account.wallet - account.isolated_margin
    part = f"{float(backstop.below):.3g} of maintenance {course.asked:,.6g}"
    note = f"equity {course.equity:,.6g} is below {part}"
    course.say("vault", qty=course.held.qty, price=_bankruptcy(course), money=money, note=note)
    for held in others:
        price = account.bankruptcy_price(held.market)
        course.say("vault", qty=held.qty, price=price, money=0.0, note=f"{held.market}, of the same margin")
    gone = {held.market for held in (course.held, *others)}
    left = tuple(held for held in account.holdings if held.market not in gone)
    return account.replace(holdings=left, wallet=account.wallet - money)


def _rounds(course: Course) -> Literal["open", "closed", "vault"]:
    """Orders while it is due and they fill; what becomes of the position."""
    backstop, partial = course.venue.backstop, False
    book = list(course.given.bids if course.held.side == "long" else course.given.asks)
    while course.is_due:
        equity, asked = course.equity, course.asked
        if backstop is not None and 0 <= equity < float(backstop.below) * asked:
            return "vault"
        if backstop is not None and course.venue.adl is not None and equity < 0:
            _deleverage(course)
            return "closed"
        size = course.venue.liquidation_size
        if partial and isinstance(size, Share) and size.cooldown_s:
            course.say("wait", note=f"{float(size.cooldown_s):g} s; mark and book stand still")
        qty, limit = _order_qty(course, partial=partial), _limit(course)
        course.say("order", qty=qty, price=limit, note=f"equity {equity:,.6g} against {asked:,.6g}")
        filled = _take(course, book, qty, limit)
        if not _settle(course, book, filled, qty):
            return "closed"
        course.peak = max(course.peak, course.fund)
        partial = True
        if not filled.qty:
            course.say("stuck", qty=course.held.qty, note="nothing in the book within the limit")
            return "open"
    course.say("not due", qty=course.held.qty, money=course.equity, note=_ratio(course))
    return "open"


def _ratio(course: Course) -> str:
    return f"margin ratio {rules.margin_ratio(equity=course.equity, maintenance_margin=course.asked):,.6g}"


def _bankruptcy(course: Course) -> float:
    return terms.bankruptcy_price(course.market, course.held, course.margin)


def _lots(course: Course, qty: float, *, up: bool) -> float:
    """A quantity in whole lots; one that is whole but for the last bits stays."""
    lot = course.given.lot
    lots = qty / lot
    near = round(lots)
    whole = near if abs(lots - near) <= NEAR * max(1, near) else math.ceil(lots) if up else math.floor(lots)
    return whole * lot


def _order_qty(course: Course, *, partial: bool) -> float:
    """How much one order closes, by `Venue.liquidation_size`."""
    size, qty, one = course.venue.liquidation_size, course.held.qty, course.given.lot
    value = terms.worth(course.market, qty, course.mark)
    if isinstance(size, ByTier):
        tier = terms.tier_at(course.market, value)
        if tier < size.tiers:
            return qty
        floor = terms.tier_rows(course.market)[tier - size.tiers + 1][0]
        most = _lots(course, qty * floor / value, up=False)
        if terms.worth(course.market, max(most, one), course.mark) >= floor * (1 - NEAR):
            most -= one
        return qty - max(most, 0.0)
    if isinstance(size, Share):
        within, cooldown = float(size.whole_within_s), float(size.cooldown_s)
        soon = partial and within > 0 and cooldown <= within
        if value <= float(size.whole_below) or soon:
            return qty
        least = _lots(course, float(size.least_notional) * qty / value, up=True)
        return min(qty, max(_lots(course, qty * float(size.share), up=True), least))
    return qty


def _limit(course: Course) -> float:
    """The worst price an order may fill at; NaN: any."""
    venue, held = course.venue, course.held
    if venue.liquidation_order == "market":
        return math.nan
    if venue.liquidation_order == "limit_at_bankruptcy":
        return _bankruptcy(course)
    own = terms.requirement(course.market, held, course.mark)
    limit: float = rules.fillable_price(
        side=held.side,
        price=course.mark,
        maintenance_rate=own / terms.worth(course.market, held.qty, course.mark),
        equity=course.equity,
        maintenance_margin=course.asked,
        adjustment=float(venue.bankruptcy_adjustment),
        spread=float(venue.fillable_spread),
    )
    # No further than the fund can pay for.
    bearable = terms.bankruptcy_price(course.market, held, course.margin + max(course.fund, 0.0))
    return max(limit, bearable) if held.sign > 0 else min(limit, bearable)


def _take(course: Course, book: list[tuple[float, float]], qty: float, limit: float) -> Filled:
    """Sweep the book, best price first, which keeps what is left."""
    found: list[tuple[float, float]] = []
    while qty > 0 and book:
        price, there = book[0]
        if (price - limit) * course.held.sign < 0:  # a long sells at no less, a short buys at no more
            break
        taken = min(qty, there)
        qty = _zero(course, qty - taken)
        left = _zero(course, there - taken)
        book[:1] = [(price, left)] if left else []
        if taken:
            found.append((taken, price))
    if not found:
        return Filled(0.0, math.nan, 0.0)
    quantities, prices = zip(*found, strict=True)
    total = math.fsum(quantities)
    mean = rules.entry_price(qty=quantities, price=prices, contract=course.market.contract)
    return Filled(total, float(mean), terms.worth(course.market, total, float(mean)))


def _zero(course: Course, qty: float) -> float:
    """Less than half a lot is nothing."""
    return qty if qty > course.given.lot / 2 else 0.0


def _settle(course: Course, book: list[tuple[float, float]], filled: Filled, ordered: float) -> bool:
    """What a fill leaves; whether the trader still has a position."""
    qty, freed, gain = course.held.qty, 0.0, 0.0
    if filled.qty:
        course.say("fill", qty=filled.qty, price=filled.price, money=filled.value)
        gain = terms.profit(course.market, course.held, filled.price, filled.qty)
        gain -= course.given.fee_rate * filled.value
        freed = course.margin * filled.qty / qty
    left = _zero(course, qty - filled.qty)
    if not left:
        _square(course, course.margin + gain, filled.value)
        return False
    own_share = _own_share(course)
    course.held = msgspec.structs.replace(course.held, qty=left)
    free = freed + gain
    course.margin -= freed
    if free < 0:  # what is left of the position's margin pays first
        used = min(max(course.margin, 0.0), -free)
        course.margin, free = course.margin - used, free + used
    as_sent = ordered < qty and _zero(course, ordered - filled.qty) == 0
    if as_sent or (course.venue.rest == "keep" and course.equity + free >= 0):
        _keep(course, free, filled)
        return True
    _square(course, free, filled.value, own_share)
    if _calls_adl(course):
        _deleverage(course)
    else:
        _take_over(course, book)
    return False


def _own_share(course: Course) -> float:
    """The position's part of what is asked of all that shares its wallet."""
    return (course.asked - course.asked_by_others) / course.asked if course.asked_by_others else 1.0


def _keep(course: Course, free: float, filled: Filled) -> None:
    """What stays open keeps all that was freed, less the fee."""
    course.margin += free
    _fee(course, filled.value, course.margin, from_margin=True)
    if course.margin < 0:
        _lack(course, -course.margin)
        course.margin = 0.0
    if filled.qty:
        backing = course.margin - course.asked_by_others
        price = terms.liquidation_price(course.market, course.held, backing)
        course.say("keep", qty=course.held.qty, price=price, money=course.margin, note=_ratio(course))


def _fee(course: Course, value: float, there: float, *, from_margin: bool = False) -> float:
    """The liquidation fee, at most what is there, to the fund."""
    fee = min(max(there, 0.0), value * float(course.venue.liquidation_fee))
    if fee:
        course.fund += fee
        course.say("liquidation fee", money=fee, note=f"to the fund, now {course.fund:,.6g}")
    if from_margin:
        course.margin -= fee
    return fee


def _square(course: Course, free: float, value: float, own_share: float | None = None) -> None:
    """Money left goes to the trader or the fund; money lacking is paid by fund, winners or venue."""
    if free < 0:
        _lack(course, -free)
        return
    free -= _fee(course, value, free)
    share = 0.0
    if course.venue.leftover == "fund":
        share = _own_share(course) if own_share is None else own_share
    course.kept += free * (1 - share)
    if free * share:
        course.fund += free * share
        course.say("fund gains", money=free * share, note=f"now {course.fund:,.6g}")


def _lack(course: Course, amount: float) -> None:
    """A deficit: the fund as far as it goes, then the winners or the venue."""
    paid = min(course.fund, amount)
    course.fund -= paid
    if paid:
        course.say("fund pays", money=paid, note=f"now {course.fund:,.6g}")
    if amount > paid:
        shared = course.venue.loss_sharing == "profits"
        note = "taken from open profits, pro rata" if shared else "nobody paid it"
        course.say("loss sharing" if shared else "venue loss", money=amount - paid, note=note)


def _calls_adl(course: Course) -> bool:
    """Whether counterparties are closed rather than the fund's desk opened."""
    adl, fund, loss = course.venue.adl, course.fund, course.equity
    if adl is None or course.venue.rest == "keep" or adl.trigger == "always":
        return adl is not None
    exhausted = loss < 0 and fund + loss < 0
    fallen = fund + min(loss, 0.0) < course.peak * (1 - float(adl.drawdown))
    return exhausted or (adl.trigger == "fund_drawdown" and fallen)


def _deleverage(course: Course) -> None:
    """Counterparties close what is left, at the bankruptcy price or at the mark before."""
    adl, equity = course.venue.adl, course.equity
    assert adl is not None
    price, free = _bankruptcy(course), 0.0
    if adl.price == "previous_mark":
        if course.given.previous_mark is None:
            raise problem("previous_mark", "nothing", "a price: ADL closes at the mark before this one")
        price = course.given.previous_mark
        free = course.margin + terms.profit(course.market, course.held, price)
    relief = max(0.0, max(0.0, -equity) - max(0.0, -free))
    note = f"ranked by {adl.rank}; relief {relief:,.6g}"
    course.say("deleverage", qty=course.held.qty, price=price, money=relief, note=note)
    _square(course, free, 0.0)


def _take_over(course: Course, book: list[tuple[float, float]]) -> None:
    """The fund's desk takes position and margin; under `at_once` it sells on into the same book."""
    note = f"by the fund; worth {course.equity:,.6g} at the mark"
    course.say("take over", qty=course.held.qty, price=_bankruptcy(course), money=course.margin, note=note)
    course.desk = course.equity
    if course.venue.unwind == "at_once":
        _unwind(course, book)
    if course.fund + course.desk < 0:
        _close_desk(course)


def _unwind(course: Course, book: list[tuple[float, float]]) -> None:
    """The desk's market order, settled with the fund."""
    filled = _take(course, book, course.held.qty, math.nan)
    if not filled.qty:
        return
    gain = terms.profit(course.market, course.held, filled.price, filled.qty)
    freed = course.margin * filled.qty / course.held.qty
    free = freed + gain - course.given.fee_rate * filled.value
    course.say("unwind", qty=filled.qty, price=filled.price, money=free)
    course.margin -= freed
    left = _zero(course, course.held.qty - filled.qty)
    if free < 0:
        used = min(max(course.margin, 0.0), -free) if left else 0.0
        course.margin, free = course.margin - used, free + used
    if free > 0:
        course.fund += free
        course.say("fund gains", money=free, note=f"now {course.fund:,.6g}")
    elif free < 0:
        _lack(course, -free)
    course.desk = 0.0
    if left:
        course.held = msgspec.structs.replace(course.held, qty=left)
        course.desk = course.equity


def _close_desk(course: Course) -> None:
    """A desk that the fund cannot hold takes what is in it and is deleveraged at bankruptcy.

    Without ADL its loss at the mark is paid: by the fund to its last, then by winners or venue (Deribit,
    "Insurance fund"; the engine's `insurance_fund_shortfall`).
    """
    if course.venue.adl is None:
        _lack(course, -course.desk)
        course.desk = 0.0
        return
    course.margin, course.fund, course.desk = course.margin + course.fund, 0.0, 0.0
    note = f"the fund's desk, with all that is in the fund; relief {-course.equity:,.6g}"
    course.say("deleverage", qty=course.held.qty, price=_bankruptcy(course), money=-course.equity, note=note)
