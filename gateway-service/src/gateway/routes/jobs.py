"""Jobs: submit, follow, cancel."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from gateway.deps import CanManage, CanRead, CanSubmit, Jobs, RequestId
from gateway.problems import keyed_problems
from gateway.routes.json_body import JsonRoute
from gateway.views import job_view
from reelwork.contract.jobs import JobBody, JobPage, JobView, StatusName
from reelwork.domain.errors import (
    InsufficientTier,
    InvalidCursor,
    InvalidInput,
    JobNotFound,
    ModelNotFound,
    UnsupportedMediaType,
    UploadTooLarge,
)
from reelwork.domain.ids import BatchId
from reelwork.domain.job import Status
from reelwork.store.jobs import JobFilter

JSON_LIMIT_BYTES = 1024 * 1024

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)

_EXAMPLES = {
    "picture": {
        "summary": "A picture from a prompt",
        "value": {"model": "builtin/landscape", "input": {"prompt": "A sunset over mountains"}},
    },
    "film": {
        "summary": "A film from a picture that was uploaded by POST /v1/assets",
        "value": {
            "model": "builtin/camera-move",
            "input": {"image": "asset_01jd0f8g5ne8rr3v5m6n7p8q9r", "duration_seconds": 4},
            "tags": ["campaign:autumn"],
        },
    },
}


@router.post(
    "",
    status_code=202,
    responses=keyed_problems(InsufficientTier, ModelNotFound, UploadTooLarge, UnsupportedMediaType, InvalidInput),
)
async def create_job(
    body: Annotated[JobBody, Body(openapi_examples=_EXAMPLES)],
    caller: CanSubmit,
    jobs: Jobs,
    request_id: RequestId,
    response: Response,
) -> JobView:
    """Accept a job; it is stored durably before this answers. Follow it at `Location`."""
    job = await jobs.submit(caller, body, request_id=request_id)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    response.headers["Retry-After"] = "2"
    return job_view(job)


@router.get("", responses=keyed_problems(InvalidCursor))
async def list_jobs(
    caller: CanRead,
    jobs: Jobs,
    status: Annotated[list[StatusName] | None, Query(description="Repeat for several.")] = None,
    model: Annotated[str | None, Query(max_length=128)] = None,
    tag: Annotated[str | None, Query(max_length=64)] = None,
    batch_id: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> JobPage:
    """Your jobs, newest first."""
    statuses = [Status(name) for name in status or []]
    where = JobFilter(statuses=statuses, model=model, tag=tag, batch_id=BatchId(batch_id) if batch_id else None)
    page = await jobs.page(caller, where, cursor=cursor, limit=limit)
    items = [job_view(job) for job in page.items]
    return JobPage(items=items, next_cursor=page.next_cursor, has_more=page.next_cursor is not None)


@router.get("/{job_id}", responses=keyed_problems(JobNotFound))
async def get_job(job_id: str, caller: CanRead, jobs: Jobs, response: Response) -> JobView:
    """One job. `Retry-After` says when asking again is worth it."""
    job = await jobs.get(caller, job_id)
    if not job.status.is_terminal:
        response.headers["Retry-After"] = "1"
    return job_view(job)


@router.post("/{job_id}/cancel", responses=keyed_problems(JobNotFound))
async def cancel_job(job_id: str, caller: CanManage, jobs: Jobs) -> JobView:
    """Cancel; safe to repeat. A waiting job never runs; a running one becomes `cancelling`, then `cancelled`."""
    return job_view(await jobs.cancel(caller, job_id))


@router.delete("/{job_id}", responses=keyed_problems(JobNotFound))
async def delete_job(job_id: str, caller: CanManage, jobs: Jobs) -> JobView:
    """The same as cancel: it stops the job and erases nothing."""
    return job_view(await jobs.cancel(caller, job_id))
