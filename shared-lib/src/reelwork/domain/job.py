"""A job: its states, the only legal ways between them, and its shape inside Reelwork."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from reelwork.domain.ids import AccountId, AssetId, BatchId, JobId, KeyId, LaneId
from reelwork.domain.remote import RemoteCall
from reelwork.domain.series import SeriesUse


class Status(StrEnum):
    PENDING = "pending"
    QUEUED = "queued"
    PROCESSING = "processing"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL


class Priority(IntEnum):
    """Order inside the owner's own lane; never touches another account's share."""

    LOW = -1
    NORMAL = 0
    HIGH = 1


class CacheMode(StrEnum):
    """Whether the result of an equal job may stand in for a run: `refresh` runs and replaces it, `off` does neither."""

    ALLOW = "allow"
    REFRESH = "refresh"
    OFF = "off"


TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.EXPIRED})
WAITING = frozenset({Status.PENDING, Status.QUEUED})
RUNNING = frozenset({Status.PROCESSING, Status.CANCELLING})

# The state table: every change is a compare-and-set along one of these edges, and the tests hold the engine to it.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.QUEUED, Status.CANCELLED, Status.EXPIRED, Status.FAILED}),
    Status.QUEUED: frozenset({Status.PROCESSING, Status.CANCELLED, Status.EXPIRED, Status.FAILED}),
    Status.PROCESSING: frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLING, Status.QUEUED}),
    Status.CANCELLING: frozenset({Status.CANCELLED, Status.COMPLETED, Status.FAILED}),
    Status.COMPLETED: frozenset(),
    # A job that ended without success runs again only when its owner says so.
    Status.FAILED: frozenset({Status.QUEUED}),
    Status.CANCELLED: frozenset({Status.QUEUED}),
    Status.EXPIRED: frozenset({Status.QUEUED}),
}


def sources_of(target: Status) -> frozenset[Status]:
    """The states from which `target` may be reached."""
    return frozenset(source for source, targets in TRANSITIONS.items() if target in targets)


def draw_seed(job: JobId) -> int:
    """The seed of a job that asked for none, 32 bits: every attempt of a job draws the same one."""
    return int.from_bytes(hashlib.sha256(job.encode()).digest()[:4])


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who may act on a running job: `slot` is the fence, unique per claim, and with it `turn`, which counts the workers
    that go on with a job in turn while a provider works on it. Expiry is the database's time; None between two turns.
    """

    worker: str
    slot: str
    expires_at: datetime | None
    turn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`fraction` is 0 to 1 and never falls inside one attempt."""

    fraction: float = 0.0
    stage: str = ""
    message: str = ""
    step: int | None = None
    steps: int | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One result: metadata of the asset as it was stored."""

    index: int
    asset_id: AssetId
    name: str
    role: str
    content_type: str
    size_bytes: int
    sha256: str
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None
    meta: dict[str, Any] = field(default_factory=dict)  # what the model says of it, any JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class JobError:
    """Why a job or an attempt failed; `message` is written for the caller."""

    code: str
    message: str
    retryable: bool
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One run. `slot` tells it from every other, also from one with the same number. `model`: which one a provider was
    asked for; None where the job's own model ran here."""

    n: int
    worker: str
    slot: str
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str | None = None
    error: JobError | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    requested_at: datetime
    by: str
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A durable event. `seq` counts 1, 2, 3 … within one job, without gaps."""

    seq: int
    at: datetime
    type: str
    status: Status
    attempt: int
    error: JobError | None = None


class BillState(StrEnum):
    """`held`: reserved, and the job has not ended. `charge`, `release`: it has, and the ledger is to say so."""

    HELD = "held"
    CHARGE = "charge"
    RELEASE = "release"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What was reserved for a job in its present round, one more with each retry by its owner.

    `amount`: in ten-thousandths of a dollar. `units`: jobs of the daily quota of `day` (`2026-11-21`, in UTC). `hold`
    tells this reservation from any other for the same job. `place`: that its first round took in an allotment, if so.
    `charged`: None until it is settled; `refunded`: of that.
    """

    round: int
    hold: str
    amount: int
    units: int
    day: str
    key_id: KeyId
    place: str | None = None
    state: BillState = BillState.HELD
    charged: int | None = None
    refunded: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long a job's files are kept after its end, in seconds; None: for ever."""

    input_seconds: int | None = None
    output_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWebhook:
    """Where its owner wants to hear of this one job, and of which events."""

    url: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A stored job. `version` grows with every change; `events` is its durable history, in order.

    It holds the assets in `input_assets` and `outputs`: they are kept at least until it lets them go. `due`: the
    database's word that `not_before` has come; only then a queued job may be claimed. `fallbacks`: models that may do
    it where the provider of `model` cannot, in order. `hooked`: some webhook may want to hear of it, its own, its
    batch's or one of its account. `traceparent`: the span of the request that brought it, in W3C Trace Context.
    """

    id: JobId
    account_id: AccountId
    lane: LaneId
    pool: str
    model: str
    model_version: str
    status: Status
    input: dict[str, Any]  # checked against the model's JSON Schema, whose shape only the model knows
    seed: int
    priority: Priority
    order: float
    max_attempts: int
    created_at: datetime
    version: int = 1
    attempt: int = 0
    queued_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    not_before: datetime | None = None
    due: bool = True
    lease: Lease | None = None
    progress: Progress = field(default_factory=Progress)
    outputs: tuple[Output, ...] = ()
    error: JobError | None = None
    attempts: tuple[Attempt, ...] = ()
    cancel: Cancellation | None = None
    events: tuple[Event, ...] = ()
    input_assets: tuple[AssetId, ...] = ()
    input_series: tuple[SeriesUse, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    request_id: str | None = None
    traceparent: str | None = None
    batch_id: BatchId | None = None
    deadline_at: datetime | None = None
    run_timeout_seconds: float | None = None
    retention: Retention = field(default_factory=Retention)
    cache: CacheMode = CacheMode.ALLOW
    cache_key: str | None = None
    source_job_id: JobId | None = None
    inputs_due_at: datetime | None = None
    outputs_due_at: datetime | None = None
    inputs_removed: bool = False
    data_removed: bool = False
    bill: Bill | None = None
    remote: RemoteCall | None = None
    webhook: JobWebhook | None = None
    hooked: bool = False
    fallbacks: tuple[str, ...] = ()

    @property
    def call(self) -> RemoteCall | None:
        """What the present attempt has asked of a provider; None while it has not."""
        return self.remote if self.remote is not None and self.remote.attempt == self.attempt else None
