"""Which model does a job: the one that was asked for, or one of those that may stand in for it, in order.

A pure decision by the job's own history: every model is tried once before any is tried again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reelwork.domain.job import Attempt, Job
from reelwork.domain.worker import ModelOffered

CIRCUIT_OPEN = "provider_circuit_open"
# Failures that say something about the provider and nothing about the job: another provider may do it.
ELSEWHERE = frozenset(
    {
        CIRCUIT_OPEN,
        "insufficient_credit",
        "model_unavailable",
        "provider_refused",
        "provider_unavailable",
        "rate_limited",
    }
)

# A model that no worker has vouched for in so long is away: it is shown as unavailable, and jobs that may be done by
# another one do not wait for it. Workers vouch every 15 s: three that were missed, which is longer than a restart.
AWAY = timedelta(seconds=50)
# And after this long it is gone: it is not shown any more, and the jobs that wait for it fail.
GONE_AFTER = timedelta(hours=24)
GONE_AFTER_HOURS = GONE_AFTER // timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacked:
    """A model that a worker has not. `stand_ins`: models of the worker that do a job of it if the job names one of
    them as fallback; none while another worker lives that has it."""

    model: ModelOffered
    stand_ins: Collection[str] = ()


def earlier_rounds(job: Job) -> int:
    """How many attempts the job had before its owner last queued it again; `max_attempts` counts them as well."""
    return next((event.attempt for event in reversed(job.events) if event.type == "job.retried"), 0)


def attempts_before(job: Job) -> list[Attempt]:
    """Those of the present round, without the present one."""
    earlier = earlier_rounds(job)
    return [attempt for attempt in job.attempts if earlier < attempt.n < job.attempt]


def route_of(job: Job) -> tuple[str, ...]:
    """The models that may do the job, in order."""
    return (job.model, *job.fallbacks)


def failed_over(attempts: Sequence[Attempt]) -> set[str]:
    """Models that were tried and whose providers could not do it."""
    return {a.model for a in attempts if a.model is not None and a.error is not None and a.error.code in ELSEWHERE}


def next_model(job: Job, *, here: Collection[str], open_until: Mapping[str, datetime]) -> str | None:
    """The model to ask now, of those that are `here`; None when the circuits of all of them are open.

    `open_until`: models whose provider is not asked before that moment. Raises LookupError when none is here.
    """
    usable = [model for model in route_of(job) if model in here]
    if not usable:
        raise LookupError(f"none of {', '.join(route_of(job))} is here")
    closed = [model for model in usable if model not in open_until]
    tried = failed_over(attempts_before(job))
    return next((model for model in closed if model not in tried), closed[0] if closed else None)


def untried(job: Job) -> list[str]:
    """Models that may still do the job after its present attempt, which asked one of them, has failed.

    None either once a model was asked again: then whoever runs the job has not the others, or leaves them alone.
    """
    present = {attempt.model for attempt in job.attempts if attempt.n == job.attempt}
    tried = failed_over(attempts_before(job))
    return [model for model in route_of(job) if model not in tried | present] if not tried & present else []


def moves(job: Job) -> int:
    """How many attempts of the round led from one model to the next: those do not count as tries of the job."""
    return min(len(failed_over(attempts_before(job))), len(job.fallbacks))
