"""Requests that are answered by what a job makes: submitted like any other, waited for, and its result read."""

from collections.abc import Awaitable, Callable

from gateway.auth import Caller
from gateway.services.assets import AssetService
from gateway.services.jobs import JobService
from gateway.services.models import Catalogue
from gateway.services.number_models import MODELS as SHORT_MODELS
from gateway.services.waiting import Waiting
from reelwork.contract.jobs import JobBody
from reelwork.domain.errors import GenerationFailed, GenerationTimeout, InvalidInput, ModelNotFound, ModelUnavailable
from reelwork.domain.ids import JobId
from reelwork.domain.job import Job, Status
from reelwork.store.models import Listing

# As long as `Prefer: wait` waits at most.
PATIENCE_SECONDS = 60
# A result that is answered in one piece is held in memory; whatever is larger is fetched as an asset.
MOST_BYTES = 8 * 1024 * 1024


class AnswerService:
    """Jobs whose results are small and soon there."""

    def __init__(self, catalogue: Catalogue, jobs: JobService, waiting: Waiting, assets: AssetService) -> None:
        self._catalogue = catalogue
        self._jobs = jobs
        self._waiting = waiting
        self._assets = assets

    async def model(self, name: str) -> Listing:
        """A model that the installation, not the caller, has chosen. Raises ModelUnavailable where nobody runs it: no
        worker, nor the gateway itself."""
        try:
            listing = await self._catalogue.get(name)
        except ModelNotFound as error:
            raise _unavailable(name) from error
        if not listing.available and name not in SHORT_MODELS:
            raise _unavailable(name)
        return listing

    async def completed(
        self,
        caller: Caller,
        body: JobBody,
        *,
        request_id: str,
        gone: Callable[[], Awaitable[bool]],
        job_id: JobId | None = None,
    ) -> Job:
        """The job, completed; short work is done here and now. `job_id`: see `JobService.submit`.

        Raises what a submit raises (InvalidInput also for what the run finds), ModelUnavailable, GenerationFailed, and
        GenerationTimeout for one that goes on.
        """
        await self.model(body.model)
        job = await self._jobs.submit(caller, body, request_id=request_id, job_id=job_id, wait=PATIENCE_SECONDS)
        job = (await self._waiting.until_ended(job, seconds=PATIENCE_SECONDS, gone=gone)).job
        if not job.status.is_terminal:
            raise GenerationTimeout(
                f"It is not done within {PATIENCE_SECONDS} s; the job {job.id} goes on.",
                hint=f"GET /v1/jobs/{job.id} tells when it is done.",
            )
        if job.status is not Status.COMPLETED:
            said = job.error.message if job.error is not None else f"The job was {job.status.value}."
            invalid = job.error is not None and job.error.code == InvalidInput.code
            raise (InvalidInput if invalid else GenerationFailed)(said, hint=f"GET /v1/jobs/{job.id} tells more.")
        return job

    async def content(self, caller: Caller, job: Job, media_type: str) -> bytes:
        """The bytes of the job's output of this media type.

        Raises GenerationFailed where there is none, or it is larger than `MOST_BYTES`; AssetNotFound, ObjectStoreDown.
        """
        found = [output for output in job.outputs if output.content_type.partition(";")[0] == media_type]
        if not found or found[0].size_bytes > MOST_BYTES:
            raise GenerationFailed(
                f"The job {job.id} has no {media_type} of at most {MOST_BYTES} bytes.",
                hint=f"GET /v1/jobs/{job.id} lists its outputs.",
            )
        asset = await self._assets.get(caller, found[0].asset_id)
        async with await self._assets.open(asset) as stream:
            return b"".join([chunk async for chunk in stream])


def _unavailable(name: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"Nobody runs {name} at the moment.", hint="GET /v1/models lists what is there.", retry_after_seconds=10
    )
