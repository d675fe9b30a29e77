"""The items of a batch: each one checked as if it came alone, its faults named by its place in the batch."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import JsonValue, ValidationError

from gateway.auth import Caller
from gateway.problems import invalid
from gateway.services.building import JobBuilder, NewJob
from reelwork.contract.jobs import JobBody
from reelwork.domain.errors import (
    FieldError,
    InsufficientTier,
    InvalidInput,
    MaxCostExceeded,
    ModelNotFound,
    ModelRetired,
    PermissionDenied,
    ReelworkError,
    UrlRefused,
)
from reelwork.domain.ids import BatchId, JobId
from reelwork.domain.job import Event, Job, Status

# Other requests have their turn after so many items.
_BREATH = 20
# What is wrong with one item, and leaves the others as they are.
_OF_ONE_ITEM = (
    InvalidInput,
    ModelNotFound,
    ModelRetired,
    PermissionDenied,
    InsufficientTier,
    MaxCostExceeded,
    UrlRefused,
)
# A thousand rejections in one answer are to stay below two megabytes.
_MOST_ERRORS = 3
_LONGEST_DETAIL = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why an item is no job. `errors` point into the whole batch; there is always one."""

    index: int
    kind: type[ReelworkError]
    code: str
    detail: str
    errors: tuple[FieldError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which batch the items are of; `ids` are drawn for all of them. `hooked`: the batch has a webhook of its own."""

    batch_id: BatchId
    request_id: str
    ids: Sequence[JobId]
    hooked: bool = False


class ItemChecker:
    """Turns items into jobs that wait for their batch. Stores nothing."""

    def __init__(self, builder: JobBuilder) -> None:
        self._builder = builder

    async def check(
        self, caller: Caller, items: Sequence[JsonValue], defaults: Mapping[str, JsonValue], origin: Origin
    ) -> list[NewJob | Rejection]:
        """One answer for each item. Raises InvalidInput for `defaults`, StoreUnavailable."""
        _parse({"model": "any"} | dict(defaults), "defaults")
        checked: list[NewJob | Rejection] = []
        for index, item in enumerate(items):
            if index % _BREATH == _BREATH - 1:
                await asyncio.sleep(0)
            checked.append(await self._one(caller, _with_defaults(item, defaults), index, origin))
        return checked

    async def _one(self, caller: Caller, item: JsonValue, index: int, origin: Origin) -> NewJob | Rejection:
        try:
            body = _parse(item)
            new = await self._builder.build(
                caller, body, request_id=origin.request_id, job_id=origin.ids[index], batch_id=origin.batch_id
            )
        except _OF_ONE_ITEM as error:
            return _rejection(error, index)
        job = replace(new.job, hooked=new.job.hooked or origin.hooked)
        return replace(new, job=_held_back(job))


def _with_defaults(item: JsonValue, defaults: Mapping[str, JsonValue]) -> JsonValue:
    """The item's own fields win; inputs are joined by name."""
    if not isinstance(item, dict) or not defaults:
        return item
    given, own = defaults.get("input", {}), item.get("input", {})
    both = isinstance(given, dict) and isinstance(own, dict)
    return {**defaults, **item, **({"input": {**given, **own}} if both else {})}  # type: ignore[dict-item]


def _parse(item: object, *place: str) -> JobBody:
    """Raises InvalidInput, pointing at `place`."""
    try:
        return JobBody.model_validate(item)
    except ValidationError as error:
        details: list[dict[str, Any]] = [
            {**detail, "loc": ("body", *place, *detail["loc"])}
            for detail in error.errors(include_url=False, include_input=False)
        ]
        raise invalid(details, {place[0]: item} if place else item) from error


def _held_back(job: Job) -> Job:
    """Pending until its batch is accepted; one that an earlier job answered has ended already."""
    if job.status.is_terminal:
        return job
    accepted = Event(seq=1, at=job.created_at, type="job.pending", status=Status.PENDING, attempt=0)
    return replace(job, status=Status.PENDING, queued_at=None, events=(accepted,))


def _rejection(error: ReelworkError, index: int) -> Rejection:
    faults = error.errors or (FieldError(pointer="#", code=error.code, detail=error.detail),)
    placed = [replace(fault, pointer=f"#/items/{index}{fault.pointer.removeprefix('#')}") for fault in faults]
    detail = error.detail[:_LONGEST_DETAIL]
    errors = tuple(placed[:_MOST_ERRORS])
    return Rejection(index=index, kind=type(error), code=error.code, detail=detail, errors=errors)
