"""Agents to begin with: one that hunts liquidations, one that makes markets; and how an episode is played."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from perpcore._structs import problem, shown
from perpcore.gym.environment import Market
from perpcore.gym.trading import ACTION

_ACTIONS = {part.name: i for i, part in enumerate(ACTION)}


def action(**parts: float) -> NDArray[np.float32]:
    """An action from the components that are not 0, each cut to its bounds.

    >>> pc.gym.action(perp=-0.5, bid=3)
    array([ 0. , -0.5,  1. ,  0. ,  0. ,  0. ], dtype=float32)
    """
    made = np.zeros(len(ACTION), dtype=np.float32)
    for name, value in parts.items():
        part = ACTION[_ACTIONS[name]]
        made[_ACTIONS[name]] = min(max(value, part.low), part.high)
    return made


class _Example:
    """What the examples share: where things stand in the observation, and how worth becomes an action."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        market = env.unwrapped
        if not isinstance(market, Market):
            raise problem("env", shown(env), "a Market, or what wraps one and leaves its observations")
        self._at = {part.name: i for i, part in enumerate(market.components)}
        self._max_spread = market.max_spread

    def _see(self, observation: NDArray[np.float32], name: str) -> float:
        return float(observation[self._at[name]])

    def _orders(self, observation: NDArray[np.float32], worth: float) -> float:
        """So much worth (in capitals) in largest orders, at the mark."""
        return worth / self._see(observation, "order")


class Hunter(_Example):
    """Hunts liquidations: buys ahead of shorts that are about to break, sells to them when they must buy.

    It goes where more breaks within `reach` of the mark, once that is worth `need` capitals (Brunnermeier and
    Pedersen, "Predatory Trading", Journal of Finance 60, 2005). It enters at market, and leaves when the fuel
    is burnt: by a quote in the way of those who must buy, and at market where the book is near the mark.

    Parameters
    ----------
    env : Market
        Or what wraps one and leaves its observations. `reach` must be one of its `reaches`.
    reach : float
        Share of the mark.
    need : float
        Notional that breaks within it, in capitals.
    size : float
        Worth of the position it wants, in capitals.
    """

    def __init__(
        self, env: gymnasium.Env[Any, Any], *, reach: float = 0.1, need: float = 25, size: float = 2
    ) -> None:
        super().__init__(env)
        self._above, self._below = f"fuel_above_{reach:g}", f"fuel_below_{reach:g}"
        if self._above not in self._at:
            raise problem("reach", shown(reach), "one of the environment's reaches")
        self._need, self._size = need, size

    def __call__(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """The action."""
        above, below = (math.expm1(self._see(observation, name)) for name in (self._above, self._below))
        target = 0.0
        if max(above, below) >= self._need:
            target = self._size if above >= below else -self._size
        position = self._see(observation, "position")
        share = self._orders(observation, target - position)
        if abs(target) > abs(position) and target * position >= 0:
            return action(perp=share)
        # Leaves: by a quote, and at market if that costs no more than half a percent of the mark.
        side, quote = ("bid", "ask") if share < 0 else ("ask", "bid")
        near = abs(self._see(observation, f"perp_{side}_0_price")) < 0.005
        return action(perp=share if near else 0, **{quote: abs(share)})


class Quoter(_Example):
    """Makes markets in the perpetual around a price that falls with its inventory.

    Avellaneda and Stoikov, "High-frequency trading in a limit order book", Quantitative Finance 8 (2008),
    with a horizon that moves along: its quotes stand around ``mid - risk v x`` with ``x`` its position in
    capitals and ``v`` the variance of the mark over `horizon` actions (an exponential average of squared
    moves), at ``spread + risk v / 2`` on either side, all in shares of the mark. At `limit` it quotes one
    side only, and it does not stand in the way of a cascade: beyond `shy` capitals that break within the
    largest but one of the environment's reaches it only closes on that side.

    Parameters
    ----------
    env : Market
        Or what wraps one and leaves its observations.
    spread : float
        What the half spread is without risk.
    risk : float
        Aversion, of a position worth the capital.
    horizon : float
        Actions.
    size : float
        Quantity of a quote, in largest orders.
    limit : float
        Of the position, in capitals.
    shy : float
        Of what breaks ahead, in capitals.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        *,
        spread: float = 0.001,
        risk: float = 2,
        horizon: float = 60,
        size: float = 0.5,
        limit: float = 0.5,
        shy: float = 5,
    ) -> None:
        super().__init__(env)
        self._spread, self._risk, self._horizon = spread, risk, horizon
        self._size, self._limit, self._shy = size, limit, math.log1p(shy)
        ahead = [name for name in self._at if name.startswith("fuel_above_")]
        reach = ahead[max(0, len(ahead) - 2)].removeprefix("fuel_above_")
        self._fuel = (f"fuel_above_{reach}", f"fuel_below_{reach}")
        self._variance, self._left = 0.0, 1.0

    def __call__(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """The action."""
        left, move = self._see(observation, "time_left"), self._see(observation, "mark_move")
        if left > self._left:  # another episode
            self._variance = 0.0
        self._left = left
        self._variance += (move * move - self._variance) / self._horizon
        above, below = (self._see(observation, name) < self._shy for name in self._fuel)
        held, risk = self._see(observation, "position"), self._risk * self._variance * self._horizon
        return action(
            bid=self._size if held < (self._limit if below else 0) else 0,
            ask=self._size if held > (-self._limit if above else 0) else 0,
            half_spread=(self._spread + risk / 2) / self._max_spread,
            skew=-risk * held / self._max_spread,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Episode:
    """What an episode came to: profit in quote currency, sum of the rewards, actions, and how it ended."""

    path: int
    profit: float
    reward: float
    actions: int
    liquidated: bool


def play(
    env: gymnasium.Env[Any, Any],
    policy: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    *,
    seed: int | None = None,
    path: int | None = None,
) -> Episode:
    """Play an episode of `Market` (or of what wraps it) with a policy: from an observation to an action."""
    observation, info = env.reset(seed=seed, options=None if path is None else {"path": path})
    rewards, over, terminated = [], False, False
    while not over:
        observation, reward, terminated, truncated, info = env.step(policy(observation))
        rewards.append(float(reward))
        over = terminated or truncated
    return Episode(info["path"], info["profit"], math.fsum(rewards), len(rewards), terminated)
