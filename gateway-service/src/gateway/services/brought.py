"""Jobs whose file comes with the request: of what is refused nothing is left."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from gateway.auth import Caller
from gateway.services.jobs import JobService
from gateway.services.removal import RemovalService
from reelwork.contract.jobs import JobBody
from reelwork.domain.asset import Asset
from reelwork.domain.errors import ReelworkError
from reelwork.domain.ids import JobId
from reelwork.domain.job import Job
from reelwork.store.idempotency import Ours

Bring: TypeAlias = Callable[[], Awaitable[Asset]]


class BroughtFiles:
    """The file is brought when nothing speaks against the job, and goes again if something does after that."""

    def __init__(self, jobs: JobService, removal: RemovalService) -> None:
        self._jobs = jobs
        self._removal = removal

    async def submit(
        self,
        caller: Caller,
        draft: JobBody,
        bring: Bring,
        complete: Callable[[Asset], JobBody],
        *,
        ours: Ours,
        request_id: str,
    ) -> Job:
        """The job that `complete` makes of what was brought, under the id that `ours` has. `draft`: the same without
        the file. Raises what `bring` and `JobService.submit` do."""
        job_id = JobId(ours.subject)
        known = None if ours.first else await self._jobs.find(caller, job_id)
        if known is not None:
            return known
        await self._jobs.admit(caller, draft, job_id=job_id)
        asset = await bring()
        try:
            job = await self._jobs.submit(caller, complete(asset), request_id=request_id, job_id=job_id)
        except ReelworkError as error:
            if error.status < 500:  # else the job may be stored
                await self._removal.withdraw(asset, job_id)
            raise
        if asset.id not in job.input_assets:  # the same request, begun again meanwhile, brought what the job has
            await self._removal.let_go(asset)
        return job
