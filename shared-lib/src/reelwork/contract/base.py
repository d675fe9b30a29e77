"""The base of everything on the wire."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer


class Wire(BaseModel):
    """Immutable, `snake_case`, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# A moment in UTC, RFC 3339 with milliseconds.
Timestamp = Annotated[datetime, PlainSerializer(_rfc3339, return_type=str, when_used="json")]
