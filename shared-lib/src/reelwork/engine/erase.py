"""Erasing: what a job holds is let go first, then whatever nobody holds any more is removed.

An asset goes by steps that a crash may interrupt anywhere: discarded, its bytes, its document. From the first step on
it is not served any more, and a later pass does the rest; so no object is ever without a document, and no ready
document without its object.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog

from reelwork.domain.asset import Asset, AssetState
from reelwork.domain.errors import AssetInUse, InvalidState, StoreUnavailable
from reelwork.domain.ids import AccountId, AssetId, JobId
from reelwork.domain.job import Job
from reelwork.engine.cancel import job_not_found
from reelwork.objects.errors import ObjectStoreDown
from reelwork.objects.s3 import ObjectStore
from reelwork.store.assets import NAMING
from reelwork.store.client import server_time
from reelwork.store.removals import Part
from reelwork.store.stores import Stores

log = structlog.get_logger(__name__)

BATCH = 50
# How long an owner waits for S3; what takes longer is done behind their back.
PATIENCE = timedelta(seconds=2)
_LONG_AGO = datetime.fromtimestamp(0, UTC)


class Eraser:
    """Removes what belongs to nobody, and makes it so on demand."""

    def __init__(self, stores: Stores, objects: ObjectStore) -> None:
        self._stores = stores
        self._objects = objects
        self._behind: set[asyncio.Task[None]] = set()
        self._after = _LONG_AGO

    async def erase(self, account: AccountId, job_id: JobId) -> Job:
        """The job without its input and its files, which nobody is served any more from here on; safe to repeat.

        Assets that another job holds stay with that one. While S3 is down the bytes go later. Raises JobNotFound,
        InvalidState for a job that has not ended, StoreUnavailable.
        """
        erased = await self._stores.removals.erase(account, job_id)
        job = erased or await self._stores.jobs.get(account, job_id)
        if job is None:
            raise job_not_found(job_id)
        if not job.status.is_terminal:
            raise InvalidState(
                f"{job_id} is {job.status}: its data is still needed.",
                hint=f"Cancel it first: POST /v1/jobs/{job_id}/cancel; erase it when it has ended.",
            )
        if erased is not None:
            log.info("job.data_removed", job_id=job_id, by="owner")
        await self._discard_soon(await self._settle(job_id, account, await self._stores.removals.of_job(job_id)))
        return job

    async def erase_many(self, account: AccountId, jobs: Sequence[JobId]) -> set[JobId]:
        """The same for many; those that have not ended or hold nothing stay as they are. Which were erased."""
        erased: set[JobId] = set()
        retired: list[Asset] = []
        for job_id in jobs:
            if await self._stores.removals.erase(account, job_id) is not None:
                erased.add(job_id)
                retired += await self._settle(job_id, account, await self._stores.removals.of_job(job_id))
        log.info("job.many_removed", count=len(erased), by="owner")
        await self._discard_soon(retired)
        return erased

    async def delete(self, asset: Asset) -> None:
        """Remove an asset, whichever jobs that have ended still hold it. While S3 is down its bytes go later.

        Raises AssetInUse while a job that waits or runs names it, StoreUnavailable.
        """
        current = await self._stores.assets.get(asset.account_id, asset.id)
        if current is None:
            return
        await self._retire(current)
        await self._discard_soon([current])

    async def withdraw(self, asset: Asset, job: JobId) -> None:
        """Remove an asset that came with a job, which was refused; it stays if it is named by another one, or the job
        was stored after all. Raises StoreUnavailable."""
        current = await self._stores.assets.get(asset.account_id, asset.id)
        if current is None or any(naming.job != job for naming in current.naming):
            return
        if not await self._stores.removals.known([job]) and await self._stores.assets.retire(current):
            await self._discard_soon([current])

    async def _retire(self, asset: Asset) -> None:
        """Raises AssetInUse while a job that waits or runs names it, or where it has changed since it was read."""
        if await self._is_expected(asset) or await self._stores.removals.is_needed(asset.id):
            raise _in_use(asset.id)
        if not await self._stores.assets.retire(asset) and await self._is_kept(asset):
            raise _in_use(asset.id)

    async def expire(self, now: datetime) -> int:
        """Let go of what is due at `now`, and discard what nobody holds any more; its bytes are left to the sweeper.

        One bounded pass; how many jobs and assets were changed.
        """
        removals, done = self._stores.removals, 0
        parts: tuple[Part, ...] = ("outputs", "inputs")
        for part in parts:
            for job in await removals.due(part, now, limit=BATCH):
                if await removals.let_go(part, job, now):
                    log.info("job.data_due", job_id=job, part=part)
                    done += 1
        for left in await removals.unsettled(limit=BATCH):
            done += len(await self._settle(left.job, left.account_id, left.assets))
        return done + await self._expire_assets(now)

    async def _expire_assets(self, now: datetime) -> int:
        """Each pass begins behind the one before: what jobs still name must not stand in the way of others."""
        found = await self._stores.assets.expired(now, after=self._after, limit=BATCH)
        self._after = (found[-1].expires_at or _LONG_AGO) if len(found) == BATCH else _LONG_AGO
        done = 0
        for asset in found:
            try:
                await self._retire(asset)
            except AssetInUse:
                continue
            log.info("asset.due", asset_id=asset.id)
            done += 1
        return done

    async def _settle(self, job: JobId, account: AccountId, assets: Sequence[AssetId]) -> list[Asset]:
        """Discard what nobody holds any more; which. What cannot be decided now is the next pass's."""
        retired = []
        for asset_id in assets:
            asset = await self._stores.assets.get(account, asset_id)
            if asset is not None and asset.state is not AssetState.DISCARDED:
                if await self._is_expected(asset):
                    continue
                if not await self._stores.removals.is_held(asset):
                    if not await self._stores.assets.retire(asset):
                        continue  # it was named meanwhile, or another pass was quicker
                    retired.append(asset)
            await self._stores.removals.settled(job, asset_id)
        return retired

    async def _is_expected(self, asset: Asset) -> bool:
        """Whether a job that names the asset may be about to be stored."""
        if not asset.naming:
            return False
        now = await server_time(self._stores.database)
        if asset.crowded_until is not None and asset.crowded_until > now:
            return True
        young = {naming.job for naming in asset.naming if naming.at > now - NAMING}
        return bool(young - await self._stores.removals.known(list(young)))

    async def _is_kept(self, asset: Asset) -> bool:
        """Whether it is still there for whoever names it."""
        found = await self._stores.assets.get(asset.account_id, asset.id)
        return found is not None and found.state is not AssetState.DISCARDED

    async def _discard_soon(self, assets: Sequence[Asset]) -> None:
        """Remove the bytes of discarded assets, without waiting for an S3 that is slow."""
        if not assets:
            return
        removing = asyncio.create_task(self._discard_if_possible(assets))
        self._behind.add(removing)
        removing.add_done_callback(self._behind.discard)
        await asyncio.wait({removing}, timeout=PATIENCE.total_seconds())

    async def _discard_if_possible(self, assets: Sequence[Asset]) -> None:
        try:
            await self.discard(assets)
        except StoreUnavailable as error:
            log.warning("asset.not_discarded", count=len(assets), reason=error.detail)

    async def discard(self, assets: Sequence[Asset]) -> bool:
        """Remove assets that belong to nobody: condemned first, then the bytes, then the document.

        Those that somebody committed meanwhile stay. False when the object store is down: a later pass does it.
        """
        condemned = [asset for asset in assets if await self._stores.assets.condemn(asset.id)]
        if not condemned:
            return True
        try:
            await self._objects.delete([asset.key for asset in condemned])
        except ObjectStoreDown as error:
            log.warning("asset.not_discarded", count=len(condemned), reason=str(error))
            return False
        await self._stores.assets.forget([asset.id for asset in condemned])
        log.info("asset.discarded", count=len(condemned))
        return True


def _in_use(asset: AssetId) -> AssetInUse:
    return AssetInUse(
        f"A job that has not ended names {asset}.", hint="Wait for the job, or cancel it, and delete the asset then."
    )
