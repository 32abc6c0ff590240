"""Which function answers a topic of the conformance vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Answer = Callable[[str, dict[str, Any]], dict[str, Any]]

TOPICS: dict[str, Answer] = {}


class NotSupported(Exception):  # noqa: N818 (it is an answer, not an error)
    """A case that has no place in the product, and why."""


def topic(*names: str) -> Callable[[Answer], Answer]:
    """Make a function answer for topics: from exchange and inputs, values keyed as `expected` is."""

    def register(answer: Answer) -> Answer:
        TOPICS.update(dict.fromkeys(names, answer))
        return answer

    return register
