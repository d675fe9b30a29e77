"""The wire of the replaced systems: their own names and shapes, kept for programs that were written for them."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from reelwork.contract.base import Timestamp, Wire
from reelwork.contract.problem import LumaError

Prompt = Annotated[str, Field(min_length=1, max_length=2000)]


class LumaRefusal(Wire):
    error: LumaError


class FleekError(Wire):
    error_code: str
    message: str
    extras: dict[str, Any]  # what else there is to say


class Place(Wire):
    loc: list[str]
    msg: str
    type: str


class Detail(Wire):
    """FastAPI's own shape of an error: a sentence, or what is wrong where."""

    detail: str | list[Place]


# --- Fleek's media processing -----------------------------------------------------------------------------------------

MediaStatus = Literal["IN_QUEUE", "PROCESSING", "COMPLETED", "ERROR"]


class MediaBody(Wire):
    """What to make. `parameters`: of the model behind it, beside the prompt."""

    prompt: Prompt
    parameters: Annotated[dict[str, JsonValue], Field(description="More of the model's input.")] = {}


class MediaView(Wire):
    """`id` leads to the content, `job_id` to the status; both stay the same over retries. `next_run`: when a try that
    waits comes next."""

    id: str
    job_id: str
    prompt: str
    status: MediaStatus
    next_run: Timestamp | None
    number_of_tries: int
    created_at: Timestamp
    updated_at: Timestamp


class MediaLink(Wire):
    """Works for an hour, for whoever has it."""

    url: str


class ToolStatus(Wire):
    status: Literal["ok"] = "ok"


class CeleryStatus(Wire):
    """A worker answered; `message` is what it was sent."""

    model_config = {"populate_by_name": True}

    status_code: Annotated[int, Field(alias="statusCode")] = 200
    message: str
