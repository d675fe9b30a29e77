"""Saved series. Points lie in chunks; each step that adds some is one write of one chunk, on the state that was read.

The last chunk takes more until it is full; then it is sealed, which fixes where the next one begins.

What is too much for one write is a run: points of their own, which no series shows, until one chunk that names the run
is written and makes all of them points of its series.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog
from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.ids import AccountId, SeriesId, new_series_id
from reelwork.domain.series import MOST_ADDED, Series
from reelwork.store.client import Database, Document, adapter
from reelwork.store.codec import Codec
from reelwork.store.pipeline import NOW, later

log = structlog.get_logger(__name__)

Value = float | None

CHUNK_VALUES = MOST_ADDED  # some 300 kB
# Additions under a key whose names a chunk remembers: a request that is sent again comes soon.
_MARKS = 1000
# How often an addition is tried while others are made, and how long it waits in between at most.
_RACES = 100
_PAUSE_SECONDS = 0.05

# From the first write of a run until the chunk that names it, at most: longer than any request takes.
_RUN_LIFE = timedelta(minutes=30)

_CODEC = Codec(Series)
_Addition = Callable[[Document | None, int, str | None], Awaitable[bool]]


class TooLong(Exception):
    """The addition would make the series longer than it may be."""


class Gone(Exception):
    """The series was deleted before the addition was made."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """`start`: of its first point. The values, or the run that has them."""

    start: int
    values: list[Value]
    run: SeriesId | None


@adapter
class SavedSeries:
    """The collections `series` and `series_points`."""

    INDEXES = (
        IndexModel([("account_id", ASCENDING), ("_id", DESCENDING)], name="newest"),
        IndexModel(
            [("account_id", ASCENDING), ("name", ASCENDING)],
            name="names",
            unique=True,
            partialFilterExpression={"deleted_at": None},
        ),
        IndexModel(
            [("deleted_at", ASCENDING)], name="deleted", partialFilterExpression={"deleted_at": {"$type": "date"}}
        ),
    )
    POINT_INDEXES = (
        IndexModel([("series", ASCENDING), ("number", ASCENDING)], name="order", unique=True),
        IndexModel(
            [("series", ASCENDING), ("marks.mark", ASCENDING)],
            name="marks",
            partialFilterExpression={"marks.mark": {"$gt": ""}},
        ),
        IndexModel([("run", ASCENDING)], name="runs", partialFilterExpression={"run": {"$gt": ""}}),
    )

    def __init__(self, database: Database) -> None:
        self._series = database["series"]
        self._points = database["series_points"]

    async def add(self, series: Series) -> bool:
        """False when the account has one of this name."""
        try:
            await self._series.insert_one(_CODEC.encode(series) | {"deleted_at": None})
        except DuplicateKeyError:
            return False
        return True

    async def count(self, account: AccountId) -> int:
        return int(await self._series.count_documents(_shown(account)))

    async def get(self, account: AccountId, series: SeriesId) -> Series | None:
        """With its length as it is; None for unknown ids and for other accounts' ids alike."""
        found = await self._series.find_one({"_id": series, **_shown(account)})
        if found is None:
            return None
        last = await self._last(series)
        return _CODEC.decode(found | {"length": _end(last)})

    async def ids_by_name(self, account: AccountId, names: Collection[str]) -> dict[str, SeriesId]:
        """Which of these names the account has, and what has them."""
        cursor = self._series.find({"name": {"$in": list(names)}, **_shown(account)}, {"name": 1})
        return {found["name"]: found["_id"] async for found in cursor}

    async def named(self, account: AccountId, name: str) -> Series | None:
        """The account's series of this name, with its length as it is; None if there is none."""
        found = await self._series.find_one({"name": name, **_shown(account)})
        return _CODEC.decode(found | {"length": _end(await self._last(found["_id"]))}) if found is not None else None

    async def page(self, account: AccountId, *, before: SeriesId | None, limit: int) -> Sequence[Series]:
        """Up to `limit` series, newest first, older than `before`."""
        query = _shown(account) | ({"_id": {"$lt": before}} if before is not None else {})
        cursor = self._series.find(query).sort([("_id", DESCENDING)]).limit(limit)
        return [_CODEC.decode(series) async for series in cursor]

    async def append(self, series: Series, values: Sequence[Value], *, mark: str | None, most: int) -> Series:
        """Add points, all of them or none; the series as it is then. `values`: point after point, at most CHUNK_VALUES.

        With a `mark`, what was added under it is not added again. Raises TooLong: beyond `most` points.
        """
        count = len(values) // series.observables
        return await self._raced(series, count, partial(self._added, series, values), mark=mark, most=most)

    async def append_run(
        self, series: Series, pieces: Iterable[Sequence[Value]], *, mark: str | None, most: int
    ) -> Series:
        """The same for any number of points, in pieces as `append` takes them. Nobody sees a part of them.

        Raises TooLong, Gone.
        """
        run, count = await self._stored_run(series, pieces)
        try:
            return await self._raced(series, count, partial(self._adopted, series, run), mark=mark, most=most)
        finally:
            await self._let_go(run)

    async def _let_go(self, run: SeriesId) -> None:
        """Have `bury` look at it soon. Where that cannot be said it does when the run's life is over: how the addition
        went is known, and must not be told otherwise."""
        try:
            await self._series.update_one({"_id": run}, [{"$set": {"deleted_at": NOW}}])
        except PyMongoError as error:
            log.warning("series.run_not_let_go", run=run, reason=type(error).__name__)

    async def _stored_run(self, series: Series, pieces: Iterable[Sequence[Value]]) -> tuple[SeriesId, int]:
        """Points under an id of their own, which go by `bury` unless a chunk names them in time."""
        run, count = new_series_id(), 0
        await self._series.update_one({"_id": run}, [{"$set": {"deleted_at": later(_RUN_LIFE)}}], upsert=True)
        for number, values in enumerate(pieces):
            points = len(values) // series.observables
            chunk = {"series": run, "number": number, "start": count, "count": points, "sealed": True}
            await self._points.insert_one({"_id": f"{run}:{number:06}", **chunk, "values": list(values), "marks": []})
            count += points
        return run, count

    async def _raced(self, series: Series, count: int, add: _Addition, *, mark: str | None, most: int) -> Series:
        for _ in range(_RACES):
            last = await self._last(series.id)  # before the mark is looked for: what is added later changes it
            if mark is not None and (done := await self._marked(series.id, mark)) is not None:
                return await self._grown(series, done)
            if _end(last) + count > most:
                raise TooLong
            if await add(last, count, mark):
                return await self._grown(series, _end(last) + count)
            await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS))  # noqa: S311  (only to come apart)
        raise StoreUnavailable(
            "Too much is being added to the series.", hint="Send the same request again.", retry_after_seconds=1
        )

    async def _grown(self, series: Series, end: int) -> Series:
        """Write the length down where lists read it; what counts is the chunks."""
        grown = {"length": {"$max": ["$length", end]}, "updated_at": NOW}
        found = await self._series.find_one_and_update(
            {"_id": series.id}, [{"$set": grown}], return_document=ReturnDocument.AFTER
        )
        return replace(_CODEC.decode(found) if found is not None else series, length=end)

    async def _last(self, series: SeriesId) -> Document | None:
        found: Document | None = await self._points.find_one(
            {"series": series}, {"values": 0, "marks": 0}, sort=[("number", DESCENDING)]
        )
        return found

    async def _marked(self, series: SeriesId, mark: str) -> int | None:
        found = await self._points.find_one({"series": series, "marks.mark": mark}, {"marks.$": 1})
        return int(found["marks"][0]["end"]) if found is not None else None

    async def _added(
        self, series: Series, values: Sequence[Value], last: Document | None, count: int, mark: str | None
    ) -> bool:
        """One write, unless something else was added since `last` was read."""
        if last is not None and (last["count"] + count) * series.observables <= CHUNK_VALUES and not last["sealed"]:
            marks = _marks(mark, _end(last) + count)
            more: Document = {"values": {"$each": list(values)}, "marks": {"$each": marks, "$slice": -_MARKS}}
            pushed = await self._points.update_one(_as_read(last), {"$push": more, "$inc": {"count": count}})
            return bool(pushed.modified_count)
        return await self._inserted(series, last, count, mark, {"sealed": False, "values": list(values)})

    async def _adopted(
        self, series: Series, run: SeriesId, last: Document | None, count: int, mark: str | None
    ) -> bool:
        """The write that makes a run's points the series' own. Raises Gone; StoreUnavailable for a run whose life may
        be over."""
        lives: Document = {"_id": run, "$expr": {"$gt": ["$deleted_at", NOW]}}
        cursor = self._series.find({"$or": [lives, {"_id": series.id, "deleted_at": None}]}, {"_id": 1})
        found = {each["_id"] async for each in cursor}
        if series.id not in found:
            raise Gone
        if run not in found:
            raise StoreUnavailable(
                "Adding the points took too long.", hint="Send the same request again.", retry_after_seconds=1
            )
        return await self._inserted(series, last, count, mark, {"sealed": True, "values": [], "run": run})

    async def _inserted(
        self, series: Series, last: Document | None, count: int, mark: str | None, chunk: Document
    ) -> bool:
        """A chunk behind the last one, which is sealed first."""
        if last is not None and not last["sealed"]:
            sealed = await self._points.update_one(_as_read(last), {"$set": {"sealed": True}})
            if not sealed.modified_count:
                return False
        number, end = (last["number"] + 1 if last is not None else 0), _end(last) + count
        place = {"series": series.id, "number": number, "start": _end(last), "count": count}
        try:
            await self._points.insert_one(
                {"_id": f"{series.id}:{number:06}", **place, **chunk, "marks": _marks(mark, end)}
            )
        except DuplicateKeyError:
            return False
        return True

    async def chunks(self, series: SeriesId, *, points: int, observables: int) -> AsyncIterator[list[Value]]:
        """The values of the first `points` points, point after point, a chunk at a time."""
        number = 0
        while (found := await self.chunk(series, number)) is not None and found.start < points:
            left = points - found.start
            if found.run is None:
                yield found.values[: left * observables]
            else:
                async for values in self.chunks(found.run, points=left, observables=observables):
                    yield values
            number += 1

    async def chunk(self, series: SeriesId, number: int) -> Chunk | None:
        """One of the pieces that a series lies in; None behind the last."""
        fields = {"start": 1, "values": 1, "run": 1}
        found = await self._points.find_one({"series": series, "number": number}, fields)
        return Chunk(int(found["start"]), found["values"], found.get("run")) if found is not None else None

    async def delete(self, account: AccountId, series: SeriesId) -> bool:
        """Nobody finds it from here on; its points go by `bury`. False if there is none."""
        gone = await self._series.update_one({"_id": series, **_shown(account)}, [{"$set": {"deleted_at": NOW}}])
        return bool(gone.modified_count)

    async def bury(self, before: datetime, *, limit: int) -> int:
        """Remove the points of series that were deleted before this moment (database time); how many series.

        Long enough after, so that nothing is added any more by whoever had read the series.
        """
        old = {"deleted_at": {"$type": "date", "$lt": before}}  # the type, for the index
        found = self._series.find(old, {"_id": 1}).sort("deleted_at", ASCENDING)
        ids = [series["_id"] async for series in found.limit(limit)]
        for series in ids:
            if await self._points.find_one({"run": series}, {"_id": 1}) is None:  # else its points are another's now
                runs = await self._points.distinct("run", {"series": series, "run": {"$gt": ""}})
                await self._points.delete_many({"series": {"$in": [series, *runs]}})
            await self._series.delete_many({"_id": series, "deleted_at": {"$ne": None}})
        return len(ids)


# From a deletion until the points go: longer than any request that was under way then.
BURIED_AFTER = timedelta(minutes=2)


def _shown(account: AccountId) -> Document:
    return {"account_id": account, "deleted_at": None}


def _end(last: Document | None) -> int:
    return int(last["start"] + last["count"]) if last is not None else 0


def _marks(mark: str | None, end: int) -> list[Document]:
    return [{"mark": mark, "end": end}] if mark is not None else []


def _as_read(last: Document) -> Document:
    return {"_id": last["_id"], "count": last["count"], "sealed": False}
