"""Changing a job that waits, asking why it waits, and asking what would become of one."""

from typing import Annotated

from fastapi import APIRouter, Body, Header, Response

from gateway.deps import CanManage, CanRead, CanSubmit, Estimates, Forecasts, Jobs, Queues, RequestId
from gateway.headers import documented, etag_of
from gateway.problems import keyed_problems
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from gateway.routes.refusals import WEBHOOK_REFUSALS
from gateway.services.explain import explain
from reelwork.contract.edits import JobPatch
from reelwork.contract.jobs import JobBody, JobView
from reelwork.contract.queue import EstimateView, ExplainView
from reelwork.domain.errors import (
    ContentPolicyViolation,
    InvalidState,
    JobNotFound,
    ModelNotFound,
    ModelRetired,
    VersionMismatch,
)

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)

_EXAMPLES = {
    "first": {"summary": "The next one to run", "value": {"position": "first"}},
    "before": {
        "summary": "Right before another one",
        "value": {"position": {"before": "job_01jd0f8g5ne8rr3v5m6n7p8q9r"}},
    },
    "now": {"summary": "Without its not_before, and with new tags", "value": {"not_before": None, "tags": ["soon"]}},
}


@router.post(
    "/estimate",
    responses=keyed_problems(ContentPolicyViolation, ModelNotFound, ModelRetired, *WEBHOOK_REFUSALS, *BODY_REFUSALS),
)
async def estimate_job(body: JobBody, caller: CanSubmit, estimates: Estimates, request_id: RequestId) -> EstimateView:
    """What would become of this job if you submitted it now: when it would start, what it would cost, which limits it
    would hit. Faults are refused as submit does; stores nothing."""
    return await estimates.estimate(caller, body, request_id=request_id)


@router.patch(
    "/{job_id}",
    responses={
        200: {"description": "The job as it is now.", "headers": documented({"ETag": "Names this state of the job."})},
        **keyed_problems(JobNotFound, InvalidState, VersionMismatch, *BODY_REFUSALS),
    },
)
async def edit_job(
    job_id: str,
    body: Annotated[JobPatch, Body(openapi_examples=_EXAMPLES)],
    caller: CanManage,
    queues: Queues,
    forecasts: Forecasts,
    response: Response,
    if_match: Annotated[str | None, Header(description="Only if the job is still this version: its `ETag`.")] = None,
) -> JobView:
    """Change its labels at any time; its place in your own queue or its earliest start while it waits."""
    job = await queues.edit(caller, job_id, body, if_match=if_match)
    response.headers["ETag"] = etag_of(job)
    return await forecasts.view(job)


@router.get("/{job_id}/explain", responses=keyed_problems(JobNotFound))
async def explain_job(job_id: str, caller: CanRead, jobs: Jobs, forecasts: Forecasts) -> ExplainView:
    """Why it has not started, by the scheduler's own conditions; or what it is doing, or how it ended."""
    return await explain(forecasts, await jobs.get(caller, job_id))
