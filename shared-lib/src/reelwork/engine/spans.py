"""The span of one run of a job, wherever it runs; its trace is that of the request that brought the job."""

from contextlib import AbstractContextManager

from opentelemetry.trace import Span, SpanKind

from reelwork.domain.job import Job
from reelwork.tracing import span


def run_span(job: Job) -> AbstractContextManager[Span]:
    """Of the present attempt, for the length of the context. Says what runs, and nothing of what it was given."""
    return span(
        "job.run",
        SpanKind.CONSUMER,
        after=job.traceparent,
        job_id=job.id,
        request_id=job.request_id,
        model=job.model,
        pool=job.pool,
        attempt=job.attempt,
    )
