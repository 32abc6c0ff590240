"""The state of a run, every way it may change (transfers, trades, takeovers), and what is always true."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field, replace

from .book import Match
from .cells import Arrivals, Trader
from .margin import FLAT, Position
from .world import (
    ATTACKER,
    CLEARING,
    FEE_INCOME,
    HOLDERS,
    INSURANCE_FUND,
    MARKET_MAKER,
    OUTSIDE,
    REST,
    SPOT_DESK,
    TAKEOVER_DESK,
    VAULT,
    VENUE_LOSS,
    Market,
    World,
)

SPOT, PERP, OFF_BOOK = 0, 1, 2
IGNITION, LIQUIDATION, STOP, UNWIND, HEDGE, ABSORPTION = range(6)
NOISE, MOMENTUM, HOLDERS_SALE, ARBITRAGE, CROWD, HUNTING, WHALE, EXTERNAL, COLLATERAL = range(6, 15)
RATE_ONE = 10**9
Row = dict[str, int]
AdlRow = dict[str, int | float]


@dataclass
class Result:
    """What a run returns: the exact columns of MODEL section 8 and the state at the end."""

    fills: list[Row]
    liquidations: list[Row]
    stages: list[Row]
    adl: list[AdlRow]
    balances: dict[int, int]
    tokens: dict[int, int]
    positions: dict[int, tuple[int, int, int]]
    summary: dict[str, int | str]
    first_late: int
    """The first number of the accounts that were not there at the start."""
    series: list[Row] = field(default_factory=list)
    agents: list[Row] = field(default_factory=list)
    heat_map: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Traded:
    """The sum of the fills of one order, and the fees its owner paid."""

    qty: int = 0
    value: int = 0
    fee: int = 0


@dataclass
class Booking:
    """Fills of one order with one maker that are booked as one; fees are rounded fill by fill."""

    taker: int
    maker: int
    side: int
    qty: int = 0
    value: int = 0
    taker_fee: int = 0
    taker_income: int = 0
    maker_fee: int = 0
    maker_income: int = 0

    def add(self, qty: int, value: int, market: Market) -> None:
        """One more fill."""
        self.qty += qty
        self.value += value
        self.taker_fee += fee_paid(value, market.taker_fee)
        self.taker_income += value * market.taker_fee // RATE_ONE
        self.maker_fee += fee_paid(value, market.maker_fee)
        self.maker_income += value * market.maker_fee // RATE_ONE


@dataclass
class State:
    """Ledger, tokens, positions, books and the few things the run remembers."""

    world: World
    balances: dict[int, int] = field(default_factory=dict)
    tokens: dict[int, int] = field(default_factory=dict)
    deposits: dict[int, int] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    fills: list[Row] = field(default_factory=list)
    adl: list[AdlRow] = field(default_factory=list)
    fired_stops: set[int] = field(default_factory=set)
    partial_orders: dict[int, int] = field(default_factory=dict)
    met_liquidation: set[int] = field(default_factory=set)
    highest_fund: int = 0
    round: int = 0
    clock: int = 0
    """Rounds of an instant cascade, steps of a run through time."""
    maker_sold: int = 0
    owed: int = 0
    """What the orders of the round lack so far."""
    settlement_deficit: int = 0
    settlement_paid: int = 0
    hedged: int = 0
    absorbed: int = 0
    maker_alive: bool = True
    spot_exhausted: bool = False
    mark: int = 0
    index: int = 0
    marks: list[int] = field(default_factory=list)
    """The mark at the end of every step (round, of an instant cascade), the start's first."""
    halt_end: int = 0
    """The last step of the last halt."""
    stress: int = RATE_ONE
    """What maintenance is multiplied by, in billionths."""
    is_stressed: bool = False
    targets: list[int] = field(default_factory=lambda: [0])
    """What the market maker's desk ought to hold at the end of every step, the start's first."""
    last_funding: int = 0
    payments: int = 0
    positive_payments: int = 0
    ignition_qty: int = 0
    ignition_value: int = 0
    unlocked: int = 0
    opened: int = 0
    """Lots of the perpetual that crowds opened."""
    crowds: dict[int, list[int]] = field(default_factory=dict)
    """The accounts of each crowd, by the number of its agent."""
    events: int = 0
    """Orders sent, agents' cancels, fills of a book."""
    quotes_filled: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Lots of quotes filled, by book and side, since they were last posted."""

    def __post_init__(self) -> None:
        world = self.world
        self.spot = world.spot.book(HOLDERS, world.tokens.free_float)
        self.perp = world.perp.book(MARKET_MAKER, None)
        self.last = {SPOT: world.spot.start, PERP: world.perp.start}
        self.quotable = world.quotable
        self.given_to_holders = world.tokens.free_float
        self.traders: dict[int, Trader] = {}
        self.arrivals = [Arrivals(batch) for batch in world.batches]
        self.mark, self.index, self.marks = world.perp.start, world.spot.start, [world.perp.start]
        self.agents = {agent.venue: agent for agent in world.agents}
        own = (account for agent in world.agents for account in (agent.venue, agent.desk))
        desks = (ATTACKER, MARKET_MAKER, SPOT_DESK, HOLDERS, REST, TAKEOVER_DESK, VAULT, *own)
        system = (OUTSIDE, FEE_INCOME, INSURANCE_FUND, CLEARING, VENUE_LOSS)
        self.balances = dict.fromkeys((*system, *desks), 0)
        self.deposits = dict.fromkeys(desks, 0)
        self.positions = dict.fromkeys(desks, FLAT)
        self.tokens = {
            ATTACKER: world.push.tokens_brought,
            SPOT_DESK: world.tokens.spot_inventory,
            HOLDERS: world.tokens.free_float,
        } | {agent.desk: agent.tokens for agent in world.agents}
        #: What the tokens that somebody brought were worth then.
        self.brought = {account: lots * world.spot.start for account, lots in self.tokens.items()}
        self.transfer(OUTSIDE, INSURANCE_FUND, world.insurance_fund)
        self.highest_fund = world.insurance_fund
        self.deposit(MARKET_MAKER, world.capital)
        if world.venue.backstop is not None:
            self.deposit(VAULT, world.venue.backstop.capital)
        for agent in world.agents:
            self.deposit(agent.venue, agent.capital or 0)
        for trader in world.traders:
            self.enter(trader)

    @property
    def next_account(self) -> int:
        """The number of the next account that comes into being."""
        return self.world.first_trader + len(self.traders)

    @property
    def halted(self) -> bool:
        """Whether the perpetual is."""
        return self.clock <= self.halt_end and self.halt_end > 0

    def enter(self, trader: Trader) -> None:
        """An account comes into being, with its margin; the rest of the market takes the other side."""
        account = self.next_account
        self.traders[account] = trader
        self.balances[account] = self.deposits[account] = 0
        self.deposit(account, trader.position.margin)
        self.positions[account] = trader.position
        rest = self.positions[REST]
        self.positions[REST] = Position(rest.qty - trader.position.qty, rest.cost - trader.position.cost, 0)

    def reach(self, mark: int) -> None:
        """The accounts of every cell that the mark reaches now come into being."""
        for arrivals in self.arrivals:
            for trader in arrivals.reached(mark):
                self.enter(trader)

    def reach_all(self) -> None:
        """Everybody who is not there yet comes into being."""
        for arrivals in self.arrivals:
            for trader in arrivals.reached(None):
                self.enter(trader)

    def transfer(self, source: int, target: int, amount: int) -> None:
        """Move money; a negative amount moves it the other way."""
        self.balances[source] -= amount
        self.balances[target] += amount

    def deposit(self, account: int, amount: int) -> None:
        """Money a trader brings from outside."""
        self.transfer(OUTSIDE, account, amount)
        self.deposits[account] += amount

    def collateral(self, account: int) -> int:
        """The margin of an isolated account; the balance of the market maker and of agents (cross).

        Of an agent also a part of its tokens.
        """
        if account in self.agents:
            tokens = self.tokens[self.agents[account].desk]
            share = self.world.frictions.spot_margin * self.index * tokens * self.world.spot.scale
            return self.balances[account] + share // RATE_ONE
        return self.balances[account] if account == MARKET_MAKER else self.positions[account].margin

    def is_cross(self, account: int) -> bool:
        """Whether its balance stands behind its position, and it is liquidated whole."""
        return account == MARKET_MAKER or account in self.agents

    def is_financed(self, account: int) -> bool:
        """Whether it is an agent's that is given whatever it lacks."""
        return account in self.agents and self.agents[account].capital is None

    def finance(self) -> None:
        """At the end of a round: what financed agents lack is deposited."""
        for account in self.agents:
            if self.is_financed(account):
                self.deposit(account, max(-self.balances[account], 0))

    def unlock(self, account: int, lots: int) -> None:
        """Tokens come into being."""
        self.tokens[account] += lots
        self.brought[account] += lots * self.last[SPOT]
        self.unlocked += lots
        if account == HOLDERS:
            self.quotable += lots
            self.given_to_holders += lots

    @property
    def holders_bought(self) -> int:
        """What holders bought more than they sold."""
        return self.tokens[HOLDERS] - self.given_to_holders

    def target_at(self, step: int) -> int:
        """What the market maker's desk ought to hold, as of the end of a step."""
        return self.targets[step] if step >= 0 else 0

    def begin(self, account: int) -> None:
        """An account comes into being with nothing."""
        self.balances[account] = self.deposits[account] = 0
        self.positions[account] = FLAT

    def forget(self, account: int) -> None:
        """An account that came to nothing."""
        del self.balances[account], self.deposits[account], self.positions[account]

    def raise_margins(self, factor: int) -> None:
        """Stress: everybody comes into being, and more is held against everybody."""
        self.reach_all()
        self.stress, self.is_stressed = factor, True
        self.world = replace(self.world, rules=self.world.rules.stressed(factor))

    def fund_equity(self, mark: int) -> int:
        """The insurance fund with what its desk holds."""
        desk = self.positions[TAKEOVER_DESK]
        equity = self.world.rules.equity(desk, self.balances[TAKEOVER_DESK], mark)
        return self.balances[INSURANCE_FUND] + equity

    def trade_spot(self, taker: int, side: int, qty: int, cause: int) -> Traded:
        """A market order in spot."""
        self.events += qty > 0
        traded = self._trade(SPOT, taker, side, self.spot.take(side, qty), cause)
        if traded.qty < qty and taker - 1 not in self.agents:
            self.spot_exhausted = True
        return traded

    def trade_perp(self, taker: int, side: int, qty: int, cause: int, limit: int | None = None) -> Traded:
        """A market or IOC order in the perpetual, within the band; nothing while it is halted."""
        if self.halted:
            return Traded()
        self.events += qty > 0
        band = self.world.frictions.band
        if band is not None:
            end = self.mark + side * (self.mark * band // RATE_ONE)
            limit = end if limit is None else side * min(side * limit, side * end)
        return self._trade(PERP, taker, side, self.perp.take(side, qty, limit), cause)

    def _trade(self, book: int, taker: int, side: int, matches: list[Match], cause: int) -> Traded:
        """Record every fill, and book those with one maker, one right after the other, as one."""
        market = self.world.spot if book == SPOT else self.world.perp
        qty = value = fee = 0
        for maker, run in itertools.groupby(matches, key=lambda match: match.maker):
            booking = Booking(taker, maker, side)
            for match in run:
                booking.add(match.qty, match.price * match.qty * market.scale, market)
                self._record(book, match.price, match.qty, side, taker, maker, cause)
                self.last[book] = match.price
                self.events += 1
                if match.maker == (HOLDERS if book == SPOT else MARKET_MAKER) and not match.from_start:
                    self.quotes_filled[book, -side] += match.qty
                    self.quotable -= match.qty if book == SPOT and side > 0 else 0
            if book == SPOT:
                self._book_spot(booking)
                if side < 0 and maker == HOLDERS and self.world.steps is not None:
                    self.quotable += booking.qty
            else:
                self._book_perp(booking)
            self._book_fees(booking)
            qty, value, fee = qty + booking.qty, value + booking.value, fee + booking.taker_fee
        return Traded(qty, value, fee)

    def _book_spot(self, booking: Booking) -> None:
        """Money one way, tokens the other; the buyer is financed from outside."""
        buys = booking.side > 0
        buyer, seller = (booking.taker, booking.maker) if buys else (booking.maker, booking.taker)
        self.deposit(buyer, booking.value + max(booking.taker_fee if buys else booking.maker_fee, 0))
        self.transfer(buyer, seller, booking.value)
        self.tokens[buyer] = self.tokens.get(buyer, 0) + booking.qty
        self.tokens[seller] -= booking.qty

    def _book_perp(self, booking: Booking) -> None:
        """Both positions, the taker's first; the attacker brings the value as margin."""
        if booking.maker == MARKET_MAKER:
            self.maker_sold += booking.side * booking.qty
        if booking.taker == ATTACKER:
            self.deposit(ATTACKER, booking.value + max(booking.taker_fee, 0))
            held = self.positions[ATTACKER]
            self.positions[ATTACKER] = held._replace(margin=held.margin + booking.value)
        self.fill_position(booking.taker, booking.side, booking.qty, booking.value)
        self.fill_position(booking.maker, -booking.side, booking.qty, booking.value)

    def _book_fees(self, booking: Booking) -> None:
        for account, paid, income in (
            (booking.taker, booking.taker_fee, booking.taker_income),
            (booking.maker, booking.maker_fee, booking.maker_income),
        ):
            self.transfer(account, FEE_INCOME, income)
            self.transfer(account, INSURANCE_FUND, paid - income)

    def trade_off_book(self, taker: int, maker: int, side: int, qty: int, price: int) -> None:
        """A trade at an agreed price without a fee (absorption)."""
        value = self.world.rules.value(price, qty)
        self.fill_position(taker, side, qty, value)
        self.fill_position(maker, -side, qty, value)
        self._record(OFF_BOOK, price, qty, side, taker, maker, ABSORPTION)

    def fill_position(self, account: int, side: int, qty: int, value: int) -> None:
        """Book a fill against the account's position, its profit from clearing."""
        self.positions[account], profit = self.world.rules.fill(self.positions[account], side, qty, value)
        self.transfer(CLEARING, account, profit)

    def take_over(self, account: int, desk: int = TAKEOVER_DESK) -> None:
        """Move an account's position whole to a desk, with the money that is its margin."""
        given, held = self.positions[account], self.positions[desk]
        money = self.margin_of(account)
        self.transfer(account, desk, money)
        self.positions[account] = FLAT
        held = Position(held.qty + given.qty, held.cost + given.cost, held.margin + money)
        if held.qty == 0:
            self.transfer(CLEARING, desk, -held.cost)
            held = FLAT
        self.positions[desk] = held

    def margin_of(self, account: int) -> int:
        """The money that stands behind a position: of the market maker and of agents all they have."""
        return max(self.balances[account], 0) if self.is_cross(account) else self.positions[account].margin

    def _record(self, book: int, price: int, qty: int, side: int, taker: int, maker: int, cause: int) -> None:
        self.fills.append(
            {
                "round": self.round,
                "book": book,
                "price": price,
                "qty": qty,
                "taker_side": side,
                "taker": taker,
                "maker": maker,
                "cause": cause,
            }
        )

    def check(self) -> None:
        """What must be true after every round."""
        positions = self.positions.values()
        assert sum(position.qty for position in positions) == 0
        assert self.balances[CLEARING] == -sum(position.cost for position in positions)
        assert sum(self.balances.values()) == 0
        assert sum(self.tokens.values()) == self.world.tokens.circulating + self.unlocked
        assert min(self.tokens.values()) >= 0
        assert self.balances[INSURANCE_FUND] >= 0 >= self.balances[VENUE_LOSS]
        assert not self.spot.is_crossed() and not self.perp.is_crossed()
        assert self.positions[MARKET_MAKER].margin == self.positions[REST].margin == 0
        assert all(p.qty or p == FLAT for account, p in self.positions.items() if account != REST)
        assert self.quotable >= 0
        assert self.positions[VAULT].margin >= 0
        for account, agent in self.agents.items():
            assert self.positions[account].margin == 0 and self.positions[agent.desk] == FLAT
            assert self.balances[agent.desk] >= 0
            assert self.balances[account] >= 0 or agent.capital is not None
        for account in (*self.traders, TAKEOVER_DESK):
            assert self.balances[account] >= self.positions[account].margin >= 0


def fee_paid(value: int, fee_rate: int) -> int:
    """What an account pays of a fee: rounded against it (a rebate is negative)."""
    return -(-value * fee_rate // RATE_ONE)
