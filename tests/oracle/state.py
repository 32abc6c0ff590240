"""The state of a run, every way it may change (transfers, trades, takeovers), and what is always true."""

from __future__ import annotations

from dataclasses import dataclass, field

from .margin import FLAT, Position
from .world import (
    ATTACKER,
    CLEARING,
    FEE_INCOME,
    FIRST_TRADER,
    HOLDERS,
    INSURANCE_FUND,
    MARKET_MAKER,
    OUTSIDE,
    REST,
    SPOT_DESK,
    TAKEOVER_DESK,
    VENUE_LOSS,
    Market,
    World,
)

SPOT, PERP, OFF_BOOK = 0, 1, 2
IGNITION, LIQUIDATION, STOP, UNWIND, HEDGE, ABSORPTION = range(6)
RATE_ONE = 10**9
Row = dict[str, int]


@dataclass
class Result:
    """What a run returns: the exact columns of MODEL section 8 and the state at the end."""

    fills: list[Row]
    liquidations: list[Row]
    stages: list[Row]
    balances: dict[int, int]
    tokens: dict[int, int]
    positions: dict[int, tuple[int, int, int]]
    summary: dict[str, int | str]


@dataclass(frozen=True)
class Traded:
    """The sum of the fills of one order, and the fees its owner paid."""

    qty: int = 0
    value: int = 0
    fee: int = 0


@dataclass
class State:
    """Ledger, tokens, positions, books and the few things the run remembers."""

    world: World
    balances: dict[int, int] = field(default_factory=dict)
    tokens: dict[int, int] = field(default_factory=dict)
    deposits: dict[int, int] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    fills: list[Row] = field(default_factory=list)
    fired_stops: set[int] = field(default_factory=set)
    round: int = 0
    maker_sold: int = 0
    hedged: int = 0
    absorbed: int = 0
    maker_alive: bool = True
    spot_exhausted: bool = False

    def __post_init__(self) -> None:
        world = self.world
        self.spot = world.spot.book(HOLDERS, world.free_float)
        self.perp = world.perp.book(MARKET_MAKER, None)
        self.last = {SPOT: world.spot.start, PERP: world.perp.start}
        traders = range(FIRST_TRADER, FIRST_TRADER + len(world.traders))
        self.traders = dict(zip(traders, world.traders, strict=True))
        desks = (ATTACKER, MARKET_MAKER, SPOT_DESK, HOLDERS, REST, TAKEOVER_DESK)
        system = (OUTSIDE, FEE_INCOME, INSURANCE_FUND, CLEARING, VENUE_LOSS)
        self.balances = dict.fromkeys((*system, *desks, *traders), 0)
        self.deposits = dict.fromkeys((*desks, *traders), 0)
        self.positions = dict.fromkeys((*desks, *traders), FLAT)
        sold = world.ignition_qty if world.ignition_side < 0 else 0
        self.tokens = {ATTACKER: sold, SPOT_DESK: world.spot_inventory, HOLDERS: world.free_float}
        self.transfer(OUTSIDE, INSURANCE_FUND, world.insurance_fund)
        self.deposit(MARKET_MAKER, world.capital)
        for account, trader in self.traders.items():
            self.deposit(account, trader.position.margin)
            self.positions[account] = trader.position
        qty = sum(trader.position.qty for trader in world.traders)
        cost = sum(trader.position.cost for trader in world.traders)
        self.positions[REST] = Position(-qty, -cost, 0)

    def transfer(self, source: int, target: int, amount: int) -> None:
        """Move money; a negative amount moves it the other way."""
        self.balances[source] -= amount
        self.balances[target] += amount

    def deposit(self, account: int, amount: int) -> None:
        """Money a trader brings from outside."""
        self.transfer(OUTSIDE, account, amount)
        self.deposits[account] += amount

    def collateral(self, account: int) -> int:
        """The margin of an isolated account, the balance of the market maker (cross)."""
        return self.balances[account] if account == MARKET_MAKER else self.positions[account].margin

    def fund_equity(self, mark: int) -> int:
        """The insurance fund with what its desk holds."""
        desk = self.positions[TAKEOVER_DESK]
        equity = self.world.rules.equity(desk, self.balances[TAKEOVER_DESK], mark)
        return self.balances[INSURANCE_FUND] + equity

    def trade_spot(self, taker: int, side: int, qty: int, cause: int) -> Traded:
        """A market order in spot."""
        market, filled, total, paid = self.world.spot, 0, 0, 0
        for match in self.spot.take(side, qty):
            value = match.price * match.qty * market.scale
            buyer, seller = (taker, match.maker) if side > 0 else (match.maker, taker)
            buyer_rate = market.taker_fee if side > 0 else market.maker_fee
            self.deposit(buyer, value + max(fee_paid(value, buyer_rate), 0))
            self.transfer(buyer, seller, value)
            self.tokens[buyer] = self.tokens.get(buyer, 0) + match.qty
            self.tokens[seller] -= match.qty
            paid += self._fees(market, taker, match.maker, value)
            self._record(SPOT, match.price, match.qty, side, taker, match.maker, cause)
            self.last[SPOT] = match.price
            filled, total = filled + match.qty, total + value
        if filled < qty:
            self.spot_exhausted = True
        return Traded(filled, total, paid)

    def trade_perp(self, taker: int, side: int, qty: int, cause: int, limit: int | None = None) -> Traded:
        """A market or IOC order in the perpetual."""
        market, filled, total, paid = self.world.perp, 0, 0, 0
        for match in self.perp.take(side, qty, limit):
            value = match.price * match.qty * market.scale
            self.fill_position(taker, side, match.qty, match.price)
            self.fill_position(match.maker, -side, match.qty, match.price)
            assert match.maker == MARKET_MAKER != taker
            self.maker_sold += side * match.qty
            paid += self._fees(market, taker, match.maker, value)
            self._record(PERP, match.price, match.qty, side, taker, match.maker, cause)
            self.last[PERP] = match.price
            filled, total = filled + match.qty, total + value
        return Traded(filled, total, paid)

    def trade_off_book(self, taker: int, maker: int, side: int, qty: int, price: int) -> None:
        """A trade at an agreed price without a fee (absorption)."""
        self.fill_position(taker, side, qty, price)
        self.fill_position(maker, -side, qty, price)
        self._record(OFF_BOOK, price, qty, side, taker, maker, ABSORPTION)

    def fill_position(self, account: int, side: int, qty: int, price: int) -> None:
        """Book a fill against the account's position, its profit from clearing."""
        self.positions[account], profit = self.world.rules.fill(self.positions[account], side, qty, price)
        self.transfer(CLEARING, account, profit)

    def take_over(self, account: int) -> None:
        """Move an account's position whole to the takeover desk, with the money that is its margin."""
        given, held = self.positions[account], self.positions[TAKEOVER_DESK]
        money = max(self.balances[account], 0) if account == MARKET_MAKER else given.margin
        self.transfer(account, TAKEOVER_DESK, money)
        self.positions[account] = FLAT
        held = Position(held.qty + given.qty, held.cost + given.cost, held.margin + money)
        if held.qty == 0:
            self.transfer(CLEARING, TAKEOVER_DESK, -held.cost)
            held = FLAT
        self.positions[TAKEOVER_DESK] = held

    def _fees(self, market: Market, taker: int, maker: int, value: int) -> int:
        for account, fee_rate in ((taker, market.taker_fee), (maker, market.maker_fee)):
            income = value * fee_rate // RATE_ONE
            self.transfer(account, FEE_INCOME, income)
            self.transfer(account, INSURANCE_FUND, fee_paid(value, fee_rate) - income)
        return fee_paid(value, market.taker_fee)

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
        assert sum(self.tokens.values()) == self.world.circulating
        assert min(self.tokens.values()) >= 0
        assert self.balances[INSURANCE_FUND] >= 0 >= self.balances[VENUE_LOSS]
        assert not self.spot.is_crossed() and not self.perp.is_crossed()
        assert self.positions[MARKET_MAKER].margin == self.positions[REST].margin == 0
        assert all(p.qty or p == FLAT for account, p in self.positions.items() if account != REST)
        for account in (*self.traders, TAKEOVER_DESK):
            assert self.balances[account] >= self.positions[account].margin >= 0


def fee_paid(value: int, fee_rate: int) -> int:
    """What an account pays of a fee: rounded against it (a rebate is negative)."""
    return -(-value * fee_rate // RATE_ONE)
