"""Numbers of paths and slices as people write them on a command line."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import click


class Count(click.ParamType[int]):
    """A whole number, from 0 to 2**64 - 1: 1000000, 1_000_000 or 1e6, read exactly."""

    name = "number"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """From text."""
        if isinstance(value, int):
            return value
        try:
            read = Decimal(value)
        except InvalidOperation:
            read = Decimal("nan")
        if not read.is_finite() or abs(read.adjusted()) > 30 or read != read.to_integral_value():
            self.fail(f"{value!r} is no whole number, as 1000000, 1_000_000 or 1e6", param, ctx)
        if not 0 <= read < 2**64:
            self.fail(f"{value} is not in the range 0<=x<=18446744073709551615.", param, ctx)
        return int(read)


class Slice(click.ParamType[tuple[int, int]]):
    """Slice `i` of `n` as ``i/n``, from 1."""

    name = "i/n"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        """From text."""
        if isinstance(value, tuple):
            return value
        first, stroke, last = str(value).partition("/")
        digits = (part.isascii() and part.isdigit() and len(part) < 10 for part in (first, last))
        if not stroke or not all(digits):
            self.fail(f"{value!r}: i/n is wanted, slice i of n, as 3/64", param, ctx)
        i, n = int(first), int(last)
        if not 1 <= i <= n:
            there = f"from 1/{n} to {n}/{n}" if n else "of at least 1 slice"
            self.fail(f"{value} is out of range: {there} (the first slice is 1, not 0)", param, ctx)
        return i, n


COUNT, SLICE = Count(), Slice()
