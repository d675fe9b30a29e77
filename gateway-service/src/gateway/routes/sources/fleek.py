"""Fleek's media processing API: a prompt in, a status to ask after, a link to the picture out.

Media are jobs. Their ids are stable over retries: `job_id` is the job's own, `id` the UUID inside it.
"""

import uuid
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from gateway.auth import Caller
from gateway.content import disposition_of
from gateway.deps import Assets, CanRead, CanSubmit, Jobs, Probes, RequestId, WholeGateway
from gateway.envelopes import fleek, source_problems
from gateway.once import KEY_REFUSALS, REPLAYED, Once
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from gateway.routes.refusals import SUBMIT_REFUSALS
from gateway.services.idempotency import json_answer
from gateway.services.jobs import JobService
from gateway.surfaces import Surface
from reelwork.contract.admin import ProbeBody
from reelwork.contract.jobs import JobBody, RetryBody
from reelwork.contract.sources import (
    CeleryStatus,
    FleekError,
    MediaBody,
    MediaLink,
    MediaStatus,
    MediaView,
    ToolStatus,
)
from reelwork.domain.errors import (
    AssetNotFound,
    BrokerUnavailable,
    InvalidState,
    JobNotFound,
    ModelNotFound,
    NobodyAnswered,
    StoreUnavailable,
)
from reelwork.domain.ids import job_id_of, job_uuid, new_job_id
from reelwork.domain.job import Job, Status
from reelwork.runtime.health import check
from reelwork.store.idempotency import Ours, StoredAnswer

# The original tried five times.
TRIES = 5
LINK_LIFE = timedelta(hours=1)
ROUND_TRIP_SECONDS = 5.0
SOURCE = {"source": "fleek"}  # the metadata by which a job is known for one of these

SURFACE = Surface(
    name="fleek",
    successors={
        "/media/generate": "/v1/jobs",
        "/media/status/{media_job_id}": "/v1/jobs/{media_job_id}",
        "/media/content/{media_id}": "/v1/jobs/{media_id}",
        "/tools/status": "/readyz",
        "/tools/celery_status": "/v1/admin/probe",
    },
    envelope=fleek,
    timed=True,
)
_STATUS: dict[Status, MediaStatus] = {
    Status.PENDING: "IN_QUEUE",
    Status.QUEUED: "IN_QUEUE",
    Status.PROCESSING: "PROCESSING",
    Status.CANCELLING: "PROCESSING",
    Status.COMPLETED: "COMPLETED",
    Status.FAILED: "ERROR",
    Status.CANCELLED: "ERROR",
    Status.EXPIRED: "ERROR",
}

router = APIRouter(
    tags=["sources: media processing"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute, deprecated=True
)


@router.post(
    "/media/generate",
    response_model=MediaView,
    responses={
        200: {"headers": REPLAYED},
        **source_problems(FleekError, *SUBMIT_REFUSALS, ModelNotFound, *BODY_REFUSALS, *KEY_REFUSALS),
    },
)
async def generate_media(
    body: MediaBody, caller: CanSubmit, jobs: Jobs, gateway: WholeGateway, once: Once, request_id: RequestId
) -> Response:
    """Make a picture of a prompt."""
    wanted = JobBody(
        model=gateway.settings.fleek_model,
        input=body.parameters | {"prompt": body.prompt},
        metadata=SOURCE,
        retry=RetryBody(max_attempts=TRIES),
    )

    async def act(ours: Ours) -> StoredAnswer:
        job = await jobs.submit_once(caller, wanted, request_id=request_id, ours=ours)
        return json_answer(200, _view(job), {})

    return await once.answer(new_job_id, act)


@router.get("/media/status/{media_job_id}", responses=source_problems(FleekError, JobNotFound))
async def media_status(media_job_id: str, caller: CanRead, jobs: Jobs) -> MediaView:
    """How far it is; the whole of it, as the original had it."""
    return _view(await _media(jobs, caller, media_job_id))


@router.get(
    "/media/content/{media_id}", responses=source_problems(FleekError, JobNotFound, AssetNotFound, InvalidState)
)
async def media_content(media_id: str, caller: CanRead, jobs: Jobs, assets: Assets) -> MediaLink:
    """A signed address of the picture, for an hour; 409 while there is none."""
    job = await _media(jobs, caller, media_id)
    if not job.outputs:
        raise InvalidState(
            f"The media is {_STATUS[job.status]}: it has no content.",
            hint="GET /media/status/{job_id} tells its state.",
        )
    asset = await assets.get(caller, job.outputs[0].asset_id)
    return MediaLink(url=assets.link(asset, disposition_of(asset), life=LINK_LIFE).url)


@router.get("/tools/status", responses=source_problems(FleekError, StoreUnavailable, keyed=False))
async def tools_status(gateway: WholeGateway) -> ToolStatus:
    """Whether the database answers."""
    name = "mongodb"
    found = await check({name: gateway.probes[name]})
    if found[name].status != "ok":
        raise StoreUnavailable("The database does not answer.", hint="Try again in a moment.", retry_after_seconds=2)
    return ToolStatus()


@router.get("/tools/celery_status", responses=source_problems(FleekError, BrokerUnavailable, NobodyAnswered))
async def celery_status(
    caller: CanRead,  # noqa: ARG001  (the permission)
    probes: Probes,
    message: Annotated[str, Query(max_length=200, description="Comes back from the worker.")] = "ping",
) -> CeleryStatus:
    """Whether a worker answers over the broker within five seconds."""
    told = await probes.round_trip(ProbeBody(message=message, timeout_seconds=ROUND_TRIP_SECONDS))
    return CeleryStatus(message=told.message)


async def _media(jobs: JobService, caller: Caller, name: str) -> Job:
    """The job behind either id. Only jobs that came by this surface are media. Raises JobNotFound."""
    job = await jobs.find(caller, _job_id(name))
    if job is None or job.metadata.get("source") != SOURCE["source"]:
        raise JobNotFound(f"There is no media {name[:100]!r}.", hint="Use the ids that POST /media/generate gave.")
    return job


def _job_id(name: str) -> str:
    try:
        return job_id_of(uuid.UUID(name))
    except ValueError:
        return name


def _view(job: Job) -> MediaView:
    return MediaView(
        id=str(job_uuid(job.id)),
        job_id=job.id,
        prompt=str(job.input.get("prompt", "")),
        status=_STATUS[job.status],
        next_run=job.not_before if job.status is Status.QUEUED else None,
        number_of_tries=job.attempt,
        created_at=job.created_at,
        updated_at=job.events[-1].at if job.events else job.created_at,
    )
