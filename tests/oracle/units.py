"""Decimals to integers (MODEL section 1): ticks, lots, steps, rates in units of 1e-9, roundings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

RATE_ONE = 10**9


def exact(value: object, name: str) -> Fraction:
    """A number of the scenario as the decimal that was written, never as a binary float."""
    if isinstance(value, bool) or not isinstance(value, Decimal | Fraction | int | str | float):
        raise ValueError(f"{name}: not a number: {value!r}")
    if isinstance(value, Fraction):
        return value  # what was drawn for the path
    try:
        return Fraction(Decimal(repr(value)) if isinstance(value, float) else Decimal(value))
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise ValueError(f"{name}: not a number: {value!r}") from error


def whole(amount: Fraction, name: str) -> int:
    """An amount that must be a whole number of its unit."""
    if amount.denominator != 1:
        raise ValueError(f"{name}: not on the grid ({amount})")
    return amount.numerator


def rate(value: object, name: str) -> int:
    """A rate in units of 1e-9, rounded half away from zero."""
    scaled = exact(value, name) * RATE_ONE
    rounded = math.floor(abs(scaled) + Fraction(1, 2))
    return rounded if scaled >= 0 else -rounded


def trunc_div(numerator: int, denominator: int) -> int:
    """The quotient cut toward zero; the denominator is positive."""
    return math.trunc(Fraction(numerator, denominator))


def decimal_places(amount: Fraction) -> int:
    """The number of decimal places of an exact decimal, trailing zeros dropped."""
    places = 0
    while (amount * 10**places).denominator != 1:
        places += 1
        if places > 60:
            raise ValueError(f"not a decimal: {amount}")
    return places


def quote_step(values: Iterable[Fraction]) -> Fraction:
    """One step of money, from the value of a tick of a lot on each market."""
    return Fraction(1, 10 ** max(6, *(decimal_places(value) for value in values)))


def integer(value: object, name: str, least: int) -> int:
    """A whole number of at least `least`."""
    number = whole(exact(value, name), name)
    if number < least:
        raise ValueError(f"{name}: {number} is below {least}")
    return number


def choice(value: object, name: str, allowed: tuple[str, ...]) -> str:
    """One of the allowed words."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name}: {value!r} is not one of {allowed}")
    return value


def table(value: object, name: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    """A table of the scenario with no key but those named."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{name}: not a table")
    unknown = set(value) - set(keys)
    if unknown:
        raise ValueError(f"{name}: unknown fields {sorted(unknown)}")
    return value


def required(values: Mapping[str, Any], key: str, name: str) -> Any:
    """A field that has no default."""
    if values.get(key) is None:
        raise ValueError(f"{name}.{key}: missing")
    return values[key]
