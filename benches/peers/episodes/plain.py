"""The episode as a good Python user writes it: queues in a dict, a heap of prices, thresholds sorted once."""

from collections import deque
from heapq import heappop, heappush

from world import HEDGED, MAINTENANCE, START, TRIGGER, Order, Outcome, World


class Side:
    """One side of a book. `sign` is 1 for asks, -1 for bids; an order is a list: lots left, owner."""

    def __init__(self, sign):
        self.sign, self.queues, self.heap, self.last = sign, {}, [], START

    def add(self, price, lots, owner):
        order = [lots, owner]
        queue = self.queues.get(price)
        if queue is None:
            self.queues[price] = deque((order,))
            heappush(self.heap, self.sign * price)
        else:
            queue.append(order)
        return order

    def best(self):
        """Cancelled orders have no lots; they leave when they come to the front."""
        heap, queues = self.heap, self.queues
        while heap:
            price = self.sign * heap[0]
            queue = queues[price]
            while queue and not queue[0][0]:
                queue.popleft()
            if queue:
                return price
            heappop(heap)
            del queues[price]
        return None

    def take(self, lots):
        """What a market order of the other side fills, and its value."""
        left, value = lots, 0
        while left and (price := self.best()) is not None:
            queue = self.queues[price]
            while left and queue:
                order = queue[0]
                traded = min(left, order[0])
                left -= traded
                value += traded * price
                order[0] -= traded
                if not order[0]:
                    queue.popleft()
            self.last = price
        return lots - left, value


class Book:
    def __init__(self, bids: list[Order], asks: list[Order]):
        self.bids, self.asks, self.posted = Side(-1), Side(1), []
        for side, orders in ((self.bids, bids), (self.asks, asks)):
            for price, lots in orders:
                side.add(price, lots, 0)

    def mid(self):
        bid, ask = self.bids.best(), self.asks.best()
        return self.asks.last if bid is None or ask is None else (bid + ask) / 2

    def repost(self, mid, orders):
        for order in self.posted:
            order[0] = 0
        self.posted = [self.asks.add(mid + above, lots, 1) for above, lots in orders]


def play(world: World) -> Outcome:
    perp, spot = Book(*world.perp), Book(*world.spot)
    shorts = sorted(
        (entry * (1 + 1 / leverage) / (1 + MAINTENANCE), lots, entry * lots * (1 + 1 / leverage))
        for entry, lots, leverage in world.shorts
    )
    fund, done, rounds = 0.0, 0, 0
    sold, _ = perp.asks.take(TRIGGER)
    spot.asks.take(int(HEDGED * sold))
    for posts in world.posts:
        rounds += 1
        middle = spot.mid()
        mark = (perp.mid() + middle) / 2
        perp.repost(int(middle), posts[0])
        spot.repost(int(middle), posts[1])
        before, sold = done, 0
        while done < len(shorts) and shorts[done][0] <= mark:
            _, lots, worth = shorts[done]
            filled, value = perp.asks.take(lots)
            fund += worth - value - (lots - filled) * mark
            sold += filled
            done += 1
        if done == before:
            break
        spot.asks.take(int(HEDGED * sold))
    return Outcome(done, rounds, mark, fund)
