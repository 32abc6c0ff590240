"""What a venue's index is made of, and how funding is worked out."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from perpcore._structs import Number, Struct


class IndexSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of several spot venues: ``start + follows x (spot some time ago - start)``.

    Parameters
    ----------
    weight : number
        In the weighted mean.
    follows : number
        How much of the move of the scenario's spot book it makes; 1: all, 0: it stands still.
    delay_s : number
        Seconds until it does.
    """

    weight: Number
    follows: Number = Decimal(1)
    delay_s: Number = Decimal(0)


class SpotIndex(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="spot"):
    """The index is the spot price, or a weighted mean of several.

    Binance ("Mark price in USDT-margined futures"): a source more than 5 % from the median of all is left
    out. Deribit ("Index prices"): each source is cut to within 0.5 % of the median.

    Parameters
    ----------
    price : {"last", "mid"}
        Last trade of spot, or the middle of its book.
    sources : sequence of IndexSource
        None: the scenario's spot book alone.
    outlier : number, optional
        Largest relative distance from the median of the sources.
    drop_outliers : bool
        Leave out what is further away, rather than cut it to that distance.
    """

    price: Literal["last", "mid"] = "last"
    sources: tuple[IndexSource, ...] = ()
    outlier: Number | None = None
    drop_outliers: bool = False


class OwnMark(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="own_mark"
):
    """The index is an exponential average of the perpetual's own mark: no spot yet.

    Hyperliquid ("Hyperps"): pre-launch perpetuals, eight hours.

    Parameters
    ----------
    average_s : number
        Time constant, seconds.
    """

    average_s: Number


class Funding(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Longs pay shorts ``qty x price x rate`` when the rate is positive.

    ``rate = clip((P + clip(I - P, -clamp, clamp)) x interval_h / 8, -cap, cap)`` where ``P`` is the average
    of the premium index over the interval and ``I`` the interest of eight hours (Binance, "Introduction to
    Binance Futures funding rates"; Hyperliquid, "Funding"). The premium index is ``(max(0, impact bid -
    index) - max(0, index - impact ask)) / index``. With a dead band ``b``, ``P`` becomes ``max(b, P) +
    min(-b, P)`` (Deribit, "Funding specifications").

    Parameters
    ----------
    interval_h : number
        Hours between payments, more than 0.
    next_in_s : number, optional
        Seconds until the first; 0: in round 1; a whole interval if not given.
    interest : number
        Of eight hours.
    clamp : number
        Half width of the zone in which the rate is the interest.
    dead_band : number
        Not 0 (Deribit): premiums up to this count nothing, those beyond by what they exceed it; then there is
        neither interest nor clamp.
    cap : number, optional
        Bound of the rate that one payment takes.
    average : {"plain", "ramp", "padded"}
        Every sample alike (Hyperliquid); weights 1, 2, 3, ... (Binance, Bybit); the sum over `samples`,
        missing ones counting 0 (dYdX v4).
    samples : int, optional
        Under ``padded``: how many an interval should have.
    notional : {"mark", "index"}
        Price of the payment: mark (Binance, Bybit, OKX), or index (Hyperliquid, dYdX v4: their oracle).
    stress_above : number, optional
        Once the rate of an interval is beyond this, intervals are `stress_interval_h` to the end of the run.
    stress_interval_h : number
        Hours.
    """

    interval_h: Number = Decimal(8)
    next_in_s: Number | None = None
    interest: Number = Decimal("0.0001")
    clamp: Number = Decimal("0.0005")
    dead_band: Number = Decimal(0)
    cap: Number | None = None
    average: Literal["plain", "ramp", "padded"] = "plain"
    samples: int | None = None
    notional: Literal["mark", "index"] = "mark"
    stress_above: Number | None = None
    stress_interval_h: Number = Decimal(1)
