"""An export of an account is taken into another: its series and its defaults, all of it or nothing."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Literal, ParamSpec, TypeVar

import anyio
import anyio.to_thread
import structlog

from gateway.auth import Caller
from gateway.services.account_archive import AccountArchive, Contents, refused
from gateway.services.own_account import OwnAccountService
from reelwork.contract.account import OwnAccountPatch, RetentionView
from reelwork.contract.account_data import AccountImport, ExportedSeries, ImportedSeries
from reelwork.domain.errors import SeriesExists, StoreUnavailable
from reelwork.domain.ids import AccountId, SeriesId, decode, derived_uuid, encode
from reelwork.domain.series import MOST_SERIES, MOST_VALUES, Series
from reelwork.store.client import DatabaseClock
from reelwork.store.series import SavedSeries

Existing = Literal["refuse", "skip"]

# Names in a refusal.
_MOST_NAMED = 5

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    """A series on its way in, under the id that it gets."""

    id: SeriesId
    exported: ExportedSeries


class AccountImports:
    """One archive at a time is read in a process: reading takes a core."""

    def __init__(self, store: SavedSeries, account: OwnAccountService, clock: DatabaseClock) -> None:
        self._store = store
        self._account = account
        self._clock = clock
        self._readers = anyio.CapacityLimiter(1)

    async def take(self, caller: Caller, file: BinaryIO, *, existing: Existing, subject: str) -> AccountImport:
        """Import what `file` holds, if all of it is good. `existing`: what to do where a series has a name that there
        is already. `subject` names the request: done again under it, it finds what it made.

        Raises InvalidInput, SeriesExists, StoreUnavailable; then nothing of it is there.
        """
        archive = await self._read(AccountArchive, file)
        contents: Contents = await self._read(archive.contents)
        arrivals = [_Arrival(id=_id(subject, one.name), exported=one) for one in contents.series]
        known = await self._store.ids_by_name(caller.account.id, [one.exported.name for one in arrivals])
        foreign = {one.id for one in arrivals if known.get(one.exported.name, one.id) != one.id}
        skipped = [one.exported.name for one in arrivals if one.id in foreign]
        if skipped and existing == "refuse":
            raise _exists(skipped)
        wanted = [one for one in arrivals if one.id not in foreign]
        fresh = sum(one.exported.name not in known for one in wanted)
        if await self._store.count(caller.account.id) + fresh > MOST_SERIES:
            raise refused("series.jsonl", "too_many", f"An account has at most {MOST_SERIES:,} series.")
        retention = await self._bring(caller, archive, wanted, contents)
        log.info("account.imported", account_id=caller.account.id, series=len(wanted), skipped=len(skipped))
        return AccountImport(
            series=[ImportedSeries(id=one.id, name=one.exported.name, length=one.exported.length) for one in wanted],
            skipped=skipped,
            retention=retention,
            left_out=contents.left_out,
        )

    async def _bring(
        self, caller: Caller, archive: AccountArchive, wanted: Sequence[_Arrival], contents: Contents
    ) -> RetentionView | None:
        """The account's defaults as they are then. Whatever goes wrong, nothing half-done stays behind."""
        account = caller.account.id
        try:
            for arrival in wanted:
                await self._add(account, archive, arrival)
            if contents.retention is None:
                return None
            return (await self._account.edit(caller, OwnAccountPatch(retention=contents.retention))).retention
        except BaseException:  # also a server that is shutting down
            await asyncio.shield(self._undo(account, wanted))
            raise

    async def _add(self, account: AccountId, archive: AccountArchive, arrival: _Arrival) -> None:
        now, exported = await self._clock.now(), arrival.exported
        series = Series(
            id=arrival.id,
            account_id=account,
            name=exported.name,
            observables=exported.observables,
            created_at=now,
            updated_at=now,
        )
        if not await self._store.add(series) and await self._store.get(account, arrival.id) is None:
            raise _exists([exported.name])  # somebody else was faster
        chunks, number = archive.points(exported), 0
        while (values := await self._read(next, chunks, None)) is not None:
            mark, most = f"{arrival.id}:{number}", MOST_VALUES // exported.observables
            await self._store.append(series, values, mark=mark, most=most)
            number += 1

    async def _undo(self, account: AccountId, wanted: Sequence[_Arrival]) -> None:
        try:
            for arrival in wanted:
                await self._store.delete(account, arrival.id)
        except StoreUnavailable as error:  # the first failure is what its caller hears of
            log.warning("account.import_not_undone", account_id=account, reason=error.detail)

    async def _read(self, call: Callable[P, T], *args: P.args, **_: P.kwargs) -> T:
        return await anyio.to_thread.run_sync(call, *args, limiter=self._readers)


def _id(subject: str, name: str) -> SeriesId:
    """The same for the same request and name."""
    drawn = datetime.fromtimestamp((decode(subject.rpartition("_")[2]).int >> 80) / 1000, UTC)
    return SeriesId(f"ser_{encode(derived_uuid(drawn, subject, name))}")


def _exists(names: Sequence[str]) -> SeriesExists:
    shown = ", ".join(repr(name) for name in names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
    return SeriesExists(
        f"There are series of these names: {shown}. Nothing was imported.",
        hint="Delete them, or leave them as they are with existing=skip.",
    )
