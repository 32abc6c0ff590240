"""The nearest that lrvx can do: its margin, liquidations and fund over two symbols of its simulated exchange.

Its liquidation engine knows one market, and its exchange does not say what is left in a book. So the rounds
are driven from here, and both ladders are kept here once more, for the mids and for what is re-posted.
"""

import lrvx
from world import HEDGED, MAINTENANCE, START, TRIGGER, Order, Outcome, World

PERP, SPOT = 1, 2
CAPITAL = 1e9  # the episode's fund pays whatever it takes


class Ladder:
    """One symbol's book: levels, sent to the exchange as a snapshot whenever the market maker posts."""

    def __init__(self, exchange, symbol: int, bids: list[Order], asks: list[Order]):
        self.exchange, self.symbol, self.last = exchange, symbol, START
        self.bids, self.posted = levels(bids), []
        # The first of a price first, so what is left there is the market maker's last.
        self.asks = [[price, lots, False] for price, lots in levels(asks)]
        self.show()

    def show(self):
        asks = levels((price, lots) for price, lots, _ in self.asks)
        self.exchange.on_book_snapshot(self.symbol, self.bids, asks)

    def mid(self):
        return (self.bids[0][0] + self.asks[0][0]) / 2 if self.asks else self.last

    def took(self, lots):
        asks, gone = self.asks, 0
        while lots > 0 and gone < len(asks):
            level = asks[gone]
            self.last = level[0]
            if level[1] > lots:
                level[1] -= lots
                break
            lots -= level[1]
            gone += 1
        del asks[:gone]

    def repost(self, mid, orders):
        base = [level for level in self.asks if not level[2]]
        posted = [[mid + above, float(lots), True] for above, lots in orders]
        self.asks = sorted(base + posted, key=lambda level: level[0])  # stable: the start's first
        self.show()


def levels(orders):
    """Prices and lots of each level, best first, as the orders come."""
    lots_at = {}
    for price, lots in orders:
        lots_at[price] = lots_at.get(price, 0.0) + lots
    return list(lots_at.items())


class Fills:
    """Lots filled in a symbol since last asked, in order of the fills."""

    def __init__(self, exchange):
        self.exchange, self.seen = exchange, 0

    def new(self):
        if self.exchange.fill_count == self.seen:
            return 0.0
        fills = self.exchange.fills()["quantity_raw"][self.seen :]
        self.seen += len(fills)
        return float(fills.sum()) / lrvx.QUANTITY_SCALE


def play(world: World) -> Outcome:
    exchange, engine = lrvx.SimulatedExecutor(), lrvx.LiquidationEngine()
    perp, spot = Ladder(exchange, PERP, *world.perp), Ladder(exchange, SPOT, *world.spot)
    fills = Fills(exchange)
    engine.add_tier(0.0, MAINTENANCE)
    engine.set_executor(exchange)
    engine.set_insurance_fund_capital(CAPITAL)
    for account, (entry, lots, leverage) in enumerate(world.shorts, 1):
        engine.open_position(account, PERP, -lots, entry, entry * lots / leverage)

    def buy(ladder, order, lots):
        exchange.submit_order(order, "buy", 0.0, lots, symbol=ladder.symbol)
        filled = fills.new()
        ladder.took(filled)
        return filled

    rounds = 0
    buy(spot, 2, int(HEDGED * buy(perp, 1, TRIGGER)))
    for posts in world.posts:
        rounds += 1
        middle = spot.mid()
        mark = (perp.mid() + middle) / 2
        exchange.cancel_all(PERP)  # orders that found the book empty would wait, for positions that stay
        perp.repost(int(middle), posts[0])
        spot.repost(int(middle), posts[1])
        liquidated = engine.on_mark(PERP, mark)["liquidations_count"]
        sold = fills.new()
        perp.took(sold)
        if not liquidated:
            break
        hedge = int(HEDGED * sold)
        if hedge:
            buy(spot, rounds + 2, hedge)
    return Outcome(engine.liquidations_count(), rounds, mark, engine.insurance_fund_balance() - CAPITAL)
