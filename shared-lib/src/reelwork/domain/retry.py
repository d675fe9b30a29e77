"""Should a failed attempt run again? A pure decision; how it is done is the engine's business."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile

from reelwork.domain.job import Attempt, Job
from reelwork.domain.route import CIRCUIT_OPEN, attempts_before, earlier_rounds, moves, untried

BASE_SECONDS = 1.0
CAP_SECONDS = 60.0
# What a failing side may ask for at most; it may come from a stranger's header.
LONGEST_WISH_SECONDS = 3600.0
# Failures of our own servers, and of providers that nobody asked: they say nothing about the job, so such attempts do
# not count.
EXCUSED = frozenset({"storage_unavailable", CIRCUIT_OPEN})
# How long a job is tried again while one of them lasts; about 65 attempts, which its document can hold.
EXCUSED_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailure:
    """What went wrong in an attempt. `retry_after` (seconds) is the failing side's own wish, if it has one.

    `elsewhere`: nothing was begun that might be paid for, and another provider may do it.
    """

    code: str
    message: str
    retryable: bool
    retry_after: float | None = None
    elsewhere: bool = False


DEADLINE_EXCEEDED = AttemptFailure(
    code="deadline_exceeded",
    message="The job was still running at its deadline.",
    retryable=False,
)


@dataclass(frozen=True, slots=True)
class RetryAfter:
    seconds: float


@dataclass(frozen=True, slots=True)
class Fail:
    pass


def decide(failure: AttemptFailure, *, attempt: int, max_attempts: int) -> RetryAfter | Fail:
    """Retry what may succeed next time, after 1, 2, 4 … seconds (at most 60), until the attempts are used up."""
    if not failure.retryable or attempt >= max_attempts:
        return Fail()
    if failure.retry_after is not None:
        return RetryAfter(min(LONGEST_WISH_SECONDS, max(0.0, failure.retry_after)))
    doublings = min(attempt - 1, 16)  # far above the cap, far below what a float can hold
    return RetryAfter(min(CAP_SECONDS, BASE_SECONDS * 2**doublings))


def judge(job: Job, failure: AttemptFailure) -> RetryAfter | Fail:
    """The same for a job whose present attempt failed: attempts that failed for our own storage do not count, nor do
    those before its owner last queued it again.

    While the storage is away, what is bounded is time and not number: from the first attempt in a row that failed so to
    the present one, both by the database's clock. A job that another model may do goes on to that one at once, which
    does not count either.
    """
    earlier, before = earlier_rounds(job), attempts_before(job)
    if failure.elsewhere and untried(job):
        return RetryAfter(0.0)
    if failure.code not in EXCUSED:
        counted = sum(not _is_excused(attempt) for attempt in before) + 1 - moves(job)
        return decide(failure, attempt=counted, max_attempts=job.max_attempts - earlier)
    row = list(takewhile(_is_excused, reversed(before)))
    if _lasted(row, job) > EXCUSED_FOR:
        return Fail()
    return decide(failure, attempt=len(row) + 1, max_attempts=len(row) + 2)


def _is_excused(attempt: Attempt) -> bool:
    return attempt.error is not None and attempt.error.code in EXCUSED


def _lasted(row: Sequence[Attempt], job: Job) -> timedelta:
    """From the start of the row (newest first) to the start of the job's present attempt."""
    return job.started_at - row[-1].started_at if row and job.started_at is not None else timedelta()
