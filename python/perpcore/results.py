"""What a run returns."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from perpcore import _core
from perpcore._structs import problem
from perpcore._tabular import Tabular

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perpcore.plots import RunPlots
    from perpcore.scenario import Scenario


#: What of a run is kept.
Keep = Literal["everything", "liquidations", "samples"]
#: Tables of what happened, and what keeps them beside everything; the others are of samples, or of the end.
TRACED = {
    "stages": "liquidations",
    "fills": None,
    "liquidations": "liquidations",
    "adl": "liquidations",
    "ledger": None,
}
ROWS = 10  # of a table that a notebook shows


class Table(Tabular):
    """Columns of a result.

    ``table["price"]`` is a numpy array: numbers are views of the result, read-only and without a copy. The
    whole table speaks the Arrow PyCapsule interface, so polars, pyarrow, duckdb and pandas take it as it
    is.
    """

    def __init__(self, core: _core.Table) -> None:
        self._core = core

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return self._core.column_names

    def __len__(self) -> int:
        return len(self._core)

    def __getitem__(self, name: str) -> NDArray[Any]:
        column = self._core.column(name)
        if isinstance(column, tuple):
            codes, names = column
            return np.array(names)[codes]
        return column

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._core.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"Table({len(self)} rows: {', '.join(self.columns)})"

    def _repr_html_(self) -> str:
        first = (self[name][:ROWS].tolist() for name in self)
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self)
        body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in zip(*first, strict=True))
        some = f"{ROWS} of " if len(self) > ROWS else ""
        return f"<table><tr>{head}</tr>{body}</table><p>{some}{_count(len(self))}</p>"


def _cell(value: object) -> str:
    return f"<td>{f'{value:.10g}' if isinstance(value, float) else html.escape(str(value))}</td>"


def _count(rows: int) -> str:
    return f"{rows:,} row{'s' * (rows != 1)}"


class Run:
    """One path, traced.

    Quantities are in tokens, prices and money in quote currency; `exact` gives the integers behind them.
    Of an inverse contract, quantities of the perpetual are face value in quote currency, and money at its
    venue is in coin; profits of those who also trade spot (market maker, attacker), `notional` columns and
    what spot costs stay in quote currency.
    """

    def __init__(
        self,
        scenario: Scenario,
        core: _core.RunResult,
        *,
        seed: int,
        path: int,
        stepped: bool = False,
        keep: Keep = "everything",
    ) -> None:
        #: The scenario, seed and path that give this run again.
        self.scenario, self.seed, self.path = scenario, seed, path
        self._core, self._stepped, self._keep = core, stepped, keep

    def __reduce__(self) -> tuple[Any, ...]:
        if self._stepped:
            raise TypeError(
                "a run that its user stepped through can't be pickled: its seed does not give it again; its"
                " tables can, as to_numpy() or to_pyarrow() give them"
            )
        return Recalled, (self.scenario, self.seed, self.path, self._core.summary(exact=True), self._keep)

    @property
    def summary(self) -> Mapping[str, Any]:
        """The run in one row: how far, who was liquidated, who paid.

        ``adl_accounts`` counts closings, the rows of `adl`: an account closed twice counts twice, and the
        rest of the market (account 4) counts like any other.
        """
        return {"path": self.path, **self._core.summary()}

    @property
    def stages(self) -> Table:
        """A row a round, round 0 being the push; with ``keep="liquidations"`` those with forced orders."""
        return self._traced("stages")

    @property
    def fills(self) -> Table:
        """Every trade in spot, in the perpetual, and off the books."""
        return self._traced("fills")

    @property
    def liquidations(self) -> Table:
        """Every forced order: the account, its equity and maintenance, its fills, and who paid."""
        return self._traced("liquidations")

    @property
    def adl(self) -> Table:
        """A row a counterparty that was deleveraged: a position closed in part or whole.

        `account` is whose position was closed, `against` whom; side, quantity, value and price, and what put
        the account there: profit, profit share, leverage and score (`perpcore.rules.adl_score`).
        """
        return self._traced("adl")

    @property
    def ledger(self) -> Table:
        """Every movement of money.

        Accounts are ids; -1 is outside, -2 fee income, -3 the insurance fund, -4 clearing, -5 the venue's
        own loss, and where the venue keeps coin -6 and -7 spot's fee income and outside, in quote currency;
        0 the attacker, 1 and 2 the market maker and his spot desk, 3 the holders, 4 the rest of the market,
        5 the fund's takeover desk, 6 a backstop vault; from 8 two an agent, at the venue and its desk; then
        the scenario's accounts.
        """
        return self._traced("ledger")

    @property
    def accounts(self) -> Table:
        """Every account at the end: the venue's own, below 0, then the traders', all as in `ledger`.

        `account` is the id; `balance`, `position_qty` (below 0: short), `cost` of that position, `margin` and
        `tokens`. Where the scenario has `Accounts`, `entry` says which of `Scenario.positions` an account is
        of and `row` which row of it, from 0; both are -1 of all others.
        """
        return Table(self._core.table("accounts"))

    @property
    def series(self) -> Table:
        """A row a sample of a run through time (`Time`), the first at its start; empty of an instant cascade.

        `time` in seconds; the last prices, index and mark, `basis` (last price of the perpetual less that of
        spot), `funding_rate` paid last, `open_interest` (of all longs that were drawn so far) and
        `circulating` tokens. Those are held by arbitrageurs (`locked_float`), the attacker and whales
        (`whale_float`), the market maker's desk (`hedge_float`) and all others (`free_float`); `float_share`
        is what the last have of the total supply, `fdv` the total supply at the last price. Volumes,
        `liquidated_notional` and `events` (orders, cancels and fills) are sums since the row before. Of both
        books the spread (`spot_spread`; 0 where a side is empty) and the tokens within 2 % of the mid
        (`spot_bid_depth`, `spot_ask_depth`).
        """
        return Table(self._core.table("series"))

    @property
    def agents(self) -> Table:
        """A row for each of those who act, the market maker first, at each time of `series`.

        Position (`qty`), `tokens`, `balance` at the perpetual's venue, and the `profit` since the start in
        quote currency: open positions at the mark, tokens at the last price.
        """
        return Table(self._core.table("agents"))

    @property
    def heat_map(self) -> Table:
        """Liquidations ahead at each time of `series`: a row a bucket of prices that thresholds lie in.

        `price` is the bucket's lower end, a bucket being a hundredth of the start price; `long_notional` and
        `short_notional` are the open positions that were drawn so far, valued at their thresholds.
        """
        return Table(self._core.table("heat_map"))

    def exact(self, name: str) -> Table | Mapping[str, Any]:
        """The integers behind a table or the summary: ticks, lots and quote steps.

        In those of a run through time ``clock`` counts steps, and an agent is its number, the market maker 0.

        Parameters
        ----------
        name : {"stages", "fills", "liquidations", "adl", "ledger", "accounts", "series", "agents", \
"heat_map", "summary"}
        """
        if name == "summary":
            return {"path": self.path, **self._core.summary(exact=True)}
        if name in TRACED:
            return self._traced(name, exact=True)
        return Table(self._core.table(name, exact=True))

    def _traced(self, name: str, *, exact: bool = False) -> Table:
        """A table of what a run may have thrown away."""
        keeping = [repr(keep) for keep in ("everything", TRACED[name]) if keep]
        if repr(self._keep) not in keeping:
            raise problem(name, f"a run with keep={self._keep!r}", f"only with keep={' or '.join(keeping)}")
        return Table(self._core.table(name, exact=exact))

    @property
    def plot(self) -> RunPlots:
        """Pictures of the run (extra ``plot``)."""
        from perpcore.plots import RunPlots

        return RunPlots(self)

    def __repr__(self) -> str:
        s = self.summary
        burnt, times = s["fuel_burnt"], s["amplification"]
        fuel = "no positions" if math.isnan(burnt) else f"{burnt:.0%} of the fuel burnt"
        push = "" if math.isnan(times) else f", {times:.1f} times the push"
        forced = s["forced_buy_notional"] + s["forced_sell_notional"]
        ignition, (contracts, money) = self.scenario.push, self.scenario.venue.units
        coin = "" if money == "quote" else f" {money}"
        pushed = "tokens" if ignition.market == "spot" else contracts
        lines = (
            f"Run of {self.scenario.name or 'a scenario'}: {s['stop_reason']} after {s['rounds']} rounds",
            f"price        {s['start_price']:g} -> {s['final_price']:g} (peak {s['peak_price']:g})",
            f"push         {s['ignition_qty']:,.6g} {pushed} for {s['ignition_cost']:,.0f}",
            f"liquidated   {s['liquidated_accounts']:,} accounts, {s['liquidated_qty']:,.6g} {contracts},"
            f" {fuel}",
            f"forced       {forced:,.0f}{push}",
            f"profit       market maker {s['market_maker_pnl']:,.0f},"
            f" fund {s['insurance_fund_change']:,.0f}{coin}, venue {0 - s['venue_loss']:,.0f}{coin}",
        )
        return "\n  ".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>{self._picture()}"

    def _picture(self) -> str:
        """A small picture of spot, round by round or sample by sample, where that was kept."""
        timed = self.scenario.time is not None
        if not timed and self._keep != "everything":
            return ""
        last = (self.series if timed else self.stages)["spot_last"]
        return _line(np.append(self.summary["start_price"], last), "spot, last trade")


WIDTH, HEIGHT = 480, 100


def _line(values: NDArray[np.float64], name: str) -> str:
    """Values from left to right, the lowest and the highest written beside the name."""
    low, high = float(values.min()), float(values.max())
    some = values[:: max(1, len(values) // WIDTH)]
    wide, tall = WIDTH / max(1, len(some) - 1), HEIGHT / ((high - low) or 1.0)
    points = " ".join(f"{i * wide:.1f},{HEIGHT - (value - low) * tall:.1f}" for i, value in enumerate(some))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -2 {WIDTH} {HEIGHT + 22}" width="{WIDTH}"'
        f' height="{HEIGHT + 22}" role="img" aria-label="{name}">'
        f'<polyline fill="none" stroke="#4c78a8" stroke-width="1.5" points="{points}"/>'
        f'<text x="0" y="{HEIGHT + 16}" font-size="11" fill="currentColor">{name}: {low:g} to {high:g}</text>'
        "</svg>"
    )


class Recalled(Run):
    """A run that was pickled: run again when something of it is asked for."""

    def __init__(
        self, scenario: Scenario, seed: int, path: int, summary: Mapping[str, Any], keep: Keep
    ) -> None:
        self.scenario, self.seed, self.path = scenario, seed, path
        self._stepped, self._summary, self._keep = False, summary, keep

    @cached_property
    def _core(self) -> _core.RunResult:  # type: ignore[override]
        core = self.scenario.run(seed=self.seed, path=self.path, keep=self._keep)._core
        if core.summary(exact=True) != self._summary:
            raise _core.RunError(
                f"seed {self.seed}, path {self.path}: another summary than when the run was pickled; another"
                " version of perpcore ran it"
            )
        return core

    def __reduce__(self) -> tuple[Any, ...]:
        return Recalled, (self.scenario, self.seed, self.path, self._summary, self._keep)
