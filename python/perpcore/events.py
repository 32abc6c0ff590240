"""Arrays of commands for `OrderBook.apply`, and what comes back: structured dtypes, codes and their meaning.

Prices are in ticks, quantities in lots. An order is known under its ``reference``, a dense number of the
caller's own (0, 1, 2, ... in any order; each used once): a row that adds an order names it, rows that cancel,
reduce or replace it use it. What a row's kind has no use for is not read, so that zeros are fine.

>>> events = np.zeros(3, dtype=pc.events.EVENT)
>>> events["kind"] = [pc.events.Kind.LIMIT, pc.events.Kind.LIMIT, pc.events.Kind.CANCEL]
>>> events["side"] = [pc.events.SELL, pc.events.BUY, 0]
>>> events["reference"] = [0, 1, 0]
>>> events["price"], events["qty"] = [1001, 1001, 0], [5, 2, 0]
>>> applied = pc.OrderBook(tick_size="0.01", lot_size=1).apply(events)
>>> applied.fills[["event", "price", "qty", "maker_reference"]].tolist()
[(1, 1001, 2, 0)]
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from perpcore import _core

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "BUY",
    "CANCEL",
    "CANCEL_REASONS",
    "EVENT",
    "FILL",
    "NO_REFERENCE",
    "REJECT",
    "REJECT_REASONS",
    "SELL",
    "Applied",
    "Flag",
    "Kind",
    "Tif",
]

#: One command: 48 bytes.
EVENT = np.dtype(
    [
        ("kind", "u1"),  # Kind
        ("side", "u1"),  # BUY or SELL
        ("tif", "u1"),  # Tif
        ("flags", "u1"),  # Flag
        ("owner", "<u4"),
        ("reference", "<u4"),
        ("pad", "<u4"),
        ("price", "<i8"),  # ticks
        ("qty", "<i8"),  # lots
        ("trigger", "<i8"),  # ticks, 0 for none
        ("time", "<i8"),  # expiry (0 for none), or the clock
    ]
)

#: One trade; ``event`` is the row that caused it, from 0.
FILL = np.dtype(
    [
        ("event", "<u8"),
        ("price", "<i8"),
        ("qty", "<i8"),
        ("maker_reference", "<u4"),
        ("maker_owner", "<u4"),
        ("taker_reference", "<u4"),
        ("taker_owner", "<u4"),
        ("taker_side", "u1"),
        ("pad", "u1", (7,)),
    ]
)

#: One refused row; ``reason`` is a key of REJECT_REASONS.
REJECT = np.dtype([("event", "<u8"), ("reason", "u1"), ("pad", "u1", (7,))])

#: An order, or a part of it, that a rule cancelled; ``reason`` is a key of CANCEL_REASONS.
CANCEL = np.dtype(
    [
        ("event", "<u8"),
        ("qty", "<i8"),
        ("left", "<i8"),
        ("reference", "<u4"),
        ("owner", "<u4"),
        ("reason", "u1"),
        ("pad", "u1", (7,)),
    ]
)

BUY, SELL = 0, 1

#: The reference of an order that cannot be named later.
NO_REFERENCE = 2**32 - 1


class Kind(IntEnum):
    """What a row asks for, and which fields it reads."""

    LIMIT = 0  # owner, reference, side, price, qty, tif, flags, trigger, time (expiry)
    MARKET = 1  # the same without tif; price is its protection, 0 for none
    CANCEL = 2  # reference
    REDUCE = 3  # reference, qty (by how much)
    REPLACE = 4  # reference, price, qty, tif
    CANCEL_OWNER = 5  # owner
    CLOCK = 6  # time
    MARK = 7  # price
    INDEX = 8  # price
    BAND = 9  # price (lowest), trigger (highest); both 0 for none
    HALT = 10
    RESUME = 11


class Tif(IntEnum):
    """Time in force."""

    GTC = 0
    IOC = 1
    FOK = 2
    POST_ONLY = 3
    POST_ONLY_SLIDE = 4


class Flag(IntFlag):
    """What an order asks for besides; one trigger source and one self-trade rule at most."""

    REDUCE_ONLY = 1
    ON_MARK = 1 << 1
    ON_LAST = 2 << 1
    ON_INDEX = 3 << 1
    TAKE_PROFIT = 8
    SELF_TRADE_ALLOW = 1 << 4
    SELF_TRADE_CANCEL_NEWEST = 2 << 4
    SELF_TRADE_CANCEL_OLDEST = 3 << 4
    SELF_TRADE_CANCEL_BOTH = 4 << 4
    SELF_TRADE_DECREMENT = 5 << 4


_REASONS = _core.batch_reasons()

#: Why a row was refused, by code.
REJECT_REASONS: dict[int, str] = dict(_REASONS[0])

#: Why a rule cancelled an order, by code.
CANCEL_REASONS: dict[int, str] = dict(_REASONS[1])


class Applied(NamedTuple):
    """What a batch came to."""

    fills: NDArray[Any]
    rejects: NDArray[Any]
    cancels: NDArray[Any]


def as_bytes(events: object) -> NDArray[np.uint8]:
    """The rows of an EVENT array as bytes, where they lie if they are contiguous."""
    if not isinstance(events, np.ndarray) or events.dtype != EVENT or events.ndim != 1:
        given = (
            f"{events.dtype}, {events.ndim}-d" if isinstance(events, np.ndarray) else type(events).__name__
        )
        allowed = "a one-dimensional numpy array of perpcore.events.EVENT"
        raise _core.OrderError(f"events: {given} is not allowed: {allowed}")
    return np.ascontiguousarray(events).view(np.uint8)


def applied(fills: NDArray[np.uint8], rejects: NDArray[np.uint8], cancels: NDArray[np.uint8]) -> Applied:
    """Rows from their bytes."""
    return Applied(fills.view(FILL), rejects.view(REJECT), cancels.view(CANCEL))
