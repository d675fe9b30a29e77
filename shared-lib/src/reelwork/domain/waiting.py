"""Why a job waits: the scheduler's own conditions, each as a predicate with the words for its owner.

`store.lanes` and `store.attempts` ask MongoDB for the very same (`servable`, `claimable`): a test holds both to each
other. No reason is made up: each is named while its condition holds, `next` when none of the others does.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reelwork.domain.job import Job, Status
from reelwork.domain.lifecycle import reference
from reelwork.domain.route import CIRCUIT_OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """`since`, `until`: where they are known. `facts`: the numbers behind the message."""

    code: str
    message: str
    since: datetime | None = None
    until: datetime | None = None
    facts: Mapping[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneView:
    """The job's lane: `running` counts the places that are taken."""

    active: bool
    paused: bool
    running: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolView:
    """The job's pool: `workers` that live and take jobs, their `places`, and how many of those are `running` a job.
    `draining`: workers that live and take none."""

    workers: int
    places: int
    running: int
    draining: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything that decides whether a waiting job may start, read at about the same time.

    `lane`: None before the lane is first opened. `held_since`: the owner's hold on this pool. `ahead`: jobs of the
    same lane that come first. `lanes_before`: servable lanes with queued jobs and a smaller virtual start time.
    `model_offered`: a worker of the pool will run it by its own model, or by one that stands in for that now.
    `suspended_since`: the account is suspended. `pool_held_since`: the pool is held for everybody.
    """

    job: Job
    now: datetime
    lane: LaneView | None
    held_since: datetime | None
    ahead: int
    lanes_before: int
    pool: PoolView
    model_offered: bool
    suspended_since: datetime | None = None
    pool_held_since: datetime | None = None


def claimable(job: Job, now: datetime) -> bool:
    """What `Attempts.take` looks for in a lane."""
    return job.status is Status.QUEUED and job.due and not is_late(job, now)


def is_late(job: Job, now: datetime) -> bool:
    """Whether it has missed its deadline: then it never starts, even before anybody has written that down."""
    return job.deadline_at is not None and job.deadline_at <= now


def servable(lane: LaneView) -> bool:
    """What `Lanes.reserve` looks for in a pool."""
    return lane.active and not is_full(lane) and not lane.paused


def is_full(lane: LaneView) -> bool:
    return lane.running >= lane.limit


def reasons(at: Situation) -> list[Reason]:
    """Why a queued job has not started, what must pass first first; never empty."""
    return list(_reasons(at))


def _reasons(at: Situation) -> Iterator[Reason]:
    clear = True
    for check in _checks(at):
        reason = check(at)
        if reason is not None:
            clear = False
            yield reason
    if clear:  # nothing that the scheduler asks for is missing
        yield Reason(code="next", message="It is next: a worker is about to take it.")


def _checks(at: Situation) -> tuple[Callable[[Situation], Reason | None], ...]:
    if is_late(at.job, at.now):
        return (_late,)
    if not at.job.due:
        return (_delayed, *_STANDING_STILL, _no_worker, _model)
    return (*_STANDING_STILL, _no_worker, _model, _limit, _own_jobs, _unopened, _others, _busy)


def _late(at: Situation) -> Reason | None:
    return Reason(
        code="deadline_passed",
        message="Its deadline has passed: it will not start, and ends as expired.",
        since=at.job.deadline_at,
    )


def _delayed(at: Situation) -> Reason | None:
    until = at.job.not_before
    if at.job.attempt and at.job.error is not None and at.job.error.code == CIRCUIT_OPEN:
        return Reason(
            code=CIRCUIT_OPEN,
            message="Its provider does not answer at the moment; it is asked again then.",
            since=at.job.queued_at,
            until=until,
            facts={"model": at.job.model},
        )
    if at.job.attempt and at.job.error is not None:
        return Reason(
            code="retry_backoff",
            message=f"Attempt {at.job.attempt} failed ({at.job.error.code}); the next one waits a while.",
            since=at.job.queued_at,
            until=until,
            facts={"attempt": at.job.attempt, "max_attempts": at.job.max_attempts, "error": at.job.error.code},
        )
    return Reason(
        code="not_before", message="It was asked to start later (not_before).", since=at.job.queued_at, until=until
    )


def _paused(at: Situation) -> Reason | None:
    if at.held_since is None if at.lane is None else not at.lane.paused:
        return None
    return Reason(
        code="queue_paused",
        message="You hold your queue; POST /v1/account/queue/resume lets it go on.",
        since=at.held_since,
        facts={"pool": at.job.pool},
    )


def _no_places(at: Situation) -> Reason | None:
    """The lane has none at all, which is how a suspension and a plan without jobs reach the scheduler."""
    if at.lane.limit if at.lane is not None else at.suspended_since is None:
        return None
    if at.suspended_since is not None:
        message = "The account is suspended: nothing of it starts until that is over."
        return Reason(code="account_suspended", message=message, since=at.suspended_since)
    return Reason(code="plan_without_jobs", message="Your plan runs no jobs; with a higher one it starts.")


def _pool_held(at: Situation) -> Reason | None:
    if at.pool_held_since is None:
        return None
    return Reason(
        code="pool_held",
        message=f"The pool {at.job.pool!r} is held for everybody by those who run this installation.",
        since=at.pool_held_since,
        facts={"pool": at.job.pool},
    )


_STANDING_STILL = (_no_places, _pool_held, _paused)


def _no_worker(at: Situation) -> Reason | None:
    if at.pool.places:
        return None
    message = f"No worker of the pool {at.job.pool!r} takes jobs at the moment."
    facts: dict[str, int | float | str] = {"pool": at.job.pool}
    if at.pool.draining:
        message += f" Draining: {at.pool.draining}; they end what they run and take no more."
        facts["draining"] = at.pool.draining
    return Reason(code="no_worker", message=message, facts=facts)


def _model(at: Situation) -> Reason | None:
    if at.model_offered or not at.pool.places:
        return None
    return Reason(
        code="model_unavailable",
        message=f"No worker that is there runs {reference(at.job.model, at.job.model_version)}.",
        facts={"model": at.job.model, "version": at.job.model_version, "workers": at.pool.workers},
    )


def _limit(at: Situation) -> Reason | None:
    if at.lane is None or not at.lane.limit or not is_full(at.lane):
        return None
    return Reason(
        code="concurrency_limit",
        message="Your only place in this pool is taken."
        if at.lane.running == at.lane.limit == 1
        else f"{at.lane.running} of your {at.lane.limit} places in this pool are taken.",
        facts={"running": at.lane.running, "limit": at.lane.limit, "pool": at.job.pool},
    )


def _own_jobs(at: Situation) -> Reason | None:
    if not at.ahead:
        return None
    message = (
        "1 job in your own queue comes first." if at.ahead == 1 else f"{at.ahead} jobs in your own queue come first."
    )
    return Reason(code="behind_own_jobs", message=message, facts={"ahead": at.ahead})


def _unopened(at: Situation) -> Reason | None:
    """Stored, but its lane does not stand among those to be served: a moment after submit, or until the next repair."""
    if at.lane is not None and at.lane.active:
        return None
    return Reason(code="not_announced", message="It is stored and about to be announced.", since=at.job.queued_at)


def _others(at: Situation) -> Reason | None:
    if not at.lanes_before or at.lane is None or not servable(at.lane):
        return None
    accounts = "account is" if at.lanes_before == 1 else "accounts are"
    return Reason(
        code="other_accounts_first",
        message=f"By fair share {at.lanes_before} other {accounts} served before yours.",
        facts={"accounts": at.lanes_before},
    )


def _busy(at: Situation) -> Reason | None:
    if not at.pool.places or at.pool.running < at.pool.places:
        return None
    return Reason(
        code="workers_busy",
        message="The only place of the workers in this pool is taken."
        if at.pool.places == 1
        else f"All {at.pool.places} places of the workers in this pool are taken.",
        facts={"places": at.pool.places, "running": at.pool.running, "pool": at.job.pool},
    )


def doing(job: Job) -> Reason:
    """What a job that does not wait is doing, or how it ended. Raises ValueError for one that waits."""
    match job.status:
        case Status.QUEUED:
            raise ValueError(f"{job.id} waits: ask for its reasons")
        case Status.PENDING:
            return Reason(
                code="pending",
                message="Its batch is not accepted yet: all of it is stored first.",
                since=job.created_at,
            )
        case Status.PROCESSING:
            return _running(job)
        case Status.CANCELLING:
            since = job.cancel.requested_at if job.cancel else None
            return Reason(code="cancelling", message="A cancel was asked for; its worker stops it.", since=since)
        case _:
            return _ended(job)


def _running(job: Job) -> Reason:
    facts: dict[str, int | float | str] = {"attempt": job.attempt, "progress": job.progress.fraction}
    if job.progress.stage:
        facts["stage"] = job.progress.stage
    return Reason(code="running", message="A worker runs it.", since=job.started_at, facts=facts)


_ENDINGS = {
    Status.COMPLETED: "It has been made.",
    Status.FAILED: "It failed.",
    Status.CANCELLED: "It was cancelled.",
    Status.EXPIRED: "Its deadline passed before it could start.",
}


def _ended(job: Job) -> Reason:
    message, facts = _ENDINGS[job.status], dict[str, int | float | str]()
    if job.status is Status.FAILED and job.error is not None:
        message, facts = job.error.message, {"error": job.error.code, "attempt": job.error.attempt}
    if job.status is Status.CANCELLED and job.cancel is not None:
        facts = {"by": job.cancel.by}
    if job.status is Status.COMPLETED and job.source_job_id is not None:
        message, facts = "An equal earlier job answered it; nothing was run.", {"source_job_id": job.source_job_id}
    return Reason(code=job.status.value, message=message, since=job.completed_at, facts=facts)
