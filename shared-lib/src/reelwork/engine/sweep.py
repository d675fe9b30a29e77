"""Sweeping: bytes that belong to nobody are removed, bytes that belong to somebody are kept.

Every object is announced by a staged asset before it is written, so nothing has to be searched for in the object store.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

import structlog

from reelwork.domain.asset import Asset
from reelwork.domain.job import RUNNING
from reelwork.objects.errors import ObjectStoreDown
from reelwork.objects.s3 import ObjectStore
from reelwork.store.stores import Stores

log = structlog.get_logger(__name__)

# Longer than any upload or job output takes between its announcement and its commit.
STAGED_GRACE = timedelta(minutes=15)
BATCH = 50
LONG_AGO = datetime.fromtimestamp(0, UTC)


class Verdict(Enum):
    KEEP = auto()
    REMOVE = auto()
    WAIT = auto()


class Sweeper:
    """Settles assets that are still staged long after they were announced."""

    def __init__(self, stores: Stores, objects: ObjectStore, *, grace: timedelta = STAGED_GRACE) -> None:
        self._stores = stores
        self._objects = objects
        self._grace = grace
        self._after = LONG_AGO

    async def sweep(self, now: datetime) -> int:
        """One bounded pass; how many assets were committed or removed. It ends where the object store is down.

        Each pass begins behind the one before: outputs of jobs that take long must not stand in the way of others.
        """
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
        job = await self._stores.jobs.get(asset.account_id, asset.job_id) if asset.job_id is not None else None
        if job is not None and asset.id in {output.asset_id for output in job.outputs}:
            return Verdict.KEEP
        if job is not None and job.status in RUNNING and job.attempt == asset.attempt:
            return Verdict.WAIT
        return Verdict.REMOVE

    async def discard(self, assets: Sequence[Asset]) -> bool:
        """Remove assets that belong to nobody: condemned first, then the bytes, then the document.

        Those that somebody committed meanwhile stay. False when the object store is down: a later pass does it.
        """
        condemned = [asset for asset in assets if await self._is_condemned(asset)]
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

    async def _is_condemned(self, asset: Asset) -> bool:
        """Also one that was forgotten already: a worker that slept between announcing and writing wrote its bytes
        after they had been removed, and nobody else knows of them."""
        assets = self._stores.assets
        return await assets.condemn(asset.id) or await assets.get(asset.account_id, asset.id) is None
