"""A scenario: the world before the push, and the push."""

from __future__ import annotations

import hashlib
import operator
import tomllib
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import msgspec
import numpy as np
import tomli_w

from perpcore import _core
from perpcore._structs import Number, Range, Struct, plain, problem, read, shown
from perpcore.venues import Venue

if TYPE_CHECKING:
    from perpcore.ensemble import Ensemble
    from perpcore.results import Run, Table


class Linear(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="linear"):
    """The same depth at every tick from the start price away.

    Parameters
    ----------
    depth : number
        Tokens per unit of price.
    """

    depth: Number


class Levels(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="levels"):
    """Explicit levels, as of a recorded book.

    Parameters
    ----------
    levels : sequence of (price, tokens)
        From the best price away.
    tail_depth : number, optional
        Tokens per unit of price beyond the last level; nothing rests there if not given.
    """

    levels: tuple[tuple[Number, Number], ...]
    tail_depth: Number | None = None


class Market(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One market: its grid, its fees, what rests in its book at the start.

    Parameters
    ----------
    tick_size, lot_size : number
        Smallest steps of price (quote currency) and quantity (tokens).
    maker_fee, taker_fee : number
        Rates of value; negative ones are rebates.
    asks, bids : Linear or Levels, optional
        What rests. In spot it is the holders' and asks end with the free float; in the perpetual it is the
        market maker's.
    """

    tick_size: Number
    lot_size: Number
    maker_fee: Number = Decimal(0)
    taker_fee: Number = Decimal(0)
    asks: Linear | Levels | None = None
    bids: Linear | Levels | None = None


class Quote(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the market maker posts anew around the index in every round.

    Parameters
    ----------
    side : {"asks", "bids", "both"}
    level_qty : number
        Tokens in each level.
    half_spread : number
        From the index to the first level. A level that would trade at once is left out.
    levels : int
    level_gap : number, optional
        From level to level; one tick if not given.
    """

    side: Literal["asks", "bids", "both"]
    level_qty: Number
    half_spread: Number = Decimal(0)
    levels: int = 1
    level_gap: Number | None = None


class MarketMaker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The perpetual's market maker, who hedges in spot and can be liquidated himself.

    Parameters
    ----------
    capital : number
        Cash behind his perpetual account, in quote currency. Hedges are financed apart from it.
    hedge_ratio : number
        Share of what he sold that he buys in spot.
    residual : {"carried", "absorbed_by_longs"}
        Whether he carries the rest naked, or closes it against longs who take profit.
    spot_inventory : number
        Tokens his spot desk owns at the start.
    quote : Quote, optional
        What he posts in every round, besides what rests in the perpetual's book.
    """

    capital: Number
    hedge_ratio: Number = Decimal(1)
    residual: Literal["carried", "absorbed_by_longs"] = "carried"
    spot_inventory: Number = Decimal(0)
    quote: Quote | None = None


class Ladder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="ladder"):
    """Many isolated accounts of one kind.

    Exactly one of `qty` and `notional`, and exactly one of `liquidation_price` and `leverage`. Each of the
    last two, and `stop_price`, is a number or a pair over which the accounts are spread.

    Parameters
    ----------
    side : {"short", "long"}
    entry_price : number, optional
        The start price if not given.
    qty : number, optional
        Tokens in all.
    notional : number, optional
        Quote currency in all, at the middle of `liquidation_price` (at the entry price with a leverage);
        rounded to lumps.
    lump : number, optional
        Tokens an account; all in one account if not given.
    liquidation_price : number or (number, number), optional
        Where accounts break: their margin is what that takes.
    leverage : number or (number, number), optional
        Entry notional over margin.
    stop_price : number or (number, number), optional
        Where the trader's own stop fires.
    placement : {"even", "poisson"}
        Spread evenly, or Poisson counts at every tick of `liquidation_price`, drawn per path.
    """

    side: Literal["short", "long"]
    entry_price: Number | None = None
    qty: Number | None = None
    notional: Number | None = None
    lump: Number | None = None
    liquidation_price: Range | None = None
    leverage: Range | None = None
    stop_price: Range | None = None
    placement: Literal["even", "poisson"] = "even"


class Ignition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The push: one market order in spot.

    Parameters
    ----------
    qty : number
        Tokens.
    side : {"buy", "sell"}
    """

    qty: Number
    side: Literal["buy", "sell"] = "buy"


class Scenario(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A low-float coin, its perpetual, who holds what, and the push that may start a cascade.

    Frozen, hashable and checked: what is built can be run. `docs/MODEL.md` says to the last unit what a run
    does.

    Parameters
    ----------
    start_price : number
        Last price of both books, index and mark before the push, in quote currency.
    total_supply, circulating : number
        Tokens; `circulating` is the float.
    spot, perp : Market
    venue : Venue
    market_maker : MarketMaker
    positions : sequence of Ladder
        Open interest by name; one account of the rest of the market holds the other side.
    ignition : Ignition
    name, description : str

    Raises
    ------
    ScenarioError
        With every field that is not allowed, its value and what is allowed.
    """

    start_price: Number
    total_supply: Number
    circulating: Number
    spot: Market
    perp: Market
    venue: Venue
    market_maker: MarketMaker
    positions: tuple[Ladder, ...]
    ignition: Ignition
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
        try:
            data = tomllib.loads(text, parse_float=Decimal)
        except (ValueError, RecursionError) as error:  # a number too long, or nested too deeply
            raise problem("TOML", "the text", f"valid TOML ({error})") from None
        return cls.from_dict(data)

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
        return tomli_w.dumps(_toml(self.to_dict()))

    def digest(self) -> str:
        """SHA-256 of the scenario's content, in hexadecimal."""
        return hashlib.sha256(self._json().encode()).hexdigest()

    def run(self, *, seed: int | np.random.SeedSequence | None = None, path: int = 0) -> Run:
        """Run one path, with its trace.

        Parameters
        ----------
        seed : int or numpy.random.SeedSequence, optional
            Names the random world, 0 to 2**64 - 1; a fresh one if not given (`Run.seed` tells which).
        path : int
            Which path of it.

        Returns
        -------
        Run

        Raises
        ------
        RunError
            A figure of an account left its 64 bits.
        """
        from perpcore.results import Run

        seed, path = _seed(seed), _word("path", path)
        return Run(self, _core.run(self._json(), seed=seed, path=path), seed=seed, path=path)

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

        Returns
        -------
        Ensemble

        Raises
        ------
        ScenarioError
            Paths, threads or `keep` that can't be, or columns that don't fit the memory: before any work.
        RunError
            A path could not go on; the message has its seed and number.
        Interrupted
            Ctrl-C; a KeyboardInterrupt whose `ensemble` holds the paths finished until then.
        """
        from perpcore.ensemble import simulate

        return simulate(
            self,
            self._json(),
            paths=_word("paths", paths),
            seed=_seed(seed),
            first_path=_word("first_path", first_path),
            n_threads=None if n_threads is None else _word("n_threads", n_threads),
            keep=keep,
            lazy=lazy,
            progress=progress,
        )

    def depth(self, *, levels: int = 100_000) -> Table:
        """What rests in both books before the push, the market maker's quotes included.

        Parameters
        ----------
        levels : int
            At most this many a side of a book.

        Returns
        -------
        Table
            Columns ``book``, ``side``, ``price``, ``qty``, from the best price away.
        """
        from perpcore.results import Table

        return Table(_core.depth(self._json(), levels=_word("levels", levels)))

    def __repr__(self) -> str:
        ladders = len(self.positions)
        return (
            f"Scenario({self.name!r}: {self.start_price} a token, float {self.circulating} of"
            f" {self.total_supply}, {ladders} ladder{'s' * (ladders != 1)}, push"
            f" {self.ignition.side} {self.ignition.qty}; digest {self.digest()[:12]})"
        )

    def _json(self) -> str:
        return msgspec.json.encode(_digits(self.to_dict())).decode()


def _seed(seed: int | np.random.SeedSequence | None) -> int:
    if seed is None:
        seed = np.random.SeedSequence()
    if isinstance(seed, np.random.SeedSequence):
        seed = int(seed.generate_state(1, np.uint64)[0])
    return _word("seed", seed)


def _word(field: str, value: object) -> int:
    allowed = "a whole number from 0 to 2**64 - 1"
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
        raise problem(field, shown(value), allowed)
    try:
        word = operator.index(value)
    except TypeError:
        raise problem(field, shown(value), allowed) from None
    if not 0 <= word < 2**64:
        raise problem(field, shown(value), allowed)
    return word


def _digits(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _digits(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_digits(value) for value in data]
    return plain(data) if isinstance(data, Decimal) else data


def _toml(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _toml(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_toml(value) for value in data]
    if isinstance(data, Decimal):
        return int(data) if data == data.to_integral_value() else Decimal(plain(data))
    return data
