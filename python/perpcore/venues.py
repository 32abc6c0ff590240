"""A venue's rules as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Any, Literal, Self

import msgspec

from perpcore import _core
from perpcore._structs import Number, Struct, number, problem


class Tier(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One bracket of the maintenance margin.

    Parameters
    ----------
    min_notional : number
        Lower end of the bracket, in quote currency.
    maintenance_rate : number
        Maintenance margin over notional inside the bracket, 0 to 0.99.
    max_leverage : number
        Largest leverage of a position inside it.
    """

    min_notional: Number
    maintenance_rate: Number
    max_leverage: Number


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
        _core.tier_deductions([(t.min_notional, t.maintenance_rate, t.max_leverage) for t in self.tiers])

    @classmethod
    def from_ccxt(cls, rows: Iterable[Mapping[str, Any]]) -> Self:
        """Tiers from ccxt's unified ``fetch_leverage_tiers`` structure of one symbol.

        Parameters
        ----------
        rows : iterable of mappings
            Each with ``minNotional``, ``maintenanceMarginRate`` and ``maxLeverage``; other keys are not
            looked at.

        Raises
        ------
        ScenarioError
            A key is missing, a number is not one, or the tiers do not rise from zero.
        """
        names = {
            "minNotional": "min_notional",
            "maintenanceMarginRate": "maintenance_rate",
            "maxLeverage": "max_leverage",
        }
        tiers = []
        for i, row in enumerate(rows):
            if not isinstance(row, Mapping):
                raise problem(f"tiers[{i}]", repr(row), "a mapping, as ccxt gives it")
            fields = {name: number(f"tiers[{i}].{key}", row.get(key)) for key, name in names.items()}
            tiers.append(Tier(**fields))
        return cls(tiers=tuple(sorted(tiers, key=lambda tier: Decimal(tier.min_notional))))

    @property
    def deductions(self) -> tuple[Decimal, ...]:
        """The deduction ``c_n`` of each tier, exact, in quote currency."""
        rows = [(t.min_notional, t.maintenance_rate, t.max_leverage) for t in self.tiers]
        return tuple(map(Decimal, _core.tier_deductions(rows)))

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
        at = max(i for i, tier in enumerate(self.tiers) if i == 0 or Decimal(tier.min_notional) <= notional)
        with localcontext(prec=100):
            return notional * Decimal(self.tiers[at].maintenance_rate) - self.deductions[at]


class Venue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of a perpetual's venue.

    Parameters
    ----------
    tiers : sequence of Tier, or MarginTiers
        Maintenance margin and leverage caps.
    trigger : {"at_or_below", "below"}
        Liquidation when equity is at or below maintenance margin, or only when it is below.
    liquidation_order : {"market", "limit_at_bankruptcy"}
        ``market``: fills wherever the book is, the insurance fund settles fill minus bankruptcy.
        ``limit_at_bankruptcy``: fills up to the bankruptcy price, the rest goes to the fund with its cost
        and margin.
    unwind : {"hold", "at_once"}
        What the fund does with positions it took over.
    liquidations_per_round : int, optional
        Orders (stops and liquidations) sent in one round; all that are due if not given.
    max_rounds : int
        Rounds after which a cascade is cut off.
    insurance_fund : number
        Its balance at the start, in quote currency.
    """

    tiers: tuple[Tier, ...]
    trigger: Literal["at_or_below", "below"] = "at_or_below"
    liquidation_order: Literal["market", "limit_at_bankruptcy"] = "market"
    unwind: Literal["hold", "at_once"] = "hold"
    liquidations_per_round: int | None = None
    max_rounds: int = 100_000
    insurance_fund: Number = Decimal(0)

    def __post_init__(self) -> None:
        """Take MarginTiers for tiers."""
        if isinstance(self.tiers, MarginTiers):
            msgspec.structs.force_setattr(self, "tiers", self.tiers.tiers)
        super().__post_init__()
