"""Which function answers a topic, and what it is given."""

import ast
import operator
import re
from collections.abc import Callable
from typing import Any


class NotSupported(Exception):  # noqa: N818  # it is an answer, not a failure
    """Why a case, or one of its values, has no place in the product."""


class Missing:
    """A value that does not follow from what is given: the others are compared, the case is unsupported."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


# A value may be a function without arguments: it is called if the value is expected.
Answer = Callable[[str, "Inputs"], dict[str, Any]]
TOPICS: dict[str, Answer] = {}


def topic(*names: str) -> Callable[[Answer], Answer]:
    """Registers `f(exchange, inputs)`, which gives values keyed as the case expects them."""

    def register(answer: Answer) -> Answer:
        for name in names:
            assert name not in TOPICS, f"two functions for {name}"
            TOPICS[name] = answer
        return answer

    return register


class Inputs(dict[str, Any]):
    """What a case gives; to ask for what it does not give is to say that it is not supported."""

    def __missing__(self, key: str) -> Any:
        raise NotSupported(f"the input {key!r} is not given")

    def first(self, *keys: str) -> Any:
        """The value of the first of these names that is there, as a number where it is one in words."""
        for key in keys:
            if key in self:
                return self.number(key)
        raise NotSupported(f"none of the inputs {', '.join(keys)} is given")

    def number(self, key: str) -> Any:
        value = self[key]
        return amount(value, self) if isinstance(value, str) else value


OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
FUNCTIONS = {"max": max, "min": min}


def amount(text: str, names: Inputs) -> float:
    """A number in words: "500", "5,000,000", "qty*entry/leverage"; of "how = much", what it comes to."""
    words = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text.rpartition("=")[2]).strip()
    try:
        return _value(ast.parse(words, mode="eval").body, names)
    except SyntaxError:
        raise NotSupported(f"{text!r} is no amount") from None


def _value(node: ast.expr, names: Inputs) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.Name):
        return names.number(node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, names)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_value(node.left, names), _value(node.right, names))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
        return FUNCTIONS[node.func.id](*(_value(argument, names) for argument in node.args))
    raise NotSupported(f"{ast.unparse(node)!r} is no amount")
