"""Every case of a file of vectors through the public API: `pytest tests/conformance --vectors PATH`."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.registry import TOPICS, Inputs, Missing, NotSupported

HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parents[2] / "shared" / "conformance" / "vectors.jsonl"

for module in sorted(HERE.glob("cases_*.py")):
    importlib.import_module(f"conformance.{module.stem}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "vector" not in metafunc.fixturenames:
        return
    given = metafunc.config.getoption("vectors", None)
    path = Path(given) if given else DEFAULT
    if not path.is_file():
        if given:
            raise pytest.UsageError(f"--vectors: {path} is no file")
        reason = "vectors: ../shared/conformance/vectors.jsonl is not here"
        metafunc.parametrize("vector", [pytest.param(None, marks=pytest.mark.skip(reason))], ids=["none"])
        return
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    vectors = [json.loads(line) for line in lines]
    metafunc.parametrize("vector", vectors, ids=[str(vector["id"]) for vector in vectors])


def test_vector(vector: dict[str, Any], record_property: Any) -> None:
    record_property("vector", (vector["exchange"], vector["topic"]))
    try:
        answer = TOPICS.get(vector["topic"])
        if answer is None:
            raise NotSupported(f"no function answers the topic {vector['topic']!r}")
        found = answer(vector["exchange"], Inputs(vector["inputs"]))
        lacking = [
            reason
            for key, value in vector["expected"].items()
            if (reason := check(key, value, found, vector))
        ]
    except NotSupported as reason:
        pytest.skip(f"not supported: {reason}")
    if lacking:
        pytest.skip(f"not supported: {'; '.join(lacking)}")


def check(key: str, expected: Any, found: dict[str, Any], vector: dict[str, Any]) -> str | None:
    """Fails where a value is another one; why, where there is none."""
    if key not in found:
        return f"nothing computes {key!r}"
    value = found[key]() if callable(found[key]) else found[key]
    if isinstance(value, Missing):
        return f"{key}: {value.reason}"
    inputs = json.dumps(vector["inputs"])
    assert agrees(value, expected, vector["tolerance"]), (
        f"{key}: {value!r}, not {expected!r}; inputs {inputs}"
    )
    return None


def agrees(value: Any, expected: Any, tolerance: float) -> bool:
    """Within an absolute tolerance, item by item."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(expected, dict):
        return value.keys() == expected.keys() and all(
            agrees(value[key], item, tolerance) for key, item in expected.items()
        )
    if isinstance(expected, list):
        pairs = zip(value, expected, strict=False)
        return len(value) == len(expected) and all(agrees(a, b, tolerance) for a, b in pairs)
    if isinstance(expected, bool | str):
        return type(value) is type(expected) and value == expected
    if expected is None:
        return value is None or value != value
    return not isinstance(value, bool | str | None) and abs(value - expected) <= tolerance


# ---- the runner itself ----


@pytest.mark.parametrize(
    ("value", "expected", "tolerance", "fine"),
    [
        (1.0, 1, 0, True),
        (1.1, 1, 0.05, False),
        ([1, 2], [1, 2.01], 0.02, True),
        ([1, 2], [1], 1, False),
        (True, True, 0, True),
        (1, True, 0, False),
        (float("nan"), 1, 10, False),
        (float("nan"), None, 0, True),
        ({"a": 1}, {"a": 1}, 0, True),
        ({"a": 1}, {"b": 1}, 0, False),
        (np.array([1.0]), [1], 0, True),
        (None, 0, 1, False),
    ],
)
def test_values_agree_within_the_tolerance(value: Any, expected: Any, tolerance: float, fine: bool) -> None:
    assert agrees(value, expected, tolerance) == fine


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500", 500),
        ("-1.5e3", -1500),
        ("5,000,000", 5_000_000),
        ("qty*entry/leverage", 4),
        ("max(5,000, qty*entry) = 5,000", 5000),
        ("max(5,000, qty*entry)", 5000),
        ("qty - (entry + 1)", -9),
    ],
)
def test_amounts_in_words(text: str, value: float) -> None:
    assert Inputs(qty=2, entry="10", leverage=5, x=text).number("x") == value


@pytest.mark.parametrize("text", ["__import__('os')", "qty.real", "price", ">= cap", "[1]", ""])
def test_what_is_no_amount_is_not_supported(text: str) -> None:
    with pytest.raises(NotSupported):
        Inputs(qty=2, x=text).number("x")
