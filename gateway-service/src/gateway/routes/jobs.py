"""Jobs: submit, follow, cancel, queue again."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Header, Query, Request, Response

from gateway.deps import (
    CancelAfter,
    CanList,
    CanManage,
    CanRead,
    CanSubmit,
    Forecasts,
    Jobs,
    Models,
    Preferred,
    RequestId,
    Waits,
)
from gateway.expansion import Expand
from gateway.headers import LIFE, RETRY_AFTER, announcements, bad_header, documented, etag_of, is_known, retry_after
from gateway.job_filter import METADATA_PARAMETER, WantedJobs
from gateway.once import KEY_REFUSALS, REPLAYED, Once
from gateway.problems import keyed_problems
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from gateway.routes.refusals import PAYMENT_REFUSALS, SUBMIT_REFUSALS
from gateway.services.idempotency import json_answer
from gateway.services.models import Catalogue
from gateway.views import job_view, warned_of_absence
from reelwork.contract.jobs import JobBody, JobPage, JobRetryBody, JobView, NumberedJobPage
from reelwork.domain.errors import (
    InsufficientTier,
    InvalidCursor,
    InvalidState,
    JobNotFound,
    ModelNotFound,
    ModelRetired,
)
from reelwork.domain.ids import JobId, new_job_id, new_request_id
from reelwork.domain.job import Job, Status
from reelwork.store.idempotency import Ours, StoredAnswer

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)

# A page by its number counts through all before it.
MOST_PAGES = 10_000
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

_APPLIED = documented({"Preference-Applied": "What was done of `Prefer`."})
_QUEUED = documented({"Location": "The job."}) | REPLAYED | RETRY_AFTER | LIFE
_STORED = _QUEUED | _APPLIED
_READ = documented({"ETag": "Names this state of the job."}) | RETRY_AFTER | _APPLIED | LIFE


@router.post(
    "",
    status_code=202,
    response_model=JobView,
    responses={
        201: {"description": "It has ended within the time of `Prefer: wait`.", "model": JobView, "headers": _STORED},
        202: {"description": "Accepted.", "headers": _STORED},
        **keyed_problems(*SUBMIT_REFUSALS, ModelNotFound, ModelRetired, *BODY_REFUSALS, *KEY_REFUSALS),
    },
)
async def create_job(
    body: Annotated[JobBody, Body(openapi_examples=_EXAMPLES)],
    caller: CanSubmit,
    jobs: Jobs,
    waits: Waits,
    once: Once,
    models: Models,
    preferred: Preferred,
    cancel_after: CancelAfter,
    request: Request,
    request_id: RequestId,
) -> Response:
    """Accept a job; it is stored durably before this answers. Follow it at `Location`. With `Prefer: wait`, short work
    with numbers is done before this answers, without a queue."""
    wanted = _with_deadline(body, cancel_after)

    async def act(ours: Ours) -> StoredAnswer:
        known = None if ours.first else await jobs.find(caller, ours.subject)
        job = known or await jobs.submit(
            caller, wanted, request_id=request_id, job_id=JobId(ours.subject), wait=preferred.wait
        )
        waited = await waits.until_ended(job, seconds=preferred.wait, gone=request.is_disconnected)
        ended = waited.honoured and waited.job.status.is_terminal
        applied = preferred.applied(waited=waited.honoured)
        return await _accepted(waited.job, 201 if ended else 202, models, applied)

    return await once.answer(new_job_id, act)


@router.get("", responses=keyed_problems(InvalidCursor), openapi_extra={"parameters": [METADATA_PARAMETER]})
async def list_jobs(
    caller: CanList,
    jobs: Jobs,
    models: Models,
    where: WantedJobs,
    expand: Expand,
    scope: Annotated[
        Literal["own", "all"], Query(description="`all`: of all accounts; wants the scope `admin`.")
    ] = "own",
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    page_number: Annotated[
        int | None, Query(alias="page", ge=1, le=MOST_PAGES, description="Instead of a cursor: a page by its number.")
    ] = None,
    per_page: Annotated[int | None, Query(ge=1, le=100, description="Instead of `limit`, with `page`.")] = None,
) -> JobPage | NumberedJobPage:
    """Your jobs, newest first: on from a cursor, or a page by its number, with `meta`."""
    if page_number is not None or per_page is not None:
        found = await jobs.numbered(
            caller, where, everybodys=scope == "all", page=page_number or 1, per_page=per_page or limit
        )
        items = [job_view(job, life=await models.life_of(job)) for job in found.items]
        items = await expand.of(caller, items)
        return NumberedJobPage(items=items, next_cursor=None, has_more=found.meta.has_next, meta=found.meta)
    page = await jobs.page(caller, where, everybodys=scope == "all", cursor=cursor, limit=limit)
    items = [job_view(job, life=await models.life_of(job)) for job in page.items]
    items = await expand.of(caller, items)
    return JobPage(items=items, next_cursor=page.next_cursor, has_more=page.next_cursor is not None)


@router.get(
    "/{job_id}",
    response_model=JobView,
    responses={
        200: {"description": "The job.", "headers": _READ},
        304: {
            "description": "It has not changed since the tag in `If-None-Match` was given; never for one that waits.",
            "headers": _READ,
        },
        **keyed_problems(JobNotFound),
    },
)
async def get_job(
    job_id: str,
    caller: CanRead,
    jobs: Jobs,
    waits: Waits,
    forecasts: Forecasts,
    models: Models,
    preferred: Preferred,
    expand: Expand,
    request: Request,
    if_none_match: Annotated[str | None, Header(description="Tags of `ETag`: 304 if one still holds.")] = None,
) -> Response:
    """One job. `Retry-After`: when it is expected to start or to end. `Prefer: wait=n` waits for its end."""
    job = await jobs.get(caller, job_id)
    waited = await waits.until_ended(job, seconds=preferred.wait, gone=request.is_disconnected)
    life = await models.life_of(waited.job)
    headers = {"ETag": etag_of(waited.job)} | preferred.applied(waited=waited.honoured) | announcements(life)
    # The tag is the job's version; where a job stands in the queue changes without it, and so do signed addresses.
    if not expand and is_known(if_none_match, headers["ETag"]) and waited.job.status is not Status.QUEUED:
        return Response(status_code=304, headers=headers | retry_after(job_view(waited.job).poll_after_ms))
    (view,) = await expand.of(caller, [await forecasts.view(waited.job, life=life)])
    return Response(
        view.model_dump_json(), headers=headers | retry_after(view.poll_after_ms), media_type="application/json"
    )


@router.post("/{job_id}/cancel", responses=keyed_problems(JobNotFound))
async def cancel_job(job_id: str, caller: CanManage, jobs: Jobs, models: Models, response: Response) -> JobView:
    """Cancel; safe to repeat. A waiting job never runs; a running one becomes `cancelling`, then `cancelled`."""
    return await _told(await jobs.cancel(caller, job_id), models, response)


@router.post(
    "/{job_id}/retry",
    status_code=202,
    response_model=JobView,
    responses={
        202: {"description": "Queued again.", "headers": _QUEUED},
        **keyed_problems(InsufficientTier, *PAYMENT_REFUSALS, JobNotFound, InvalidState, *BODY_REFUSALS, *KEY_REFUSALS),
    },
)
async def retry_job(
    job_id: str, caller: CanSubmit, jobs: Jobs, models: Models, once: Once, body: JobRetryBody | None = None
) -> Response:
    """Queue a failed, cancelled or expired job again, under its id; 409 in any other state, also when it is queued
    already: send an `Idempotency-Key` to be able to repeat this. It has as many attempts again as at first, counted on
    from those it had."""
    seconds = body.deadline_seconds if body is not None else None
    deadline = timedelta(seconds=seconds) if seconds is not None else None

    async def act(ours: Ours) -> StoredAnswer:
        job = await jobs.retry(caller, job_id, mark=ours.subject, deadline=deadline)
        return await _accepted(job, 202, models)

    return await once.answer(new_request_id, act)


@router.delete("/{job_id}", responses=keyed_problems(JobNotFound))
async def delete_job(job_id: str, caller: CanManage, jobs: Jobs, models: Models, response: Response) -> JobView:
    """The same as cancel: it stops the job and erases nothing."""
    return await _told(await jobs.cancel(caller, job_id), models, response)


async def _told(job: Job, models: Catalogue, response: Response) -> JobView:
    """The job, with what is to come for its model."""
    life = await models.life_of(job)
    response.headers.update(announcements(life))
    return job_view(job, life=life)


async def _accepted(
    job: Job, status: int, models: Catalogue, headers: Mapping[str, str] = MappingProxyType({})
) -> StoredAnswer:
    life = await models.life_of(job)
    view = job_view(job, life=life)
    view = view if await models.runs(job) else warned_of_absence(view, job)
    told = {"Location": view.urls.self, **retry_after(view.poll_after_ms), **announcements(life)}
    return json_answer(status, view, {**told, **headers})


def _with_deadline(body: JobBody, cancel_after: float | None) -> JobBody:
    """The body, with the deadline of the header. Raises InvalidRequest if they contradict each other."""
    if cancel_after is None:
        return body
    if body.deadline_seconds not in {None, cancel_after}:
        raise bad_header("cancel-after", "It says something else than deadline_seconds: send one of them.")
    return body.model_copy(update={"deadline_seconds": cancel_after})
