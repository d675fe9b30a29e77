"""All that an account has, in one ZIP: read page by page while it is sent, so that memory stays flat.

Every part of it is read by the service that answers for it over HTTP, as its caller may: nothing of other accounts, no
secrets.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Annotated, Protocol, TypeVar

from fastapi import Depends

from gateway.auth import Caller
from gateway.costs import entry_view
from gateway.deps import (
    ApiKeys,
    Assets,
    Batches,
    Jobs,
    Ledgers,
    OwnAccounts,
    SavedSeries,
    UsageCounts,
    Webhooks,
)
from gateway.services.zip_stream import ZipStream
from gateway.views import asset_view, batch_view, job_view, series_view
from gateway.webhook_views import webhook_view
from reelwork.contract.account_data import ExportedSeries, ExportedUsage, ExportManifest
from reelwork.contract.base import Wire
from reelwork.domain.errors import SeriesNotFound
from reelwork.domain.media import safe_filename
from reelwork.domain.series import Series
from reelwork.store.assets import AssetFilter
from reelwork.store.job_filter import JobFilter

# Read at once: a few hundred kilobytes.
_PAGE = 100
# As many days as usage is answered for, by days and by months.
_DAYS = timedelta(days=365)
_MONTHS = timedelta(days=3 * 365)
# An export that is not fetched by then is cut off: it holds a connection and asks the database all the time.
LIFE_SECONDS = 900.0

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class TookTooLong(Exception):
    """An export was fetched too slowly; what was sent has no end, and is no ZIP."""


class _Page(Protocol[T_co]):
    @property
    def items(self) -> Sequence[T_co]: ...
    @property
    def next_cursor(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelves:
    """Where an account's data are."""

    account: OwnAccounts
    jobs: Jobs
    batches: Batches
    assets: Assets
    series: SavedSeries
    webhooks: Webhooks
    keys: ApiKeys
    ledger: Ledgers
    usage: UsageCounts


class AccountExport:
    """Lists are newest first, and as they are when they are read: jobs that come meanwhile are not in it."""

    def __init__(self, shelves: Shelves, *, life_seconds: float = LIFE_SECONDS) -> None:
        self._shelves = shelves
        self._life_seconds = life_seconds

    async def zip(self, caller: Caller) -> AsyncIterator[bytes]:
        """The archive in pieces. Raises AccountNotFound at once; in the middle TookTooLong and StoreUnavailable: what
        was sent by then is no ZIP."""
        archive, now, begun = ZipStream(), datetime.now(UTC), time.monotonic()
        async for name, content in self._files(caller, now):
            async for piece in archive.text(name, content, at=now):
                if time.monotonic() - begun > self._life_seconds:
                    raise TookTooLong(f"not fetched within {self._life_seconds:g} s")
                yield piece
        yield archive.end()

    async def _files(self, caller: Caller, now: datetime) -> AsyncIterator[tuple[str, AsyncIterator[bytes]]]:
        """Each is read to its end before the next is asked for: what comes later tells of what came before."""
        counts: dict[str, int] = {}
        yield "account.json", _one(await self._shelves.account.get(caller))
        for name, lines in self._lists(caller):
            yield f"{name}.jsonl", _lines(lines, name, counts)
        series: list[ExportedSeries] = []
        async for found in _all(partial(self._shelves.series.page, caller, limit=_PAGE)):
            file = f"series/{len(series) + 1:04}-{safe_filename(found.name, fallback='series')}.csv"
            yield file, self._points(caller, found, file, series)
        yield "series.jsonl", _lines(_each(series), "series", counts)
        yield "usage.json", _one(await self._usage(caller, now.date()))
        yield "manifest.json", _one(ExportManifest(account_id=caller.account.id, created_at=now, counts=counts))

    def _lists(self, caller: Caller) -> list[tuple[str, AsyncIterator[Wire]]]:
        at = self._shelves
        jobs = partial(at.jobs.page, caller, JobFilter(), everybodys=False, limit=_PAGE)
        return [
            ("jobs", _views(_all(jobs), job_view)),
            (
                "batches",
                _views(
                    _all(partial(at.batches.page, caller, limit=_PAGE)), lambda one: batch_view(one.batch, one.tally)
                ),
            ),
            ("assets", _views(_all(partial(at.assets.page, caller, AssetFilter(), limit=_PAGE)), asset_view)),
            ("keys", _all(partial(at.keys.page, caller, None, limit=_PAGE))),
            ("ledger", _views(_all(partial(at.ledger.page, caller, [], None, limit=_PAGE)), entry_view)),
            ("webhooks", self._webhooks(caller)),
        ]

    async def _webhooks(self, caller: Caller) -> AsyncIterator[Wire]:
        for webhook in await self._shelves.webhooks.all(caller):
            yield webhook_view(webhook)

    async def _points(
        self, caller: Caller, series: Series, file: str, done: list[ExportedSeries]
    ) -> AsyncIterator[bytes]:
        """The points as CSV; then it is among those that are `done`, as long as it was written."""
        length = -1  # the first line is the header
        try:
            async for piece in self._shelves.series.export(await self._shelves.series.get(caller, series.id), "csv"):
                length += piece.count(b"\n")
                yield piece
        except SeriesNotFound:  # deleted at this moment: an empty file that no line names
            return
        view = series_view(replace(series, length=length))
        done.append(ExportedSeries(**dict(view), file=file))

    async def _usage(self, caller: Caller, today: date) -> ExportedUsage:
        usage, account = self._shelves.usage, caller.account.id
        return ExportedUsage(
            daily=await usage.view(account, "daily", first=today - _DAYS, last=today),
            monthly=await usage.view(account, "monthly", first=today - _MONTHS, last=today),
        )


async def _all(page: Callable[..., Awaitable[_Page[T]]]) -> AsyncIterator[T]:
    """The items of one page after the other. `page` takes a `cursor`."""
    cursor: str | None = None
    while True:
        found = await page(cursor=cursor)
        for item in found.items:
            yield item
        cursor = found.next_cursor
        if cursor is None:
            return


async def _views(items: AsyncIterator[T], view: Callable[[T], Wire]) -> AsyncIterator[Wire]:
    async for item in items:
        yield view(item)


async def _each(items: Sequence[Wire]) -> AsyncIterator[Wire]:
    for item in items:
        yield item


async def _lines(items: AsyncIterator[Wire], name: str, counts: dict[str, int]) -> AsyncIterator[bytes]:
    counts[name] = 0
    async for item in items:
        counts[name] += 1
        yield item.model_dump_json().encode() + b"\n"


async def _one(document: Wire) -> AsyncIterator[bytes]:
    yield document.model_dump_json(indent=2).encode() + b"\n"


async def _export(
    *,
    account: OwnAccounts,
    jobs: Jobs,
    batches: Batches,
    assets: Assets,
    series: SavedSeries,
    webhooks: Webhooks,
    keys: ApiKeys,
    ledger: Ledgers,
    usage: UsageCounts,
) -> AccountExport:
    shelves = Shelves(
        account=account,
        jobs=jobs,
        batches=batches,
        assets=assets,
        series=series,
        webhooks=webhooks,
        keys=keys,
        ledger=ledger,
        usage=usage,
    )
    return AccountExport(shelves)


Export = Annotated[AccountExport, Depends(_export)]
