"""Should a failed attempt run again? A pure decision; how it is done is the engine's business."""

from dataclasses import dataclass

BASE_SECONDS = 1.0
CAP_SECONDS = 60.0
# What a failing side may ask for at most; it may come from a stranger's header.
LONGEST_WISH_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailure:
    """What went wrong in an attempt. `retry_after` (seconds) is the failing side's own wish, if it has one."""

    code: str
    message: str
    retryable: bool
    retry_after: float | None = None


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
