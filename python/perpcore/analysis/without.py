"""What makes a scenario less smooth than a story, and the same scenario without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from perpcore._structs import problem, shown
from perpcore.agents import Holders, ShortCrowd
from perpcore.distributions import Choice, Empirical, Law, Mixture, Trapezoid
from perpcore.scenario import Scenario

if TYPE_CHECKING:
    from perpcore.distributions import Scalar

Changes = dict[str, Any]

#: A market maker with so many times what the whole supply is worth at the start is never liquidated ...
AMPLE = 100
#: ... but the core counts money in at most so many steps of it.
MOST_STEPS = (2**63 - 1) // 64


def frictions(scenario: Scenario) -> dict[str, Scenario]:
    """Each friction that a scenario has, with the scenario in which that one alone is switched off.

    Agents keep their places, so that all others draw the same numbers as before.

    Parameters
    ----------
    scenario : Scenario

    Returns
    -------
    dict of str to Scenario
        ``partial_hedging``: the market maker hedges all he sold. ``hedge_latency``: at once.
        ``hedge_band``: to the last token. ``float_in_quotes``: asks do not shrink with the float.
        ``lasting_impact``: holders quote around the start price whatever they sold.
        ``market_maker_inventory``, ``market_maker_skew``, ``market_maker_widening``: he quotes whatever he
        holds, and however the mark moves. ``market_maker_withdrawal``: he never pulls his quotes.
        ``market_maker_capital``: he cannot go bankrupt. ``liquidity_recovery``: what was filled comes back at
        once. ``holders_selling``: holders keep their tokens. ``new_shorts``, ``new_longs``: no crowd refills
        the fuel. ``stress_margin``, ``funding_interval``: the venue leaves margin and interval as they were.
        ``price_band``, ``halt``, ``spot_margin``: it has none.

    Examples
    --------
    >>> import perpcore as pc
    >>> list(pc.frictions(pc.presets.rocketcoin()))
    ['partial_hedging', 'market_maker_capital']
    """
    if not isinstance(scenario, Scenario):
        raise problem("scenario", shown(scenario), "a Scenario")
    return {name: scenario.replace(off) for name, changes in FRICTIONS if (off := dict(changes(scenario)))}


Off = Callable[["Scenario"], Iterator[tuple[str, Any]]]


def _field(path: str, off: Any) -> Off:
    """One field that is not `off`."""
    part, name = path.split(".")

    def changes(scenario: Scenario) -> Iterator[tuple[str, Any]]:
        if getattr(getattr(scenario, part), name) != off:
            yield path, off

    return changes


def _withdrawal(scenario: Scenario) -> Iterator[tuple[str, Any]]:
    if scenario.market_maker.withdraw_move is not None:
        yield "market_maker.withdraw_move", None
        yield "market_maker.withdraw_s", 0


def _capital(scenario: Scenario) -> Iterator[tuple[str, Any]]:
    worth = 1 if scenario.venue.contract == "inverse" else most(scenario.start_price)  # of coin, in its money
    ample = min(AMPLE * worth * most(scenario.total_supply), MOST_STEPS * _money_step(scenario)) // 1
    if most(scenario.market_maker.capital) < ample:
        yield "market_maker.capital", ample


def _money_step(scenario: Scenario) -> Decimal:
    """The unit of the market maker's money, as docs/MODEL.md has it in sections 1 and 7."""
    if scenario.venue.contract == "inverse":
        return Decimal("1e-8")
    values = (Decimal(m.tick_size) * Decimal(m.lot_size) for m in (scenario.spot, scenario.perp))
    places = [-int(value.normalize().as_tuple().exponent) for value in values]
    return Decimal(1).scaleb(-max(6, *places))


def _recovery(scenario: Scenario) -> Iterator[tuple[str, Any]]:
    quotes = {"spot.quote": scenario.spot.quote, "market_maker.quote": scenario.market_maker.quote}
    for path, quote in quotes.items():
        if quote is not None and quote.recovery_half_life_s != 0:
            yield f"{path}.recovery_half_life_s", 0


def _float_in_quotes(scenario: Scenario) -> Iterator[tuple[str, Any]]:
    if scenario.spot.quote is not None and scenario.spot.quote.follows_float:
        yield "spot.quote.follows_float", False


def _lasting(scenario: Scenario) -> Iterator[tuple[str, Any]]:
    if scenario.spot.quote is not None and scenario.spot.quote.skew != 0:
        yield "spot.quote.skew", 0


def _holders(scenario: Scenario) -> Iterator[tuple[str, Any]]:
    for i, agent in enumerate(scenario.agents):
        if isinstance(agent, Holders) and agent.elasticity != 0:
            yield f"agents[{i}].elasticity", 0


def _crowd(side: str) -> Off:
    def changes(scenario: Scenario) -> Iterator[tuple[str, Any]]:
        for i, agent in enumerate(scenario.agents):
            if isinstance(agent, ShortCrowd) and agent.side == side and agent.rate_per_s != 0:
                yield f"agents[{i}].rate_per_s", 0

    return changes


def _interval(scenario: Scenario) -> Iterator[tuple[str, Any]]:
    if scenario.venue.funding is not None and scenario.venue.funding.stress_above is not None:
        yield "venue.funding.stress_above", None


#: Their names, and what switches each off.
FRICTIONS: tuple[tuple[str, Off], ...] = (
    ("partial_hedging", _field("market_maker.hedge_ratio", 1)),
    ("hedge_latency", _field("market_maker.hedge_latency_s", 0)),
    ("hedge_band", _field("market_maker.hedge_band", 0)),
    ("market_maker_inventory", _field("market_maker.inventory_limit", None)),
    ("market_maker_skew", _field("market_maker.skew", 0)),
    ("market_maker_widening", _field("market_maker.widen", 0)),
    ("market_maker_withdrawal", _withdrawal),
    ("market_maker_capital", _capital),
    ("liquidity_recovery", _recovery),
    ("float_in_quotes", _float_in_quotes),
    ("lasting_impact", _lasting),
    ("holders_selling", _holders),
    ("new_shorts", _crowd("short")),
    ("new_longs", _crowd("long")),
    ("stress_margin", _field("venue.stress_margin", None)),
    ("funding_interval", _interval),
    ("price_band", _field("venue.price_band", None)),
    ("halt", _field("venue.halt", None)),
    ("spot_margin", _field("venue.spot_margin", 0)),
)


def most(value: Scalar) -> Any:
    """A number itself; of a distribution the upper end, which every scenario's has."""
    match value:
        case Choice(values) | Empirical(values):
            return max(values)
        case Mixture(components):
            return max(map(most, components))
        case Trapezoid():
            return value.d
        case Law():
            return value.high
    return value
