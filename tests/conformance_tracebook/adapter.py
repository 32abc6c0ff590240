"""perpcore as a candidate of `tracebook-conformance`: this program speaks its NDJSON protocol over stdio.

Whatever trades or rests, `perpcore.OrderBook` matched it. Here is only translation: order ids and owners of
the trace to those of the book; prices to ticks, rounded as the protocol has it (perpcore refuses what is off
the grid); quantities to decimals; refusals to the protocol's codes; the protocol's `replace`, by definition a
cancel and a new order, to just that where `OrderBook.replace` would keep the order's place.
"""

import sys
from decimal import Decimal

from tracebook import NO_OWNER, MarketEvent, OrderSide, OrderType, SelfTradePolicy
from tracebook.conformance import (
    BookSnapshot,
    BookState,
    ConformanceConfig,
    EngineMetadata,
    Observation,
    Outcome,
    RestingOrder,
    TradeFill,
    canonical_decimal,
    serve_stdio,
)

import perpcore as pc

TIME_IN_FORCE = {OrderType.LIMIT: "gtc", OrderType.IOC: "ioc", OrderType.FOK: "fok"}
SELF_TRADE = {
    SelfTradePolicy.NONE: "allow",
    SelfTradePolicy.CANCEL_RESTING: "cancel_oldest",
    SelfTradePolicy.CANCEL_INCOMING: "cancel_newest",
}
MOST_PLACES = 12  # of a lot; perpcore has no finer one


class RefusedError(Exception):
    """What perpcore cannot refuse, because it numbers orders by itself. Says the protocol's code."""


class Symbol:
    """One book, and the trace's names of its orders."""

    def __init__(self, book: pc.OrderBook) -> None:
        self.book = book
        self.ids: dict[int, int] = {}  # of the trace -> of the book; stays when the order is gone
        self.names: dict[int, int] = {}  # and back

    def name(self, order_id: int, resting: int | None) -> None:
        if resting is not None:
            self.ids[order_id], self.names[resting] = resting, order_id

    def find(self, order_id: int) -> tuple[str, int, float, float] | None:
        """Side, owner, price and quantity of an order, if it rests."""
        wanted = self.ids.get(order_id)
        for buys, sits in (("buy", "bid"), ("sell", "ask")):
            for resting, owner, price, qty in self.book.orders(sits):
                if resting == wanted:
                    return buys, owner, price, qty
        return None


class Candidate:
    """What `serve_stdio` and `run_conformance` drive: an event in, an observation out."""

    keeps_place = False  # the protocol's replace never does

    def __init__(self, config: ConformanceConfig) -> None:
        if config.matching_algorithm != "fifo":
            raise ValueError("not covered: perpcore matches in price-time priority only")
        self.metadata = EngineMetadata("perpcore", pc.__version__, "Rust")
        self.tick = Decimal(canonical_decimal(config.tick_size))
        self.places = min(config.quantity_decimal_places, MOST_PLACES)
        self.self_trade = SELF_TRADE[config.self_trade_policy]
        self.symbols: dict[str, Symbol] = {}
        self.owners: list[int] = []  # by the book's account
        self.accounts: dict[int, int] = {}

    # ---- numbers and names ----

    def price(self, price: float) -> Decimal:
        """On the grid as the protocol wants it: divided in binary, ties to even."""
        return self.tick * round(price / float(self.tick))

    def qty(self, qty: float) -> Decimal:
        return Decimal(canonical_decimal(qty, self.places))

    def account(self, owner: int) -> int:
        """Nobody is another account every time, so that he never trades with himself."""
        if owner in self.accounts:
            return self.accounts[owner]
        self.owners.append(owner)
        if owner != NO_OWNER:
            self.accounts[owner] = len(self.owners) - 1
        return len(self.owners) - 1

    # ---- events ----

    def apply(self, event: MarketEvent, index: int) -> Observation:
        outcome, trades = Outcome("applied"), ()
        try:
            trades = self.carry_out(event)
        except RefusedError as refusal:
            outcome = Outcome("rejected", str(refusal))
        except pc.OrderError as error:
            code = "INVALID_REPLACEMENT" if event.op == "replace" else "INVALID_ORDER"
            code = "ORDER_NOT_ACTIVE" if "no resting order" in str(error) else code
            outcome = Outcome("rejected", code, str(error))
        state = self.snapshot()
        return Observation(index, outcome, trades, state.digest(), state.order_count)

    def carry_out(self, event: MarketEvent) -> tuple[TradeFill, ...]:
        if event.symbol not in self.symbols:
            if event.op not in ("new", "clear"):
                raise RefusedError("ORDER_NOT_ACTIVE")
            lot = Decimal(1).scaleb(-self.places)
            book = pc.OrderBook(tick_size=self.tick, lot_size=lot, self_trade=self.self_trade)
            self.symbols[event.symbol] = Symbol(book)
        symbol = self.symbols[event.symbol]
        if event.op == "new":
            return self.add(symbol, event)
        if event.op == "replace":
            return self.replace(symbol, event)
        if event.op == "clear":
            for resting, *_ in symbol.book.orders("bid") + symbol.book.orders("ask"):
                symbol.book.cancel(resting)
        elif event.op == "cancel":
            symbol.book.cancel(symbol.ids.get(event.order_id, 0))  # no order has id 0
        elif event.op == "reduce":
            symbol.book.reduce(symbol.ids.get(event.order_id, 0), self.qty(event.quantity))
        return ()

    def add(self, symbol: Symbol, event: MarketEvent) -> tuple[TradeFill, ...]:
        if symbol.find(event.order_id):
            raise RefusedError("DUPLICATE_ORDER_ID")
        side = "buy" if event.side == OrderSide.BUY else "sell"
        qty, owner = self.qty(event.quantity), self.account(event.owner)
        if event.order_type == OrderType.MARKET:
            result = symbol.book.market(side, qty=qty, owner=owner)
        else:
            price, tif = self.price(event.price), TIME_IN_FORCE[event.order_type]
            result = symbol.book.limit(side, price=price, qty=qty, owner=owner, tif=tif)
        symbol.name(event.order_id, result.id)
        return self.trades(symbol, event, side, result)

    def replace(self, symbol: Symbol, event: MarketEvent) -> tuple[TradeFill, ...]:
        order = symbol.find(event.order_id)
        if order is None:
            raise RefusedError("ORDER_NOT_ACTIVE")
        side, owner, old_price, old_qty = order
        price = self.price(old_price if event.price is None else event.price)
        qty = self.qty(old_qty if event.quantity is None else event.quantity)
        resting, book = symbol.ids[event.order_id], symbol.book
        if price == self.price(old_price) and 0 < qty <= self.qty(old_qty) and not self.keeps_place:
            book.cancel(resting)
            result = book.limit(side, price=price, qty=qty, owner=owner)
        else:
            result = book.replace(resting, price=price, qty=qty)
        symbol.name(event.order_id, result.id)
        return self.trades(symbol, event, side, result)

    def trades(
        self, symbol: Symbol, event: MarketEvent, side: str, result: pc.OrderResult
    ) -> tuple[TradeFill, ...]:
        taker, trades = event.order_id, []
        for fill in result.fills:
            maker = symbol.names[fill.maker_id]
            buyer, seller = (taker, maker) if side == "buy" else (maker, taker)
            price, qty = canonical_decimal(fill.price), canonical_decimal(fill.qty, self.places)
            trades.append(TradeFill(event.symbol, buyer, seller, price, qty))
        return tuple(trades)

    # ---- state ----

    def resting(self, symbol: Symbol, side: str) -> tuple[RestingOrder, ...]:
        return tuple(
            RestingOrder(
                symbol.names[resting],
                canonical_decimal(price),
                canonical_decimal(qty, self.places),
                self.owners[owner],
            )
            for resting, owner, price, qty in symbol.book.orders(side)
        )

    def snapshot(self) -> BookState:
        books = sorted(self.symbols.items())
        return BookState(
            tuple(
                BookSnapshot(name, self.resting(symbol, "bid"), self.resting(symbol, "ask"))
                for name, symbol in books
            )
        )

    def close(self) -> None:
        """There is nothing to close."""


if __name__ == "__main__":
    sys.exit(serve_stdio(Candidate))
