"""A run through time, step by step: look at it, trade in it, let agents written in Python take part."""

from __future__ import annotations

import dataclasses
import inspect
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from perpcore import _core
from perpcore._core import OrderError, RunError, ScenarioError
from perpcore._structs import problem, problems, shown
from perpcore.agents import External
from perpcore.results import Run, Table

if TYPE_CHECKING:
    from decimal import Decimal

    import numpy as np
    from numpy.typing import NDArray

    from perpcore.scenario import Scenario

    Number = str | int | float | Decimal

#: What an agent in Python may have besides its name, for its account.
_TERMS = ("capital", "leverage", "tokens")


class Program(Protocol):
    """An agent written in Python.

    It may also have `capital`, `leverage` and `tokens`, as `perpcore.agents.External` has them.
    """

    name: str

    def on_step(self, sim: Simulation, /) -> object:
        """Act: called once a step, where its agent stands among the scenario's."""


@dataclasses.dataclass(frozen=True, slots=True)
class Traded:
    """A fill of an order: price in quote currency, quantity in tokens, and whose order rested."""

    price: float
    qty: float
    maker: int


@dataclasses.dataclass(frozen=True, slots=True)
class Submitted:
    """What an order came to.

    Attributes
    ----------
    id : int or None
        For `Simulation.cancel`, if it rests.
    filled : float
        Filled at once.
    remaining : float
        Resting if `id` is set, else cancelled.
    fills : tuple of Traded
        Best price first.
    """

    id: int | None
    filled: float
    remaining: float
    fills: tuple[Traded, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Inventory:
    """What an agent has.

    Attributes
    ----------
    qty : float
        Its position.
    tokens : float
        On its desk, those that it offers included.
    balance, equity : float
        Of its account at the venue, in quote currency; equity at the mark.
    profit : float
        Of both accounts, less what it brought (docs/AGENTS.md, section 5).
    """

    qty: float
    tokens: float
    balance: float
    equity: float
    profit: float


class Book:
    """A look at one of the two order books; always as it is now."""

    def __init__(self, core: _core.Simulation, market: Literal["spot", "perp"]) -> None:
        self._core, self._market = core, market

    @property
    def best_bid(self) -> float | None:
        """Best price somebody buys at; None if nobody does."""
        return self._core.top(self._market)[0]

    @property
    def best_ask(self) -> float | None:
        """Best price somebody sells at; None if nobody does."""
        return self._core.top(self._market)[1]

    @property
    def last(self) -> float:
        """Last trade; the start price before any."""
        return self._core.top(self._market)[2]

    def depth(
        self, side: Literal["bid", "ask"], *, levels: int = 10
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Prices and quantities of the best levels of a side, from the best price away."""
        return self._core.depth(self._market, side, levels)

    def __repr__(self) -> str:
        return f"Book({self._market}: bid {self.best_bid}, ask {self.best_ask}, last {self.last:g})"


class Simulation:
    """A run through time that goes on when it is told to: `Scenario.simulation` makes one.

    Without anybody's orders it gives the bits of `Scenario.run`. Looking changes nothing, but for
    `thresholds` where there are no agents.
    """

    def __init__(self, scenario: Scenario, *, seed: int, path: int, agents: Sequence[Program] = ()) -> None:
        if scenario.time is None:
            raise problem("time", "none", "a time: only a run through time goes step by step")
        scenario, self._programs = _seated(scenario, agents)
        #: The scenario, its agents from Python included, and the seed and path of its world.
        self.scenario, self.seed, self.path = scenario, seed, path
        self._step_s = scenario.time.step_s if scenario.time else 0
        self._users = {a.name: i for i, a in enumerate(scenario.agents) if isinstance(a, External)}
        spot, perp = scenario.spot, scenario.perp
        self._core = _core.Simulation(
            scenario._json(),
            seed=seed,
            path=path,
            grids=((spot.tick_size, spot.lot_size), (perp.tick_size, perp.lot_size)),
            elsewhere=list(self._programs),
        )
        #: The two books.
        self.spot, self.perp = Book(self._core, "spot"), Book(self._core, "perp")
        self._turn: int | None = None
        self._finished: Run | None = None

    def step(self, n: int = 1) -> None:
        """Go on for `n` steps; a step that is under way is the first of them.

        Raises
        ------
        ScenarioError
            More steps than are left.
        RunError
            It is over, or a figure of an account left its 64 bits.
        BaseException
            What an agent raised, with a note that names agent and step. The step stays under way: the next
            call goes on with the agents behind it.
        """
        n = _count("n", n)
        self._between("step")
        ended, count, _ = self._core.steps
        if n > count - ended and not self.over:
            raise problem("n", n, f"at most {count - ended}, the steps that are left")
        if self.over:
            self._core.advance(n)  # says why not
        self._go(n)

    def run(self) -> Run:
        """Go on to the end, and return the finished run."""
        self._between("run")
        ended, count, _ = self._core.steps
        self._go(count - ended)
        return self.finish()

    def finish(self) -> Run:
        """End it here: the step that is under way, if one is, and what a venue does after a run.

        Returns
        -------
        Run
            Its `stop_reason` is ``unfinished`` before the end.
        """
        self._between("finish")
        if self._finished is None:
            if self._core.steps[2]:
                self._go(1)
            self._core.finish()
            self._finished = self._run_so_far()
        return self._finished

    def result(self) -> Run:
        """The run so far; the finished one once it is over."""
        return self.finish() if self.over and self._turn is None else self._run_so_far()

    def submit(
        self,
        market: Literal["spot", "perp"],
        side: Literal["buy", "sell"],
        qty: Number,
        price: Number | None = None,
        tif: Literal["gtc", "ioc", "fok", "post_only"] = "gtc",
        *,
        agent: str | None = None,
    ) -> Submitted:
        """Send an order for an external agent.

        Between two steps the next one begins with it, before anybody else acts: also if the order is refused
        for want of margin or tokens.

        Parameters
        ----------
        market : {"spot", "perp"}
        side : {"buy", "sell"}
        qty : number
            Tokens, a multiple of the lot size. A spot sale of no more than the tokens that the agent has and
            does not offer yet; in the perpetual no more than its margin allows (docs/AGENTS.md, section 2),
            resting or not.
        price : number, optional
            Limit, a multiple of the tick size; a market order, which never rests, if not given.
        tif : {"gtc", "ioc", "fok", "post_only"}
        agent : str, optional
            Name of the external agent; the one whose turn it is, or the only one, if not given.

        Returns
        -------
        Submitted

        Raises
        ------
        OrderError
            With the field, its value and what is allowed. No order was sent.
        RunError
            The run is over.
        """
        number = self._agent(agent)
        found = self._core.submit(number, _named(market), _named(side), qty, price, _named(tif))
        order, filled, remaining, fills = found
        return Submitted(order, filled, remaining, tuple(Traded(*fill) for fill in fills))

    def cancel(self, order: int) -> float:
        """Cancel a resting order by its id; returns the quantity that was left of it.

        Raises
        ------
        OrderError
            No order has this id or it rests no more; in an agent's turn also if it is another's.
        """
        return self._core.cancel(self._turn, order)

    @property
    def time(self) -> float:
        """Seconds from the start to the step that is under way, or comes next."""
        return float(self._step_s * self._core.steps[0])

    @property
    def over(self) -> bool:
        """Whether no step is left."""
        return self._core.stop_reason is not None

    @property
    def mark(self) -> float:
        """Mark price."""
        return self._core.mark

    @property
    def index(self) -> float:
        """Index price of the last round."""
        return self._core.index

    @property
    def basis(self) -> float:
        """Last trade of the perpetual less the last of spot."""
        return self._core.basis

    @property
    def funding_rate(self) -> float:
        """The rate that was paid last, of an interval; 0 before."""
        return self._core.funding_rate

    @property
    def open_interest(self) -> float:
        """All long positions, of the accounts that came into being."""
        return self._core.open_interest

    @property
    def accounts(self) -> Table:
        """Every account that came into being.

        ``account, agent`` (name of the agent it belongs to, if any), ``qty, cost, margin, balance, tokens,
        equity`` (at the mark) and ``liquidation_price`` (NaN where there is none).
        """
        return Table(self._core.accounts())

    @property
    def agents(self) -> Table:
        """A row for each of those who act, the market maker first, as in `Run.agents`.

        ``agent, qty, tokens, balance, profit``.
        """
        return Table(self._core.agents())

    def inventory(self, agent: str | None = None) -> Inventory:
        """What an external agent has; which one as in `submit`."""
        return Inventory(*self._core.inventory(self._agent(agent)))

    def thresholds(self, reach: Number = 0.1) -> Table:
        """The liquidations that lie ahead, as the built-in hunter sees them.

        Where agents act everybody is there from the start, and looking changes nothing. Without any it brings
        into being the accounts within reach that are not drawn yet: they get their numbers now, so that among
        accounts with one threshold another may come first than without the look.

        Parameters
        ----------
        reach : number
            Share of the mark, above 0, at most 100.

        Returns
        -------
        Table
            ``account, price, side, qty, notional`` (at that price): longs below the mark, then shorts above,
            from the mark away.
        """
        return Table(self._core.thresholds(reach))

    def __repr__(self) -> str:
        ended, count, open_ = self._core.steps
        where = f"in step {ended + 1}" if open_ else f"after step {ended}"
        return f"Simulation({self.scenario.name!r}: {where} of {count}, mark {self.mark:g})"

    def _go(self, steps: int) -> None:
        while steps and not self.over:
            ended, turn = self._core.advance(steps)
            steps -= ended
            if turn is not None:
                self._act(turn)

    def _act(self, number: int) -> None:
        self._turn = number
        try:
            self._core.turn_begins()
            self._programs[number].on_step(self)
        except BaseException as error:
            name = self.scenario.agents[number].name
            error.add_note(f"in on_step of agent {name!r}, step {self._core.steps[0] + 1}, {self.time:g} s")
            raise
        finally:
            self._turn = None

    def _run_so_far(self) -> Run:
        return Run(self.scenario, self._core.result(), seed=self.seed, path=self.path, stepped=True)

    def _between(self, what: str) -> None:
        """Within an agent's turn it can't go on."""
        if self._turn is not None:
            name = self.scenario.agents[self._turn].name
            raise RunError(f"{what}: not within on_step: it is the turn of agent {name!r}")

    def _agent(self, name: str | None) -> int:
        """The number of an external agent that may act now."""
        names = list(self._users)
        if self._turn is not None:
            names = [self.scenario.agents[self._turn].name]
        if name is None and len(names) == 1:
            return self._users[names[0]]
        if name in names:
            return self._users[name]
        allowed = " or ".join(map(repr, names)) or "none: the scenario has no external agent"
        raise OrderError(f"agent: {name!r} is not allowed: {allowed}")


def _count(field: str, value: object) -> int:
    allowed = "a whole number from 1"
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise problem(field, shown(value), allowed)
    count = operator.index(value)
    if count < 1:
        raise problem(field, count, allowed)
    return count


def _named(value: Any) -> Any:
    """A word; what is none is refused like one that nobody knows."""
    return value if isinstance(value, str) else repr(value)


def _external(i: int, name: str, terms: Mapping[str, Any]) -> External:
    """The agent for a program; what is wrong with its terms is said of the program."""
    try:
        return External(name=name, **terms)
    except ScenarioError as error:
        at = [(f"agents[{i}].{field}", value, allowed) for field, value, allowed in error.problems]
        raise problems(at) from None


def _seated(scenario: Scenario, programs: Iterable[Program]) -> tuple[Scenario, dict[int, Program]]:
    """The scenario with an external agent for each program, and who acts for which."""
    agents, seats = list(scenario.agents), {}
    if not isinstance(programs, Iterable):
        raise problem("agents", shown(programs), "a sequence of agents")
    for i, program in enumerate(programs):
        if isinstance(program, type):
            raise problem(f"agents[{i}]", shown(program), "an instance, not the class")
        name = getattr(program, "name", None)
        if not isinstance(name, str) or not name:
            raise problem(f"agents[{i}].name", shown(name), "a name: text that is not empty")
        on_step = getattr(program, "on_step", None)
        if not callable(on_step) or inspect.iscoroutinefunction(on_step):
            raise problem(f"agents[{i}].on_step", shown(program), "a method on_step(sim), not an async one")
        number = next((k for k, agent in enumerate(agents) if agent.name == name), len(agents))
        if number in seats or (number < len(agents) and not isinstance(agents[number], External)):
            raise problem(f"agents[{i}].name", shown(name), "no other agent's name, but an external one's")
        terms = {term: getattr(program, term, None) for term in _TERMS}
        terms = {term: value for term, value in terms.items() if value is not None}
        if number == len(agents):
            agents.append(_external(i, name, terms))
        for term, value in terms.items():
            if getattr(agents[number], term) != getattr(_external(i, name, {term: value}), term):
                allowed = f"{getattr(agents[number], term)}, as the scenario has it for {name!r}; or none"
                raise problem(f"agents[{i}].{term}", shown(value), allowed)
        seats[number] = program
    if len(agents) > len(scenario.agents):
        scenario = scenario.replace(agents=tuple(agents))
    return scenario, seats
