"""Open interest by name: ladders of accounts, and populations of them."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

from perpcore._structs import Struct
from perpcore.distributions import Scalar, Span


class Ladder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="ladder"):
    """Many accounts of one kind.

    Exactly one of `qty` and `notional`, and exactly one of `liquidation_price` and `leverage`. Each of the
    last two, and `stop_price`, is a number or a pair over which the accounts are spread. A number may be a
    distribution, drawn once per path.

    Parameters
    ----------
    side : {"short", "long"}
    entry_price : number, optional
        The start price if not given.
    qty : number, optional
        Tokens in all.
    notional : number, optional
        Quote currency in all, at the middle of `liquidation_price` (at the entry price with a leverage);
        rounded to lumps.
    lump : number, optional
        Tokens an account; all in one account if not given.
    liquidation_price : number or (number, number), optional
        Where accounts break: their margin is what that takes.
    leverage : number or (number, number), optional
        Entry notional over margin.
    stop_price : number or (number, number), optional
        Where the trader's own stop fires.
    margin_mode : {"isolated", "cross"}
        What stands behind a position: its own margin, or the account's `wallet` too.
    wallet : number
        Under ``cross``, with a `leverage`: quote currency of each account besides its position's margin.
    placement : {"even", "poisson"}
        Spread evenly, or Poisson counts at every tick of `liquidation_price`, drawn per path.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"margin_mode", "wallet"})

    side: Literal["short", "long"]
    entry_price: Scalar | None = None
    qty: Scalar | None = None
    notional: Scalar | None = None
    lump: Scalar | None = None
    liquidation_price: Span | None = None
    leverage: Span | None = None
    stop_price: Span | None = None
    margin_mode: Literal["isolated", "cross"] = "isolated"
    wallet: Scalar = Decimal(0)
    placement: Literal["even", "poisson"] = "even"


class Population(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="distribution"
):
    """Isolated accounts whose entry, leverage and size are drawn one by one; their number is Poisson.

    An account exists from the moment the mark reaches its price, so a path costs what burns.

    Parameters
    ----------
    side : {"short", "long"}
    accounts : number or distribution
        Expected number of them; a distribution is drawn once per path.
    leverage : number or distribution
        Law of entry notional over margin.
    notional : number or distribution
        Law of an account's quote currency at the start price, floored to lots.
    entry_price : number or distribution, optional
        Law of the entry; the start price if not given.
    """

    side: Literal["short", "long"]
    accounts: Scalar
    leverage: Scalar
    notional: Scalar
    entry_price: Scalar | None = None
