"""Waiting on the wire: a job's place and its prospects, why it waits, and the owner's whole queue."""

from typing import Annotated, Literal

from pydantic import Field

from reelwork.contract.base import Timestamp, Wire
from reelwork.contract.money import EstimatedCost
from reelwork.contract.problem import FieldProblem

LimitName = Literal["plan", "max_cost", "credit", "spend_cap", "quota"]


class MomentsView(Wire):
    """In half of all cases by `p50`, in nine of ten by `p90`."""

    p50: Timestamp
    p90: Timestamp


class JobQueue(Wire):
    """A waiting job's place in its owner's own queue (1: next), and when it may start; null where nobody knows.

    `position` is null until `not_before` has come. `samples`: finished runs of such jobs behind `completes_at`.
    `reason`: the first one that `explain` gives.
    """

    position: int | None
    ahead: int | None
    starts_at: MomentsView | None
    completes_at: MomentsView | None
    samples: int
    reason: str


class ReasonView(Wire):
    """`code` is for programs, `message` for people, `facts` are the numbers behind it."""

    code: str
    message: str
    since: Timestamp | None
    until: Timestamp | None
    facts: dict[str, int | float | str]


class ExplainView(Wire):
    """Why a job has not started, what must pass first first; or what it is doing, or how it ended. Never empty."""

    job_id: str
    status: str
    reasons: list[ReasonView]
    queue: JobQueue | None
    checked_at: Timestamp


class RunSeconds(Wire):
    """How long runs of this model on inputs of this size took; `samples`: how many they were."""

    p50: float
    p90: float
    samples: int


class SecondsFromNow(Wire):
    p50: float
    p90: float


class HitLimit(Wire):
    """Why such a job would be refused now: `code` and `detail` as `POST /v1/jobs` would answer them."""

    limit: LimitName
    code: str
    detail: str
    hint: str | None
    errors: list[FieldProblem]


class EstimateView(Wire):
    """What would become of such a job; null where nobody knows. `cache_hit`: an equal result is there already, so it
    would be completed at once and wait in no queue (`queue_position`: null). `limits`: what it would be refused for."""

    object: Literal["estimate"] = "estimate"
    model: str
    model_version: str
    pool: str
    run_seconds: RunSeconds | None
    starts_in_seconds: SecondsFromNow | None
    queue_position: int | None
    cache_hit: bool
    cost: EstimatedCost
    limits: list[HitLimit]


class QueueBody(Wire):
    """Which part of your queue. No body means all of it."""

    pool: Annotated[
        Literal["cpu", "gpu", "browser", "remote"] | None, Field(description="One pool alone; null: all of them.")
    ] = None


class PoolQueue(Wire):
    """Your share of one pool. `queued` may start when their turn comes; `delayed` wait for their time first."""

    pool: str
    paused: bool
    paused_since: Timestamp | None
    queued: int
    delayed: int
    running: int
    limit: int
    weight: int


class AccountQueue(Wire):
    """Your queue. `paused`: in every pool."""

    paused: bool
    pools: list[PoolQueue]


class PausedQueue(AccountQueue):
    """From now on nothing of it starts, but for at most `starting` jobs that a worker was just about to take and has
    not been heard of since: 0 unless a worker died at that very moment."""

    starting: int
