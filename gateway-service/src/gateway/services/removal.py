"""Removing what belongs to an account, when its owner says so."""

from gateway.auth import Caller
from gateway.services.assets import AssetService
from gateway.views import job_view
from reelwork.domain.ids import JobId
from reelwork.domain.job import Job
from reelwork.engine.engine import Engine
from reelwork.engine.erase import Eraser


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
        view = job_view(job)
        await self._engine.stores.idempotency.amend(
            account, location=view.urls.self, body=view.model_dump_json().encode()
        )
        self._engine.tell(job)
        return job

    async def delete_asset(self, caller: Caller, asset_id: str) -> None:
        """Raises AssetNotFound, AssetInUse."""
        await self._eraser.delete(await self._assets.get(caller, asset_id))
