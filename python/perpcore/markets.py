"""A market: its grid, its fees, what rests in its book, what is posted in every round, and who makes it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from perpcore._structs import Number, Struct
from perpcore.distributions import Count, Scalar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Rows = Sequence[Sequence[Number]] | NDArray[Any]
else:
    Rows = tuple[tuple[Number, Number], ...]


class Linear(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="linear"):
    """The same depth at every tick from the start price away.

    Parameters
    ----------
    depth : number or distribution
        Tokens per unit of price.
    noise : number or distribution, optional
        What every level is multiplied by; a distribution is its law, drawn for each.
    """

    depth: Scalar
    noise: Scalar | None = None


class Levels(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="levels"):
    """Explicit levels, as of a recorded book.

    Parameters
    ----------
    levels : sequence of (price, tokens)
        From the best price away.
    tail_depth : number or distribution, optional
        Tokens per unit of price beyond the last level; nothing rests there if not given.
    noise : number or distribution, optional
        What every level is multiplied by; a distribution is its law, drawn for each.
    """

    levels: Rows
    tail_depth: Scalar | None = None
    noise: Scalar | None = None


class Orders(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="orders"):
    """Several orders at each of a number of prices.

    Parameters
    ----------
    levels : int or distribution
        How many prices.
    level_gap : number or distribution
        From one to the next; the first is so far from the start price.
    order_qty : number or distribution
        Tokens in an order; a distribution is its law, drawn for each.
    orders : int or distribution
        At each price.
    """

    levels: Count
    level_gap: Scalar
    order_qty: Scalar
    orders: Count = 1


class Quote(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the market maker (in spot: the holders) posts anew in every round.

    Parameters
    ----------
    side : {"asks", "bids", "both"}
    level_qty : number or distribution
        Tokens in each level; a distribution is its law, drawn for each in every round.
    around : {"mark", "spot_mid", "last", "mid", "start"}
        Which price; in spot ``mark`` is the index; ``last`` is the last trade of their own book, ``mid`` its
        mid, between two ticks the even one; ``start`` is the start price.
    half_spread : number or distribution
        From there to the first level. A level that would trade at once is left out.
    levels : int or distribution
    level_gap : number or distribution, optional
        From level to level; one tick if not given.
    jitter : number or distribution
        Each level stands up to so far further away, every tick as likely.
    recovery_half_life_s : number or distribution
        Seconds in which half of what was filled comes back; 0: all of it, in the next round.
    follows_float : bool
        In spot and with a time: asks have more or less tokens than `level_qty` says as holders have more or
        less left to sell than at the start.
    skew : number or distribution
        In spot, with a time and around ``start``: quote currency by which quotes rise for each token that
        holders sold (fall for each they bought), the lasting impact of a trade [1]_. The perpetual's is
        `MarketMaker.skew`.

    References
    ----------
    .. [1] Kyle, Continuous auctions and insider trading, Econometrica 53, 1985.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"recovery_half_life_s", "follows_float", "skew"})

    side: Literal["asks", "bids", "both"]
    level_qty: Scalar
    around: Literal["mark", "spot_mid", "last", "mid", "start"] = "mark"
    half_spread: Scalar = Decimal(0)
    levels: Count = 1
    level_gap: Scalar | None = None
    jitter: Scalar = Decimal(0)
    recovery_half_life_s: Scalar = Decimal(0)
    follows_float: bool = False
    skew: Scalar = Decimal(0)


class Market(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One market: its grid, its fees, what rests in its book at the start.

    Parameters
    ----------
    tick_size, lot_size : number
        Smallest steps of price (quote currency) and quantity (tokens).
    maker_fee, taker_fee : number or distribution
        Rates of value; negative ones are rebates.
    asks, bids : Linear, Levels or Orders, optional
        What rests. In spot it is the holders' and asks end with the free float; in the perpetual it is the
        market maker's.
    quote : Quote, optional
        In spot: what holders post anew in every round. In the perpetual `MarketMaker.quote` says it.
    """

    tick_size: Number
    lot_size: Number
    maker_fee: Scalar = Decimal(0)
    taker_fee: Scalar = Decimal(0)
    asks: Linear | Levels | Orders | None = None
    bids: Linear | Levels | Orders | None = None
    quote: Quote | None = None


class MarketMaker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The perpetual's market maker, who hedges in spot and can be liquidated himself.

    His quotes lean against his inventory [1]_; hedging late, widening and leaving are rules of ours.

    Parameters
    ----------
    capital : number or distribution
        Cash behind his perpetual account, in quote currency. Hedges are financed apart from it.
    hedge_ratio : number or distribution
        Share of what he sold that he buys in spot.
    residual : {"carried", "absorbed_by_longs"}
        Whether he carries the rest naked, or closes it against longs who take profit.
    spot_inventory : number or distribution
        Tokens his spot desk owns at the start.
    quote : Quote, optional
        What he posts in every round, besides what rests in the perpetual's book.
    hedge_latency_s : number or distribution
        Seconds from what he sold to its hedge.
    hedge_band : number or distribution
        Tokens by which his hedge may be wrong before he trades; then he trades all of it.
    inventory_limit : number or distribution, optional
        Tokens he is short at which he no longer quotes asks, or long at which he no longer quotes bids.
    skew : number or distribution
        Quote currency by which his quotes fall for each token he is long (rise for each he is short).
    widen : number or distribution
        What the mark moved since the step before, times this, is added to his half spread.
    withdraw_move : number or distribution, optional
        Relative move of the mark since the step before at which he posts no quotes.
    withdraw_s : number or distribution
        Seconds after that step in which he still posts none.

    References
    ----------
    .. [1] Avellaneda and Stoikov, High-frequency trading in a limit order book, Quantitative Finance 8, 2008.
    """

    LATER: ClassVar[frozenset[str]] = frozenset(
        {"hedge_latency_s", "hedge_band", "inventory_limit", "skew", "widen", "withdraw_move", "withdraw_s"}
    )

    capital: Scalar
    hedge_ratio: Scalar = Decimal(1)
    residual: Literal["carried", "absorbed_by_longs"] = "carried"
    spot_inventory: Scalar = Decimal(0)
    quote: Quote | None = None
    hedge_latency_s: Scalar = Decimal(0)
    hedge_band: Scalar = Decimal(0)
    inventory_limit: Scalar | None = None
    skew: Scalar = Decimal(0)
    widen: Scalar = Decimal(0)
    withdraw_move: Scalar | None = None
    withdraw_s: Scalar = Decimal(0)
