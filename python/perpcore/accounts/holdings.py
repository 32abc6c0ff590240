"""What an account holds: positions, and orders that wait in a book."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from perpcore._structs import Struct, problem, shown
from perpcore.venues import Venue

Side = Literal["long", "short"]


def real(field: str, value: object, *, least: float | None = None, above: float | None = None) -> float:
    """One finite number, at least or above a bound."""
    allowed = "a finite number"
    if least is not None:
        allowed = f"{least:g} or more"
    elif above is not None:
        allowed = f"more than {above:g}"
    try:
        found = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    low = least is not None and found < least
    if not math.isfinite(found) or low or (above is not None and found <= above):
        raise problem(field, shown(value), allowed)
    return found


def one_of(field: str, value: object, *names: str) -> None:
    """One of a few names."""
    if value not in names:
        raise problem(field, shown(value), " or ".join(map(repr, names)))


def named(value: object) -> None:
    """A market has a name."""
    if not isinstance(value, str) or not value:
        raise problem("market", shown(value), "a name")


class Figures(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A frozen part whose numbers are floating point."""

    def _read(self, *fields: str, optional: bool = False, **bounds: float) -> None:
        """Make fields the numbers they hold; None stays where it may."""
        for field in fields:
            if (value := getattr(self, field)) is not None or not optional:
                msgspec.structs.force_setattr(self, field, real(field, value, **bounds))


class Holding(Figures, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A position in one market.

    Linear: `qty` in tokens, money in quote currency. Inverse: `qty` is face value in quote currency, money is
    coin. Which of the two, the venue says.

    Parameters
    ----------
    market : str
        Any name; one position a market.
    side : {"long", "short"}
    qty : number
        More than 0.
    entry_price : number
        Mean price it was opened at.
    mark_price : number, optional
        The entry price if not given.
    leverage : number, optional
        What initial margin is reckoned by. Isolated: by `margin` if not given. Cross: the tier's largest.
    margin : number, optional
        Isolated: what is set aside for it out of the wallet; entry notional over leverage if not given.
    margin_mode : {"isolated", "cross"}
        What stands behind it: its own margin, or all of the account that is not isolated.
    venue : Venue, optional
        With this market's own tiers, their rule and closing fee; the account's if not given.

    Raises
    ------
    ScenarioError
        A number out of its range; isolated with neither leverage nor margin, cross with a margin.
    """

    market: str
    side: Side
    qty: float
    entry_price: float
    mark_price: float | None = None
    leverage: float | None = None
    margin: float | None = None
    margin_mode: Literal["isolated", "cross"] = "isolated"
    venue: Venue | None = None

    def __post_init__(self) -> None:
        """Refuse what is no position; numbers become floats."""
        named(self.market)
        one_of("side", self.side, "long", "short")
        one_of("margin_mode", self.margin_mode, "isolated", "cross")
        self._read("qty", "entry_price", above=0.0)
        self._read("mark_price", "leverage", optional=True, above=0.0)
        self._read("margin", optional=True, least=0.0)
        if self.mark_price is None:
            msgspec.structs.force_setattr(self, "mark_price", self.entry_price)
        if self.venue is not None and not isinstance(self.venue, Venue):
            raise problem("venue", shown(self.venue), "a Venue")
        if self.margin_mode == "cross" and self.margin is not None:
            raise problem("margin", self.margin, "nothing under cross: the wallet stands behind it")
        if self.margin_mode == "isolated" and self.margin is None and self.leverage is None:
            raise problem("leverage", "nothing", "a leverage or a margin of an isolated position")

    @property
    def sign(self) -> float:
        """+1 long, -1 short."""
        return 1.0 if self.side == "long" else -1.0

    @property
    def mark(self) -> float:
        """The mark price."""
        return self.entry_price if self.mark_price is None else self.mark_price


class RestingOrder(Figures, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order that waits in a book and locks its initial margin, notional over leverage.

    Parameters
    ----------
    market : str
    side : {"buy", "sell"}
    qty, price, leverage : number
        More than 0.
    """

    market: str
    side: Literal["buy", "sell"]
    qty: float
    price: float
    leverage: float

    def __post_init__(self) -> None:
        """Refuse what is no order; numbers become floats."""
        named(self.market)
        one_of("side", self.side, "buy", "sell")
        self._read("qty", "price", "leverage", above=0.0)
