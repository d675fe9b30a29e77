"""Changing a job, on the wire."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field
from pydantic import Tag as Branch

from reelwork.contract.base import JSON_MOMENT, Moment, Wire
from reelwork.contract.jobs import MetadataKey, MetadataValue, PriorityName, Tag


class BeforeJob(Wire):
    before: Annotated[str, Field(max_length=64, description="A job of yours that waits in the same pool.")]


def _branch(position: object) -> str | None:
    match position:
        case "first" | "last":
            return "(word)"
        case dict() | BeforeJob():
            return "(job)"
        case _:
            return None


_Position = Annotated[
    Annotated[Literal["first", "last"], Branch("(word)")] | Annotated[BeforeJob, Branch("(job)")],
    Discriminator(
        _branch,
        custom_error_type="position_type",
        custom_error_message='Take "first", "last" or {"before": "job_…"}.',
    ),
]


class JobPatch(Wire):
    """What is left out stays. `priority`, `position` and `not_before` are for jobs that wait."""

    priority: Annotated[PriorityName | None, Field(description="Order inside your own share.")] = None
    position: Annotated[
        _Position | None,
        Field(
            description="Where in your own queue. The place comes with its priority, which the job takes over; "
            "together with `priority`: the end of that priority's part."
        ),
    ] = None
    not_before: Annotated[Moment | None, Field(description="Earliest start. Null: at once."), JSON_MOMENT] = None
    tags: Annotated[list[Tag] | None, Field(max_length=16, description="All of them, anew.")] = None
    metadata: Annotated[
        dict[MetadataKey, MetadataValue] | None, Field(max_length=16, description="All of it, anew.")
    ] = None
