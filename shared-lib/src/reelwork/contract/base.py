"""The base of everything on the wire."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, PlainSerializer
from pydantic_core import PydanticCustomError

MOST_RETENTION_SECONDS = 10 * 365 * 86400  # ten years


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


def _number(value: object) -> object:
    if isinstance(value, bool | str):
        raise PydanticCustomError("number_type", "A number is wanted.")
    return value


def _moment(value: object) -> object:
    if value is None or isinstance(value, datetime) or (isinstance(value, str) and _DATE.match(value)):
        return value
    raise PydanticCustomError("moment_type", "A moment is wanted.")


# Stand last in a body's field: JSON has types, so a number is no text and no truth, and a moment no number.
JSON_NUMBER = BeforeValidator(_number)
JSON_MOMENT = BeforeValidator(_moment)
_DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")
