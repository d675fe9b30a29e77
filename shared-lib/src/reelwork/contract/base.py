"""The base of everything on the wire."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer
from pydantic_core import PydanticCustomError


class Wire(BaseModel):
    """Immutable, `snake_case`, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# A moment in UTC, RFC 3339 with milliseconds.
Timestamp = Annotated[datetime, PlainSerializer(_rfc3339, return_type=str, when_used="json")]


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise PydanticCustomError("out_of_range", "In UTC this lies outside of the years 1 to 9999.") from error


# A moment that a caller names, with its offset; in UTC from here on.
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
