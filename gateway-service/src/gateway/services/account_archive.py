"""The ZIP of an account export as an import reads it. Anybody may have written it: nothing of it is believed.

Nothing is unpacked to a disk, and nothing is read beyond the bounds below, whatever the archive says of itself; ids in
it are not looked at. All of it blocks: for threads.
"""

import io
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

from pydantic import TypeAdapter, ValidationError

from reelwork.contract.account import OwnAccount, RetentionPatch
from reelwork.contract.account_data import ExportedSeries, ExportManifest
from reelwork.contract.base import Wire
from reelwork.contract.series import SeriesBody
from reelwork.domain.errors import FieldError, InvalidInput
from reelwork.domain.series import MOST_ADDED, MOST_SERIES, MOST_VALUES
from reelwork.modelling.table import LARGEST

Value = float | None
_View = TypeVar("_View", bound=Wire)

# Numbers in one import: some five seconds of work. The rest comes in a second one, or by `POST /v1/series`.
MOST_IMPORTED = 5_000_000
_DOCUMENT_BYTES = 64 * 1024
_LIST_BYTES = 4 * 1024 * 1024
# A number takes up to 24 letters and a comma.
_POINTS_BYTES = 25 * MOST_VALUES
_POINT_LETTERS = 25 * 64 + 2
# One file for each series, and the lists.
_MOST_FILES = MOST_SERIES + 16
_DIRECTORY_BYTES = 1024 * 1024

_LISTS = frozenset(
    f"{name}.jsonl" for name in ("jobs", "batches", "assets", "series", "webhooks", "keys", "ledger")
) | {"account.json", "usage.json", "manifest.json"}
_POINTS = re.compile(r"series/[^/\\\x00-\x1f]{1,200}\.csv")
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1
# The ends of an archive, see PKWARE's APPNOTE.TXT 4.3.15 and 4.3.16.
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE, _LOCATOR_SIGNATURE = b"PK\x05\x06", b"PK\x06\x07"
_LOCATOR_BYTES, _LONGEST_COMMENT = 20, 0xFFFF
# What Python's reader says of archives that lie about themselves.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, ValueError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What an import takes from an archive, checked to the last number. `retention`: None where there is no account
    in it."""

    series: list[ExportedSeries]
    retention: RetentionPatch | None
    left_out: dict[str, int]


class AccountArchive:
    """Over a file that can be rewound; every method raises InvalidInput that names the place in the archive."""

    def __init__(self, file: BinaryIO) -> None:
        _check_directory(file)
        try:
            self._zip = zipfile.ZipFile(file)
        except _BROKEN as error:
            raise _not_a_zip() from error
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self._zip.infolist():
            _check_entry(entry)
            if entry.filename in self._entries:
                raise refused(entry.filename, "twice", "The archive has two files of this name.")
            self._entries[entry.filename] = entry

    def contents(self) -> Contents:
        """All that is imported, with every point read once."""
        manifest = self._document("manifest.json", ExportManifest)
        series = self._series()
        values = sum(self._checked(one, number) for number, one in enumerate(series))
        if values > MOST_IMPORTED:
            cure = f"One import has at most {MOST_IMPORTED:,} numbers: leave some series out, and import them after it."
            raise refused("series.jsonl", "too_many", cure)
        left_out = {name: count for name, count in manifest.counts.items() if name != "series" and count}
        return Contents(series=series, retention=self._retention(), left_out=left_out)

    def points(self, series: ExportedSeries) -> Iterator[list[Value]]:
        """The values, point after point, at most MOST_ADDED at a time and never a part of a point."""
        at_once = MOST_ADDED // series.observables * series.observables
        gathered: list[Value] = []
        try:
            with self._zip.open(self._entry(series.file, _POINTS_BYTES)) as raw:
                for row in _rows(io.TextIOWrapper(raw, encoding="utf-8", newline="\n"), series):
                    gathered += row
                    if len(gathered) >= at_once:
                        yield gathered
                        gathered = []
        except _BROKEN as error:
            raise refused(series.file, "broken", "It cannot be read: export anew.") from error
        if gathered:
            yield gathered

    def _checked(self, series: ExportedSeries, number: int) -> int:
        """How many values it has. Raises InvalidInput where it is not as its line says."""
        values = sum(len(some) for some in self.points(series))
        if values > MOST_VALUES:
            raise refused(series.file, "too_many", f"A series has at most {MOST_VALUES:,} numbers.")
        if values != series.length * series.observables:
            cure = f"{series.file} has {values // series.observables} points: export anew."
            raise refused(f"series.jsonl/{number}/length", "other_length", cure)
        return values

    def _series(self) -> list[ExportedSeries]:
        lines = self._read("series.jsonl", _LIST_BYTES).splitlines() if "series.jsonl" in self._entries else []
        if len(lines) > MOST_SERIES:
            raise refused("series.jsonl", "too_many", f"An account has at most {MOST_SERIES:,} series.")
        found = [_parsed(f"series.jsonl/{number}", ExportedSeries, line) for number, line in enumerate(lines)]
        for number, one in enumerate(found):
            _check_series(f"series.jsonl/{number}", one)
        for field in ("name", "file"):
            seen: set[str] = set()
            for number, one in enumerate(found):
                if getattr(one, field) in seen:
                    raise refused(f"series.jsonl/{number}/{field}", "twice", "Two series have the same.")
                seen.add(getattr(one, field))
        return found

    def _retention(self) -> RetentionPatch | None:
        if "account.json" not in self._entries:
            return None
        kept = self._document("account.json", OwnAccount).retention
        try:
            return RetentionPatch.model_validate(kept.model_dump())
        except ValidationError as error:
            raise _invalid("account.json/retention", error) from error

    def _document(self, name: str, view: type[_View]) -> _View:
        return _parsed(name, view, self._read(name, _DOCUMENT_BYTES))

    def _read(self, name: str, most: int) -> bytes:
        try:
            return self._zip.read(self._entry(name, most))
        except _BROKEN as error:
            raise refused(name, "broken", "It cannot be read: export anew.") from error

    def _entry(self, name: str, most: int) -> zipfile.ZipInfo:
        """Python's reader never unpacks more of a file than it is said to have."""
        if name not in self._entries:
            raise refused(name, "missing", "The archive lacks it: send one of GET /v1/account/export.")
        if self._entries[name].file_size > most:
            raise refused(name, "too_large", f"It has at most {most:,} bytes.")
        return self._entries[name]


def refused(place: str, code: str, cure: str) -> InvalidInput:
    """`place`: in the archive; empty for all of it."""
    fault = FieldError(pointer=f"#/file/{place[:200]}" if place else "#/file", code=code, detail=cure)
    return InvalidInput(f"Not valid: {fault.pointer}.", hint=cure, errors=[fault])


def _not_a_zip() -> InvalidInput:
    return refused("", "not_a_zip", "Send a ZIP as GET /v1/account/export makes it.")


def _check_directory(file: BinaryIO) -> None:
    """Before Python's reader takes in the whole table of contents. Raises InvalidInput for one that is too large."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END.size - _LONGEST_COMMENT - _LOCATOR_BYTES))
    tail = file.read()
    at = tail.rfind(_END_SIGNATURE)
    if at < 0 or len(tail) - at < _END.size:
        raise _not_a_zip()
    _, _, _, _, files, directory_bytes, _, _ = _END.unpack_from(tail, at)
    # A second, larger end would be believed in place of this one; an archive of this size has no need of it.
    if tail[max(0, at - _LOCATOR_BYTES) :].startswith(_LOCATOR_SIGNATURE):
        raise _not_a_zip()
    if files > _MOST_FILES or directory_bytes > _DIRECTORY_BYTES:
        raise refused("", "too_many", f"An export has at most {_MOST_FILES:,} files.")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    if entry.filename != entry.orig_filename or not (entry.filename in _LISTS or _POINTS.fullmatch(entry.filename)):
        raise refused(ascii(entry.orig_filename)[1:-1], "unknown", "An export has no such file: take it out.")
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _PACKED:
        raise refused(entry.filename, "packing", "Files are stored or deflated, and not encrypted.")


def _check_series(place: str, series: ExportedSeries) -> None:
    """As if it was made anew."""
    try:
        SeriesBody(name=series.name, observables=series.observables)
    except ValidationError as error:
        raise _invalid(place, error) from error
    if not _POINTS.fullmatch(series.file):
        raise refused(f"{place}/file", "unknown", "Points are in series/<name>.csv.")


def _parsed(place: str, view: type[_View], text: bytes) -> _View:
    try:
        return TypeAdapter(view).validate_json(text)
    except ValidationError as error:
        raise _invalid(place, error) from error


def _invalid(place: str, error: ValidationError) -> InvalidInput:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = "/".join([place, *(str(part) for part in first["loc"])])
    return refused(where, first["type"], f"{first['msg']}.")


def _rows(lines: io.TextIOWrapper, series: ExportedSeries) -> Iterator[list[Value]]:
    """Points as `SeriesService.export` writes them, below their header."""
    lines.readline(_POINT_LETTERS)
    for place, line in enumerate(iter(lambda: lines.readline(_POINT_LETTERS), "")):
        cells = line.rstrip("\r\n").split(",")
        if len(cells) != series.observables:
            raise refused(series.file, "wrong_length", f"Point {place} has not {series.observables} values.")
        yield [_value(cell, series.file, place) for cell in cells]


def _value(cell: str, file: str, place: int) -> Value:
    if not cell:
        return None
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not -LARGEST <= number <= LARGEST:
        raise refused(file, "not_a_number", f"Point {place} is not a finite number below {LARGEST:g}, or nothing.")
    return number
