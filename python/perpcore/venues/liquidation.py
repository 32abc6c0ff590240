"""What a venue does with a position that is due: how much at once, who steps in, who is deleveraged."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from perpcore._structs import Number, Struct
from perpcore.distributions import Scalar
from perpcore.venues._check import Part, part_alone


class Whole(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="all"):
    """One order closes the whole position.

    Hyperliquid for positions worth at most 100,000 USDC (documentation, "Liquidations"); every venue for a
    position in its lowest tier.
    """


class ByTier(Part, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="tiers"):
    """One order takes the position down to below the floor of a lower tier; in the lowest ones it goes whole.

    One tier: BitMEX ("Liquidation", users on higher risk limits) and Bybit ("Liquidation process", users
    above the lowest tier), both by an order of the difference to the lower tier. Two: OKX ("Forced partial
    liquidation", tier 3 and above). Ambiguous: OKX's older page goes to tier 1 at once.

    Parameters
    ----------
    tiers : int
        How many tiers down, from 1.
    """

    tiers: int = 1

    def _alone(self, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return part_alone("liquidation_size", data)


class Share(Part, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="share"):
    """One order closes a share of the position.

    Closed: ``max(share x qty, least_notional / mark)``, at most the position. Hyperliquid ("Liquidations"): a
    fifth of what is worth more than 100,000 USDC, and whatever is due within the next 30 seconds goes whole.
    dYdX v4 (``PositionBlockLimits`` of its liquidations configuration): at most a share, at least a
    notional, in a block. Deribit ("Liquidations"): step by step, each second, until margin suffices.

    Parameters
    ----------
    share : number
        The part, more than 0 and at most 1.
    least_notional : number
        An order is worth at least so much, in quote currency.
    whole_below : number
        A position worth no more than this goes whole, in quote currency.
    cooldown_s : number
        Seconds without a further order.
    whole_within_s : number
        A further order within so many seconds is for all that is left.
    """

    share: Number
    least_notional: Number = Decimal(0)
    whole_below: Number = Decimal(0)
    cooldown_s: Number = Decimal(0)
    whole_within_s: Number = Decimal(0)

    def _alone(self, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return part_alone("liquidation_size", data)


class Backstop(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A vault that takes position and margin whole when ``0 <= equity < below x maintenance`` at the mark.

    Hyperliquid ("Liquidations", liquidator vault): below two thirds; the trader's maintenance margin is the
    vault's. A position whose equity is negative already is left to ADL. Ambiguous: how much the vault may
    lose before ADL closes what it holds is not stated; `isolated` chooses between no limit and its own
    equity.

    Parameters
    ----------
    below : number
        Part of the maintenance margin, 0 to 1.
    capital : number or distribution
        What the vault brings, in quote currency.
    isolated : bool
        Once the vault's own equity at the mark is negative, ADL closes its position; otherwise it holds on.
    """

    below: Number = Decimal("0.666666667")
    capital: Scalar = Decimal(0)
    isolated: bool = False

    def _alone(self, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return part_alone("backstop", data)


class Adl(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Auto-deleveraging: counterparties are closed against a position nobody took, ranked by side.

    Parameters
    ----------
    trigger : {"fund_exhausted", "fund_drawdown", "always"}
        ``fund_exhausted``: when what is to be taken over would leave the fund, its desk marked, below zero
        (Binance, "Futures insurance funds"; BitMEX, "What is auto-deleveraging"; dYdX v4, "Contract loss
        mechanisms"). ``fund_drawdown``: when the fund would stand the share `drawdown` below its highest
        (OKX and Bybit: 30 % within eight hours; here since the start). ``always``: nothing is taken over
        (Hyperliquid, which has no fund).
    drawdown : number
        Under ``fund_drawdown``, 0 to 1.
    rank : {"profit_leverage", "hyperliquid", "profit_share", "size", "random"}
        ``profit_leverage``: profit share x effective leverage, for losses profit share / leverage, with
        profit share = (mark - entry value) / abs(entry value) and leverage = abs(mark value) / (mark value -
        bankruptcy value), values of shorts negative (BitMEX, "Priority ranking calculation"; MEXC and
        others the same). ``hyperliquid``: mark / entry x notional / account value. Ambiguous: that is said
        of longs only, and for shorts it would put losers first; here shorts are ranked by entry / mark.
        ``profit_share`` and ``size``: these alone. ``random``: by lot (dYdX v4).
    price : {"bankruptcy", "previous_mark"}
        The bankruptcy price of who is closed out (BitMEX, Bybit, dYdX v4), or the mark before the
        one that broke him (Hyperliquid, "Auto-deleveraging").
    """

    trigger: Literal["fund_exhausted", "fund_drawdown", "always"] = "fund_exhausted"
    drawdown: Number = Decimal("0.3")
    rank: Literal["profit_leverage", "hyperliquid", "profit_share", "size", "random"] = "profit_leverage"
    price: Literal["bankruptcy", "previous_mark"] = "bankruptcy"

    def _alone(self, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return part_alone("adl", data)
