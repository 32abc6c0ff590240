"""TOML in and out, with exact numbers."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import Any, Self

import tomli_w

from perpcore._structs import Opaque, mapped, plain, problem


def loads(text: str) -> dict[str, Any]:
    """Plain data with exact decimals.

    Raises
    ------
    ScenarioError
        Not TOML.
    """
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:  # a number too long, or nested too deeply
        raise problem("TOML", "the text", f"valid TOML ({error})") from None


def dumps(data: dict[str, Any]) -> str:
    """Plain data as TOML."""
    return tomli_w.dumps(mapped(data, (Opaque, Decimal, dict), _value))


class _Literal(int):
    """TOML as it is: tomli_w writes an integer as its text."""

    text: str

    def __new__(cls, text: str) -> Self:
        new = super().__new__(cls)
        new.text = text
        return new

    def __str__(self) -> str:
        return self.text


def _value(value: Opaque | Decimal | dict[str, Any]) -> Any:
    """Numbers in their shortest form, distributions on one line."""
    if isinstance(value, Opaque):
        return _Literal(value.toml())
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else Decimal(plain(value))
    data = {key: mapped(item, (Opaque, Decimal, dict), _value) for key, item in value.items()}
    return _Literal(_inline(data)) if "dist" in data else data


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_inline(item)}' for key, item in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)
