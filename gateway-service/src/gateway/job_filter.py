"""Which jobs a list is about: its query parameters, in a route's signature."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from pydantic import StringConstraints

from reelwork.contract.base import Moment
from reelwork.contract.jobs import StatusName
from reelwork.domain.errors import FieldError, InvalidRequest
from reelwork.domain.ids import BatchId, JobId
from reelwork.domain.job import Status
from reelwork.store.job_filter import JobFilter

MOST_IDS = 100
_METADATA = re.compile(r"metadata\[(.*)\]", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")

_Id = Annotated[str, StringConstraints(max_length=64)]

# Parameters whose names are the caller's: FastAPI has no word for them. `Any`: a part of OpenAPI.
METADATA_PARAMETER: dict[str, Any] = {
    "name": "metadata",
    "in": "query",
    "style": "deepObject",
    "explode": True,
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    "description": "`metadata[order]=42`: jobs that have this in their metadata.",
}


async def _wanted(
    request: Request,
    *,
    status: Annotated[list[StatusName] | None, Query(description="Repeat for several.")] = None,
    model: Annotated[str | None, Query(max_length=128)] = None,
    tag: Annotated[str | None, Query(max_length=64)] = None,
    batch_id: Annotated[str | None, Query(max_length=64)] = None,
    ids: Annotated[list[_Id] | None, Query(max_length=MOST_IDS, description="Repeat for several, at most 100.")] = None,
    created_after: Annotated[Moment | None, Query(description="At this moment or later.")] = None,
    created_before: Annotated[Moment | None, Query(description="Earlier than this.")] = None,
) -> JobFilter:
    return JobFilter(
        statuses=[Status(name) for name in status or []],
        model=model,
        tag=tag,
        batch_id=BatchId(batch_id) if batch_id else None,
        ids=[JobId(job) for job in ids or []],
        metadata=_metadata(request.query_params),
        created_after=created_after,
        created_before=created_before,
    )


def _metadata(parameters: Mapping[str, str]) -> dict[str, str]:
    """Raises InvalidRequest for a name that no job can have."""
    found = {matched[1]: value for name, value in parameters.items() if (matched := _METADATA.fullmatch(name))}
    if not all(_NAME.fullmatch(name) for name in found):
        cure = "Names in metadata have 1 to 40 letters, digits, - and _."
        fault = FieldError(pointer="?metadata", code="bad_name", detail=cure)
        raise InvalidRequest("Not valid: ?metadata.", hint=cure, errors=[fault])
    return found


async def _active(where: Annotated[JobFilter, Depends(_wanted)]) -> JobFilter:
    return where if where.statuses else replace(where, statuses=[status for status in Status if not status.is_terminal])


# The same; those that have not ended where no status is asked for.
ActiveJobs = Annotated[JobFilter, Depends(_active)]
WantedJobs = Annotated[JobFilter, Depends(_wanted)]
