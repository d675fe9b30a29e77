"""Why a job has not started, or what it is doing."""

from dataclasses import replace
from datetime import UTC, datetime

from gateway.services.forecasts import ForecastService
from reelwork.contract.queue import ExplainView, JobQueue, ReasonView
from reelwork.domain.job import Job, Status
from reelwork.domain.waiting import Reason, doing


async def explain(forecasts: ForecastService, job: Job) -> ExplainView:
    """By the scheduler's own conditions as they are at this moment; there is always a reason."""
    found, queue = [doing(job)] if job.status is not Status.QUEUED else [], None
    if job.status is Status.PROCESSING:
        found = [replace(found[0], until=await forecasts.expected_end(job))]
    if job.status is Status.QUEUED:
        found, queue = await _waiting(forecasts, job)
    return ExplainView(
        job_id=job.id,
        status=job.status.value,
        reasons=[_view(reason) for reason in found],
        queue=queue,
        checked_at=datetime.now(UTC),
    )


async def _waiting(forecasts: ForecastService, job: Job) -> tuple[list[Reason], JobQueue]:
    prospect = await forecasts.prospect(job, fresh=True)
    return list(prospect.reasons), prospect.queue


def _view(reason: Reason) -> ReasonView:
    return ReasonView(
        code=reason.code,
        message=reason.message,
        since=reason.since,
        until=reason.until,
        facts=dict(reason.facts),
    )
