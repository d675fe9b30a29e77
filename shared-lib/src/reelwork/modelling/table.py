"""Rows of numbers from what callers send: lists, JSON, CSV. Columns inside; not-a-number where a value is missing."""

import codecs
import csv
import io
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from math import nan
from pathlib import Path
from typing import BinaryIO, TextIO, TypeAlias

from reelwork.generator.errors import InvalidInput
from reelwork.modelling.json_rows import NoList, json_rows

Columns: TypeAlias = "list[array[float]]"
"""One array of doubles for each observable, all of the same length."""

MOST_OBSERVABLES = 64
MOST_VALUES = 2_000_000  # in one job, over all observables: some hundred megabytes while it runs
MOST_FILE_BYTES = 64 * 1024 * 1024
LARGEST = 1e100  # its square is still far from what a double can hold
LONGEST_LINE = 64 * 1024  # characters: a line that never ends is not held
TABLES = ("text/csv", "application/json")
# How many leading bytes `sniff_table` wants to see: a header of many names, and a line behind it.
SNIFF_TABLE_BYTES = 16 * 1024

_MISSING = {"", "na", "nan", "null", "none"}
# Columns that say when, not what.
_INDEXES = {"t", "time", "timestamp", "date", "datetime", "index"}


def of_rows(rows: Iterable[object], *, source: str) -> Columns:
    """Columns of numbers and nulls, or of lists of them. Raises InvalidInput that names `source` and the place."""
    columns: Columns = []
    nested = False
    for place, row in enumerate(rows):
        nested = nested if place else isinstance(row, list)
        if nested != isinstance(row, list):
            raise _uneven(source, place)
        cells = row if isinstance(row, list) else [row]
        _add(columns, [_number(cell, source, place) for cell in cells], source, place)
    return columns


def sniff_table(head: bytes) -> str | None:
    """Which of TABLES a file is that begins like this; None for what is no text in UTF-8, and for text that is neither
    JSON by its first character nor has a number, or a word for a missing one, in the first two lines."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
        if any(letter < " " and letter not in "\t\r\n" for letter in text):
            return None
        if _is_json(text):
            return "application/json"
        rows = list(islice(filter(any, csv.reader(io.StringIO(text, newline=""))), 2))
    except (UnicodeDecodeError, csv.Error):
        return None
    cells = (cell.strip().lower() for row in rows for cell in row)
    return "text/csv" if any(cell and (cell in _MISSING or _is_number(cell)) for cell in cells) else None


def of_file(path: Path, *, source: str) -> Columns:
    """A CSV or JSON file; which of them it is, its first character tells. Raises InvalidInput."""
    with path.open("rb") as file:
        return of_stream(file, path.stat().st_size, source=source)


def of_stream(stream: BinaryIO, size_bytes: int, *, source: str) -> Columns:
    """The same of a stream at its beginning, which stays open; little is held but the numbers. Raises InvalidInput."""
    if size_bytes > MOST_FILE_BYTES:
        raise InvalidInput(f"{source}: at most {MOST_FILE_BYTES // 2**20} MiB of numbers.", field=source)
    file = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    try:
        is_json = _is_json(file.read(64))
        file.seek(0)
        return of_rows(json_rows(file), source=source) if is_json else _of_csv(_lines(file), source)
    except NoList as error:
        cure = "give a list of numbers, or an object with such a list as values."
        raise InvalidInput(f"{source}: {cure}", field=source) from error
    except (ValueError, csv.Error, RecursionError) as error:
        raise InvalidInput(f"{source}: the file is neither CSV nor JSON in UTF-8.", field=source) from error
    finally:
        file.detach()


def csv_header(observables: int) -> str:
    """The first line of such a file: without it a first point without any value would be taken for none."""
    names = ["value"] if observables == 1 else [f"value_{number}" for number in range(observables)]
    return f"{','.join(names)}\n"


def csv_lines(values: Sequence[float | None], observables: int) -> str:
    """Points as `of_file` reads them: a line each, with nothing where a value is missing."""
    texts = ["" if value is None else repr(value) for value in values]
    rows = (texts[start : start + observables] for start in range(0, len(texts), observables))
    return "".join(f"{','.join(row)}\n" for row in rows)


def _is_json(text: str) -> bool:
    return text.lstrip()[:1] in {"[", "{"}


def _lines(file: TextIO) -> Iterator[str]:
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE or line.count('"') % 2:
            raise csv.Error("a line, or a cell over lines, that may not end")
        yield line


def _of_csv(lines: Iterable[str], source: str) -> Columns:
    """A line for each point; a first line without any number is a header, whose columns of times are left out."""
    columns: Columns = []
    wanted: list[int] | None = None
    place = 0
    for row in csv.reader(lines):
        cells = [cell.strip() for cell in row]
        if wanted is None:
            is_header = not any(_is_number(cell) for cell in cells) and any(cells)
            wanted = [at for at, cell in enumerate(cells) if not (is_header and cell.lower() in _INDEXES)]
            if is_header:
                continue
        if not cells:  # an empty line is a missing value where there is one column
            cells = [""]
        if len(cells) <= max(wanted, default=0):
            raise _uneven(source, place)
        _add(columns, [_parsed(cells[at], source, place) for at in wanted], source, place)
        place += 1
    return columns


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _parsed(cell: str, source: str, place: int) -> float:
    if cell.lower() in _MISSING:
        return nan
    if not _is_number(cell):
        raise InvalidInput(f"{source}: point {place} is not a number.", field=source)
    return _number(float(cell), source, place)


def _number(value: object, source: str, place: int) -> float:
    if type(value) is float and -LARGEST <= value <= LARGEST:
        return value
    if value is None:
        return nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput(f"{source}: point {place} is not a number, a null or a list of them.", field=source)
    if not -LARGEST <= value <= LARGEST:
        raise InvalidInput(f"{source}: point {place} is not a finite number below {LARGEST:g}.", field=source)
    return float(value)


def _add(columns: Columns, row: Sequence[float], source: str, place: int) -> None:
    if not place:
        if not 1 <= len(row) <= MOST_OBSERVABLES:
            raise InvalidInput(f"{source}: a point has 1 to {MOST_OBSERVABLES} values.", field=source)
        columns.extend(array("d") for _ in row)
    if len(row) != len(columns):
        raise _uneven(source, place)
    if (place + 1) * len(row) > MOST_VALUES:
        raise InvalidInput(f"{source}: at most {MOST_VALUES:,} values in one job.", field=source)
    for column, value in zip(columns, row, strict=True):
        column.append(value)


def _uneven(source: str, place: int) -> InvalidInput:
    return InvalidInput(f"{source}: point {place} has another number of values than the first.", field=source)
