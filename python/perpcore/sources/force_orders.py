"""Recorded liquidations of a Binance-like stream: a row an order, as a file with named columns.

The stream sends only the latest order of each symbol and second: a sample, thinned.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from perpcore._structs import problem, shown
from perpcore.analysis.facts.squeezes import Prints

NEEDED = ("time_ms", "symbol", "side", "qty", "price")


def forced_orders(path: str | Path) -> Prints:
    """Read recorded forced orders.

    Parameters
    ----------
    path : str or Path
        CSV with the columns ``time_ms`` (milliseconds since 1970, UTC), ``symbol``, ``side`` (BUY or SELL),
        ``qty`` (tokens) and ``price``; others are not looked at.

    Returns
    -------
    Prints
        Sorted by time.

    Raises
    ------
    ScenarioError
        No such file, a column missing, or a row that can't be read (with its number).
    """
    rows = []
    try:
        with Path(path).open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
            if missing:
                raise problem("path", path, f"a file with the columns {', '.join(NEEDED)}: no {missing[0]}")
            for number, row in enumerate(reader, 2):
                rows.append(_row(number, row))
    except (OSError, UnicodeDecodeError) as error:
        raise problem("path", path, f"a readable CSV file ({error})") from None
    rows.sort(key=lambda row: row[0])
    times, symbols, sides, quantities, prices = zip(*rows, strict=True) if rows else ((),) * 5
    return Prints(
        time=np.array(times, dtype=np.float64) / 1000,
        symbol=np.array(symbols, dtype=np.str_),
        side=np.array(sides, dtype=np.str_),
        qty=np.array(quantities, dtype=np.float64),
        price=np.array(prices, dtype=np.float64),
    )


def _row(number: int, row: dict[str, str]) -> tuple[int, str, str, float, float]:
    side = {"BUY": "buy", "SELL": "sell"}.get(row["side"])
    if side is None:
        raise problem(f"row {number}: side", shown(row["side"]), "BUY or SELL")
    try:
        time, qty, price = int(row["time_ms"]), float(row["qty"]), float(row["price"])
    except (TypeError, ValueError):
        raise problem(f"row {number}", shown(row), "numbers in time_ms, qty and price") from None
    if not (time >= 0 and 0 < qty < float("inf") and 0 < price < float("inf")):
        raise problem(f"row {number}", shown(row), "a time from 0, qty and price above 0")
    return time, row["symbol"], side, qty, price
