"""From actions to orders: what an action means, and what the books made of it."""

from __future__ import annotations

import dataclasses
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

import numpy as np

from perpcore._core import OrderError
from perpcore._structs import number, shown
from perpcore.gym.observations import Component

if TYPE_CHECKING:
    from perpcore.simulation import Simulation, Submitted

#: What an action consists of; all zero is: nothing.
ACTION = (
    Component("spot", "market order in spot / max_order: a purchase above 0, a sale below", -1, 1),
    Component("perp", "market order in the perpetual / max_order: a purchase above 0, a sale below", -1, 1),
    Component("bid", "quantity of a bid in the perpetual / max_order", 0, 1),
    Component("ask", "quantity of an ask in the perpetual / max_order", 0, 1),
    Component("half_spread", "of bid and ask around their centre / (max_spread x mark)", 0, 1),
    Component("skew", "their centre less the mid (or mark, see below) / (max_spread x mark)", -1, 1),
)
LOW = np.array([part.low for part in ACTION], dtype=np.float32)
HIGH = np.array([part.high for part in ACTION], dtype=np.float32)

# How a refusal says what would have been allowed.
_AT_MOST = re.compile(r"qty: \S+ is not allowed: at most ([0-9.]+),")


@dataclasses.dataclass(slots=True)
class Filled:
    """What an action's orders came to: tokens, bought above 0 and sold below it, and what was refused."""

    spot: float = 0.0
    perp: float = 0.0
    bid: float = 0.0
    ask: float = 0.0
    refused: list[str] = dataclasses.field(default_factory=list)


def checked(action: object) -> tuple[float, ...]:
    """The action as numbers.

    Raises
    ------
    OrderError
        It has another shape, or a component is not finite or beyond its bounds; nothing was sent.
    """
    try:
        values = np.asarray(action, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (len(ACTION),):
        what = shown(action) if not isinstance(action, np.ndarray) else f"an array of shape {action.shape}"
        raise OrderError(f"action: {what} is not allowed: {len(ACTION)} numbers, an array of shape (6,)")
    numbers = tuple(values.tolist())
    for part, value in zip(ACTION, numbers, strict=True):
        if not part.low <= value <= part.high:
            allowed = f"from {part.low:g} to {part.high:g}"
            raise OrderError(f"action.{part.name}: {value} is not allowed: {allowed}")
    return numbers


class Trader:
    """Sends an action's orders for one agent; one for each episode."""

    def __init__(
        self, sim: Simulation, agent: str, *, max_order: Decimal, max_tokens: Decimal, max_spread: float
    ) -> None:
        self._sim, self._agent, self._max_spread = sim, agent, max_spread
        spot, perp = sim.scenario.spot, sim.scenario.perp
        self._lot = {"spot": number("lot_size", spot.lot_size), "perp": number("lot_size", perp.lot_size)}
        self._lots = {market: int(max_order / lot) for market, lot in self._lot.items()}
        self._spot_lots = int(max_tokens / self._lot["spot"])
        self._tick = number("tick_size", perp.tick_size)
        self._ticks = 1 / float(perp.tick_size)
        self._resting: dict[Literal["bid", "ask"], tuple[int, float]] = {}
        self._rested: dict[Literal["bid", "ask"], float] = {"bid": 0.0, "ask": 0.0}
        self._filled = Filled()

    def act(self, action: tuple[float, ...]) -> Filled:
        """Send the market orders, then post the quotes; what they came to goes on being counted in there."""
        if self._resting:  # of an action that was interrupted
            self.withdraw()
        self._filled = filled = Filled()
        spot, perp, bid, ask, half_spread, skew = action
        if spot:
            filled.spot = self._market("spot", spot)
        if perp:
            filled.perp = self._market("perp", perp)
        if bid or ask:
            self._quote(bid, ask, half_spread, skew)
        return filled

    def withdraw(self) -> None:
        """Cancel what is left of the quotes; between two steps, of a run that is not over."""
        for side, (order, qty) in self._resting.items():
            try:
                left = self._sim.cancel(order)
            except OrderError:  # filled, or the venue cancelled it before it liquidated the account
                left = 0.0
            self._count(side, qty - left)
        self._resting.clear()

    def count_at_the_end(self, bought: float, sold: float) -> None:
        """Where the run is over, so that nothing is cancelled: by what all resting orders bought and sold."""
        for side in self._resting:
            self._count(side, (bought if side == "bid" else sold) - self._rested[side])
        self._resting.clear()

    @property
    def quotes(self) -> bool:
        """Whether orders of this action may rest."""
        return bool(self._resting)

    def _count(self, side: Literal["bid", "ask"], qty: float) -> None:
        self._rested[side] += qty
        if side == "bid":
            self._filled.bid += qty
        else:
            self._filled.ask += qty

    def _market(self, market: Literal["spot", "perp"], share: float) -> float:
        lots = self._share(market, share)
        if market == "spot" and share > 0:
            held = round(self._sim.inventory(self._agent).tokens / float(self._lot["spot"]))
            if lots > (room := max(0, self._spot_lots - held)):
                self._filled.refused.append(f"spot: cut to {room * self._lot['spot']}, by max_tokens")
                lots = room
        sent = self._send(market, market, "buy" if share > 0 else "sell", lots, None) if lots else None
        return math.copysign(sent.filled, share) if sent else 0.0

    def _share(self, market: Literal["spot", "perp"], share: float) -> int:
        """Whole lots; a hair more, so that a share that float32 rounded down still makes them."""
        most = self._lots[market]
        return min(int(abs(share) * most * (1 + 1e-7)), most)

    def _quote(self, bid: float, ask: float, half_spread: float, skew: float) -> None:
        sim = self._sim
        best_bid, best_ask, mark = sim.perp.best_bid, sim.perp.best_ask, sim.mark
        reach = self._max_spread * mark
        around = mark
        if best_bid is not None and best_ask is not None and best_ask - best_bid <= 2 * reach:
            around = (best_bid + best_ask) / 2
        centre, half = (around + skew * reach) * self._ticks, half_spread * reach * self._ticks
        # Away from the centre to whole ticks; what is a whole tick but for rounding stays.
        low = math.floor(centre - half + 1e-6)
        high = max(math.ceil(centre + half - 1e-6), low + 1)
        self._post("bid", "buy", bid, low)
        self._post("ask", "sell", ask, high)

    def _post(
        self, name: Literal["bid", "ask"], side: Literal["buy", "sell"], share: float, ticks: int
    ) -> None:
        lots = self._share("perp", share)
        sent = self._send(name, "perp", side, lots, self._tick * ticks) if lots else None
        if sent is not None and sent.id is not None:
            self._resting[name] = (sent.id, sent.remaining)

    def _send(
        self,
        name: str,
        market: Literal["spot", "perp"],
        side: Literal["buy", "sell"],
        lots: int,
        price: Decimal | None,
    ) -> Submitted | None:
        """Send an order; one that is too large is cut to what is allowed, as those of built-in agents are."""
        qty = self._lot[market] * lots
        tif: Literal["gtc", "post_only"] = "gtc" if price is None else "post_only"
        for cut in (False, True):
            try:
                return self._sim.submit(market, side, qty, price, tif, agent=self._agent)
            except OrderError as error:
                self._filled.refused.append(f"{name}: {error}")
                allowed = _AT_MOST.match(str(error))
                if cut or allowed is None or not (qty := Decimal(allowed[1])):
                    return None
        return None
