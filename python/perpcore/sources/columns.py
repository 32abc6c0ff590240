"""Delimited text to integer columns, exactly and a whole column at a time.

Numbers never pass through floats: a field becomes its digits and how many of them stand behind the point.
What is wrong is found in the same pass, and named by file and line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from perpcore._core import ScenarioError
from perpcore._structs import number, plain, problem
from perpcore.sources.files import Text, short

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

#: Digits of the largest number that is read; one more could pass 2**63.
DIGITS = 18
NUMBER = f"a decimal number of at most {DIGITS} digits"
#: Bytes that are split at once: what the work arrays of a piece take stays in the tens of megabytes.
PIECE = 1 << 23
PADDING = 64

_COMMA, _NEWLINE, _RETURN, _POINT, _MINUS, _ZERO = b",\n\r.-0"


class Column(NamedTuple):
    """Numbers of one column: ``digits / 10**places``, each as it was written."""

    digits: Ints
    places: Ints


class Fields:
    """Rows of delimited text, each with the same number of fields.

    Parameters
    ----------
    text : Text
        The lines, without a header.
    names : sequence of str
        Of the columns, for errors.
    line : int
        Number of the first line in the file.
    where : callable, optional
        What errors call a row: ``file:line`` if not given.
    """

    def __init__(
        self, text: Text, names: Sequence[str], line: int = 1, where: Callable[[int], str] | None = None
    ) -> None:
        self.names = tuple(names)
        self.where = where or (lambda row: f"{text.name}:{line + row}")
        # Letters are read a position at a time for all rows: the end of the last may be passed.
        closed = b"" if text.data.endswith(b"\n") or not text.data else b"\n"
        self._bytes = np.frombuffer(b"".join((text.data, closed, bytes(PADDING))), np.uint8)
        used = self._bytes[: len(text.data) + len(closed)]
        borders = np.flatnonzero((used == _COMMA) | (used == _NEWLINE))
        self._check_shape(used, borders)
        ends = borders.reshape(-1, len(names))
        starts = np.empty_like(ends)
        starts.ravel()[1:] = borders[:-1] + 1
        starts.ravel()[:1] = 0
        # Columns are read one by one: each shall lie in one piece.
        self._starts, self._ends = np.ascontiguousarray(starts.T), np.ascontiguousarray(ends.T)
        if len(ends):
            self._ends[-1] -= used[np.maximum(self._ends[-1] - 1, 0)] == _RETURN

    def __len__(self) -> int:
        return int(self._starts.shape[1])

    def _check_shape(self, used: Bytes, borders: Ints) -> None:
        newline = used[borders] == _NEWLINE
        count = len(self.names)
        rows = int(np.count_nonzero(newline))
        if len(borders) == rows * count and bool(newline[count - 1 :: count].all()):
            return
        fields = np.diff(np.flatnonzero(newline), prepend=-1)
        row = int(np.argmax(fields != count))
        found = f"{fields[row]} field{'' if fields[row] == 1 else 's'}"
        raise problem(self.where(row), found, f"{count}: {', '.join(self.names)}")

    def text(self, row: int, column: int) -> str:
        """A field as it stands there."""
        field = self._bytes[self._starts[column, row] : self._ends[column, row]]
        return field.tobytes().decode("utf-8", "replace")

    def refuse(self, bad: Mask, column: int, allowed: str) -> None:
        """Raise for the first row that is `bad`, if there is one."""
        if bad.any():
            row = int(np.argmax(bad))
            raise self.wrong(row, column, allowed)

    def wrong(self, row: int, column: int, allowed: str) -> ScenarioError:
        """The error that names a field, its line and what may stand there."""
        return problem(self.where(row), short(f"{self.names[column]} {self.text(row, column)!r}"), allowed)

    def integers(self, column: int) -> Ints:
        """A column of whole numbers."""
        read = self.decimals(column)
        self.refuse(read.places > 0, column, "a whole number")
        return read.digits

    def scaled(self, column: int, places: int) -> Ints:
        """A column in units of ``10**-places``; what is written finer than that is rounded."""
        read = self.decimals(column)
        finer = np.maximum(read.places - places, 0)
        coarser = np.maximum(places - read.places, 0)
        fits = np.abs(read.digits) < 10 ** np.maximum(DIGITS - coarser, 0)
        self.refuse(~fits | (coarser > DIGITS), column, f"{NUMBER} when written with {places} decimals")
        unit = 10**finer
        scaled: Ints = (read.digits + unit // 2) // unit * 10**coarser
        return scaled

    def decimals(self, column: int) -> Column:
        """A column of decimal numbers."""
        starts, lengths = self._starts[column], self._ends[column] - self._starts[column]
        read, odd = _digits(self._bytes, starts, lengths)
        for row in np.flatnonzero(odd):  # an exponent, a plus: rare, so one by one
            read.digits[row], read.places[row] = self._carefully(int(row), column)
        return read

    def _carefully(self, row: int, column: int) -> tuple[int, int]:
        text = self.text(row, column)
        try:
            plainly = text.isascii() and "_" not in text and text == text.strip()
            value = Decimal(text) if plainly else Decimal("nan")
        except InvalidOperation:
            value = Decimal("nan")
        if not value.is_finite():
            raise self.wrong(row, column, NUMBER)
        sign, digits, exponent = value.as_tuple()
        assert isinstance(exponent, int)
        places = max(0, -exponent)
        if max(len(digits) + exponent, places, len(digits)) > DIGITS:
            raise self.wrong(row, column, NUMBER)
        size = int("".join(map(str, digits))) * 10 ** max(0, exponent)
        return (-size if sign else size), places

    def is_word(self, column: int, word: str) -> Mask:
        """Which rows have this word in a column."""
        letters = word.encode()
        same: Mask = self._ends[column] - self._starts[column] == len(letters)
        rows = np.flatnonzero(same)  # which are as long
        for k, letter in enumerate(letters):
            rows = rows[self._bytes[self._starts[column, rows] + k] == letter]
        same[:] = False
        same[rows] = True
        return same

    def words(self, column: int, allowed: Sequence[str]) -> Ints:
        """A column of a few words, as their positions in `allowed`."""
        found = np.full(len(self), -1, np.int64)
        for i, word in enumerate(allowed):
            found[self.is_word(column, word)] = i
        self.refuse(found < 0, column, f"one of {', '.join(allowed)}")
        return found


def _digits(data: Bytes, starts: Ints, lengths: Ints) -> tuple[Column, Mask]:
    """Read a number a row, all rows a position at a time; the second answer: what is not plain digits."""
    width = int(lengths.max(initial=0))
    digits, count = np.zeros_like(starts), np.zeros_like(starts)
    places = np.full_like(starts, -1)  # -1: no point yet
    negative = data[starts] == _MINUS
    odd = (lengths < 1) | (lengths > DIGITS + 2)
    for k in range(min(width, DIGITS + 2)):
        inside = lengths > k
        letter = data[starts + k]
        value = letter - np.uint8(_ZERO)
        digit = inside & (value < 10)
        np.multiply(digits, 10, out=digits, where=digit)
        np.add(digits, value, out=digits, where=digit)
        count += digit
        places += digit & (places >= 0)
        other = inside & ~digit
        if other.any():
            point = other & (letter == _POINT)
            odd |= (point & (places >= 0)) | (other & ~point & ~(negative & (k == 0)))
            places[point & (places < 0)] = 0
    odd |= (count < 1) | (count > DIGITS)
    np.negative(digits, out=digits, where=negative)
    return Column(digits, np.maximum(places, 0)), odd


def pieces(text: Text, names: Sequence[str], line: int = 1) -> Iterator[Fields]:
    """The rows of a file in pieces that are worked on one after the other."""
    start, data = 0, text.data.rstrip(b"\r\n")
    while start < len(data):
        end = data.find(b"\n", start + PIECE) + 1 or len(data)
        fields = Fields(Text(text.name, data[start:end]), names, line)
        yield fields
        line, start = line + len(fields), end


def column_of(strings: Sequence[str], name: str, where: Callable[[int], str]) -> Column:
    """Numbers that are written as strings; `where` is what an error calls the i-th of them."""
    # What would end a line here is no part of a number anyway.
    lines = "\n".join(text if text.isascii() and text.isprintable() else "?" for text in strings)
    text = Text(name, lines.replace(",", "?").encode() + b"\n" if strings else b"")
    return Fields(text, [name], where=where).decimals(0)


# ---- grids ----


def common(columns: Sequence[Column]) -> Column:
    """Several columns as one."""
    digits = [column.digits for column in columns] or [np.zeros(0, np.int64)]
    places = [column.places for column in columns] or [np.zeros(0, np.int64)]
    return Column(np.concatenate(digits), np.concatenate(places))


def on_grid(column: Column, step: Decimal | None) -> tuple[Ints, Decimal, Mask]:
    """Numbers as multiples of a step.

    Parameters
    ----------
    column : Column
    step : Decimal, optional
        The coarsest step that all of them stand on, if not given.

    Returns
    -------
    multiples : ndarray of int64
    step : Decimal
    off : ndarray of bool
        Which of them do not stand on the step, or are too large for it.
    """
    most = int(column.places.max(initial=0))
    if step is not None:
        exponent = step.as_tuple().exponent
        assert isinstance(exponent, int)
        most = max(most, -exponent)
    added = most - column.places
    off = (added > DIGITS) | (np.abs(column.digits) >= 10 ** np.maximum(DIGITS - added, 0))
    values = np.where(off, 0, column.digits) * 10 ** np.minimum(added, DIGITS)
    if step is None:
        every = max(int(np.gcd.reduce(values, initial=0)), 1)
        step = (Decimal(every).scaleb(-most)).normalize()
    else:
        every = int(step.scaleb(most))
        if every >= 1 << 63:
            return np.zeros_like(values), step, column.digits != 0
    off |= values % every != 0
    return values // every, Decimal(plain(step)), off


def step_of(field: str, value: object) -> Decimal | None:
    """A tick or lot size as given: None, or more than 0."""
    if value is None:
        return None
    step = number(field, value).normalize()
    if step <= 0:
        raise problem(field, plain(step), "more than 0")
    return step
