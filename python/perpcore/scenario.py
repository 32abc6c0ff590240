"""A scenario: the world before the push, and the push."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args

import msgspec
import numpy as np

from perpcore import _core, _toml
from perpcore._structs import Number, Opaque, Struct, mapped, plain, problem, read, shown
from perpcore._words import seed_from, word
from perpcore.agents import AnyAgent, Unlock, Whale
from perpcore.distributions import Copula, Scalar, text
from perpcore.markets import Market, MarketMaker
from perpcore.positions import Accounts, Ladder, Population
from perpcore.venues import Venue

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from perpcore.ensemble import Ensemble
    from perpcore.results import Keep, Run, Table
    from perpcore.simulation import Program, Simulation
    from perpcore.sweeps.grid import Grid
    from perpcore.sweeps.result import Sweep


class Ignition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The push: one market order.

    Parameters
    ----------
    qty : number or distribution
        Tokens.
    side : {"buy", "sell"}
    market : {"spot", "perp"}
        Where it is sent.
    at_s : number
        When, in a run through time: seconds after its start.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"at_s"})

    qty: Scalar
    side: Literal["buy", "sell"] = "buy"
    market: Literal["spot", "perp"] = "spot"
    at_s: Number = Decimal(0)


class Time(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A run through time: steps of equal length, in each of which rounds follow until nothing more is due.

    Averages of prices, delays, cool-downs and funding go by the clock; within a step time stands still.

    Parameters
    ----------
    step_s : number
        Seconds, 0.001 to 86,400.
    horizon_s : number
        Length of the run in seconds, at most 10,000,000 steps; what is left over of a step is left out.
    until : {"horizon", "quiet"}
        ``quiet``: it also ends after a step, the push behind it, in which nothing happened and after which
        time alone moves nothing.
    sample_s : number, optional
        Seconds between the rows of a run's series; so many that there are at most 500 if not given.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"sample_s"})

    step_s: Number
    horizon_s: Number
    until: Literal["horizon", "quiet"] = "horizon"
    sample_s: Number | None = None


class Scenario(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A low-float coin, its perpetual, who holds what, and the push that may start a cascade.

    Frozen, hashable and checked: what is built can be run. `docs/MODEL.md` says to the last unit what a run
    does. Any number but grids and explicit levels may be a distribution (`perpcore.distributions`), drawn
    once per path.

    Parameters
    ----------
    start_price : number or distribution
        Last price of both books, index and mark before the push, in quote currency.
    total_supply, circulating : number or distribution
        Tokens; `circulating` is the float.
    spot, perp : Market
    venue : Venue
    market_maker : MarketMaker
    positions : sequence of Ladder, Population or Accounts
        Open interest by name; one account of the rest of the market holds the other side, so that positions
        sum to zero whatever is named.
    ignition : Ignition, optional
        The push from outside. Without it, in a run through time, nothing pushes but who acts.
    copula : Copula, optional
        Which distributions depend on each other.
    round_seconds : number
        How long a round takes, for rules that count time; 0: time stands still, as in an instant cascade.
    time : Time, optional
        A run through time in place of an instant cascade.
    agents : sequence of perpcore.agents
        Those who act while time passes, in this order.
    unlocks : sequence of Unlock
        Tokens that come into circulation while it passes.
    settlement_price : number, optional
        After the run the venue closes every position at this price, as when a contract is delisted.
    name, description : str

    Raises
    ------
    ScenarioError
        With every field that is not allowed, its value and what is allowed.
    """

    LATER: ClassVar[frozenset[str]] = frozenset(
        {"round_seconds", "settlement_price", "time", "agents", "unlocks"}
    )

    start_price: Scalar
    total_supply: Scalar
    circulating: Scalar
    spot: Market
    perp: Market
    venue: Venue
    market_maker: MarketMaker
    positions: tuple[Ladder | Population | Accounts, ...]
    ignition: Ignition | None = None
    copula: Copula | None = None
    round_seconds: Number = Decimal(0)
    time: Time | None = None
    agents: tuple[AnyAgent, ...] = ()
    unlocks: tuple[Unlock, ...] = ()
    settlement_price: Number | None = None
    name: str = ""
    description: str = ""
    schema_version: int = 1

    def __post_init__(self) -> None:
        """Numbers become exact, the form is checked; the core checks what it all means."""
        super().__post_init__()
        self._check_form()
        _core.check(self._json())

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """From plain data, as `to_dict` gives it."""
        return read(data, cls)

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """From TOML text; numbers are read exactly.

        Raises
        ------
        ScenarioError
            Not TOML, unknown or missing fields, or values that are not allowed.
        """
        return cls.from_dict(_toml.loads(text))

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """From a TOML file."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise problem("file", path, f"a readable TOML file ({error})") from None
        return cls.from_toml(text)

    def to_toml(self) -> str:
        """As TOML that `from_toml` reads back to an equal scenario."""
        return _toml.dumps(self._data())

    def digest(self) -> str:
        """SHA-256 of the scenario's content, in hexadecimal."""
        return hashlib.sha256(self._json().encode()).hexdigest()

    def run(
        self,
        *,
        seed: int | np.random.SeedSequence | None = None,
        path: int = 0,
        lazy: bool = True,
        keep: Keep = "everything",
    ) -> Run:
        """Run one path, with its trace.

        Parameters
        ----------
        seed : int or numpy.random.SeedSequence, optional
            Names the random world, 0 to 2**64 - 1; a fresh one if not given (`Run.seed` tells which).
        path : int
            Which path of it.
        lazy : bool
            False draws the whole world first: the same bits, slower; for checks.
        keep : {"everything", "liquidations", "samples"}
            Of a long run through time the samples alone (`Run.series`, `Run.agents`, `Run.heat_map`), not
            every round, fill and movement of money; or with them its liquidations and deleveragings
            (`Run.liquidations`, `Run.adl`, and `Run.stages` of their rounds).

        Returns
        -------
        Run

        Raises
        ------
        RunError
            A figure of an account left its 64 bits.
        """
        from perpcore.results import Keep, Run

        seed, path = seed_from(seed), word("path", path)
        if keep not in get_args(Keep):
            raise problem("keep", shown(keep), "'everything', 'liquidations' or 'samples'")
        core = _core.run(self._json(), seed=seed, path=path, lazy=lazy, keep=keep)
        return Run(self, core, seed=seed, path=path, keep=keep)

    def monte_carlo(
        self,
        *,
        paths: int,
        seed: int | np.random.SeedSequence | None = None,
        n_threads: int | None = None,
        keep: Literal["columns", "statistics"] = "columns",
        progress: bool | Callable[[int, int], object] = True,
        lazy: bool = True,
        first_path: int = 0,
        directory: str | PathLike[str] | None = None,
        shard_paths: int | None = None,
        shard: tuple[int, int] | None = None,
        executor: Executor | None = None,
    ) -> Ensemble:
        """Run many paths over threads.

        The same bits for any number of threads: path `i` is the path that ``run(seed=..., path=i)`` traces.

        Parameters
        ----------
        paths : int
            How many, from 1.
        seed : int or numpy.random.SeedSequence, optional
            Names the random world, 0 to 2**64 - 1; a fresh one if not given (`Ensemble.seed` tells which).
        n_threads : int, optional
            From 1 to 1,024; as many as this process may use if not given (limits of a container count).
        keep : {"columns", "statistics"}
            Every path's figures, some 500 bytes a path; or statistics only, in memory that does not grow.
        progress : bool or callable
            A bar, where a terminal or a notebook shows one; or a callable, called with the paths finished and
            the paths asked for, some twenty times a second and at the end.
        lazy : bool
            Draw the world as prices reach it; no result depends on it.
        first_path : int
            The number of the first path.
        directory : path, optional
            Where the paths go, shard by shard (extra ``runs``): memory does not grow, and the same call goes
            on after whatever ended it, to the same bytes. See docs/RUNS.md.
        shard_paths : int, optional
            Paths of a shard; some five seconds on one core if not given.
        shard : (int, int), optional
            Slice `i` of `n`, from 1: only that part of the shards, while others run others in the same place.
        executor : concurrent.futures.Executor, optional
            Whose workers run shards into `directory`, which they see by the same path: a pool of processes,
            ``dask_client.get_executor(pure=False)``, `perpcore.runs.RayExecutor`. One thread a worker unless
            `n_threads` says more; it stays the caller's.

        Returns
        -------
        Ensemble
            With `directory` a `Results`, whose rows stay in its files.

        Raises
        ------
        ScenarioError
            Paths, threads or `keep` that can't be, or columns that don't fit the memory: before any work. A
            directory that holds something else, is in use, or can't be written to.
        RunError
            A path could not go on; the message has its seed and number.
        PerpcoreError
            The disk is full, or a file could not be written; what was finished stays.
        Interrupted
            Ctrl-C; a KeyboardInterrupt whose `ensemble` holds the paths finished until then.
        """
        options: dict[str, Any] = {
            "paths": word("paths", paths),
            "first_path": word("first_path", first_path),
            "n_threads": None if n_threads is None else word("n_threads", n_threads),
            "keep": keep,
            "lazy": lazy,
            "progress": progress,
        }
        if directory is None:
            from perpcore.ensemble import simulate

            for name, given in (("shard_paths", shard_paths), ("shard", shard), ("executor", executor)):
                if given is not None:
                    raise problem(name, shown(given), "only with a directory to put the shards into")
            return simulate(self, self._json(), seed=seed_from(seed), **options)
        from perpcore.runs.checkpoints import simulate_into

        return simulate_into(
            directory,
            self,
            self._json(),
            seed=None if seed is None else seed_from(seed),
            shard_paths=None if shard_paths is None else word("shard_paths", shard_paths),
            shard=shard,
            executor=executor,
            **options,
        )

    def sweep(
        self,
        grid: Grid,
        *,
        paths: int,
        seed: int | np.random.SeedSequence | None = None,
        n_threads: int | None = None,
        columns: Sequence[str] | None = None,
        quantiles: Sequence[float] = (0.05, 0.5, 0.95),
        confidence: float = 0.95,
        progress: bool | Callable[[int, int], object] = True,
        directory: str | PathLike[str] | None = None,
        executor: Executor | None = None,
    ) -> Sweep:
        """Run many scenarios that differ from this one in a few fields, over the same random numbers.

        All cells are built and checked before any path is run. The same bits for any number of threads.

        Parameters
        ----------
        grid : mapping, or sequence of mappings
            Values by dotted path: the cells are all combinations, the last field's values next to each other.
            A tuple of paths moves together; its values are tuples. Or a list of points, as `replace` takes
            them, each with the same fields.
        paths : int
            Of each cell: the same numbers in every one.
        seed, n_threads, progress
            As `monte_carlo` takes them; `progress` is told of the paths of all cells.
        columns : sequence of str, optional
            Columns of `Ensemble`, or shares of paths as in ``"peak_multiple > 2"``, whose mean is the
            probability, with Wilson's interval; all columns of numbers if not given.
        quantiles : sequence of float
            Of every column, each from 0 to 1.
        confidence : float
            Of all intervals, more than 0 and less than 1.
        directory : path, optional
            Where finished cells go, a file each: the same call goes on after whatever ended it, to the same
            bytes.
        executor : concurrent.futures.Executor, optional
            Who runs the cells, with `n_threads` threads each (1 if not given), in place of this process.

        Returns
        -------
        Sweep

        Raises
        ------
        ScenarioError
            A field that is not there, an axis without values or with one twice, a cell that is not allowed
            (with its values), a directory that holds something else: before any path.
        RunError
            A path could not go on; the message has the cell, the seed and the path.
        SweepInterrupted
            Ctrl-C; a KeyboardInterrupt whose `sweep` holds the cells finished until then.
        """
        from perpcore.sweeps.running import sweep

        return sweep(
            self,
            grid,
            paths=word("paths", paths),
            seed=None if seed is None else seed_from(seed),
            n_threads=None if n_threads is None else word("n_threads", n_threads),
            columns=columns,
            quantiles=quantiles,
            confidence=confidence,
            progress=progress,
            directory=directory,
            executor=executor,
        )

    def simulation(
        self,
        *,
        seed: int | np.random.SeedSequence | None = None,
        path: int = 0,
        agents: Sequence[Program] = (),
    ) -> Simulation:
        """A run through time, step by step.

        Parameters
        ----------
        seed : int or numpy.random.SeedSequence, optional
        path : int
            As in `run`.
        agents : sequence of objects
            Agents written in Python: each has a `name` and a method ``on_step(sim)``, called once a step. One
            with the name of an external agent of the scenario acts for that, with its account and in its
            place; for others an external agent is added at the end, with the object's `capital`, `leverage`
            and `tokens` where it has them.

        Returns
        -------
        Simulation

        Raises
        ------
        ScenarioError
            The scenario has no time, or an agent no name of its own.
        """
        from perpcore.simulation import Simulation

        return Simulation(self, seed=seed_from(seed), path=word("path", path), agents=agents)

    @property
    def push(self) -> Ignition:
        """What ignites: the ignition, else the `ignite` of the first whale who has one, else nothing."""
        if self.ignition is not None:
            return self.ignition
        legs = (agent.ignite for agent in self.agents if isinstance(agent, Whale))
        return Ignition(qty=next((leg.qty for leg in legs if leg is not None), Decimal(0)))

    def depth(
        self, *, levels: int = 100_000, seed: int | np.random.SeedSequence | None = 0, path: int = 0
    ) -> Table:
        """What rests in both books before the push, quotes included.

        Parameters
        ----------
        levels : int
            At most this many a side of a book.
        seed : int or numpy.random.SeedSequence, optional
            0 if not given; None is a fresh one.
        path : int
            Which world, where the books are drawn.

        Returns
        -------
        Table
            Columns ``book``, ``side``, ``price``, ``qty``, from the best price away.
        """
        from perpcore.results import Table

        levels, path = word("levels", levels), word("path", path)
        return Table(_core.depth(self._json(), levels=levels, seed=seed_from(seed), path=path))

    def __repr__(self) -> str:
        supply = f"float {text(self.circulating)} of {text(self.total_supply)}"
        batches = f"{len(self.positions)} batch{'es' * (len(self.positions) != 1)} of positions"
        acting = f", {len(self.agents)} agent{'s' * (len(self.agents) != 1)}" if self.agents else ""
        push = f"push {self.push.side} {text(self.push.qty)}"
        return (
            f"Scenario({self.name!r}: {text(self.start_price)} a token, {supply}, {batches}{acting}, {push};"
            f" digest {self.digest()[:12]})"
        )

    def _json(self) -> str:
        return msgspec.json.encode(mapped(self._data(), (Opaque, Decimal), _exact_text)).decode()


def _exact_text(value: Opaque | Decimal) -> object:
    return value.json() if isinstance(value, Opaque) else plain(value)
