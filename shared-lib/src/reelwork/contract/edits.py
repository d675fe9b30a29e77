"""Changing a job, on the wire."""

from typing import Annotated, Literal

from pydantic import Field

from reelwork.contract.base import Moment, Wire
from reelwork.contract.jobs import MetadataKey, MetadataValue, PriorityName, Tag


class BeforeJob(Wire):
    before: Annotated[str, Field(max_length=64, description="A job of yours that waits in the same pool.")]


class JobPatch(Wire):
    """What is left out stays. `priority`, `position` and `not_before` are for jobs that wait."""

    priority: Annotated[PriorityName | None, Field(description="Order inside your own share.")] = None
    position: Annotated[
        Literal["first", "last"] | BeforeJob | None,
        Field(
            description="Where in your own queue. The place comes with its priority, which the job takes over; "
            "together with `priority`: the end of that priority's part."
        ),
    ] = None
    not_before: Annotated[Moment | None, Field(description="Earliest start. Null: at once.")] = None
    tags: Annotated[list[Tag] | None, Field(max_length=16, description="All of them, anew.")] = None
    metadata: Annotated[
        dict[MetadataKey, MetadataValue] | None, Field(max_length=16, description="All of it, anew.")
    ] = None
