"""A market to train agents in: an environment of Gymnasium over a run through time (docs/GYM.md).

Needs the extra: ``pip install perpcore[gym]``. Importing it registers ``perpcore/Market-v0``.
"""

from __future__ import annotations

try:
    import gymnasium
except ModuleNotFoundError as missing:
    allowed = "perpcore.gym: only with gymnasium: pip install perpcore[gym]"
    raise ModuleNotFoundError(allowed, name=missing.name) from None

from perpcore.gym.environment import EpisodeOverError, Market
from perpcore.gym.examples import Episode, Hunter, Quoter, action, play
from perpcore.gym.observations import Component
from perpcore.gym.rewards import Profit, Reward

__all__ = [
    "Component",
    "Episode",
    "EpisodeOverError",
    "Hunter",
    "Market",
    "Profit",
    "Quoter",
    "Reward",
    "action",
    "play",
]

gymnasium.register("perpcore/Market-v0", entry_point="perpcore.gym.environment:Market")
