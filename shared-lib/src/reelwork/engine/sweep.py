"""Sweeping: bytes that belong to nobody are removed, bytes that belong to somebody are kept.

Every object is announced by a staged asset before it is written, so nothing has to be searched for in the object store.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

import structlog

from reelwork.domain.asset import Asset
from reelwork.domain.ids import upload_of_asset
from reelwork.domain.job import RUNNING
from reelwork.domain.upload import Upload, UploadState
from reelwork.engine.erase import BATCH, Eraser
from reelwork.objects.errors import ObjectStoreDown
from reelwork.objects.s3 import ObjectStore
from reelwork.store.series import BURIED_AFTER
from reelwork.store.stores import Stores

log = structlog.get_logger(__name__)

# Longer than any upload or job output takes between its announcement and its commit.
STAGED_GRACE = timedelta(minutes=15)
# Longer than the largest output takes, and than an upload may (24 hours); parts cost only space until then.
PARTS_GRACE = timedelta(hours=30)
PARTS_INTERVAL = timedelta(minutes=10)
LONG_AGO = datetime.fromtimestamp(0, UTC)


class Verdict(Enum):
    KEEP = auto()
    REMOVE = auto()
    WAIT = auto()


class Sweeper:
    """Settles what crashes left: staged assets, discarded ones, half uploads; and removes what is due."""

    def __init__(self, stores: Stores, objects: ObjectStore, *, grace: timedelta = STAGED_GRACE) -> None:
        self._stores = stores
        self._objects = objects
        self._eraser = Eraser(stores, objects)
        self._grace = grace
        self._after = LONG_AGO
        self._parts_next = time.monotonic() + PARTS_INTERVAL.total_seconds()  # a process that just began has other work

    async def sweep(self, now: datetime) -> int:
        """One bounded pass at `now` (database time); how many things were settled. Where the object store is down,
        its part is left to a later pass."""
        settled = await self._settle_staged(now) + await self._eraser.expire(now) + await self._bury()
        settled += await self._sweep_uploads(now)
        settled += await self._stores.series.bury(now - BURIED_AFTER, limit=BATCH)
        if time.monotonic() > self._parts_next:
            self._parts_next = time.monotonic() + PARTS_INTERVAL.total_seconds()
            settled += await self.abort_uploads(now - PARTS_GRACE)
        return settled

    async def _settle_staged(self, now: datetime) -> int:
        """Each pass begins behind the one before: outputs of long jobs must not stand in the way of others."""
        found = await self._stores.assets.unsettled_before(now - self._grace, after=self._after, limit=BATCH)
        self._after = found[-1].created_at if len(found) == BATCH else LONG_AGO
        settled = 0
        for asset in found:
            match await self._verdict(asset):
                case Verdict.KEEP:
                    await self._stores.assets.commit([asset.id])
                case Verdict.REMOVE:
                    if not await self.discard([asset]):
                        break
                case Verdict.WAIT:
                    continue
            settled += 1
        return settled

    async def _verdict(self, asset: Asset) -> Verdict:
        """Decides by one reading of the job, so that a job that ends meanwhile cannot be half seen."""
        if asset.job_id is None:
            return await self._verdict_of_input(asset)
        job = await self._stores.jobs.get(asset.account_id, asset.job_id)
        if job is not None and asset.id in {output.asset_id for output in job.outputs}:
            return Verdict.KEEP
        if job is not None and job.status in RUNNING and job.attempt == asset.attempt:
            return Verdict.WAIT
        return Verdict.REMOVE

    async def _verdict_of_input(self, asset: Asset) -> Verdict:
        """One that came in a request is ready when that ends; an upload may be completed later, by whoever asks."""
        upload = await self._stores.uploads.of_id(upload_of_asset(asset.id))
        match upload.state if upload is not None else None:
            case UploadState.COMPLETED:
                return Verdict.KEEP
            case UploadState.OPEN | UploadState.CHECKING:
                return Verdict.WAIT
            case _:
                return Verdict.REMOVE

    async def _bury(self) -> int:
        """Assets that were discarded, but whose bytes could not be removed then."""
        found = await self._stores.assets.discarded(limit=BATCH)
        return len(found) if found and await self.discard(found) else 0

    async def _sweep_uploads(self, now: datetime) -> int:
        """Uploads whose time is over: what became an asset stays, whatever else was sent goes."""
        swept = 0
        for upload in await self._stores.uploads.due(now, limit=BATCH):
            state = await self._stores.uploads.close(upload.id)
            if state is None:
                continue  # another pass was quicker
            asset = await self._stores.assets.get(upload.account_id, upload.asset_id)
            if asset is not None and state is UploadState.COMPLETED:
                await self._stores.assets.commit([asset.id])  # unless it was, or was removed since
            elif not await self.let_go(upload) or (asset is not None and not await self.discard([asset])):
                break
            await self._stores.uploads.forget(upload.id)
            log.info("upload.swept", upload_id=upload.id, state=upload.state.value)
            swept += 1
        return swept

    async def let_go(self, upload: Upload) -> bool:
        """Remove whatever was sent for an upload that became no asset. False when the object store is down: it is
        done when the upload is swept."""
        try:
            if upload.multipart is not None:
                await self._objects.direct.abort(upload.key, upload.multipart.name)
            await self._objects.delete([upload.key])
        except ObjectStoreDown as error:
            log.warning("upload.not_removed", upload_id=upload.id, reason=str(error))
            return False
        return True

    async def abort_uploads(self, before: datetime) -> int:
        """Let go of the parts of uploads that began before this moment and never ended; how many uploads."""
        try:
            aborted = await self._objects.abort_uploads(before)
        except ObjectStoreDown as error:
            log.warning("uploads.not_aborted", reason=str(error))
            return 0
        if aborted:
            log.info("uploads.aborted", count=aborted)
        return aborted

    async def discard(self, assets: Sequence[Asset]) -> bool:
        """Remove assets that belong to nobody; see `Eraser.discard`."""
        return await self._eraser.discard(assets)
