"""Changing a job that is there: its labels at any time, its place and its earliest start while it waits.

Every change is one compare-and-set on the version that was read. A place in the queue comes with its priority: a job
that moves before another one takes over that one's priority. Nothing of this touches another account's share.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any

import structlog

from reelwork.domain.errors import FieldError, InvalidInput, InvalidState, VersionMismatch
from reelwork.domain.ids import AccountId, JobId
from reelwork.domain.job import Job, Priority, Status
from reelwork.engine.cancel import job_not_found
from reelwork.engine.engine import Engine
from reelwork.store.queue import Place, labels, not_before

log = structlog.get_logger(__name__)

MAX_RACES = 16


class End(Enum):
    FIRST = auto()
    LAST = auto()


@dataclass(frozen=True, slots=True)
class Before:
    """The place right in front of this job."""

    job: JobId


@dataclass(frozen=True, slots=True)
class NotBefore:
    """A job's earliest start; None: now."""

    moment: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """None leaves what is there. `priority` together with `to`: the end of that priority's part of the queue."""

    priority: Priority | None = None
    to: End | Before | None = None
    not_before: NotBefore | None = None
    tags: tuple[str, ...] | None = None
    metadata: Mapping[str, str] | None = None

    @property
    def moves(self) -> bool:
        """Whether it is about waiting; the rest may be changed at any time."""
        return not (self.priority is None and self.to is None and self.not_before is None)


async def edit(
    engine: Engine, account: AccountId, job_id: JobId, wanted: Edit, *, expected: Callable[[Job], bool] | None = None
) -> Job:
    """The job as it is afterwards. `expected`: says whether the job that was read is the one the caller knows.

    Raises JobNotFound, InvalidState (it does not wait any more), VersionMismatch, InvalidInput, StoreUnavailable.
    """
    for _ in range(MAX_RACES):
        job = await _read(engine, account, job_id, wanted, expected)
        sets = await _changes(engine, job, wanted)
        if not sets:
            return job
        changed = await engine.stores.queue.edit(job, sets)
        if changed is None:
            continue  # somebody was quicker: decide anew
        expected = None  # from here on it is our own version
        if await _stands(engine, changed, wanted):
            log.info("job.edited", job_id=job_id, fields=sorted(sets))
            engine.tell(changed)
            return changed
    raise InvalidState(f"{job_id} is changed all the time.", hint="Try again in a moment.", retry_after_seconds=1)


async def _read(
    engine: Engine, account: AccountId, job_id: JobId, wanted: Edit, expected: Callable[[Job], bool] | None
) -> Job:
    job = await engine.stores.jobs.get(account, job_id)
    if job is None:
        raise job_not_found(job_id)
    if expected is not None and not expected(job):
        raise VersionMismatch(
            f"The job is at version {job.version} by now.", hint="GET it, and send its ETag as If-Match."
        )
    if wanted.moves and job.status is not Status.QUEUED:
        raise InvalidState(
            f"The job is {job.status}: only a job that waits can be moved or delayed.",
            hint="Tags and metadata can be changed at any time.",
        )
    return job


async def _changes(engine: Engine, job: Job, wanted: Edit) -> dict[str, Any]:  # update expressions are the store's
    sets = labels(wanted.tags, wanted.metadata)
    if wanted.not_before is not None:
        sets |= not_before(_start(job, wanted.not_before.moment))
    place = await _place(engine, job, wanted)
    if place is not None:
        sets |= {"priority": int(place.priority), "order": place.order}
    return sets


def _start(job: Job, moment: datetime | None) -> datetime | None:
    if moment is not None and job.deadline_at is not None and moment >= job.deadline_at:
        detail = f"The job's deadline is {job.deadline_at.isoformat()}: it would never start."
        error = FieldError(pointer="#/not_before", code="after_deadline", detail=detail)
        raise InvalidInput("The job cannot start that late.", hint=detail, errors=[error])
    return moment


async def _place(engine: Engine, job: Job, wanted: Edit) -> Place | None:
    match wanted.to:
        case None if wanted.priority is None:
            return None
        case None:
            return Place(priority=wanted.priority or Priority.NORMAL, order=job.order)
        case Before(job=target):
            return await _before(engine, job, target, wanted)
        case end:
            return await _at_end(engine, job, wanted, first=end is End.FIRST)


async def _at_end(engine: Engine, job: Job, wanted: Edit, *, first: bool) -> Place:
    edge = await engine.stores.queue.edge(job.lane, first=first, but=job.id, priority=wanted.priority)
    if edge is None:  # alone in the queue, or in its priority
        priority = job.priority if wanted.priority is None else wanted.priority
        return Place(priority=priority, order=job.order)
    step = _apart(1.0)
    return Place(priority=edge.priority, order=edge.order - step if first else edge.order + step)


async def _before(engine: Engine, job: Job, target: JobId, wanted: Edit) -> Place:
    """Between the target and whoever stands in front of it; room is made when the numbers between them run out."""
    queue = engine.stores.queue
    aim = await _target(engine, job, target, wanted)
    in_front = await queue.order_before(job.lane, aim, but=job.id)
    if in_front is None:
        return Place(priority=aim.priority, order=aim.order - _apart(1.0))
    order = in_front + (aim.order - in_front) * _apart(0.5)
    if in_front < order < aim.order:
        return Place(priority=aim.priority, order=order)
    if not await queue.make_room(job.lane, aim):
        raise InvalidState("There is no room before that job.", hint="Move it to the 'first' place.")
    return await _before(engine, job, target, wanted)


async def _target(engine: Engine, job: Job, target: JobId, wanted: Edit) -> Place:
    place = await engine.stores.queue.place(job.lane, target) if target != job.id else None
    if place is None:
        detail = "It is no other job that waits in the same queue as this one (account and pool)."
        raise _wrong_target(target, "not_in_queue", detail)
    if wanted.priority is not None and place.priority is not wanted.priority:
        detail = f"It has the priority {place.priority.name.lower()}: leave `priority` out, and this job takes it over."
        raise _wrong_target(target, "other_priority", detail)
    return place


def _wrong_target(target: JobId, code: str, detail: str) -> InvalidInput:
    error = FieldError(pointer="#/position/before", code=code, detail=detail)
    return InvalidInput(f"The job cannot be put before {target[:100]!r}.", hint=detail, errors=[error])


async def _stands(engine: Engine, job: Job, wanted: Edit) -> bool:
    """Whether it really is before its target: others may have made room, and moved that, at the very same moment."""
    if not isinstance(wanted.to, Before):
        return True
    target = await engine.stores.queue.place(job.lane, wanted.to.job)
    return target is None or target.priority is not job.priority or job.order < target.order


def _apart(length: float) -> float:
    """About so much: chance keeps two jobs that are moved to one place at once from getting the same number."""
    return length * random.uniform(0.8, 1.2)  # noqa: S311  (no secret)
