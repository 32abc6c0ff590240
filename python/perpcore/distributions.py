"""Laws that numbers of a scenario are drawn from, in place of the numbers.

A distribution that stands for one number is drawn once per path; where a field says *law*, once for every
level or account. ``Q`` is its quantile function, ``u`` uniform on 0 to 1; `docs/MODEL.md` section 9 says from
which word of which stream. Parameters are in the units of the field they stand in.

>>> import perpcore as pc
>>> push = pc.Uniform(10_000, 30_000)
>>> world = pc.presets.rocketcoin().replace({"ignition.qty": push})
>>> world.replace({"ignition.qty.high": 20_000}).ignition.qty
Uniform(low=10000, high=20000)
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, overload

import msgspec
import numpy as np

from perpcore._structs import NUMBER, Number, Opaque, Struct, number, plain, problem, shown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Numbers = Sequence[Number] | NDArray[Any]
    Components = Sequence["Distribution"]
    Paths = Sequence[str]
    Matrix = Sequence[Sequence[Number]] | NDArray[Any]
else:
    # What a field holds once read.
    Numbers = tuple[Number, ...]
    Components = tuple["Distribution", ...]
    Paths = tuple[str, ...]
    Matrix = tuple[Numbers, ...]

# A number of a scenario has 18 decimals at most; a float of a hundredth or more never has more than those.
_UNITS, _FINE = 1e18, 0.01


class Law(Struct, frozen=True, forbid_unknown_fields=True, tag_field="dist"):
    """What all distributions are."""

    def __repr__(self) -> str:
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        words = (f"{name}={text(value)}" for name, value in given.items() if value is not None)
        return f"{type(self).__name__}({', '.join(words)})"


def text(value: Any) -> str:
    """A number as its digits, a distribution as it was called."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(text, value))}]"
    return repr(value)


class Uniform(Law, frozen=True, forbid_unknown_fields=True, tag="uniform"):
    """Every value from `low` to `high` alike: ``Q(u) = low + u (high - low)``.

    Parameters
    ----------
    low, high : number
        In the units of the field.
    """

    low: Number
    high: Number


class Normal(Law, frozen=True, forbid_unknown_fields=True, tag="normal"):
    """Normal: ``Q(u) = mean + sd Phi^-1(u)`` [1]_.

    Parameters
    ----------
    mean, sd : number
        Of the law before it is cut off, in the units of the field.
    low, high : number, optional
        Where it is cut off: ``u`` becomes ``F(low) + u (F(high) - F(low))``.

    References
    ----------
    .. [1] Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions, vol. 1, 2nd ed., 1994, ch. 13.
    """

    mean: Number
    sd: Number
    low: Number | None = None
    high: Number | None = None


class LogNormal(Law, frozen=True, forbid_unknown_fields=True, tag="log_normal"):
    """Log-normal: ``Q(u) = median exp(sigma Phi^-1(u))`` [1]_.

    Parameters
    ----------
    median : number
        In the units of the field.
    sigma : number
        Standard deviation of the logarithm.
    low, high : number, optional
        Where it is cut off, in the units of the field: ``u`` becomes ``F(low) + u (F(high) - F(low))``.

    References
    ----------
    .. [1] Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions, vol. 1, 2nd ed., 1994, ch. 14.
    """

    median: Number
    sigma: Number
    low: Number | None = None
    high: Number | None = None


class Exponential(Law, frozen=True, forbid_unknown_fields=True, tag="exponential"):
    """Exponential from 0: ``Q(u) = -mean ln(1 - u)`` [1]_.

    Parameters
    ----------
    mean : number
        Of the law before it is cut off, in the units of the field.
    low, high : number, optional
        Where it is cut off: ``u`` becomes ``F(low) + u (F(high) - F(low))``.

    References
    ----------
    .. [1] Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions, vol. 1, 2nd ed., 1994, ch. 19.
    """

    mean: Number
    low: Number | None = None
    high: Number | None = None


class Pareto(Law, frozen=True, forbid_unknown_fields=True, tag="pareto"):
    """Pareto of the first kind: ``Q(u) = low (1 - u)^(-1/alpha)`` [1]_.

    Parameters
    ----------
    low : number
        The least value, in the units of the field.
    alpha : number
        Tail index: values above ``x`` have the share ``(low / x)^alpha``. The mean is infinite up to 1.
    high : number, optional
        Where it is cut off: ``u`` becomes ``u F(high)``.

    References
    ----------
    .. [1] Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions, vol. 1, 2nd ed., 1994, ch. 20.
    """

    low: Number
    alpha: Number
    high: Number | None = None


class Beta(Law, frozen=True, forbid_unknown_fields=True, tag="beta"):
    """Beta, stretched: ``Q(u) = low + (high - low) I^-1(u)`` [1]_.

    ``I`` is the regularised incomplete beta function.

    Parameters
    ----------
    alpha, beta : number
        Its two shapes; the mean lies at ``alpha / (alpha + beta)`` of the way.
    low, high : number
        Its ends, in the units of the field.

    References
    ----------
    .. [1] Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions, vol. 2, 2nd ed., 1995, ch. 25.
    """

    alpha: Number
    beta: Number
    low: Number = Decimal(0)
    high: Number = Decimal(1)


class Trapezoid(Law, frozen=True, forbid_unknown_fields=True, tag="trapezoid"):
    """Density rising from `a` to `b`, flat to `c`, falling to `d` [1]_; the sum of two uniform ones is one.

    Parameters
    ----------
    a, b, c, d : number
        In rising order, in the units of the field.

    References
    ----------
    .. [1] van Dorp and Kotz, Generalized trapezoidal distributions, Metrika 58, 2003.
    """

    a: Number
    b: Number
    c: Number
    d: Number


class Choice(Law, frozen=True, forbid_unknown_fields=True, tag="choice"):
    """One of a few values: ``Q(u)`` is the least with more than ``u`` of the weight up to it.

    Parameters
    ----------
    values : sequence of number
        In the units of the field.
    weights : sequence of number, optional
        One for each value, of any sum; equal ones if not given.
    """

    values: Numbers
    weights: Numbers | None = None

    def __post_init__(self) -> None:
        """Floats lose what no number of a scenario can hold."""
        _round(self, "values", "weights")
        super().__post_init__()


class Empirical(Law, frozen=True, forbid_unknown_fields=True, tag="empirical"):
    """One of the observed values, each as likely: ``Q(u) = sorted values[ceil(u n) - 1]`` [1]_.

    Parameters
    ----------
    values : array_like
        Any number of them, in the units of the field; kept as 64-bit floats of at most 18 decimals.

    References
    ----------
    .. [1] Hyndman and Fan, Sample quantiles in statistical packages, The American Statistician 50, 1996.
    """

    values: Sample

    if TYPE_CHECKING:

        def __init__(self, values: ArrayLike | Sample) -> None: ...

    def __post_init__(self) -> None:
        """Any numbers become a `Sample`."""
        msgspec.structs.force_setattr(self, "values", Sample.read(self.values, "values"))


class Mixture(Law, frozen=True, forbid_unknown_fields=True, tag="mixture"):
    """One of several distributions, and then a value of it [1]_.

    ``u`` picks the component by the weights; what is left of ``u``, stretched to 0 to 1, draws from it.

    Parameters
    ----------
    components : sequence of distribution
    weights : sequence of number
        One for each component, of any sum.

    References
    ----------
    .. [1] McLachlan and Peel, Finite Mixture Models, 2000.
    """

    components: Components
    weights: Numbers

    def __post_init__(self) -> None:
        """Floats lose what no number of a scenario can hold."""
        _round(self, "weights")
        super().__post_init__()


class Copula(Struct, frozen=True, forbid_unknown_fields=True):
    """Gaussian copula: fields whose draws depend on each other [1]_.

    Their ``u`` become normals, ``z = C Phi^-1(u)`` with the Cholesky factor ``C`` of `matrix`, and ``Phi(z)``
    takes the place of ``u``.

    Parameters
    ----------
    fields : sequence of str
        Paths of distributions, as ``"ignition.qty"`` or ``"positions[0].lump"``.
    matrix : sequence of sequences of number
        Their correlation: symmetric, positive semidefinite, 1 on the diagonal.

    References
    ----------
    .. [1] Nelsen, An Introduction to Copulas, 2nd ed., 2006, ch. 2.
    """

    fields: Paths
    matrix: Matrix

    def __post_init__(self) -> None:
        """Floats lose what no number of a scenario can hold."""
        _round(self, "matrix")
        super().__post_init__()


Distribution = (
    Uniform | Normal | LogNormal | Exponential | Pareto | Beta | Trapezoid | Choice | Empirical | Mixture
)

if TYPE_CHECKING:
    Scalar = Number | Distribution
    Span = Scalar | tuple[Scalar, Scalar]
else:
    # What a field holds once read: a number, or what it is drawn from; or a pair of such.
    Scalar = Decimal | Distribution
    Span = Decimal | Distribution | tuple[Decimal | Distribution, Decimal | Distribution]
Count = int | Distribution


class Sample(Opaque):
    """Observed values: a read-only array of floats that can be compared, hashed and written as it is.

    Parameters
    ----------
    values : array of float64
        Finite, with at most 18 decimals; `read` makes it from anything else.
    """

    def __init__(self, values: NDArray[np.float64]) -> None:
        self._values = values
        self._values.flags.writeable = False

    @classmethod
    def read(cls, given: object, field: str) -> Sample:
        """Whatever holds numbers, checked; `field` is what an error calls it."""
        if isinstance(given, Sample):
            return given
        values = _floats(given, field)
        wrong = np.flatnonzero(~(np.abs(values) < 1e24))  # NaN too
        if wrong.size:
            at = int(wrong[0])
            raise problem(f"{field}[{at}]", float(values[at]), NUMBER)
        return cls(_rounded(values) + 0.0)  # a copy, and no zero below zero

    def texts(self) -> list[str]:
        """Every value in its shortest form, without an exponent."""
        texts = map(float.__repr__, self._values.tolist())
        return [plain(Decimal(text)) if "e" in text else text.removesuffix(".0") for text in texts]

    def plain(self) -> list[Decimal]:
        """Exact decimals."""
        return [Decimal(text) for text in self.texts()]

    def json(self) -> msgspec.Raw:
        """A list of exact decimals as text, as the core reads it."""
        return self._json

    @functools.cached_property
    def _json(self) -> msgspec.Raw:
        texts = '","'.join(self.texts())
        return msgspec.Raw(f'["{texts}"]' if texts else "[]")

    def toml(self) -> str:
        """A list of exact decimals."""
        return f"[{', '.join(self.texts())}]"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self._values, dtype=dtype) if copy else np.asarray(self._values, dtype=dtype)

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, at: int) -> float: ...
    @overload
    def __getitem__(self, at: slice) -> NDArray[np.float64]: ...
    def __getitem__(self, at: int | slice) -> float | NDArray[np.float64]:
        return self._values[at] if isinstance(at, slice) else float(self._values[at])

    def __iter__(self) -> Iterator[float]:
        return iter(self._values.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sample) and np.array_equal(self._values, other._values)

    def __hash__(self) -> int:
        return hash(self._values.tobytes())

    def __reduce__(self) -> tuple[Any, ...]:
        return Sample, (self._values,)

    def __repr__(self) -> str:
        if len(self) <= 8:
            return f"[{', '.join(self.texts())}]"
        low, high = self._values.min(), self._values.max()
        return f"<{len(self):,} numbers from {low:g} to {high:g}>"


def _floats(given: object, field: str) -> NDArray[np.float64]:
    """A list of numbers, or an array of one dimension, as floats."""
    if hasattr(given, "__array__"):  # numpy's, and columns of pandas and polars
        array: NDArray[Any] = np.asarray(given)
        if array.ndim == 1 and array.dtype.kind in "iuf":
            # A narrow float is meant as it is written.
            short = array.dtype.kind == "f" and array.dtype.itemsize < 8
            return (array.astype(str) if short else array).astype(np.float64)
        given = array.tolist()
    if not isinstance(given, list | tuple):
        raise problem(field, shown(given), "a list of numbers")
    if set(map(type, given)) <= {int, float, Decimal, np.float64}:
        try:
            return np.fromiter(map(float, given), np.float64, len(given))
        except (OverflowError, ValueError):  # said below, with its place
            pass
    return np.array([float(number(f"{field}[{i}]", item)) for i, item in enumerate(given)], np.float64)


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Floats that can be written with 18 decimals; the quotient is the float nearest to that decimal."""
    return np.where(np.abs(values) < _FINE, np.rint(values * _UNITS) / _UNITS, values)


def _round(law: Struct, *fields: str) -> None:
    for field in fields:
        msgspec.structs.force_setattr(law, field, _rounded_floats(getattr(law, field)))


def _rounded_floats(value: Any) -> Any:
    """The same numbers, floats among them rounded."""
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim):
        return tuple(map(_rounded_floats, value))
    if isinstance(value, float) and abs(value) < _FINE:
        return float(np.rint(value * _UNITS) / _UNITS)
    return value
