"""Removing what belongs to an account, when its owner says so."""

import structlog

from gateway.auth import Caller
from gateway.services.assets import AssetService
from gateway.views import job_view
from reelwork.domain.asset import Asset
from reelwork.domain.errors import AssetInUse, StoreUnavailable
from reelwork.domain.ids import JobId
from reelwork.domain.job import Job
from reelwork.engine.engine import Engine
from reelwork.engine.erase import Eraser
from reelwork.store.idempotency import Idempotency

log = structlog.get_logger(__name__)


class RemovalService:
    """Every method removes the caller's own things only."""

    def __init__(self, engine: Engine, eraser: Eraser, assets: AssetService) -> None:
        self._engine = engine
        self._eraser = eraser
        self._assets = assets

    async def erase_job(self, caller: Caller, job_id: str) -> Job:
        """Also from the answers that are kept under idempotency keys. Raises JobNotFound, InvalidState."""
        account = caller.account.id
        job = await self._eraser.erase(account, JobId(job_id))
        await forget_answers(self._engine.stores.idempotency, job)
        self._engine.tell(job)
        return job

    async def delete_asset(self, caller: Caller, asset_id: str) -> None:
        """Raises AssetNotFound, AssetInUse."""
        await self._eraser.delete(await self._assets.get(caller, asset_id))

    async def let_go(self, asset: Asset) -> None:
        """Remove an asset that its owner did not ask for and nobody needs; it stays where that cannot be done."""
        try:
            await self._eraser.delete(asset)
        except (AssetInUse, StoreUnavailable) as error:
            log.warning("asset.not_let_go", asset_id=asset.id, reason=error.detail)

    async def withdraw(self, asset: Asset, job_id: JobId) -> None:
        """What came with a job that was refused; see `Eraser.withdraw`."""
        await self._eraser.withdraw(asset, job_id)


async def forget_answers(requests: Idempotency, erased: Job) -> None:
    """What is replayed from here on tells of the job as it is now, without its data."""
    view = job_view(erased)
    await requests.amend(erased.account_id, location=view.urls.self, body=view.model_dump_json().encode())
    await requests.forget(erased.account_id, subject=erased.id)
