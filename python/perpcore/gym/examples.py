"""Agents to begin with: one that hunts liquidations, one that makes markets; and how an episode is played."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

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
