"""Sweeping: bytes that belong to nobody are removed, bytes that belong to somebody are kept.

Every object is announced by a staged asset before it is written, so nothing has to be searched for in the object store.
"""

from datetime import datetime, timedelta

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


class Sweeper:
    """Settles assets that are still staged long after they were announced."""

    def __init__(self, stores: Stores, objects: ObjectStore, *, grace: timedelta = STAGED_GRACE) -> None:
        self._stores = stores
        self._objects = objects
        self._grace = grace

    async def sweep(self, now: datetime) -> int:
        """One bounded pass; how many assets were committed or removed."""
        settled = 0
        for asset in await self._stores.assets.staged_before(now - self._grace, limit=BATCH):
            settled += await self._settle(asset)
        return settled

    async def _settle(self, asset: Asset) -> bool:
        """Decides by one reading of the job, so that a job that ends meanwhile cannot be half seen."""
        job = await self._stores.jobs.get(asset.account_id, asset.job_id) if asset.job_id is not None else None
        if job is not None and asset.id in {output.asset_id for output in job.outputs}:
            await self._stores.assets.commit([asset.id])
            return True
        if job is not None and job.status in RUNNING and job.attempt == asset.attempt:
            return False
        return await self.discard([asset])

    async def discard(self, assets: list[Asset]) -> bool:
        """Remove staged assets, bytes first. False when the object store is down: a later pass does it."""
        if not assets:
            return True
        try:
            await self._objects.delete([asset.key for asset in assets])
        except ObjectStoreDown as error:
            log.warning("asset.not_discarded", count=len(assets), reason=str(error))
            return False
        await self._stores.assets.forget([asset.id for asset in assets])
        log.info("asset.discarded", count=len(assets))
        return True
