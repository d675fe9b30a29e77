"""The wire of the replaced systems: their own names and shapes, kept for programs that were written for them."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from reelwork.contract.base import Timestamp, Wire
from reelwork.contract.problem import LumaError
from reelwork.contract.series import SeriesName

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


# --- HeyGen's video translation ---------------------------------------------------------------------------------------

TranslationStatus = Literal["pending", "completed", "error"]


class TranslationBody(Wire):
    """`video_url`: of an MP4 or QuickTime film on the public web; it is fetched before this is answered."""

    video_url: Annotated[str, Field(min_length=1, max_length=2048, examples=["https://example.com/video.mp4"])]


class TranslationView(Wire):
    """`delay`: how many seconds it was said to take when it was asked for."""

    id: str
    status: TranslationStatus
    delay: int


# --- Luna's modelling -------------------------------------------------------------------------------------------------

Value = Annotated[float | None, Field(description="null where one is missing.")]
Series = Annotated[list[Value], Field(min_length=1, max_length=20_000)]


class KalmanBody(Wire):
    """A series, or several of the same length: what they are is a number a step."""

    results: Annotated[
        Series | Annotated[list[Series], Field(min_length=1, max_length=64)],
        Field(examples=[[10.2, 10.5, 10.1, 9.8, 10.3]]),
    ]
    save: Annotated[
        bool,
        Field(
            strict=True,
            description="Add them to the account's series of this `unique_identifier`, and filter the whole of it. "
            "Under an `Idempotency-Key` a request that is sent again adds once.",
        ),
    ] = False
    unique_identifier: Annotated[
        SeriesName | None,
        Field(description="Which series they belong to, for `save`; its name at `/v1/series`.", examples=["patient-7"]),
    ] = None


class FilteredSeries(Wire):
    """The answer to a single list."""

    processed_results: list[Value]
    input_data: list[Value]


class FilteredStates(Wire):
    """The answer to a list of lists: one number a step where it held one series, one list for each where it held more.
    `raw_state`: the filter's state by the values so far, `smooth_state`: by all of them."""

    filtered_data: list[Value] | list[list[Value]]
    raw_state: list[Value] | list[list[Value]]
    smooth_state: list[Value] | list[list[Value]]
    input_data: list[list[Value]]


Likert = Annotated[float, Field(ge=1, le=5, multiple_of=1)]


class PanasBody(Wire):
    """Twenty answers from 1 to 5, in the questionnaire's order."""

    results: Annotated[list[Likert], Field(min_length=20, max_length=20)]


class PanasScores(Wire):
    positive_affect: float
    negative_affect: float


class LunaHealth(Wire):
    status: Literal["healthy"] = "healthy"


class LunaDatabaseHealth(LunaHealth):
    database: Literal["connected"] = "connected"
