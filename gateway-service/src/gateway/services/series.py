"""Saved series, as their owners deal with them."""

from collections.abc import AsyncIterator, Sequence
from typing import BinaryIO, Literal

import anyio
import anyio.to_thread

from gateway.auth import Caller
from gateway.problems import not_found
from gateway.services.berths import Berths
from gateway.services.pages import Page, check_cursor
from gateway.services.series_table import Table, read_table, wrong
from reelwork.contract.series import SeriesBody
from reelwork.domain.errors import FieldError, InvalidInput, SeriesExists, SeriesNotFound
from reelwork.domain.ids import SeriesId, new_series_id
from reelwork.domain.series import MOST_ADDED, MOST_SERIES, MOST_VALUES, Series, SeriesUse
from reelwork.modelling.table import csv_header, csv_lines
from reelwork.store.client import DatabaseClock
from reelwork.store.series import Gone, SavedSeries, TooLong, Value

# Files that are read at once in a process: each takes a part of a core, and some tens of megabytes.
READERS = 2
# Large bodies that lie in files at once in a process, a quarter of them of one account: 256 MiB of its `/tmp`, of which
# the rest is for uploads by form.
FILES = 4

Rows = Sequence[Value] | Sequence[Sequence[Value]]


class SeriesService:
    """Make, add to, read, delete. Every method sees the caller's own series only."""

    def __init__(self, store: SavedSeries, clock: DatabaseClock) -> None:
        self._store = store
        self._clock = clock
        self._readers = anyio.CapacityLimiter(READERS)
        self.files = Berths(FILES, "large CSV bodies")

    async def create(self, caller: Caller, body: SeriesBody, *, series_id: SeriesId, first: bool) -> Series:
        """`series_id`: reserved for it; unless this is the `first` request for it, it may be there already.

        Raises SeriesExists, InvalidInput, StoreUnavailable.
        """
        values = _flat(body.values, body.observables)
        series = await self._made(caller, body, series_id, first=first)
        if not values:
            return series
        return await self._appended(series, values, mark=series_id)

    async def create_of_csv(
        self, caller: Caller, name: str, file: BinaryIO, *, series_id: SeriesId, first: bool
    ) -> Series:
        """The same with all points of a CSV file, whose header says how many values each of them has.

        Raises SeriesExists, InvalidInput, SeriesNotFound (deleted meanwhile), StoreUnavailable.
        """
        table = await self._read(file, None)
        body = SeriesBody(name=name, observables=table.observables)
        series = await self._made(caller, body, series_id, first=first, named="?name")
        return await self._extended(series, table, mark=series_id) if table.numbers else series

    async def _made(
        self, caller: Caller, body: SeriesBody, series_id: SeriesId, *, first: bool, named: str = "#/name"
    ) -> Series:
        known = None if first else await self._store.get(caller.account.id, series_id)
        return known or await self._added(caller, body, series_id, named=named)

    async def _added(self, caller: Caller, body: SeriesBody, series_id: SeriesId, *, named: str = "#/name") -> Series:
        """`named`: where in the request the name is."""
        now = await self._clock.now()
        series = Series(
            id=series_id,
            account_id=caller.account.id,
            name=body.name,
            observables=body.observables,
            created_at=now,
            updated_at=now,
        )
        if await self._store.count(caller.account.id) >= MOST_SERIES:
            raise wrong("name", "too_many", f"An account has at most {MOST_SERIES:,} series: delete one first.")
        if not await self._store.add(series):
            cure = "Add to that one, or take another name."
            error = FieldError(pointer=named, code="taken", detail=cure)
            raise SeriesExists(f"There is a series named {body.name!r}.", hint=cure, errors=[error])
        return series

    async def append(self, caller: Caller, series_id: str, values: Rows, *, mark: str | None) -> Series:
        """Add points after those that are there, all or none; with a `mark` once.

        Raises SeriesNotFound, InvalidInput, StoreUnavailable.
        """
        series = await self.get(caller, series_id)
        return await self._appended(series, _flat(values, series.observables), mark=mark) if values else series

    async def append_csv(self, caller: Caller, series_id: str, file: BinaryIO, *, mark: str | None) -> Series:
        """The same with all points of a CSV file as the export writes it, however many a series may have.

        Raises SeriesNotFound, InvalidInput, StoreUnavailable.
        """
        series = await self.get(caller, series_id)
        table = await self._read(file, series.observables)
        return await self._extended(series, table, mark=mark) if table.numbers else series

    async def _read(self, file: BinaryIO, observables: int | None) -> Table:
        return await anyio.to_thread.run_sync(lambda: read_table(file, observables=observables), limiter=self._readers)

    async def extend(self, caller: Caller, body: SeriesBody, *, mark: str | None) -> Series:
        """Add the body's points to the series of its name, which is made where there is none; with a `mark` once.

        Raises InvalidInput, also where the series has points of another number of values; StoreUnavailable.
        """
        values = _flat(body.values, body.observables)
        series = await self._named(caller, body)
        if series.observables != body.observables:
            raise wrong(
                "values", "wrong_length", f"A point of the series {body.name!r} has {series.observables} values."
            )
        return await self._appended(series, values, mark=mark)

    async def _named(self, caller: Caller, body: SeriesBody) -> Series:
        series = await self._store.named(caller.account.id, body.name)
        if series is not None:
            return series
        try:
            return await self._added(caller, body, new_series_id())
        except SeriesExists:  # made by another request since
            series = await self._store.named(caller.account.id, body.name)
            if series is None:
                raise
            return series

    async def _appended(self, series: Series, values: Sequence[Value], *, mark: str | None) -> Series:
        most = MOST_VALUES // series.observables
        try:
            return await self._store.append(series, values, mark=mark, most=most)
        except TooLong as error:
            raise _full("values") from error

    async def _extended(self, series: Series, table: Table, *, mark: str | None) -> Series:
        most = MOST_VALUES // series.observables
        try:
            if len(table.numbers) <= MOST_ADDED:
                return await self._store.append(series, next(table.pieces()), mark=mark, most=most)
            return await self._store.append_run(series, table.pieces(), mark=mark, most=most)
        except TooLong as error:
            raise _full("rows") from error
        except Gone as error:
            raise not_found(SeriesNotFound, "series", series.id) from error

    async def get(self, caller: Caller, series_id: str) -> Series:
        """Raises SeriesNotFound, for other accounts' series too."""
        series = await self._store.get(caller.account.id, SeriesId(series_id))
        if series is None:
            raise not_found(SeriesNotFound, "series", series_id)
        return series

    async def page(self, caller: Caller, *, cursor: str | None, limit: int, name: str | None = None) -> Page[Series]:
        """The newest first; with a `name` the one that has it. Raises InvalidCursor."""
        before = check_cursor(cursor, "ser_")
        if name is not None:
            named = await self._store.named(caller.account.id, name)
            return Page.cut([named] if named is not None else [], limit)
        found = await self._store.page(caller.account.id, before=SeriesId(before) if before else None, limit=limit + 1)
        return Page.cut(found, limit)

    async def delete(self, caller: Caller, series_id: str) -> None:
        """Raises SeriesNotFound."""
        if not await self._store.delete(caller.account.id, SeriesId(series_id)):
            raise not_found(SeriesNotFound, "series", series_id)

    async def points(self, use: SeriesUse) -> list[Value]:
        """The values of the series as a job sees it, point after point."""
        chunks = self._store.chunks(use.series_id, points=use.points, observables=use.observables)
        return [value async for values in chunks for value in values]

    async def export(self, series: Series, form: Literal["csv", "json"]) -> AsyncIterator[bytes]:
        """All points as of now, a chunk at a time: CSV with a header, or what creating it anew would take."""
        if form == "csv":
            yield csv_header(series.observables).encode()
        else:
            head = SeriesBody(name=series.name, observables=series.observables).model_dump_json(exclude={"values"})
            yield head[:-1].encode() + b',"values":['
        begun = False
        async for values in self._store.chunks(series.id, points=series.length, observables=series.observables):
            text = csv_lines(values, series.observables) if form == "csv" else _json(values, series.observables)
            yield ("," * (begun and form == "json") + text).encode()
            begun = True
        if form == "json":
            yield b"]}\n"


def _json(values: Sequence[Value], observables: int) -> str:
    texts = ["null" if value is None else repr(value) for value in values]
    if observables == 1:
        return ",".join(texts)
    return ",".join(f"[{','.join(texts[at : at + observables])}]" for at in range(0, len(texts), observables))


def _flat(rows: Rows, observables: int) -> list[Value]:
    """Point after point. Raises InvalidInput for points of another number of values."""
    flat: list[Value] = []
    for place, row in enumerate(rows):
        cells = row if isinstance(row, Sequence) else (row,)
        if len(cells) != observables:
            cure = f"Send {observables} values here (the series' observables); this point has {len(cells)}."
            raise wrong(f"values/{place}", "wrong_length", cure)
        flat.extend(None if cell is None else float(cell) for cell in cells)
    if len(flat) > MOST_ADDED:
        raise wrong("values", "too_many", f"At most {MOST_ADDED:,} numbers at once: send the rest in a second request.")
    return flat


def _full(field: str) -> InvalidInput:
    cure = f"A series has at most {MOST_VALUES:,} numbers: begin another one."
    return wrong(field, "series_full", cure)
