"""What each friction does: a scenario with all of them, and with all but one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from perpcore._structs import problem, shown
from perpcore._tabular import Tabular
from perpcore.analysis.without import frictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perpcore.ensemble import Ensemble, Estimate
    from perpcore.scenario import Scenario

    Floats = NDArray[np.float64]

#: The figures of a row: whose median or mean.
MEDIANS, MEANS = ("peak_multiple",), ("insurance_fund_change", "market_maker_pnl")
RESAMPLES, DRAWN_AT_ONCE = 1_000, 1 << 18
BASELINE = "baseline"


class Ablation(Tabular):
    """A row for the scenario as it is (``baseline``), and one for each friction switched off alone.

    For each figure (``peak_multiple``, median; ``insurance_fund_change`` and ``market_maker_pnl``, means)
    the estimate and its interval (``_low``, ``_high``), and what switching the friction off changes, path by
    path with the same draws: ``_effect``, ``_effect_low``, ``_effect_high``. In the units of `Ensemble`.

    Attributes
    ----------
    seed, paths : int
        Of every row.
    confidence : float
        Of the intervals.
    """

    def __init__(self, data: dict[str, NDArray[Any]], *, seed: int, paths: int, confidence: float) -> None:
        self._data, self.seed, self.paths, self.confidence = data, seed, paths, confidence

    @property
    def columns(self) -> list[str]:
        """Names of the columns, ``friction`` first."""
        return [*self._data]

    def __len__(self) -> int:
        return len(self._data["friction"])

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._data[name]

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        import pyarrow

        return pyarrow.table(self._data).__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        cells = [["without", "median peak", "fund's change", "market maker", "change of each"]]
        for i, name in enumerate(self["friction"]):
            figures = [f"{self[m][i]:,.2f} x" for m in MEDIANS] + [f"{self[m][i]:,.0f}" for m in MEANS]
            effects = [f"{self[f'{m}_effect'][i]:+,.2f}" for m in MEDIANS]
            effects += [f"{self[f'{m}_effect'][i]:+,.0f}" for m in MEANS]
            cells.append([name if i else "(as it is)", *figures, "  ".join(effects) if i else ""])
        widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
        lines = (
            "  ".join(
                [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)]
            ).rstrip()
            for row in cells
        )
        head = f"Ablation: {self.paths:,} paths each, seed {self.seed}"
        return "\n  ".join([head, *lines])


def ablation(
    scenario: Scenario,
    *,
    paths: int,
    seed: int | np.random.SeedSequence | None = None,
    n_threads: int | None = None,
    confidence: float = 0.95,
    progress: bool | Callable[[int, int], object] = True,
) -> Ablation:
    """Run a scenario, and it without each of its `frictions`, over the same random numbers.

    Parameters
    ----------
    scenario : Scenario
    paths : int
        Of each, from 2.
    seed : int or numpy.random.SeedSequence, optional
        Names the random world; a fresh one if not given (`Ablation.seed` tells which).
    n_threads : int, optional
        As `Scenario.monte_carlo` takes it; no result depends on it.
    confidence : float
        Of the intervals, more than 0 and less than 1.
    progress : bool or callable
        As `Scenario.monte_carlo` takes it, for each in turn.

    Returns
    -------
    Ablation

    Raises
    ------
    ScenarioError
        Paths, seed, threads or confidence that can't be.

    Notes
    -----
    Intervals of medians are those of `Ensemble.quantile`, of means those of `Ensemble.mean`. Effects are
    differences path by path: of means with the normal interval of their mean, of medians with the bootstrap's
    percentiles over paths drawn together [1]_, which is wider than it need be where the two go together.

    References
    ----------
    .. [1] Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13.
    """
    _check(paths, confidence)
    without = frictions(scenario)
    base = scenario.monte_carlo(paths=paths, seed=seed, n_threads=n_threads, progress=progress)
    rows = [_row(base, base, confidence)]
    names = [BASELINE]
    for name, other in without.items():
        off = other.monte_carlo(paths=paths, seed=base.seed, n_threads=n_threads, progress=progress)
        rows.append(_row(off, base, confidence))
        names.append(name)
    data: dict[str, NDArray[Any]] = {"friction": np.array(names)}
    data |= {column: np.array([row[column] for row in rows]) for column in rows[0]}
    return Ablation(data, seed=base.seed, paths=len(base), confidence=confidence)


def _check(paths: object, confidence: object) -> None:
    """What would be said only after hours of paths; the rest `Scenario.monte_carlo` says before any."""
    if not isinstance(confidence, float) or not 0 < confidence < 1:
        raise problem("confidence", shown(confidence), "more than 0 and less than 1")
    if isinstance(paths, int) and paths < 2:
        raise problem("paths", paths, "a whole number from 2")


def _row(ensemble: Ensemble, base: Ensemble, confidence: float) -> dict[str, float]:
    """The figures of one scenario, and how far they are from the baseline's."""
    row: dict[str, float] = {}
    for name in (*MEDIANS, *MEANS):
        estimate: Estimate[float]
        if name in MEDIANS:
            estimate = ensemble.quantile(name, 0.5, confidence=confidence)
            effect = median_effect(base[name], ensemble[name], confidence)
        else:
            estimate = ensemble.mean(name, confidence=confidence)
            effect = mean_effect(base[name], ensemble[name], confidence)
        row |= _triple(name, estimate) | _triple(f"{name}_effect", effect)
    return row


def _triple(name: str, figures: Sequence[float]) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), map(float, figures), strict=True))


def mean_effect(base: Floats, off: Floats, confidence: float) -> tuple[float, float, float]:
    """Mean difference of pairs, and the normal interval of it."""
    apart = np.asarray(off, dtype=np.float64) - base
    mean = float(apart.mean())
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) * float(apart.std(ddof=1)) / math.sqrt(len(apart))
    return mean, mean - reach, mean + reach


def median_effect(base: Floats, off: Floats, confidence: float) -> tuple[float, float, float]:
    """Difference of the medians, and the interval of it: percentiles over resampled pairs."""
    both = np.stack([base, off]).astype(np.float64)
    value = float(_between_medians(both))
    if (both[0] == both[1]).all():
        return value, value, value
    chance = np.random.default_rng(0)  # the same figures for the same paths
    count = both.shape[1]
    some = max(1, DRAWN_AT_ONCE // count)
    sizes = [(min(some, RESAMPLES - at), count) for at in range(0, RESAMPLES, some)]
    resampled = np.concatenate([_between_medians(both[:, chance.integers(count, size=s)]) for s in sizes])
    low, high = np.quantile(resampled, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return value, float(low), float(high)


def _between_medians(both: Floats) -> Floats:
    base, off = np.median(both, axis=-1)
    apart: Floats = off - base
    return apart
