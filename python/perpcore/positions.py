"""Open interest by name: ladders of accounts, populations of them, and real accounts row by row."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import msgspec

from perpcore._structs import Struct, problem, shown
from perpcore.columns import Column, Origin, Sides, exists
from perpcore.distributions import Scalar, Span

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Ladder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="ladder"):
    """Many accounts of one kind.

    Exactly one of `qty` and `notional`, and exactly one of `liquidation_price` and `leverage`. Each of the
    last two, and `stop_price`, is a number or a pair over which the accounts are spread. A number may be a
    distribution, drawn once per path.

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
    margin_mode : {"isolated", "cross"}
        What stands behind a position: its own margin, or the account's `wallet` too.
    wallet : number
        Under ``cross``, with a `leverage`: quote currency of each account besides its position's margin.
    placement : {"even", "poisson"}
        Spread evenly, or Poisson counts at every tick of `liquidation_price`, drawn per path.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"margin_mode", "wallet"})

    side: Literal["short", "long"]
    entry_price: Scalar | None = None
    qty: Scalar | None = None
    notional: Scalar | None = None
    lump: Scalar | None = None
    liquidation_price: Span | None = None
    leverage: Span | None = None
    stop_price: Span | None = None
    margin_mode: Literal["isolated", "cross"] = "isolated"
    wallet: Scalar = Decimal(0)
    placement: Literal["even", "poisson"] = "even"


class Population(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="distribution"
):
    """Isolated accounts whose entry, leverage and size are drawn one by one; their number is Poisson.

    An account exists from the moment the mark reaches its price, so a path costs what burns.

    Parameters
    ----------
    side : {"short", "long"}
    accounts : number or distribution
        Expected number of them; a distribution is drawn once per path.
    leverage : number or distribution
        Law of entry notional over margin.
    notional : number or distribution
        Law of an account's quote currency at the start price, floored to lots.
    entry_price : number or distribution, optional
        Law of the entry; the start price if not given.
    """

    side: Literal["short", "long"]
    accounts: Scalar
    leverage: Scalar
    notional: Scalar
    entry_price: Scalar | None = None


class Accounts(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="accounts"
):
    """Real accounts, a row each: as arrays, a table, or a Parquet file; up to a million of them.

    Every field but `margin_mode` is an array (or anything that becomes one), or one value for all accounts.
    Exactly one of `liquidation_price`, `leverage` and `margin` says what stands behind the positions.

    The core solves each account once by the venue's own rule, and numbers them as a mark would reach them:
    shorts before longs, the nearest threshold first, then by row (`Run.accounts` has the ``row`` of each).
    They are shared by all paths and threads, and a path costs what burns. They are compared, hashed and
    written by the digest of their content; a pickle holds the arrays themselves.

    Real figures are on no grid: quantities are rounded to the nearest lot, money to the nearest quote step,
    halves up. Prices need not be on the tick: an entry counts to a millionth of one, and its value to the
    nearest quote step; the margin that a `liquidation_price` takes is exact at that price, and the account
    breaks at the first tick at which the rule is met. A stop is rounded away from the start price.

    Parameters
    ----------
    side : array of {"short", "long"}
        Or ``"sell"`` and ``"buy"``, or -1 and 1.
    qty : array of float
        Tokens (of an inverse contract face value), without a sign.
    entry_price : array of float, optional
        The start price if not given.
    liquidation_price : array of float, optional
        Where accounts break, as the venue reports it: their margin is what that takes.
    leverage : array of float, optional
        Entry notional over margin.
    margin : array of float, optional
        Quote currency (of an inverse contract coin) behind each position.
    stop_price : array of float, optional
        Where the trader's own stop fires; NaN, or null in a table: none.
    margin_mode : {"isolated", "cross"}
        Of all these accounts.
    wallet : array of float, optional
        Under ``cross``, with `leverage` or `margin`: quote currency besides that margin.

    Raises
    ------
    ScenarioError
        A side that is none. What else can't be is refused by the scenario they stand in: the first rows by
        field, row and value, and how many there are.

    Examples
    --------
    >>> import perpcore as pc
    >>> book = pc.Accounts(side=["short", "long"], qty=[100, 250], leverage=[5, 10], stop_price=[11, None])
    >>> scenario = pc.presets.rocketcoin().replace(positions=[book])
    >>> run = scenario.run(seed=1)
    >>> run.summary["stopped_notional"] > 0
    True
    """

    side: Sides
    qty: Column
    entry_price: Column | None = None
    liquidation_price: Column | None = None
    leverage: Column | None = None
    margin: Column | None = None
    stop_price: Column | None = None
    margin_mode: Literal["isolated", "cross"] = "isolated"
    wallet: Column | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            side: ArrayLike | Sides,
            qty: ArrayLike | Column,
            entry_price: ArrayLike | Column | None = None,
            liquidation_price: ArrayLike | Column | None = None,
            leverage: ArrayLike | Column | None = None,
            margin: ArrayLike | Column | None = None,
            stop_price: ArrayLike | Column | None = None,
            margin_mode: Literal["isolated", "cross"] = "isolated",
            wallet: ArrayLike | Column | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Whatever holds numbers becomes a column of them."""
        for field, kind in _KINDS.items():
            value = getattr(self, field)
            if value is not None:
                msgspec.structs.force_setattr(self, field, kind.read(value, field))

    @classmethod
    def from_table(
        cls,
        table: Any,
        *,
        columns: Mapping[str, str] | Iterable[str] | None = None,
        margin_mode: Literal["isolated", "cross"] = "isolated",
    ) -> Self:
        """From a table of pandas, polars, pyarrow or DuckDB, or a mapping of arrays.

        Parameters
        ----------
        table : table
            Anything with columns by name, or that speaks the Arrow PyCapsule interface.
        columns : mapping of str to str, or iterable of str, optional
            Which column holds which field, or which fields to take by their own names; all that are there if
            not given. Other columns are left alone.
        margin_mode : {"isolated", "cross"}

        Raises
        ------
        ScenarioError
            A column that is not there, or no field of accounts.
        """
        known = ("column_names", "columns", "keys")
        names = next((getattr(table, name) for name in known if hasattr(table, name)), None)
        if names is None and hasattr(table, "__arrow_c_stream__"):
            import pyarrow

            table = pyarrow.table(table)
            names = table.column_names
        if names is None:
            raise problem("table", shown(table), "a table with columns by name, or a mapping of arrays")
        wanted = _wanted(list(names() if callable(names) else names), columns)
        return cls(**{field: table[name] for field, name in wanted.items()}, margin_mode=margin_mode)

    @classmethod
    def from_parquet(
        cls,
        path: str | os.PathLike[str],
        *,
        columns: Mapping[str, str] | Iterable[str] | None = None,
        margin_mode: Literal["isolated", "cross"] = "isolated",
    ) -> Self:
        """From a Parquet file (extra ``frames``).

        A scenario of more than 1,000 such accounts refers to the file in TOML, by its path and the digests of
        its columns: a file whose content has changed is refused.

        Parameters
        ----------
        path : path
        columns : mapping of str to str, or iterable of str, optional
            As of `from_table`.
        margin_mode : {"isolated", "cross"}

        Raises
        ------
        ScenarioError
            No such file or column.
        """
        from pyarrow import ArrowException, parquet

        file = exists(path)
        try:
            names = parquet.read_schema(file).names
        except ArrowException as error:
            raise problem("path", file, f"a Parquet file ({error})") from None
        wanted = _wanted(names, columns)
        held = {
            field: _KINDS[field].from_parquet(Origin(file, name), field) for field, name in wanted.items()
        }
        return cls(**held, margin_mode=margin_mode)

    def to_parquet(self, path: str | os.PathLike[str]) -> Self:
        """Write a Parquet file (extra ``frames``) and return the same accounts, which refer to it."""
        import numpy as np
        import pyarrow
        from pyarrow import parquet

        held = {field: getattr(self, field) for field in _KINDS if getattr(self, field) is not None}
        rows = len(self)
        for field, column in held.items():
            if len(column) not in (1, rows):
                raise problem(field, f"{len(column):,} values", f"1 or {rows:,}, as the longest column has")
        table = {field: np.broadcast_to(column.values, rows) for field, column in held.items()}
        table["side"] = np.where(table["side"] > 0, "long", "short")
        parquet.write_table(pyarrow.table(table), path, compression="zstd")
        return type(self).from_parquet(path, margin_mode=self.margin_mode)

    def __len__(self) -> int:
        return max(len(getattr(self, field) or ()) for field in _KINDS)


_KINDS: dict[str, type[Column]] = {
    "side": Sides,
    "qty": Column,
    "entry_price": Column,
    "liquidation_price": Column,
    "leverage": Column,
    "margin": Column,
    "stop_price": Column,
    "wallet": Column,
}


def _wanted(there: list[str], columns: Mapping[str, str] | Iterable[str] | None) -> dict[str, str]:
    """The name of the column of each field."""
    if columns is None:
        columns = {field: field for field in _KINDS if field in there or field in ("side", "qty")}
    wanted = dict(columns) if isinstance(columns, Mapping) else {field: field for field in columns}
    for field, name in wanted.items():
        if field not in _KINDS:
            raise problem("columns", repr(field), f"one of {', '.join(_KINDS)}")
        if name not in there:
            raise problem(field, f"the column {name!r}", f"one of the table's: {', '.join(map(str, there))}")
    return wanted
