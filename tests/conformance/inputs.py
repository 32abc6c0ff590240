"""The inputs of a vector: by what names it has, which rule it asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .registry import NotSupported

Inputs = dict[str, Any]
Values = dict[str, Any]

UNKNOWN = "no rule of the product takes these inputs"


def answered(inputs: Inputs, *cases: tuple[str, Callable[[str, Inputs], Values]], exchange: str) -> Values:
    """The answer of the first case whose names are all there."""
    for names, answer in cases:
        if set(names.split()) <= set(inputs):
            return answer(exchange, inputs)
    raise NotSupported(f"{UNKNOWN}: {', '.join(inputs)}")


def picked(inputs: Inputs, **names: str) -> Inputs:
    """The inputs that are there, under the names of the product's arguments."""
    return {ours: inputs[theirs] for ours, theirs in names.items() if inputs.get(theirs) is not None}


def either(inputs: Inputs, *names: str) -> Any:
    """The first of several names for one thing; None if there is none."""
    return next((inputs[name] for name in names if inputs.get(name) is not None), None)
