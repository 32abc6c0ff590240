"""What an environment is made of, checked before anything runs."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from perpcore import presets
from perpcore._structs import number, problem, shown
from perpcore._words import word
from perpcore.agents import External
from perpcore.distributions import Distribution
from perpcore.gym.rewards import Profit, Reward
from perpcore.scenario import Scenario

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perpcore._structs import Number

#: Of a learner that the scenario does not have.
TERMS = {"capital": Decimal(100_000), "leverage": Decimal(5), "tokens": Decimal(0)}
REACHES = (0.01, 0.02, 0.05, 0.1, 0.2)
MAX_LEVELS, MAX_REACHES = 100, 20
RENDER_MODES = ("ansi",)


def with_learner(scenario: object, name: object, terms: Mapping[str, Any]) -> tuple[Scenario, External]:
    """The scenario with the learner in it, and the learner."""
    scenario = presets.load(scenario) if isinstance(scenario, str) else scenario
    if not isinstance(scenario, Scenario):
        raise problem("scenario", shown(scenario), "a Scenario, or the name of a preset")
    if scenario.time is None:
        raise problem("scenario.time", "none", "a time: only a run through time goes step by step")
    if not isinstance(name, str) or not name:
        raise problem("agent", shown(name), "a name: text that is not empty")
    for agent in scenario.agents:
        if agent.name != name:
            continue
        if not isinstance(agent, External):
            raise problem("agent", shown(name), "no other agent's name, but an external one's")
        for term, value in terms.items():
            if value is not None:
                raise problem(term, shown(value), f"none: the scenario has it for its agent {name!r}")
        return scenario, agent
    given = {term: TERMS[term] if value is None else value for term, value in terms.items()}
    learner = External(name=name, **given)
    return scenario.replace(agents=(*scenario.agents, learner)), learner


def capital_of(learner: External) -> float:
    """A number above 0: what observation and reward are measured in, and what can be lost."""
    found = number("capital", learner.capital)
    if found <= 0:
        raise problem("capital", found, "above 0: it can be lost, and is what profit is measured in")
    return float(found)


def step_of(scenario: Scenario) -> float:
    """Seconds of a step."""
    assert scenario.time is not None
    return float(scenario.time.step_s)


def span(scenario: Scenario, start_s: object, horizon_s: object) -> tuple[int, int]:
    """The steps that have ended where an episode begins, and where it ends."""
    assert scenario.time is not None
    step, most = (number("time", value) for value in (scenario.time.step_s, scenario.time.horizon_s))
    start = number("start_s", start_s)
    end = most if horizon_s is None else number("horizon_s", horizon_s)
    if not 0 <= start <= most - step:
        raise problem("start_s", start, f"from 0 to {most - step}, a step before the scenario's end")
    first, last = int(start / step), int(end / step)
    if first >= last or end > most:
        allowed = f"from a step ({step} s) after start_s to {most}, the scenario's end"
        raise problem("horizon_s", end, allowed)
    return first, last


def checked_paths(paths: object) -> Sequence[int]:
    """Whole numbers of 64 bits, at least one."""
    if not isinstance(paths, Sequence | np.ndarray) or isinstance(paths, str | bytes) or not len(paths):
        raise problem("paths", shown(paths), "a range or a sequence of whole numbers, at least one")
    if isinstance(paths, range):
        word("paths", min(paths[0], paths[-1]))
        word("paths", max(paths[0], paths[-1]))
        return paths
    return tuple(word(f"paths[{i}]", path) for i, path in enumerate(paths))


def path_of(options: object) -> int | None:
    """The path that a reset asks for, if it does."""
    if options is None:
        return None
    if not isinstance(options, Mapping):
        raise problem("options", shown(options), 'a mapping, like {"path": 7}')
    for name in options:
        if name != "path":
            raise problem(f"options[{shown(name)}]", shown(options[name]), 'none: the only option is "path"')
    path = options.get("path")
    return None if path is None else word("options.path", path)


def whole(field: str, value: object, most: int) -> int:
    """A whole number from 1."""
    allowed = f"a whole number from 1 to {most}"
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise problem(field, shown(value), allowed)
    count = operator.index(value)
    if not 1 <= count <= most:
        raise problem(field, count, allowed)
    return count


def largest_order(scenario: Scenario, learner: External, given: Number | None) -> Decimal:
    """Tokens of the largest order: as given, or a tenth of what the learner may have at the start price."""
    lot = number("perp.lot_size", scenario.perp.lot_size)
    if given is None:
        leverage = number("leverage", learner.leverage)
        return max(lot, affordable("max_order", scenario, learner) * leverage / 10 // lot * lot)
    most = number("max_order", given)
    if most < lot:
        raise problem("max_order", most, f"at least a lot of the perpetual, {lot}")
    return most


def most_tokens(scenario: Scenario, learner: External, given: Number | None) -> Decimal:
    """Beyond which the learner buys no more in spot: as given, or what it brings and its capital buys."""
    if given is None:
        return number("tokens", learner.tokens) + affordable("max_tokens", scenario, learner)
    most = number("max_tokens", given)
    if most < 0:
        raise problem("max_tokens", most, "not below 0")
    return most


def affordable(field: str, scenario: Scenario, learner: External) -> Decimal:
    """Tokens for the capital at the start price."""
    if isinstance(scenario.start_price, Distribution):
        raise problem(field, "none", "a number, where start_price is drawn from a distribution")
    return number("capital", learner.capital) / number("start_price", scenario.start_price)


def share(field: str, value: object) -> float:
    """A float above 0, below 1."""
    found = float(value) if _is_float(value) else 0.0
    if not 0 < found < 1:
        raise problem(field, shown(value), "a share of the mark: above 0, below 1")
    return found


def upward(field: str, values: object) -> NDArray[np.float64]:
    """Shares of the mark, each larger than the one before."""
    allowed = f"1 to {MAX_REACHES} shares of the mark, upward: above 0, at most 100"
    if not isinstance(values, Sequence | np.ndarray) or isinstance(values, str | bytes):
        raise problem(field, shown(values), allowed)
    if not 1 <= len(values) <= MAX_REACHES or not all(map(_is_float, values)):
        raise problem(field, shown(values), allowed)
    found = np.array([float(value) for value in values])
    if found[0] <= 0 or found[-1] > 100 or (np.diff(found) <= 0).any():
        raise problem(field, shown(values), allowed)
    return found


def reward_of(given: object, capital: float) -> Reward:
    """As given, or the profit over the capital."""
    if given is None:
        return Profit(scale=capital)
    if not callable(given):
        raise problem("reward", shown(given), "a callable with (inventory before, inventory after, mark)")
    return given


def render_mode_of(given: object) -> str | None:
    """One of `RENDER_MODES`, or none."""
    if given is None:
        return None
    if not isinstance(given, str) or given not in RENDER_MODES:
        raise problem("render_mode", shown(given), 'None or "ansi"')
    return given


def _is_float(value: object) -> TypeGuard[float]:
    return not isinstance(value, bool) and isinstance(value, int | float | np.number) and math.isfinite(value)
