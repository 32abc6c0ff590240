"""What all pictures share: colours, axes, figures for people."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from perpcore.results import Run

    Floats = NDArray[np.float64]

# Okabe and Ito: told apart by everyone, and in print.
INK, GREY = "#222222", "#8a8a8a"
SPOT, PERP, PUSH = "#0072b2", "#cc79a7", "#000000"
ORANGE, GREEN, SKY, AMBER = "#d55e00", "#009e73", "#56b4e9", "#e69f00"
LEGEND: dict[str, Any] = {"frameon": False, "fontsize": 9, "labelcolor": INK}
UNITS = ((259_200.0, 86_400.0, "days"), (7_200.0, 3_600.0, "hours"), (600.0, 60.0, "minutes"))


def time_unit(seconds: float) -> tuple[float, str]:
    """Seconds in the unit that a span of time is shown in, and its name.

    >>> [time_unit(seconds)[1] for seconds in (300, 3_600, 14_400, 1_000_000)]
    ['seconds', 'minutes', 'hours', 'days']
    """
    return next(((unit, name) for least, unit, name in UNITS if seconds > least), (1.0, "seconds"))


class Clock:
    """The axis from left to right: rounds of an instant cascade, the time of a run through time.

    Attributes
    ----------
    at : numpy.ndarray
        Of each stage: its round, or its step from 0.
    scale : float
        What one more of them is on the axis.
    """

    def __init__(self, run: Run) -> None:
        stages, time = run.stages, run.scenario.time
        self.timed = time is not None
        if time is None:
            self.at, self.scale, self.label = stages["round"], 1.0, "round (0: the push)"
            return
        step = float(time.step_s)
        self.at = np.rint(stages["time"] / step).astype(np.int64)
        self.seconds = float(self.at[-1] + 1) * step
        unit, self.unit = time_unit(self.seconds)
        self.scale, self.label = step / unit, f"time ({self.unit})"

    @property
    def x(self) -> Floats:
        """Of each stage, where it stands on the axis."""
        return self.at * self.scale

    @property
    def count(self) -> int:
        """Rounds, or steps."""
        return int(self.at[-1]) + 1

    def span(self) -> str:
        """How long it took, for people."""
        return count(self.count, "round") if not self.timed else f"{self.count * self.scale:,.4g} {self.unit}"


def axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(7.5, 4.5), layout="constrained")[1]


def dress(ax: Axes, title: str) -> None:
    ax.set_title(title, loc="left", fontsize=11, color=INK)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color="#e6e6e6", lw=0.7)
    ax.set_axisbelow(True)


def whole_numbers(ax: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))


def compact(ax: Axes) -> None:
    from matplotlib.ticker import FuncFormatter

    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: short(y)))


def short(value: float) -> str:
    """Three or four digits and a letter: 210.1 k, 10.95 M."""
    for size, letter in ((1e12, " T"), (1e9, " B"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:.4g}"


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def check_ending(figure: Figure, path: Path) -> None:
    """Refuse a format that matplotlib doesn't write."""
    known = figure.canvas.get_supported_filetypes()
    if path.suffix.lower().lstrip(".") not in known:
        raise ValueError(f"{path}: the ending must be one of {', '.join(sorted(known))}")


def write(figure: Figure, path: Path, dpi: float) -> None:
    """Write a picture, whole or not at all."""
    draft = path.absolute().with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with draft.open("xb") as file:
            figure.savefig(file, format=path.suffix.lower().lstrip("."), dpi=dpi)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
