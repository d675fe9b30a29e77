"""Models at Runway (docs.dev.runwayml.com)."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, Field

from reelwork.fetch.provider import Reply
from reelwork.generator import (
    ContentRejected,
    GenerationContext,
    GenerationError,
    ImageRef,
    InvalidInput,
    Parameters,
    Pool,
    Pricing,
    RemoteOutput,
    RemoteState,
    RemoteStatus,
    Resources,
    Seed,
    ui,
)
from worker.models.providers.model import ProviderModel, failed
from worker.models.providers.pictures import inline

API_VERSION = "2024-11-06"
DOLLARS_PER_CREDIT = 0.01
# A data URI may have 5 MB, of which base64 takes a quarter.
_PICTURE_BYTES = 3_700_000
_STATES = {"PENDING": RemoteState.QUEUED, "THROTTLED": RemoteState.QUEUED, "CANCELLED": RemoteState.CANCELLED}
_MESSAGES = {"THROTTLED": "Runway has as many jobs of this installation as it takes at once"}


class _Cost(BaseModel):
    credits: float


class _Task(BaseModel):
    status: str
    progress: float | None = None
    output: list[str] = []
    failure: str = ""
    failure_code: Annotated[str, BeforeValidator(lambda code: code or "")] = Field(default="", alias="failureCode")
    cost: _Cost | None = None


class Gen4TurboParameters(Parameters):
    image: ImageRef = Field(title="First frame", description="JPEG, PNG, GIF, WebP or AVIF, up to 40 megapixels.")
    prompt: str = Field(
        default="",
        max_length=1000,
        title="Prompt",
        description="What happens: movement of the subject and of the camera.",
        json_schema_extra=ui(widget="prompt"),
    )
    duration_seconds: int = Field(
        default=5, ge=2, le=10, title="Length", json_schema_extra=ui(widget="slider", unit="s")
    )
    aspect_ratio: Literal["16:9", "9:16", "4:3", "3:4", "1:1", "21:9"] = Field(
        default="16:9", title="Shape", json_schema_extra=ui(widget="aspect")
    )
    seed: Seed = None


class Gen4Turbo(ProviderModel[Gen4TurboParameters]):
    """Runway's quick image to video model. Nothing there tells of an end, or finds a submission again."""

    provider, provider_title = "runway", "Runway"
    base_url, credential = "https://api.dev.runwayml.com", "RUNWAYML_API_SECRET"
    id = "runway/gen4-turbo"
    version = "1"
    title = "Runway Gen-4 Turbo"
    description = "Films of two to ten seconds that begin with your picture. Runs at Runway."
    task = "image-to-video"
    produces = ("video/mp4",)
    resources = Resources(pool=Pool.REMOTE, memory_mb=256, time_limit_seconds=1800)
    is_ai = True
    seconds_hint = 60.0
    pricing = Pricing(amount=500, unit="second", by=("duration_seconds",))
    field_names: ClassVar[dict[str, str]] = {
        "promptImage": "image",
        "promptText": "prompt",
        "ratio": "aspect_ratio",
        "duration": "duration_seconds",
    }
    examples = ({"image": "asset_example", "prompt": "The camera circles slowly", "duration_seconds": 5},)

    RATIOS: ClassVar[dict[str, str]] = {
        "16:9": "1280:720",
        "9:16": "720:1280",
        "4:3": "1104:832",
        "3:4": "832:1104",
        "1:1": "960:960",
        "21:9": "1584:672",
    }
    POLL_SECONDS: ClassVar[float] = 6.0  # "not more frequent than once every five seconds"

    def headers(self) -> dict[str, str]:
        return {**super().headers(), "X-Runway-Version": API_VERSION}

    def submit(self, params: Gen4TurboParameters, ctx: GenerationContext) -> str:
        media_type, data = inline(ctx, params.image, limit_bytes=_PICTURE_BYTES)
        body: dict[str, Any] = {
            "model": "gen4_turbo",
            "promptImage": f"data:{media_type};base64,{data}",
            "ratio": self.RATIOS[params.aspect_ratio],
            "duration": params.duration_seconds,
            "seed": ctx.seed,
        }
        if params.prompt:
            body["promptText"] = params.prompt
        answer = self.api(seconds=60).begin("/v1/image_to_video", body)
        return self.begun(answer.get("id") if isinstance(answer, dict) else None)

    def poll(self, handle: str, ctx: GenerationContext) -> RemoteStatus:  # noqa: ARG002  (the handle is enough)
        task = self.read(_Task, self.api().get(f"/v1/tasks/{handle}"))
        if task.status == "FAILED":
            return failed(_failure(task))
        if task.status == "SUCCEEDED":
            if not task.output:
                return failed(GenerationError("Runway says that it succeeded, but nothing came out."))
            outputs = (RemoteOutput(name=f"film-{number}", url=url) for number, url in enumerate(task.output, start=1))
            cost = round(task.cost.credits * DOLLARS_PER_CREDIT, 4) if task.cost else None
            return RemoteStatus(state=RemoteState.SUCCEEDED, outputs=tuple(outputs), cost_usd=cost)
        state = _STATES.get(task.status, RemoteState.RUNNING)  # a state that is new to us is not an end
        return RemoteStatus(
            state=state,
            progress=min(max(task.progress, 0.0), 1.0) if task.progress is not None else None,
            message=_MESSAGES.get(task.status, ""),
            poll_after=None if state.is_over else self.POLL_SECONDS,
        )

    def cancel(self, handle: str, ctx: GenerationContext) -> None:  # noqa: ARG002
        """What runs already may be charged all the same."""
        self.end("DELETE", f"/v1/tasks/{handle}")

    def explain(self, reply: Reply) -> GenerationError | None:
        if reply.status == 400:
            said = reply.body.decode("utf-8", "replace")
            if "enough credits" in said:
                return self.no_credit()
            blamed = next((ours for theirs, ours in self.field_names.items() if theirs in said), None)
            return InvalidInput("Runway does not take this input.", field=blamed)
        return super().explain(reply)


def _failure(task: _Task) -> GenerationError:
    """By the documented beginnings of codes. Runway asks not to show its own words without context."""
    code = task.failure_code
    if "SAFETY" in code:
        return ContentRejected("Runway's content policy refuses this; change the prompt or the picture.")
    if code.startswith("ASSET."):
        return InvalidInput("Runway cannot use the picture; try another one.", field="image")
    if code.startswith(("INTERNAL", "THIRD_PARTY", "INPUT_PREPROCESSING.INTERNAL")):
        return GenerationError("The model failed at Runway.", retry_after=0.0)
    return GenerationError(f"The model failed at Runway: {task.failure[:500] or 'it gave no reason'}")
