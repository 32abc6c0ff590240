"""Quotes as they are posted (MODEL phase 2, AGENTS section 4): strength, skew, width, withdrawal."""

from __future__ import annotations

import math
from fractions import Fraction

from .book import BUY, SELL
from .quotes import Quote
from .state import PERP, SPOT, State
from .units import RATE_ONE
from .world import HOLDERS, MARKET_MAKER, in_perp_ticks, nearest

FULL = 2**32


class Quoting:
    """What holders and the market maker post in a round, and what they remember of it."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.strength = dict.fromkeys(((book, side) for book in (SPOT, PERP) for side in (SELL, BUY)), FULL)
        #: The sides that were posted in the last round.
        self.posted: set[tuple[int, int]] = set()
        self.moved_in: set[int] = set()
        self.withdrawn = False

    def post(self, spot_mid: Fraction, *, first: bool) -> None:
        """Both of them, once index and mark are known."""
        state, world = self.state, self.state.world
        self.posted = set()
        if world.spot.quote is not None:
            around = {"spot_mid": nearest(spot_mid), "mid": round(spot_mid), "start": world.spot.start}.get(
                world.spot.quote.around, state.last[SPOT]
            )
            around += math.floor(Fraction(1, 2) - world.spot.quote.skew * state.holders_bought)
            self._post(SPOT, world.spot.quote, around, world.spot.quote.sides, first)
        bid, ask = state.perp.best(BUY), state.perp.best(SELL)
        mid = Fraction(state.last[PERP]) if bid is None or ask is None else Fraction(bid + ask, 2)
        quote = world.perp.quote
        if quote is None or not state.maker_alive:
            return
        around = {
            "mark": state.mark,
            "spot_mid": nearest(in_perp_ticks(world, spot_mid)),
            "last": state.last[PERP],
            "mid": round(mid),
            "start": world.perp.start,
        }[quote.around]
        around += math.floor(Fraction(1, 2) - world.maker.skew * state.positions[MARKET_MAKER].qty)
        self._withdraw()
        sides = tuple(side for side in quote.sides if not self.withdrawn and self._may(side))
        self._post(PERP, quote, around, sides, first)

    def past_mark(self) -> int:
        """The mark at the end of the step before."""
        return self.state.marks[max(self.state.clock - 1, 0)]

    def _may(self, side: int) -> bool:
        limit, held = self.state.world.maker.inventory_limit, self.state.positions[MARKET_MAKER].qty
        return limit is None or side * held < limit

    def _withdraw(self) -> None:
        """Whether the market maker stays away in this round."""
        maker, before, now = self.state.world.maker, self.past_mark(), self.state.clock
        if maker.withdraw_move is None:
            return
        moved = abs(self.state.mark - before) * RATE_ONE >= maker.withdraw_move * before
        self.withdrawn = moved or self._still_away(now)
        if moved:
            self.moved_in.add(now)

    def _still_away(self, step: int) -> bool:
        return any(moved < step <= moved + self.state.world.maker.withdraw for moved in self.moved_in)

    def _post(self, book: int, quote: Quote, around: int, sides: tuple[int, ...], first: bool) -> None:
        """The owner's quotes anew; what holders offer in spot ends where their float is used up."""
        state = self.state
        owner, orders = (HOLDERS, state.spot) if book == SPOT else (MARKET_MAKER, state.perp)
        wider = 0
        if book == PERP:
            wider = state.world.maker.widen * abs(state.mark - self.past_mark()) // RATE_ONE
        orders.cancel(owner)
        left = state.quotable
        for side in sides:
            strength = self._strengthen(book, side, quote, first)
            if quote.follows_float and side == SELL:
                strength = strength * left // max(1, state.world.quotable)
            for price, usual in quote.orders(side, around, state.round, wider):
                lots = usual * strength // FULL
                capped = owner == HOLDERS and side == SELL
                qty = min(lots, left) if capped else lots
                if qty > 0 and orders.post_only(side, price, qty, owner) and capped:
                    left -= qty

    def _strengthen(self, book: int, side: int, quote: Quote, first: bool) -> int:
        """A side's strength as it is posted: less by what was filled, more by what came back."""
        key = book, side
        self.posted.add(key)
        filled = self.state.quotes_filled.pop(key, 0)
        if quote.recovery is None:
            return FULL
        strength = max(0, self.strength[key] - filled * FULL // quote.usual)
        if first:
            strength += (FULL - strength) * quote.recovery // FULL
        self.strength[key] = strength
        return strength

    def is_restless(self) -> bool:
        """Whether the next step would have other quotes, though nothing happens (AGENTS, quiet)."""
        state, world = self.state, self.state.world
        if world.perp.quote is not None and state.maker_alive:
            away = world.maker.withdraw_move is not None and self._still_away(state.clock + 1)
            if self.withdrawn or away:
                return True
        if world.mark in ("last", "index"):
            return False
        widens = state.maker_alive and world.maker.widen > 0 and state.mark != self.past_mark()
        return widens or any(self._would_rise(*key) for key in self.posted)

    def _would_rise(self, book: int, side: int) -> bool:
        quote = self.state.world.spot.quote if book == SPOT else self.state.world.perp.quote
        if quote is None or quote.recovery is None:
            return False
        return (FULL - self.strength[book, side]) * quote.recovery >= FULL
