"""Points as CSV, as an export writes them: read to the last cell before any of them is stored."""

import csv
import io
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan, nan
from typing import BinaryIO, TextIO

from reelwork.domain.errors import FieldError, InvalidInput
from reelwork.domain.series import MOST_ADDED, MOST_VALUES
from reelwork.modelling.table import LARGEST, LONGEST_LINE, MOST_OBSERVABLES, csv_header

# Python's own reader of numbers takes underscores, words and the digits of every script.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# Lines of numbers below LARGEST by their length alone, which need no closer look: nearly all.
_PLAIN_CELL = r"[+-]?[0-9]{0,20}(?:\.[0-9]{0,30})?(?:e[+-]?[0-7]?[0-9])?"
_PLAIN = re.compile(rf"{_PLAIN_CELL}(?:,{_PLAIN_CELL})*\r?\n?")
_MISSING = {"nan", "na", "null", "none"}
_INFINITE = {"inf", "infinity"}
_SHOWN_LETTERS = 40


@dataclass(frozen=True, slots=True)
class Table:
    """Points, one after the other, not-a-number where a value is missing."""

    observables: int
    numbers: "array[float]"

    def pieces(self) -> Iterator[list[float | None]]:
        """At most MOST_ADDED values at a time, and never a part of a point."""
        at_once = MOST_ADDED // self.observables * self.observables
        for start in range(0, len(self.numbers), at_once):
            yield [None if isnan(number) else number for number in self.numbers[start : start + at_once]]


def read_table(file: BinaryIO, *, observables: int | None) -> Table:
    """All of the file, from its beginning; it stays open. `observables`: None to go by the header.

    Raises InvalidInput, which names the first row and column that cannot be taken; row 1 is the header.
    """
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        lines = _lines(text)
        names = _header(_cells(*next(lines, (1, ""))), observables)
        numbers = array("d")
        for place, line in lines:
            if len(numbers) + len(names) > MOST_VALUES:
                raise wrong(f"rows/{place}", "too_many", f"A series has at most {MOST_VALUES:,} numbers.")
            numbers.extend(_plain(line, len(names)) or _point(_cells(place, line), names, place))
    except UnicodeDecodeError as error:
        raise wrong("charset", "not_utf8", "The file is not in UTF-8: save it as UTF-8.") from error
    finally:
        text.detach()
    return Table(len(names), numbers)


def wrong(field: str, code: str, cure: str) -> InvalidInput:
    """The error for what stands there, a path in what was sent."""
    error = FieldError(pointer=f"#/{field}", code=code, detail=cure)
    return InvalidInput(f"Not valid: {error.pointer}.", hint=cure, errors=[error])


def _lines(text: TextIO) -> Iterator[tuple[int, str]]:
    """Each with its number. Raises InvalidInput for a line that may not end: it would be held whole."""
    place = 0
    while line := text.readline(LONGEST_LINE + 1):
        place += 1
        if len(line) > LONGEST_LINE or line.count('"') % 2:
            cure = f"Row {place}: every point is one line, of at most {LONGEST_LINE:,} characters."
            raise wrong(f"rows/{place}", "no_line", cure)
        yield place, line


def _cells(place: int, line: str) -> list[str]:
    try:
        row = next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise wrong(f"rows/{place}", "quotes", f"Row {place}: its quotes are not as in CSV ({error}).") from error
    return [cell.strip() for cell in row] or [""]


def _plain(line: str, observables: int) -> list[float] | None:
    """The numbers of a line as programs write it; None for one that has to be looked at."""
    if not _PLAIN.fullmatch(line):
        return None
    try:
        point = [float(cell) if cell else nan for cell in line.rstrip("\r\n").split(",")]
    except ValueError:  # a sign alone, or a point
        return None
    return point if len(point) == observables else None


def _header(row: list[str], observables: int | None) -> list[str]:
    """The names of the columns. Raises InvalidInput for any other line than the first of an export."""
    columns = sum(len(re.split(r"[;\t]", cell)) for cell in row)
    expected = csv_header(observables or min(columns, MOST_OBSERVABLES)).rstrip("\n")
    if row == expected.split(","):
        return row
    if columns > len(row):
        raise wrong("header", "separator", f"Separate columns by a comma: the first line must be {expected!r}.")
    seen = ",".join(f'"{cell}"' if "," in cell else cell for cell in row)
    shown = repr(seen[:_SHOWN_LETTERS]) if seen else "empty"
    cure = f"The first line must be {expected!r}, as an export has it; it is {shown}."
    raise wrong("header", "wrong_header", cure)


def _point(row: list[str], names: list[str], place: int) -> list[float]:
    if len(row) == len(names):
        return [_cell(cell, name, place) for cell, name in zip(row, names, strict=True)]
    if any(";" in cell or "\t" in cell for cell in row):
        raise wrong(f"rows/{place}", "separator", f"Row {place}: separate columns by a comma, and use decimal points.")
    values = f"{len(names)} value{'s' * (len(names) > 1)}"
    hint = (
        "leave a cell empty for a missing one" if len(row) < len(names) else "write decimals with a point, not a comma"
    )
    cure = f"Row {place} has {len(row)}: a point of this series has {values}; {hint}."
    raise wrong(f"rows/{place}", "wrong_length", cure)


def _cell(cell: str, name: str, place: int) -> float:
    if not cell:
        return nan
    if not _NUMBER.fullmatch(cell):
        raise wrong(f"rows/{place}/{name}", "no_number", f"Row {place}, column {name}: {_cure(cell)}")
    number = float(cell)
    if not -LARGEST <= number <= LARGEST:
        cure = f"Row {place}, column {name}: {cell[:_SHOWN_LETTERS]} is no finite number up to {LARGEST:g}."
        raise wrong(f"rows/{place}/{name}", "too_large", cure)
    return number


def _cure(cell: str) -> str:
    shown, word = ascii(cell[:_SHOWN_LETTERS]), cell.lower().lstrip("+-")
    if word in _MISSING:
        return f"{shown} is no number; leave the cell empty where a value is missing."
    if word in _INFINITE:
        return f"{shown} is not finite; leave the cell empty, or write a number up to {LARGEST:g}."
    return f"{shown} is no number; write digits with a decimal point, such as -1.5 or 1e-07."
