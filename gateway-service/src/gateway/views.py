"""From the domain's objects to what is on the wire."""

from datetime import UTC, datetime
from typing import Literal

from gateway.aliases import luma_names
from gateway.costs import job_cost
from reelwork.contract.assets import AssetView
from reelwork.contract.batches import BatchCounts, BatchUrls, BatchView
from reelwork.contract.events import EventView
from reelwork.contract.jobs import (
    AttemptView,
    CacheView,
    CancelView,
    JobErrorView,
    JobMetrics,
    JobUrls,
    JobView,
    JobWarning,
    OutputView,
    PriorityName,
    ProgressDetail,
)
from reelwork.contract.queue import JobQueue
from reelwork.contract.series import SeriesUrls, SeriesView
from reelwork.contract.workers import WorkerModel, WorkerView
from reelwork.domain.asset import Asset
from reelwork.domain.batch import Batch, Tally
from reelwork.domain.job import (
    WAITING,
    Attempt,
    Cancellation,
    Event,
    Job,
    JobError,
    Output,
    Priority,
    Progress,
    Status,
)
from reelwork.domain.lifecycle import ACTIVE, Lifecycle, Stage, reference
from reelwork.domain.media import kind_of
from reelwork.domain.route import GONE_AFTER_HOURS
from reelwork.domain.series import Series
from reelwork.domain.worker import Worker

PRIORITIES: dict[Priority, PriorityName] = {Priority.LOW: "low", Priority.NORMAL: "normal", Priority.HIGH: "high"}
# How soon asking again is worth it: running jobs change quickly, waiting ones wait.
_POLL_RUNNING_MS = 1000
_POLL_WAITING_MS = 2000


def series_view(series: Series) -> SeriesView:
    base = f"/v1/series/{series.id}"
    return SeriesView(
        id=series.id,
        name=series.name,
        observables=series.observables,
        length=series.length,
        created_at=series.created_at,
        updated_at=series.updated_at,
        urls=SeriesUrls(self=base, points=f"{base}/points", export=f"{base}/export"),
    )


def job_view(
    job: Job, *, queue: JobQueue | None = None, poll_after_ms: int | None = None, life: Lifecycle = ACTIVE
) -> JobView:
    """`queue` and `poll_after_ms`: where somebody looked how the job stands. `life`: of its model."""
    base = f"/v1/jobs/{job.id}"
    return JobView(
        id=job.id,
        model=job.model,
        model_version=job.model_version,
        status=job.status.value,
        substatus=_substatus(job),
        is_terminal=job.status.is_terminal,
        is_success=job.status is Status.COMPLETED if job.status.is_terminal else None,
        version=job.version,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        created_at=job.created_at,
        queued_at=job.queued_at,
        started_at=job.started_at,
        completed_at=job.completed_at,
        not_before=job.not_before,
        deadline_at=job.deadline_at,
        run_timeout_seconds=job.run_timeout_seconds,
        progress=job.progress.fraction,
        progress_detail=_progress(job.progress),
        priority=PRIORITIES[job.priority],
        input=job.input,
        seed=job.seed,
        outputs=[_output_view(output) for output in job.outputs],
        error=_error_view(job.error),
        attempts=[_attempt_view(attempt) for attempt in job.attempts],
        cancel=_cancel_view(job.cancel),
        tags=list(job.tags),
        metadata=job.metadata,
        batch_id=job.batch_id,
        cost=job_cost(job),
        cache=CacheView(hit=job.source_job_id is not None, source_job_id=job.source_job_id),
        expires_at=job.outputs_due_at,
        inputs_removed=job.inputs_removed,
        data_removed=job.data_removed,
        queue=queue,
        metrics=_metrics(job),
        warnings=_warnings(job, life),
        urls=JobUrls(self=base, events=f"{base}/events", cancel=f"{base}/cancel", explain=f"{base}/explain"),
        poll_after_ms=poll_after_ms if poll_after_ms is not None else _poll_after_ms(job),
        **luma_names(job.id, queue, job.outputs),
    )


def _progress(progress: Progress) -> ProgressDetail:
    return ProgressDetail(
        stage=progress.stage,
        message=progress.message,
        step=progress.step,
        steps=progress.steps,
        updated_at=progress.updated_at,
    )


def _warnings(job: Job, life: Lifecycle) -> list[JobWarning]:
    stage, model = life.stage(datetime.now(UTC)), reference(job.model, job.model_version)
    if stage is Stage.ACTIVE:
        return []
    words = "takes no more jobs" if stage is Stage.RETIRED else "is deprecated"
    end = f" since {life.sunset_at:%Y-%m-%d}" if stage is Stage.RETIRED else ""
    if stage is Stage.DEPRECATED and life.sunset_at is not None:
        end = f" and takes no jobs from {life.sunset_at:%Y-%m-%d} on"
    cure = f"; use {life.replacement}" if life.replacement else ""
    code: Literal["model_deprecated", "model_retired"] = (
        "model_retired" if stage is Stage.RETIRED else "model_deprecated"
    )
    detail = f"{model} {words}{end}{cure}."
    return [JobWarning(code=code, detail=detail, sunset_at=life.sunset_at, replacement=life.replacement)]


def warned_of_absence(view: JobView, job: Job) -> JobView:
    """The view of a job that no worker could run now: where it waits, it says so."""
    if job.status not in WAITING:
        return view
    model, hours = reference(job.model, job.model_version), GONE_AFTER_HOURS
    detail = f"No worker runs {model} at the moment: the job waits for one, and fails after {hours} hours without."
    warning = JobWarning(code="model_unavailable", detail=detail, sunset_at=None, replacement=None)
    return view.model_copy(update={"warnings": [*view.warnings, warning]})


def _poll_after_ms(job: Job) -> int:
    """When to ask again; 0 for a job that has ended."""
    if job.status.is_terminal:
        return 0
    return _POLL_WAITING_MS if job.status in {Status.PENDING, Status.QUEUED} else _POLL_RUNNING_MS


def _substatus(job: Job) -> str | None:
    match job.status:
        case Status.QUEUED if not job.due and job.attempt:
            return "waiting_for_retry"
        case Status.QUEUED if not job.due:
            return "scheduled"
        case Status.QUEUED:
            return "waiting_for_slot"
        case Status.PROCESSING:
            return job.progress.stage or "starting"
        case _:
            return None


def _metrics(job: Job) -> JobMetrics:
    queued = (job.started_at - job.queued_at).total_seconds() if job.started_at and job.queued_at else None
    ran = (job.completed_at - job.started_at).total_seconds() if job.completed_at and job.started_at else None
    return JobMetrics(queue_seconds=queued, run_seconds=ran)


def _output_view(output: Output) -> OutputView:
    return OutputView(
        index=output.index,
        asset_id=output.asset_id,
        name=output.name,
        role=output.role,
        type=kind_of(output.content_type),
        content_type=output.content_type,
        bytes=output.size_bytes,
        sha256=output.sha256,
        width=output.width,
        height=output.height,
        duration_seconds=output.duration_seconds,
        meta=output.meta,
        url=f"/v1/assets/{output.asset_id}/content",
    )


def _error_view(error: JobError | None) -> JobErrorView | None:
    if error is None:
        return None
    return JobErrorView(code=error.code, message=error.message, retryable=error.retryable, attempt=error.attempt)


def _cancel_view(cancel: Cancellation | None) -> CancelView | None:
    if cancel is None:
        return None
    return CancelView(requested_at=cancel.requested_at, confirmed_at=cancel.confirmed_at, by=cancel.by)


def _attempt_view(attempt: Attempt) -> AttemptView:
    return AttemptView(
        n=attempt.n,
        worker=attempt.worker,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
        outcome=attempt.outcome,
        error=_error_view(attempt.error),
        model=attempt.model,
    )


def event_view(event: Event) -> EventView:
    return EventView(
        seq=event.seq,
        at=event.at,
        type=event.type,
        status=event.status.value,
        attempt=event.attempt,
        error=_error_view(event.error),
    )


def asset_view(asset: Asset) -> AssetView:
    return AssetView(
        id=asset.id,
        kind=kind_of(asset.content_type),
        purpose=asset.purpose.value,
        content_type=asset.content_type,
        filename=asset.filename,
        bytes=asset.size_bytes,
        sha256=asset.sha256,
        width=asset.width,
        height=asset.height,
        duration_seconds=asset.duration_seconds,
        job_id=asset.job_id,
        created_at=asset.created_at,
        expires_at=asset.expires_at,
        url=f"/v1/assets/{asset.id}/content",
    )


def worker_view(worker: Worker) -> WorkerView:
    card = worker.card
    return WorkerView(
        id=card.id,
        name=card.name,
        state=worker.state.value,
        drained=worker.drained,
        pools=[card.pool],
        models=[WorkerModel(name=model.name, version=model.version) for model in card.models],
        concurrency=card.concurrency,
        host=card.host,
        pid=card.pid,
        started_at=worker.started_at,
        seen_at=worker.seen_at,
        jobs_running=len(worker.jobs),
        running=list(worker.jobs),
        jobs_done=worker.jobs_done,
    )


def batch_view(batch: Batch, tally: Tally) -> BatchView:
    base, over = f"/v1/batches/{batch.id}", tally.ended >= batch.size
    return BatchView(
        id=batch.id,
        name=batch.name,
        status="completed" if over else "processing",
        is_terminal=over,
        is_success=tally.of(Status.COMPLETED) == batch.size if over else None,
        counts=BatchCounts(
            total=batch.size, rejected=batch.rejected, **{status.value: tally.of(status) for status in Status}
        ),
        progress=min(1.0, tally.ended / batch.size),
        created_at=batch.created_at,
        completed_at=tally.last_end if over else None,
        tags=list(batch.tags),
        metadata=batch.metadata,
        urls=BatchUrls(
            self=base,
            jobs=f"/v1/jobs?batch_id={batch.id}",
            cancel=f"{base}/cancel",
            retry_failed=f"{base}/retry-failed",
            outputs=f"{base}/outputs",
        ),
        poll_after_ms=0 if over else _POLL_WAITING_MS,
    )
