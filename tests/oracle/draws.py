"""What is drawn once per path (MODEL section 9): every distribution that stands where a number would."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from .distributions import STANDARD, Law, is_distribution, parse_law, phi
from .philox import block
from .units import exact, quote_step, required, table

LADDER = r"positions\[\d+\]\."
LAWS = re.compile(
    r"(spot|perp)\.(asks|bids)\.(order_qty|noise)|(spot|market_maker)\.quote\.level_qty|agents\[\d+\]\.qty"
)
CROWD_LAW = re.compile(r"agents\[(\d+)\]\.(leverage|hold_s)")
POPULATION_LAWS = re.compile(LADDER + "(entry_price|leverage|notional)")
FINE = Fraction(1, 10**9)
#: The unit of every field that may be drawn: the first pattern that fits counts.
UNITS = [
    (r"start_price", "larger tick"),
    (r"total_supply|circulating|market_maker\.spot_inventory", "spot lot"),
    (r"ignition\.qty", "ignition lot"),
    (r"(spot|perp)\.(maker|taker)_fee|market_maker\.hedge_ratio", "fine"),
    (r"(spot|perp)\.(asks|bids)\.(depth|tail_depth)", "fine"),
    (r"venue\.tiers\[\d+\]\.(maintenance_rate|max_leverage)", "fine"),
    (r"venue\.tiers\[\d+\]\.min_notional|venue\.insurance_fund|market_maker\.capital", "step"),
    (r"venue\.(liquidations_per_round|max_rounds|liquidation_size\.tiers)", "one"),
    (r"venue\.(close_fee|liquidation_fee|fillable_spread|bankruptcy_adjustment)", "fine"),
    (r"venue\.(liquidation_size\.share|backstop\.below|adl\.drawdown)", "fine"),
    (r"venue\.liquidation_size\.(cooldown_s|whole_within_s)|round_seconds", "fine"),
    (r"venue\.(liquidation_size\.(least_notional|whole_below)|backstop\.capital)", "step"),
    (r"settlement_price", "perp tick"),
    (r"(spot|perp)\.(asks|bids)\.(levels|orders)|(spot|market_maker)\.quote\.levels", "one"),
    (r"spot\.((asks|bids)\.level_gap|quote\.(half_spread|level_gap|jitter))", "spot tick"),
    (r"perp\.(asks|bids)\.level_gap|market_maker\.quote\.(half_spread|level_gap|jitter)", "perp tick"),
    (LADDER + r"entry_price", "perp tick"),
    (LADDER + r"(liquidation_price|stop_price|leverage)(\[[01]\])?", "fine"),
    (LADDER + r"(qty|lump)", "perp lot"),
    (LADDER + r"(notional|wallet)", "step"),
    (LADDER + r"accounts", "one"),
]


def drawn(scenario: Mapping[str, Any], seed: int, path: int) -> Mapping[str, Any]:
    """The scenario of one path: a number for every distribution but the laws."""
    found = dict(_distributions(scenario, "", scenario))
    if scenario.get("copula") is None and not found:
        return scenario
    shares = {field: _share(field, seed, path) for field in found}
    if scenario.get("copula") is not None:
        shares |= _together(scenario["copula"], shares)
    units = _units(scenario)
    numbers = {
        field: _rounded(law.quantile(shares[field]), units[unit_name(field)]) for field, law in found.items()
    }
    put: Mapping[str, Any] = _put(scenario, "", numbers)
    return put


def _parts(value: object, path: str) -> Iterator[tuple[str, Any]]:
    """What lies inside a table or a list, each with its path as written."""
    if isinstance(value, Mapping):
        yield from ((f"{path}.{key}" if path else key, inner) for key, inner in value.items())
    elif isinstance(value, list | tuple):
        yield from ((f"{path}[{i}]", inner) for i, inner in enumerate(value))


def _distributions(value: object, path: str, top: Mapping[str, Any]) -> Iterator[tuple[str, Law]]:
    """Every distribution that is drawn once, with its path."""
    if not is_distribution(value):
        for inside, inner in _parts(value, path):
            yield from _distributions(inner, inside, top)
    elif not _is_law(path, top):
        unit_name(path)
        yield path, parse_law(value, path)


def _is_law(path: str, top: Mapping[str, Any]) -> bool:
    if POPULATION_LAWS.fullmatch(path):
        entry = top["positions"][int(path.split("[")[1].split("]")[0])]
        return bool(entry.get("kind") == "distribution")
    crowd = CROWD_LAW.fullmatch(path)
    if crowd is not None:
        return bool(top["agents"][int(crowd[1])].get("kind") == "short_crowd")
    return LAWS.fullmatch(path) is not None


def _put(value: Any, path: str, numbers: Mapping[str, Fraction]) -> Any:
    """The value with the numbers in their places."""
    if path in numbers:
        return numbers[path]
    if is_distribution(value):
        return value
    if isinstance(value, Mapping):
        keys = value.keys()
        return {key: _put(value[key], f"{path}.{key}" if path else key, numbers) for key in keys}
    if isinstance(value, list | tuple):
        return [_put(inner, f"{path}[{i}]", numbers) for i, inner in enumerate(value)]
    return value


def unit_name(path: str) -> str:
    for pattern, unit in UNITS:
        if re.fullmatch(pattern, path):
            return unit
    raise ValueError(f"{path}: cannot be a distribution")


def _units(scenario: Mapping[str, Any]) -> dict[str, Fraction]:
    grids = {
        (market, key): exact(required(required(scenario, market, "scenario"), f"{key}_size", market), market)
        for market in ("spot", "perp")
        for key in ("tick", "lot")
    }
    in_perp = (scenario.get("ignition") or {}).get("market") == "perp"
    return {
        "larger tick": max(grids["spot", "tick"], grids["perp", "tick"]),
        "ignition lot": grids["perp" if in_perp else "spot", "lot"],
        "step": quote_step([grids[market, "tick"] * grids[market, "lot"] for market in ("spot", "perp")]),
        "fine": FINE,
        "one": Fraction(1),
    } | {f"{market} {key}": unit for (market, key), unit in grids.items()}


def _rounded(value: float, unit: Fraction) -> Fraction:
    return math.floor(value / float(unit) + 0.5) * unit


def fnv_1a(text: str) -> int:
    """The FNV-1a hash with 64 bits."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def _share(field: str, seed: int, path: int) -> float:
    first = block(seed, 0, fnv_1a(field), path)[0]
    return ((first >> 11) + 0.5) * 2.0**-53


def _together(value: object, shares: Mapping[str, float]) -> dict[str, float]:
    """The shares of a copula's fields: normals, correlated by the Cholesky factor, and back."""
    entry = table(value, "copula", ("fields", "matrix"))
    fields = required(entry, "fields", "copula")
    rows = [[float(exact(x, "copula.matrix")) for x in row] for row in required(entry, "matrix", "copula")]
    if len(set(fields)) != len(fields) or not set(fields) <= set(shares):
        raise ValueError("copula.fields: each a distribution that is drawn once per path")
    if [len(row) for row in rows] != [len(fields)] * len(fields):
        raise ValueError("copula.matrix: a row and a column for each field")
    if any(rows[i][i] != 1 or rows[i][j] != rows[j][i] for i in range(len(rows)) for j in range(i)):
        raise ValueError("copula.matrix: symmetric, with ones on the diagonal")
    factor = cholesky(rows)
    normals = [STANDARD.inv_cdf(shares[field]) for field in fields]
    return {
        field: phi(sum(c * z for c, z in zip(line, normals, strict=True)))
        for field, line in zip(fields, factor, strict=True)
    }


def cholesky(matrix: list[list[float]]) -> list[list[float]]:
    """The lower triangle whose product with its transpose is the matrix."""
    n = len(matrix)
    factor = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            rest = matrix[i][j] - sum(factor[i][k] * factor[j][k] for k in range(j))
            if i == j:
                if rest <= 0:
                    raise ValueError("copula.matrix: not positive definite")
                factor[i][i] = math.sqrt(rest)
            else:
                factor[i][j] = rest / factor[j][j]
    return factor
