"""What many paths return."""

from __future__ import annotations

import html
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar, overload

import numpy as np

from perpcore import _core
from perpcore._structs import problem, shown
from perpcore._tabular import Tabular
from perpcore._words import check_call

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perpcore.results import Keep, Run, Table
    from perpcore.scenario import Scenario

T = TypeVar("T", float, "NDArray[np.float64]")

Array = Sequence[float] | np.ndarray[Any, np.dtype[np.floating[Any]]]


class Estimate(NamedTuple, Generic[T]):
    """A figure estimated from paths, and the interval that holds the true one with the confidence asked for.

    A bound that so few paths can't give is infinite; a figure of nothing is NaN.

    Attributes
    ----------
    value, low, high : float or numpy.ndarray
        In the units of the column; arrays of the shape that was asked for.
    """

    value: T
    low: T
    high: T


class Ensemble(Tabular):
    """Many paths of one scenario: a row a path, and statistics of every column.

    ``ensemble["final_price"]`` is a read-only numpy array of the finished paths, made once and then without a
    copy; quantities are in tokens, prices and money in quote currency (of an inverse contract as `Run` says),
    shares and multiples are ratios.
    The whole speaks the Arrow PyCapsule interface. With ``keep="statistics"`` there are no rows, only what
    the methods below return.

    Statistics are computed from exact integers: they do not depend on threads or order. Quantiles,
    exceedances and tails come from a histogram whose buckets are exact below 4,096 ticks, lots or steps and
    1/2,048 wide above; a bucket with one distinct value in it is exact too.
    """

    def __init__(self, scenario: Scenario, core: _core.Ensemble) -> None:
        #: The scenario that gives these paths again, with `seed`.
        self.scenario = scenario
        self._core = core

    @property
    def seed(self) -> int:
        """The seed of all paths."""
        return self._core.seed

    @property
    def first_path(self) -> int:
        """The number of the first path."""
        return self._core.first_path

    @property
    def paths(self) -> int:
        """How many paths it has."""
        return len(self)

    @property
    def n_threads(self) -> int:
        """How many threads it was allowed; no result depends on it."""
        return self._core.n_threads

    @property
    def complete(self) -> bool:
        """Whether every path that was asked for is here."""
        return self._core.complete

    @property
    def _kept(self) -> str:
        return "columns" if self._core.has_columns else "statistics"

    @property
    def stop_reasons(self) -> dict[str, int]:
        """How many paths stopped for which reason."""
        return self._core.stop_reasons()

    @property
    def columns(self) -> list[str]:
        """Names of the columns, ``path`` first."""
        return self._core.column_names

    def __len__(self) -> int:
        return self._core.paths

    def __reduce__(self) -> tuple[Any, ...]:
        core = self._core
        rows = core.rows() if core.has_columns else None
        return _again, (self.scenario, core.dump(statistics=rows is None), rows, core.n_threads)

    def __getitem__(self, name: str) -> NDArray[Any]:
        column = self._core.column(name)
        if isinstance(column, tuple):
            codes, names = column
            return np.array(names)[codes]
        return column

    def exact(self, name: str) -> NDArray[Any]:
        """The integers behind a column: ticks, lots, quote steps, or the code of a name.

        Ratios have none; ``burnt_qty`` and ``named_qty`` are behind ``fuel_burnt``.

        Parameters
        ----------
        name : str

        Returns
        -------
        numpy.ndarray
            Of int64, bool or uint8, read-only, without a copy.
        """
        column = self._core.column(name, exact=True)
        return column[0] if isinstance(column, tuple) else column

    def table(self, *, exact: bool = False) -> Table:
        """All columns as a table, in units or (`exact`) in integers."""
        from perpcore.results import Table

        return Table(self._core.table(exact=exact))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._core.table().__arrow_c_stream__(requested_schema)

    def _metadata(self) -> dict[str, str]:
        return {
            "perpcore.version": _core.__version__,
            "perpcore.scenario": self.scenario.to_toml(),
            "perpcore.digest": self.scenario.digest(),
            "perpcore.seed": str(self.seed),
            "perpcore.hash": f"{self.hash():016x}",
        }

    # ---- statistics ----

    def mean(self, name: str, *, confidence: float = 0.95) -> Estimate[float]:
        """The mean of a column, with the interval of the central limit theorem.

        Parameters
        ----------
        name : str
        confidence : float
            From 0 to 1.

        Returns
        -------
        Estimate
            In the units of the column. Paths without a figure (a ratio to zero) do not count.
        """
        return Estimate(*self._core.mean(name, confidence))

    def variance(self, name: str) -> float:
        """The unbiased variance of a column, in squared units; NaN of fewer than two paths."""
        return float(self._core.moments(name)["variance"])

    def std(self, name: str) -> float:
        """The standard deviation of a column, in its units."""
        return math.sqrt(self.variance(name))

    def moments(self, name: str) -> dict[str, Any]:
        """Count, missing, mean, variance, standard error, smallest and largest of a column.

        Parameters
        ----------
        name : str

        Returns
        -------
        dict
            ``count`` paths have a figure and ``missing`` have none; the rest in units.
        """
        return self._core.moments(name)

    @overload
    def quantile(self, name: str, q: float, *, confidence: float = 0.95) -> Estimate[float]: ...
    @overload
    def quantile(self, name: str, q: Array, *, confidence: float = 0.95) -> Estimate[NDArray[np.float64]]: ...
    def quantile(self, name: str, q: float | Array, *, confidence: float = 0.95) -> Estimate[Any]:
        """Quantiles of a column: the smallest value that a share `q` of the paths does not exceed.

        As ``numpy.quantile(..., method="inverted_cdf")``, to one bucket of the histogram. The interval runs
        between order statistics, their ranks from the normal approximation of the binomial [1]_.

        Parameters
        ----------
        name : str
        q : float or array of float
            From 0 to 1.
        confidence : float
            From 0 to 1.

        Returns
        -------
        Estimate
            In the units of the column, of the shape of `q`.

        References
        ----------
        .. [1] W. J. Conover, "Practical Nonparametric Statistics", 3rd ed., Wiley 1999, section 3.2.
        """
        return self._each(q, lambda at: self._core.quantiles(name, at, confidence))

    @overload
    def exceedance(self, name: str, x: float, *, confidence: float = 0.95) -> Estimate[float]: ...
    @overload
    def exceedance(
        self, name: str, x: Array, *, confidence: float = 0.95
    ) -> Estimate[NDArray[np.float64]]: ...
    def exceedance(self, name: str, x: float | Array, *, confidence: float = 0.95) -> Estimate[Any]:
        """The share of paths whose figure is above `x`, with Wilson's interval [1]_.

        Where `x` falls inside a bucket of the histogram the share is interpolated and the interval is as much
        wider as the bucket leaves open.

        Parameters
        ----------
        name : str
        x : float or array of float
            Thresholds, in the units of the column.
        confidence : float
            From 0 to 1.

        Returns
        -------
        Estimate
            Probabilities, of the shape of `x`.

        References
        ----------
        .. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
           (1927) 209-212.
        """
        return self._each(x, lambda at: self._core.exceedance(name, at, confidence))

    @overload
    def tail_expectation(
        self, name: str, q: float, *, tail: Literal["upper", "lower"] = "upper", confidence: float = 0.95
    ) -> Estimate[float]: ...
    @overload
    def tail_expectation(
        self, name: str, q: Array, *, tail: Literal["upper", "lower"] = "upper", confidence: float = 0.95
    ) -> Estimate[NDArray[np.float64]]: ...
    def tail_expectation(
        self,
        name: str,
        q: float | Array,
        *,
        tail: Literal["upper", "lower"] = "upper",
        confidence: float = 0.95,
    ) -> Estimate[Any]:
        """The mean beyond a quantile: expected shortfall, conditional tail expectation.

        The mean of the largest ``1 - q`` of the paths, or with ``tail="lower"`` of the smallest ``q``; where
        that is not a whole number of paths the last one counts in part [1]_. The interval is asymptotic [2]_.

        Parameters
        ----------
        name : str
        q : float or array of float
            From 0 to 1: the quantile at which the tail begins.
        tail : {"upper", "lower"}
        confidence : float
            From 0 to 1.

        Returns
        -------
        Estimate
            In the units of the column, of the shape of `q`.

        References
        ----------
        .. [1] C. Acerbi and D. Tasche, "On the coherence of expected shortfall", Journal of Banking and
           Finance 26 (2002) 1487-1503.
        .. [2] B. J. Manistre and G. H. Hancock, "Variance of the CTE estimator", North American Actuarial
           Journal 9(2) (2005) 129-156: ``(s**2 + q (CTE - VaR)**2) / k`` with `k` paths in the tail.
        """
        return self._each(q, lambda at: self._core.tail_expectation(name, at, tail, confidence))

    def _each(self, at: float | Array, estimate: Callable[[NDArray[np.float64]], Any]) -> Estimate[Any]:
        asked = np.asarray(at, dtype=np.float64)
        found = estimate(np.ascontiguousarray(asked).ravel())
        if asked.ndim == 0:
            return Estimate(*(float(part[0]) for part in found))
        return Estimate(*(part.reshape(asked.shape) for part in found))

    def hash(self) -> int:
        """A 64-bit hash of the exact rows and their paths.

        The same for any number of threads and either `keep`; hashes of disjoint parts of an ensemble add up
        (modulo 2**64) to that of the whole.
        """
        return self._core.hash()

    def run(self, *, path: int, keep: Keep = "everything") -> Run:
        """Run one path again, with its trace; its summary is its row.

        Parameters
        ----------
        path : int
            As its column `path` numbers it.
        keep : {"everything", "liquidations", "samples"}
            Of the trace, as in `Scenario.run`.
        """
        return self.scenario.run(seed=self.seed, path=path, keep=keep)

    # ---- for people ----

    def describe(self) -> str:
        """Every column in a line: mean, standard deviation, smallest, quantiles, largest."""
        shares = (0.05, 0.5, 0.95, 0.99)
        head = ["mean", "sd", "min", *(f"{100 * q:g} %" for q in shares), "max"]
        rows = [("", head)]
        for name in self.columns:
            if name in ("path", "stop_reason"):
                continue
            m = self.moments(name)
            figures = [m["mean"], math.sqrt(m["variance"]), m["min"]]
            figures += [*self.quantile(name, shares).value, m["max"]]
            rows.append((name, [_short(float(x)) for x in figures]))
        widths = [max(len(cells[i]) for _, cells in rows) for i in range(len(head))]
        first = max(len(name) for name, _ in rows)
        lines = (
            "  ".join([name.ljust(first), *(c.rjust(w) for c, w in zip(cells, widths, strict=True))])
            for name, cells in rows
        )
        return "\n".join(lines)

    def __repr__(self) -> str:
        name, kept = self.scenario.name or "a scenario", self._kept
        count = f"{len(self):,} paths" + ("" if self.complete else ", not all that were asked for")
        low, middle, high = self.quantile("final_price", (0.05, 0.5, 0.95)).value
        further = self.exceedance("peak_multiple", (1.5, 2.0, 3.0)).value

        def mean(column: str) -> str:
            return _short(self.mean(column).value)

        burnt = self.mean("fuel_burnt").value
        fuel = "no positions" if math.isnan(burnt) else f"{burnt:.1%} of the fuel burnt"
        contracts, money = self.scenario.venue.units
        coin = "" if money == "quote" else f" {money}"
        chances = zip((1.5, 2, 3), further, strict=True)
        reasons = self.stop_reasons.items()
        lines = (
            f"{type(self).__name__} of {name}: {count}, seed {self.seed}, {kept} kept",
            f"final price  {mean('final_price')} on average; 5 % {low:g}, median {middle:g}, 95 % {high:g}",
            "peak         above " + ", ".join(f"{m:g} x start {share:.2%}" for m, share in chances),
            f"liquidated   {mean('liquidated_accounts')} accounts, {mean('liquidated_qty')} {contracts},"
            f" {fuel}",
            f"profit       market maker {mean('market_maker_pnl')},"
            f" fund {mean('insurance_fund_change')}{coin},"
            f" venue {_short(0 - self.mean('venue_loss').value)}{coin}",
            "stopped      " + (", ".join(f"{why} {n / len(self):.2%}" for why, n in reasons) or "n/a"),
        )
        return "\n  ".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>{_histogram(self, 'final_price')}"


def _again(
    scenario: Scenario, dump: bytes, rows: list[NDArray[Any] | None] | None, n_threads: int
) -> Ensemble:
    """An ensemble that was pickled."""
    return Ensemble(scenario, _core.Ensemble.load(dump, rows, n_threads=n_threads))


def _short(x: float) -> str:
    """Five digits, with thousands separators."""
    if not math.isfinite(x):
        return "n/a"
    digits = 0 if x == 0 else max(0, 4 - math.floor(math.log10(abs(x))))
    text = f"{x:,.{min(digits, 12)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


BARS, WIDTH, HEIGHT = 60, 480, 100


def _histogram(ensemble: Ensemble, name: str) -> str:
    """A small picture of a column, from its statistics alone."""
    m = ensemble.moments(name)
    if not m["count"] or m["min"] == m["max"]:
        return ""
    edges = np.linspace(m["min"], m["max"], BARS + 1)
    above = ensemble.exceedance(name, edges).value
    above[0] = 1.0  # the smallest belongs to the first bar
    shares = np.maximum(above[:-1] - above[1:], 0)
    heights, step = HEIGHT * shares / shares.max(), WIDTH / BARS
    bars = "".join(
        f'<rect x="{i * step:.1f}" y="{HEIGHT - h:.1f}" width="{step - 1:.1f}" height="{h:.1f}"/>'
        for i, h in enumerate(heights)
    )
    label = f'y="{HEIGHT + 14}" font-size="11" fill="currentColor"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + 20}" width="{WIDTH}"'
        f' height="{HEIGHT + 20}" role="img" aria-label="{name}"><g fill="#4c78a8">{bars}</g>'
        f'<text x="0" {label}>{m["min"]:g}</text>'
        f'<text x="{WIDTH / 2}" {label} text-anchor="middle">{name}</text>'
        f'<text x="{WIDTH}" {label} text-anchor="end">{m["max"]:g}</text></svg>'
    )


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while paths were run.

    Attributes
    ----------
    ensemble : Ensemble
        The paths finished until then; its ``path`` column says which.
    """

    def __init__(self, ensemble: Ensemble, asked: int) -> None:
        super().__init__(
            f"interrupted: {len(ensemble):,} of {asked:,} paths are finished, in .ensemble of this exception"
        )
        self.ensemble = ensemble


def simulate(
    scenario: Scenario,
    json: str,
    *,
    paths: int,
    progress: bool | Callable[[int, int], object],
    **options: Any,
) -> Ensemble:
    """Run paths; `Scenario.monte_carlo` says what the options are."""
    check_call(paths, options["n_threads"], progress)
    check_keep(options["keep"])
    with shown_to(progress, paths) as tell:
        core = _core.monte_carlo(json, paths=paths, progress=tell, **options)
    ensemble, error = Ensemble(scenario, core), core.error
    if isinstance(error, KeyboardInterrupt):
        raise Interrupted(ensemble, paths) from error
    if error is not None:
        raise error
    return ensemble


def check_keep(keep: object) -> None:
    """Refuse what is nothing to keep."""
    if not isinstance(keep, str) or keep not in ("columns", "statistics"):
        raise problem("keep", shown(keep), '"columns" or "statistics"')


@contextmanager
def shown_to(
    progress: bool | Callable[[int, int], object], total: int, done: int = 0
) -> Iterator[Callable[[int], object] | None]:
    """What is told of the paths finished so far."""
    if not isinstance(progress, bool):
        yield lambda done: progress(done, total)
    elif not (progress and _somebody_looks()):
        yield None
    else:
        from tqdm.auto import tqdm

        with tqdm(total=total, initial=done, unit=" paths", unit_scale=True, leave=False) as bar:
            yield lambda done: bar.update(done - bar.n)


def _somebody_looks() -> bool:
    """Whether standard error is a terminal, or this is a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    notebook = type(shell).__name__ == "ZMQInteractiveShell"
    return notebook or (sys.stderr is not None and sys.stderr.isatty())
