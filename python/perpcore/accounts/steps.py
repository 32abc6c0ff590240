"""What a liquidation returns: its steps in order, and the account after it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from perpcore.accounts.account import Account


class Step(NamedTuple):
    """One step of the waterfall; a figure that it has not is NaN.

    ``what`` is one of: ``cancel orders`` (`money` set free), ``order`` (`qty` at the limit `price`; NaN: a
    market order), ``fill`` (`qty` at the mean `price`, `money` its worth), ``keep`` (what stays open, its
    liquidation `price`, margin), ``wait`` (a cooldown), ``stuck`` (nothing fills), ``not due``; ``vault`` and
    ``take over`` (`qty` and its margin move; of cross, every position to the vault, with the first all of
    the margin), ``unwind`` (the fund's desk sells on), ``deleverage`` (`qty` at `price`; `money` is what
    counterparties bear of the loss); ``liquidation fee``, ``fund gains``, ``fund pays``, ``venue loss``,
    ``loss sharing``, ``trader keeps``.
    """

    what: str
    qty: float = math.nan
    price: float = math.nan
    money: float = math.nan
    note: str = ""


class Liquidation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A waterfall that was run; its `repr` is a table.

    Parameters
    ----------
    steps : tuple of Step
    account : Account
        After it.
    fund : float
        The insurance fund's cash after it.
    desk_equity : float
        At the mark, of what the fund took over and still holds; a loss that it cannot bear is paid, which
        leaves 0.
    """

    steps: tuple[Step, ...]
    account: Account
    fund: float
    desk_equity: float

    def total(self, what: str, figure: str = "money") -> float:
        """Sum of a figure over the steps of one kind; 0 where there are none.

        Parameters
        ----------
        what : str
            As `Step.what`.
        figure : {"qty", "money"}
        """
        return math.fsum(getattr(step, figure) for step in self.steps if step.what == what)

    @property
    def filled_qty(self) -> float:
        """What the book took."""
        return self.total("fill", "qty")

    @property
    def deficit(self) -> float:
        """What account and desk could not pay: the fund's, the venue's and the winners' parts."""
        return sum(map(self.total, ("fund pays", "venue loss", "loss sharing")))

    @property
    def trader_keeps(self) -> float:
        """What went back to the trader of what stood behind the position."""
        return self.total("trader keeps")

    def __repr__(self) -> str:
        rows = [("", "qty", "price", "money", "")]
        rows += [(s.what, _figure(s.qty), _figure(s.price), _figure(s.money), s.note) for s in self.steps]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = (
            f"{what:<{widths[0]}}  {qty:>{widths[1]}}  {price:>{widths[2]}}  {money:>{widths[3]}}  {note}"
            for what, qty, price, money, note in rows
        )
        return "\n".join(line.rstrip() for line in lines)


def _figure(value: float) -> str:
    return "" if math.isnan(value) else f"{value:,.6g}" if abs(value) < 100_000 else f"{value:,.0f}"
