"""Webhooks: who wants to hear of what, and when a delivery is tried again. Standard Webhooks 1.0.0 is the contract."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from reelwork.domain.ids import AccountId, DeliveryId, JobId, WebhookId

# Endpoints of one account.
MOST_WEBHOOKS = 20
# What of an answer is kept, and of the tries of one delivery.
MOST_ANSWER_BYTES = 2048
# Standard Webhooks' own schedule: the wait before each try, counted from the end of the one before.
WAITS = (
    timedelta(),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
LONGEST_WAIT = timedelta(hours=24)
# So much longer a wait may become, so that what failed together is not tried again together.
JITTER = 0.2
# What may pass by itself: the receiver is slow, busy, or not ready yet. Whatever else is 4xx says that it never will.
_PASSING = frozenset({408, 409, 425, 429})
GONE = 410


class EventType(StrEnum):
    """What can be heard of."""

    JOB_QUEUED = "job.queued"
    JOB_PROCESSING = "job.processing"
    JOB_RETRYING = "job.retrying"
    JOB_COMPLETED = "job.completed"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"
    JOB_EXPIRED = "job.expired"
    BATCH_COMPLETED = "batch.completed"


TEST = "webhook.test"
MEANINGS: dict[EventType, str] = {
    EventType.JOB_QUEUED: "It waits for its turn, for the first time or because its owner queued it again.",
    EventType.JOB_PROCESSING: "A worker has begun with it.",
    EventType.JOB_RETRYING: "An attempt failed; another one follows.",
    EventType.JOB_COMPLETED: "Its outputs are there.",
    EventType.JOB_FAILED: "It failed for good.",
    EventType.JOB_CANCELLED: "It was cancelled.",
    EventType.JOB_EXPIRED: "Its deadline came before its start.",
    EventType.BATCH_COMPLETED: "All jobs of a batch have ended, however each did.",
}
ENDS = (EventType.JOB_COMPLETED, EventType.JOB_FAILED, EventType.JOB_CANCELLED, EventType.JOB_EXPIRED)
DEFAULT_EVENTS = (*ENDS, EventType.BATCH_COMPLETED)
# In a job's history they have other names.
_NAMED_OTHERWISE = {"job.retried": EventType.JOB_QUEUED}


def told_as(event: str) -> EventType | None:
    """What an event of a job's history is called in a webhook; None for what is not told."""
    if event in _NAMED_OTHERWISE:
        return _NAMED_OTHERWISE[event]
    return EventType(event) if event in set(EventType) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What deliveries are signed with: 32 bytes, or with `sealed` what they were made. Good until `expires_at`."""

    value: bytes
    sealed: bool
    created_at: datetime
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        return f"Secret(created_at={self.created_at})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An endpoint of an account. `disabled_reason`: why we disabled it, if it was not its owner.

    `failing_since`: when the first of the tries failed of which none has succeeded since.
    """

    id: WebhookId
    account_id: AccountId
    url: str
    events: tuple[str, ...]
    secrets: tuple[Secret, ...]
    created_at: datetime
    description: str = ""
    enabled: bool = True
    disabled_reason: str | None = None
    last_delivered_at: datetime | None = None
    failing_since: datetime | None = None


class DeliveryState(StrEnum):
    """`dead`: not tried any more; its owner may have it sent again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One request. `status` None: there was no answer, and `error` says why. `answer`: what came, the first 2 kB."""

    at: datetime
    seconds: float
    status: int | None = None
    error: str | None = None
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one address. `webhook_id` None: to the address that the job itself brought.

    `body` is sent as it is at every try. `once`: tried a single time. `traceparent`: of the request that led
    to it. `next_at`: when it is tried next, or, while it is
    being tried, when it counts as abandoned.
    """

    id: DeliveryId
    account_id: AccountId
    webhook_id: WebhookId | None
    url: str
    event_id: str
    type: str
    body: str
    created_at: datetime
    next_at: datetime
    job_id: JobId | None = None
    state: DeliveryState = DeliveryState.PENDING
    tries: int = 0
    log: tuple[Try, ...] = ()
    ended_at: datetime | None = None
    once: bool = False
    replay_of: DeliveryId | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class Again:
    """Try once more after this wait."""

    wait: timedelta


@dataclass(frozen=True, slots=True)
class Dead:
    """No further try. `gone`: nor for any other event, the receiver says."""

    gone: bool = False


Verdict: TypeAlias = Delivered | Again | Dead


def judge(
    status: int | None, tries: int, *, asked: timedelta | None, chance: float, waits: Sequence[timedelta] = WAITS
) -> Verdict:
    """What becomes of a delivery after its try number `tries`. `status` None: no answer came.

    `asked`: the wait that the receiver asked for; it makes waits longer, never shorter, up to a day. `chance`, 0 to 1,
    draws the jitter.
    """
    if status is not None and 200 <= status < 300:
        return Delivered()
    if status == GONE:
        return Dead(gone=True)
    if status is not None and 400 <= status < 500 and status not in _PASSING:
        return Dead()
    if tries >= len(waits):
        return Dead()
    wait = waits[tries] * (1 + JITTER * chance)
    return Again(min(max(wait, asked or timedelta()), LONGEST_WAIT * (1 + JITTER)))
