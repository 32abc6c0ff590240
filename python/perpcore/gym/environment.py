"""The environment: one external agent in a run through time."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from perpcore._core import RunError
from perpcore._structs import problem, shown
from perpcore._words import word
from perpcore.gym import settings
from perpcore.gym.observations import Component, Observer, Seen, components
from perpcore.gym.trading import ACTION, HIGH, LOW, Filled, Trader, checked

if TYPE_CHECKING:
    from perpcore._structs import Number
    from perpcore.gym.rewards import Reward
    from perpcore.scenario import Scenario
    from perpcore.simulation import Inventory, Simulation


class EpisodeOverError(gymnasium.error.ResetNeeded, RunError):
    """`Market.step` was called after the end of an episode, or before the first reset."""


class Market(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """A market to train in: everybody of a scenario acts, and one account is the learner's.

    docs/GYM.md has observation, action and reward. An action's orders reach the books at the start of its
    first step, before anybody else acts; its quotes rest until the observation, and are cancelled then.

    Parameters
    ----------
    scenario : Scenario or str
        One with a `time`; or the name of such a preset.
    agent : str
        Name of the learner. An external agent of the scenario that has it is the learner; else one is added
        behind the others.
    capital, leverage, tokens : number, optional
        Of the learner, as `perpcore.agents.External` has them; 100,000, 5 and 0 if not given. Not where the
        scenario has the learner.
    seed : int
        Of the world, as `Scenario.run` has it. A reset draws the path, not this.
    paths : range or sequence of int
        Which paths a reset draws from: those to train on, and others to judge by.
    start_s, horizon_s : number, optional
        Seconds of the scenario's time at which an episode begins (nobody else waits) and ends; all of it if
        not given.
    steps_per_action : int
        Steps of the scenario that an action lasts.
    max_order : number, optional
        Tokens of the largest order; a tenth of what capital and leverage buy at the start price if not given.
    max_tokens : number, optional
        Beyond which it buys no more in spot, where the engine finances every purchase; its tokens and what
        its capital buys at the start price if not given.
    max_spread : float
        Share of the mark that the actions ``half_spread`` and ``skew`` are shares of.
    levels : int
        Levels of each side of each book that are seen.
    reaches : sequence of float
        Shares of the mark within which liquidations ahead are summed up, upward.
    reward : callable, optional
        With (inventory before, inventory after, mark); `Profit` over the capital if not given.
    render_mode : {None, "ansi"}
        ``ansi``: `render` gives a line of text.

    Raises
    ------
    ScenarioError
        With the field, its value and what is allowed.

    Examples
    --------
    >>> env = pc.gym.Market("rocketcoin-live", start_s=7000, steps_per_action=10)
    >>> observation, info = env.reset(seed=1)
    >>> buy = np.array([0, 1, 0, 0, 0, 0], dtype=np.float32)
    >>> observation, reward, terminated, truncated, info = env.step(buy)
    >>> info["perp_filled"], env.named(observation)["position"] > 0
    (5000.0, True)
    """

    metadata: dict[str, Any] = {"render_modes": [*settings.RENDER_MODES], "render_fps": 1}  # noqa: RUF012

    def __init__(
        self,
        scenario: Scenario | str = "rocketcoin-live",
        *,
        agent: str = "trader",
        capital: Number | None = None,
        leverage: Number | None = None,
        tokens: Number | None = None,
        seed: int = 1,
        paths: Sequence[int] = range(2**32),
        start_s: Number = 0,
        horizon_s: Number | None = None,
        steps_per_action: int = 1,
        max_order: Number | None = None,
        max_tokens: Number | None = None,
        max_spread: float = 0.02,
        levels: int = 5,
        reaches: Sequence[float] = settings.REACHES,
        reward: Reward | None = None,
        render_mode: str | None = None,
    ) -> None:
        terms = {"capital": capital, "leverage": leverage, "tokens": tokens}
        #: With the learner in it: `scenario.run(seed=..., path=...)` is the episode in which it does nothing.
        self.scenario, learner = settings.with_learner(scenario, agent, terms)
        self._agent = agent
        #: In quote currency: what observation and reward are measured in.
        self.capital = settings.capital_of(learner)
        self._account = 8 + 2 * self.scenario.agents.index(learner)  # docs/AGENTS.md, section 1
        self._step_s = settings.step_of(self.scenario)
        self._first, self._last = settings.span(self.scenario, start_s, horizon_s)
        self._seed, self._paths = word("seed", seed), settings.checked_paths(paths)
        self._steps = settings.whole("steps_per_action", steps_per_action, self._last - self._first)
        self._largest = settings.largest_order(self.scenario, learner, max_order)
        #: Tokens of the largest order, what actions are shares of.
        self.max_order = float(self._largest)
        self._max_tokens = settings.most_tokens(self.scenario, learner, max_tokens)
        #: Share of the mark that `half_spread` and `skew` are shares of.
        self.max_spread = settings.share("max_spread", max_spread)
        self._levels = settings.whole("levels", levels, settings.MAX_LEVELS)
        self._reaches = settings.upward("reaches", reaches)
        self._reward = settings.reward_of(reward, self.capital)
        self.render_mode = settings.render_mode_of(render_mode)
        #: What each number of an observation and of an action is.
        self.components: tuple[Component, ...] = components(self._levels, self._reaches.tolist())
        self.actions: tuple[Component, ...] = ACTION
        bounds = np.array([(part.low, part.high) for part in self.components], dtype=np.float32)
        self.observation_space = spaces.Box(bounds[:, 0].copy(), bounds[:, 1].copy(), dtype=np.float32)
        self.action_space = spaces.Box(LOW.copy(), HIGH.copy(), dtype=np.float32)
        self._names = tuple(part.name for part in self.components)
        self._now: _Now | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode.

        Parameters
        ----------
        seed : int, optional
            Of the draws of paths: the same seed, the same path, and the same in later resets without a seed.
        options : dict, optional
            ``{"path": number}``: this path, nothing is drawn.

        Returns
        -------
        observation, info

        Raises
        ------
        ScenarioError
            An option that there is not, or not allowed.
        """
        path = settings.path_of(options)
        super().reset(seed=seed)
        if path is None:
            path = int(self._paths[int(self.np_random.integers(len(self._paths)))])
        sim = self.scenario.simulation(seed=self._seed, path=path)
        observer = Observer(
            sim,
            capital=self.capital,
            max_order=self.max_order,
            levels=self._levels,
            reaches=self._reaches,
        )
        trader = Trader(
            sim,
            self._agent,
            max_order=self._largest,
            max_tokens=self._max_tokens,
            max_spread=self.max_spread,
        )
        if self._first:
            sim.step(self._first)
        held = sim.inventory(self._agent)
        self._now = _Now(sim, observer, trader, held, held.profit)
        return self._answer(self._now, Filled())

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Send the action's orders, and let its steps pass.

        Returns
        -------
        observation, reward, terminated, truncated, info
            Terminated: the account at the venue was liquidated or lost all it had. Truncated: time is up.

        Raises
        ------
        OrderError
            The action has another shape, or a number beyond its bounds. Nothing was sent; it goes on.
        EpisodeOverError
            It is over, or has not begun.
        RunError
            A figure of an account left its 64 bits; the episode is over.
        """
        now = self._now
        if now is None or now.over:
            raise EpisodeOverError("step: the episode is over, or none has begun: call reset() first")
        numbers = checked(action)
        ended = self._ended(now)
        try:
            filled = now.trader.act(numbers)
            now.sim.step(min(self._steps, self._last - ended))
        except RunError:
            now.over = True
            raise
        self._settle(now)
        before, now.held = now.held, now.sim.inventory(self._agent)
        reward = float(self._reward(before, now.held, now.sim.mark))
        terminated = now.held.qty == 0 and now.held.balance <= 0
        truncated = not terminated and (now.sim.over or self._ended(now) >= self._last)
        now.over = terminated or truncated
        observation, info = self._answer(now, filled)
        return observation, reward, terminated, truncated, info

    def named(self, observation: NDArray[np.float32]) -> dict[str, float]:
        """An observation by the names of its components."""
        return dict(zip(self._names, observation.tolist(), strict=True))

    def where(self, name: str) -> int:
        """The place of a component in an observation.

        Raises
        ------
        ScenarioError
            There is none of this name.
        """
        if name not in self._names:
            raise problem("name", shown(name), f"one of {', '.join(self._names)}")
        return self._names.index(name)

    @property
    def simulation(self) -> Simulation:
        """The run of this episode, to be looked at: ``simulation.result().series`` and the like."""
        return self._begun().sim

    def render(self) -> str | None:
        """A line of text where `render_mode` is ``ansi``."""
        now = self._begun()
        if self.render_mode is None:
            return None
        sim, held = now.sim, now.held
        books = "  ".join(
            f"{name} {_price(book.best_bid)} / {_price(book.best_ask)}"
            for name, book in (("spot", sim.spot), ("perp", sim.perp))
        )
        return (
            f"{sim.time:8,.0f} s  mark {sim.mark:g}  {books}  position {held.qty:,g}  tokens {held.tokens:,g}"
            f"  equity {held.equity:,.2f}  profit {held.profit - now.at_reset:,.2f}"
        )

    def close(self) -> None:
        """Let the episode go."""
        self._now = None

    def _begun(self) -> _Now:
        if self._now is None:
            raise EpisodeOverError("no episode has begun: call reset() first")
        return self._now

    def _ended(self, now: _Now) -> int:
        """Steps that have."""
        return round(now.sim.time / self._step_s)

    def _settle(self, now: _Now) -> None:
        """Quotes are cancelled; at the end of the run they were, and the venue settles."""
        if not now.sim.over:
            now.trader.withdraw()
        elif now.trader.quotes or self.scenario.settlement_price is not None:
            fills = now.sim.finish().fills
            mine = fills["maker"] == self._account
            to_bids, qty = fills["taker_side"] == "sell", fills["qty"]
            now.trader.count_at_the_end(float(qty[mine & to_bids].sum()), float(qty[mine & ~to_bids].sum()))

    def _answer(self, now: _Now, filled: Filled) -> tuple[NDArray[np.float32], dict[str, Any]]:
        sim, held, ended = now.sim, now.held, self._ended(now)
        profit = held.profit - now.at_reset
        left = (self._last - ended) / (self._last - self._first)
        began = (ended - 1) * self._step_s
        observation = now.observer.look(Seen(held, profit, left, began, filled.bid, filled.ask))
        info = {
            "path": sim.path,
            "time": sim.time,
            "mark": sim.mark,
            "index": sim.index,
            "qty": held.qty,
            "tokens": held.tokens,
            "balance": held.balance,
            "equity": held.equity,
            "profit": profit,
            "spot_filled": filled.spot,
            "perp_filled": filled.perp,
            "bid_filled": filled.bid,
            "ask_filled": filled.ask,
            "refused": "\n".join(filled.refused),
        }
        return observation, info


@dataclasses.dataclass(slots=True)
class _Now:
    """An episode as it stands."""

    sim: Simulation
    observer: Observer
    trader: Trader
    held: Inventory
    at_reset: float  # profit
    over: bool = False


def _price(price: float | None) -> str:
    return "-" if price is None else f"{price:g}"
