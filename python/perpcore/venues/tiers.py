"""Brackets of maintenance margin and leverage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Any, Self

from perpcore import _core
from perpcore._structs import Number, Struct, number, plain, problem, read
from perpcore.distributions import Scalar
from perpcore.venues._check import Part, tier_alone


class Tier(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One bracket of the maintenance margin.

    Parameters
    ----------
    min_notional : number or distribution
        Lower end of the bracket, in quote currency.
    maintenance_rate : number or distribution
        Maintenance margin over notional inside the bracket, 0 to 0.99.
    max_leverage : number or distribution
        Largest leverage of a position inside it.
    """

    min_notional: Scalar
    maintenance_rate: Scalar
    max_leverage: Scalar

    def _alone(self, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return tier_alone(data)


class MarginTiers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Maintenance margin that rises with the position, marginal with deduction.

    The maintenance margin of a notional ``N`` in tier ``n`` is ``N r_n - c_n`` with ``c_1 = 0`` and
    ``c_n = c_(n-1) + floor_n (r_n - r_(n-1))``, which keeps it continuous (Binance's "maintenance amount").

    Parameters
    ----------
    tiers : sequence of Tier
        In rising order, the first from 0.
    """

    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        """Refuse tiers that do not rise from zero."""
        super().__post_init__()
        self._check_form()
        _core.tier_deductions(self.rows)

    @classmethod
    def from_ccxt(cls, rows: Iterable[Mapping[str, Any]]) -> Self:
        """Tiers from ccxt's unified ``fetch_leverage_tiers`` structure of one symbol.

        Parameters
        ----------
        rows : iterable of mappings
            Each with ``minNotional``, ``maintenanceMarginRate`` and ``maxLeverage``. ``maxNotional``, where
            it is given, must be where the next row begins. Other keys are not looked at.

        Raises
        ------
        ScenarioError
            A key is missing, a number is not one, rows leave a gap or overlap, or the tiers do not rise from
            zero.
        """
        names = {
            "minNotional": "min_notional",
            "maintenanceMarginRate": "maintenance_rate",
            "maxLeverage": "max_leverage",
        }
        read_rows = []
        for i, row in enumerate(rows):
            if not isinstance(row, Mapping):
                raise problem(f"tiers[{i}]", repr(row), "a mapping, as ccxt gives it")
            fields = {name: number(f"tiers[{i}].{key}", row.get(key)) for key, name in names.items()}
            top = row.get("maxNotional")
            field = f"tiers[{i}].maxNotional"
            read_rows.append((fields, field, None if top is None else number(field, top)))
        read_rows.sort(key=lambda read_row: read_row[0]["min_notional"])
        tiers = [fields for fields, *_ in read_rows]
        floors = [fields["min_notional"] for fields in tiers]
        for i, (_, field, top) in enumerate(read_rows):
            _check_top(field, top, *floors[i : i + 2])
        return read({"tiers": tiers}, cls)

    @property
    def rows(self) -> list[tuple[Decimal, Decimal, Decimal]]:
        """``(min_notional, maintenance_rate, max_leverage)`` of each tier, exact.

        Raises
        ------
        ScenarioError
            One of them is a distribution.
        """

        def exact(i: int, tier: Tier, name: str) -> Decimal:
            return number(f"tiers[{i}].{name}", getattr(tier, name))

        names = ("min_notional", "maintenance_rate", "max_leverage")
        found = ([exact(i, tier, name) for name in names] for i, tier in enumerate(self.tiers))
        return [(floor, rate, leverage) for floor, rate, leverage in found]

    @property
    def deductions(self) -> tuple[Decimal, ...]:
        """The deduction ``c_n`` of each tier, exact, in quote currency."""
        return tuple(map(Decimal, _core.tier_deductions(self.rows)))

    def maintenance_margin(self, notional: Number) -> Decimal:
        """Exact maintenance margin of a notional; the engine rounds it up to its quote step.

        Raises
        ------
        ScenarioError
            The notional is no number or is below zero.
        """
        given, notional = notional, number("notional", notional)
        if notional < 0:
            raise problem("notional", given, "0 or more")
        rows = self.rows
        at = max(i for i, (floor, *_) in enumerate(rows) if i == 0 or floor <= notional)
        with localcontext(prec=100):
            return notional * rows[at][1] - self.deductions[at]


def _check_top(field: str, top: Decimal | None, floor: Decimal, above: Decimal | None = None) -> None:
    """A row ends where the next one begins; the last one above its own floor."""
    if top is None:
        return
    if above is not None and top != above:
        raise problem(field, plain(top), f"{plain(above)}, the minNotional of the row above it")
    if above is None and top <= floor:
        raise problem(field, plain(top), f"more than its minNotional, {plain(floor)}")
