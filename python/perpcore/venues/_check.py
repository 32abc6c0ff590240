"""A venue, or a part of one, held to what the core allows before a scenario has it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from perpcore import _core
from perpcore._core import ScenarioError
from perpcore._structs import MisfitError, Struct, mapped, plain, problems

Problems = list[tuple[str, str, str]]

# Takes the place of a tier that is drawn, and stands below one that is checked alone.
_PLAIN: dict[str, Any] = {
    "min_notional": Decimal(0),
    "maintenance_rate": Decimal(0),
    "max_leverage": Decimal(1),
}


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a venue that says itself what it does not allow."""

    def __post_init__(self) -> None:
        """Numbers become exact; form and figures are checked."""
        super().__post_init__()
        self._check_form()
        at, venue = self._alone(_fixed(self._data()))
        found = [(field.removeprefix(at), value, said) for field, value, said in refused(venue)]
        if found:
            raise problems(found, MisfitError)

    def _alone(self, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """What errors put before a field of it, and a venue that has nothing else."""
        raise NotImplementedError


def tier_alone(data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A tier that is the first, or stands on one."""
    tier = {**_PLAIN, **data}
    below = [_PLAIN] if tier["min_notional"] else []
    return f"tiers[{len(below)}].", {"tiers": [*below, tier]}


def part_alone(field: str, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What stands in this field of a venue."""
    return f"{field}.", {"tiers": [_PLAIN], field: data}


def refused_of(venue: dict[str, Any]) -> Problems:
    """What the core refuses in a venue's plain data; what is drawn is the scenario's matter."""
    fixed = _fixed(venue)
    for part in ("halt", "stress_margin"):  # all their fields are needed
        if any(map(_drawn, venue.get(part, {}).values())):
            del fixed[part]
    if any(_drawn(value) for tier in venue["tiers"] for value in tier.values()):
        fixed["tiers"] = [_PLAIN]
    return refused(fixed)


def refused(venue: dict[str, Any]) -> Problems:
    """Fields, values and what is allowed, of plain data without distributions."""
    try:
        _core.check_venue(msgspec.json.encode(mapped(venue, Decimal, plain)).decode())
    except ScenarioError as error:
        return list(error.problems)
    return []


def _drawn(value: Any) -> bool:
    return isinstance(value, dict) and "dist" in value


def _fixed(data: Any) -> Any:
    """Without what is drawn."""
    if isinstance(data, dict):
        return {name: _fixed(value) for name, value in data.items() if not _drawn(value)}
    return [_fixed(item) for item in data] if isinstance(data, list) else data
