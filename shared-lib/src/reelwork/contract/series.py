"""Saved series on the wire."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from reelwork.contract.base import JSON_NUMBER, Timestamp, Wire
from reelwork.domain.series import MOST_ADDED

SeriesName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
_Number = Annotated[Annotated[float, Field(ge=-1e100, le=1e100)] | None, JSON_NUMBER]
_Point = Annotated[list[_Number], Field(min_length=1, max_length=64)]


def _kind(values: object) -> str:
    """So that what is wrong is told of the one kind, not of both."""
    return "points" if isinstance(values, list) and values and isinstance(values[0], list) else "numbers"


Points = Annotated[
    Annotated[list[_Number], Field(max_length=MOST_ADDED), Tag("numbers")]
    | Annotated[list[_Point], Field(min_length=1, max_length=MOST_ADDED), Tag("points")],
    Discriminator(_kind),
    Field(
        description="Numbers in equal steps of time, null where one is missing; with several observables a list of "
        f"them for each point. At most {MOST_ADDED:,} numbers at once."
    ),
]


class SeriesBody(Wire):
    """A new series, perhaps with its first points."""

    name: Annotated[SeriesName, Field(description="Unique in the account.", examples=["heart rate, Ada"])]
    observables: Annotated[int, Field(ge=1, le=64, description="Values of each point."), JSON_NUMBER] = 1
    values: Points = []


class PointsBody(Wire):
    """Points that come after those that are there."""

    values: Points


class SeriesUrls(Wire):
    self: str
    points: str
    export: str


class SeriesView(Wire):
    """A series. `length`: how many points it has."""

    id: str
    object: Literal["series"] = "series"
    name: str
    observables: int
    length: int
    created_at: Timestamp
    updated_at: Timestamp
    urls: SeriesUrls


class SeriesPage(Wire):
    """`next_cursor` goes into `cursor` for the next page; null at the end. Newest first."""

    items: list[SeriesView]
    next_cursor: str | None
    has_more: bool
