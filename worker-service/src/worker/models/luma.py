"""Models of Luma, through its Agents API (docs.agents.lumalabs.ai)."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from reelwork.fetch.provider import Reply
from reelwork.generator import (
    ContentRejected,
    GenerationContext,
    GenerationError,
    ImageRef,
    InvalidInput,
    Pool,
    Pricing,
    RateLimited,
    RemoteOutput,
    RemoteState,
    RemoteStatus,
    Resources,
    ui,
)
from reelwork.generator.base import P
from worker.models.providers.model import ProviderModel, failed
from worker.models.providers.parameters import PromptParameters
from worker.models.providers.pictures import inline

# Luma takes 50 MB; what we keep in memory at once is less.
_PICTURE_BYTES = 8 * 1024 * 1024
_BAD_MEDIA = frozenset({"image_too_large", "unsupported_format", "corrupt_input"})
_STATES = {"queued": RemoteState.QUEUED, "processing": RemoteState.RUNNING}


class _Output(BaseModel):
    type: str
    url: str


class _Generation(BaseModel):
    state: str
    output: list[_Output] | None = None
    failure_code: str | None = None
    failure_reason: str | None = None


class LumaModel(ProviderModel[P]):
    """What Luma's models have in common. There is no way to cancel, to be told, or to find a submission again."""

    provider, provider_title = "luma", "Luma"
    base_url, credential = "https://agents.lumalabs.ai/v1", "LUMA_AGENTS_API_KEY"
    poll_seconds: ClassVar[float] = 3.0
    asset_field: ClassVar[str | None] = None
    """Our parameter with the media that Luma may find wrong."""

    @abstractmethod
    def order(self, params: P, ctx: GenerationContext) -> dict[str, Any]:
        """The body of the submission (any JSON)."""

    def submit(self, params: P, ctx: GenerationContext) -> str:
        answer = self.api(seconds=60).begin("/generations", self.order(params, ctx))
        return self.begun(answer.get("id") if isinstance(answer, dict) else None)

    def poll(self, handle: str, ctx: GenerationContext) -> RemoteStatus:  # noqa: ARG002  (the handle is enough)
        found = self.read(_Generation, self.api().get(f"/generations/{handle}"))
        if found.state == "failed":
            return failed(self._failure(found))
        if found.state == "completed":
            if not found.output:
                return failed(GenerationError("Luma says that it succeeded, but nothing came out."))
            outputs = (
                RemoteOutput(name=f"{made.type}-{number}", url=made.url)
                for number, made in enumerate(found.output, start=1)
            )
            return RemoteStatus(state=RemoteState.SUCCEEDED, outputs=tuple(outputs))
        state = _STATES.get(found.state, RemoteState.RUNNING)  # a state that is new to us is not an end
        return RemoteStatus(state=state, poll_after=self.poll_seconds)

    def explain(self, reply: Reply) -> GenerationError | None:
        if reply.status == 413:
            return InvalidInput("The picture is too large for Luma.", field=self.asset_field)
        return super().explain(reply)

    def _failure(self, found: _Generation) -> GenerationError:
        code, said = found.failure_code, (found.failure_reason or "it gave no reason")[:500]
        if code in _BAD_MEDIA:
            return InvalidInput(f"Luma cannot use the picture: {said}", field=self.asset_field)
        if code == "budget_exhausted":
            return self.no_credit()
        if code == "content_moderated":
            return ContentRejected("Luma's content policy refuses this; change the prompt or the picture.")
        if code == "invalid_request":
            return InvalidInput(f"Luma does not take this input: {said}")
        if code == "rate_limited":
            return RateLimited("Luma asks us to slow down.")
        # Of these two it is documented that the same request may succeed.
        again = 0.0 if code in {"generation_failed", "output_not_found"} else None
        return GenerationError(f"The model failed at Luma: {said}", retry_after=again)


class Uni1Parameters(PromptParameters):
    aspect_ratio: Literal["3:1", "2:1", "16:9", "3:2", "1:1", "2:3", "9:16", "1:2", "1:3"] = Field(
        default="1:1", title="Shape", json_schema_extra=ui(widget="aspect")
    )
    style: Literal["auto", "manga"] = Field(default="auto", title="Style", json_schema_extra=ui(widget="choice"))
    output_format: Literal["png", "jpeg"] = Field(default="png", title="Format", json_schema_extra=ui(widget="select"))


class Uni1(LumaModel[Uni1Parameters]):
    """Luma's image model."""

    id = "luma/uni-1"
    version = "1"
    title = "Luma Uni-1"
    description = "Pictures of 2048 pixels from words, by a model that thinks before it paints. Runs at Luma."
    task = "text-to-image"
    produces = ("image/png", "image/jpeg")
    is_ai = True
    seconds_hint = 25.0
    pricing = Pricing(base=404)
    fallbacks = ("openai/gpt-image",)
    examples = (
        {"prompt": "Iced coffee on a marble table, morning light"},
        {"prompt": "A lighthouse keeper reading to her cat", "style": "manga", "aspect_ratio": "2:3"},
    )

    def order(self, params: Uni1Parameters, ctx: GenerationContext) -> dict[str, Any]:  # noqa: ARG002  (no seed there)
        return {
            "model": "uni-1",
            "type": "image",
            "prompt": params.prompt,
            "aspect_ratio": params.aspect_ratio,
            "style": params.style,
            "output_format": params.output_format,
        }


class RayParameters(PromptParameters):
    image: ImageRef | None = Field(
        default=None,
        title="First frame",
        description="Only for films of five seconds. Without it: from the words alone.",
    )
    duration_seconds: Literal[5, 10] = Field(default=5, title="Length", json_schema_extra=ui(widget="choice", unit="s"))
    resolution: Literal["360p", "540p", "720p"] = Field(
        default="720p", title="Resolution", json_schema_extra=ui(widget="select")
    )
    aspect_ratio: Literal["9:16", "3:4", "1:1", "4:3", "16:9", "21:9"] = Field(
        default="16:9", title="Shape", json_schema_extra=ui(widget="aspect")
    )
    loop: bool = Field(
        default=False,
        title="Loop",
        description="The end leads to the beginning. Only for films of five seconds.",
        json_schema_extra=ui(widget="toggle"),
    )


class Ray(LumaModel[RayParameters]):
    """Luma's video model."""

    id = "luma/ray-3.2"
    version = "1"
    title = "Luma Ray 3.2"
    description = "Films of five or ten seconds from words, or from a first frame and words. Runs at Luma."
    task = "text-to-video"
    produces = ("video/mp4",)
    resources = Resources(pool=Pool.REMOTE, memory_mb=256, time_limit_seconds=1800)
    is_ai = True
    seconds_hint = 120.0
    pricing = Pricing(amount=2000, unit="second", by=("duration_seconds",))
    poll_seconds = 8.0
    asset_field = "image"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"prompt": "A slow dolly through a misty greenhouse at sunrise"},
        {"prompt": "The waves begin to move", "image": "asset_example", "aspect_ratio": "9:16"},
    )

    def order(self, params: RayParameters, ctx: GenerationContext) -> dict[str, Any]:
        if params.duration_seconds == 10 and params.image is not None:
            raise InvalidInput("A film of ten seconds cannot begin with a given frame: take five.", field="image")
        if params.duration_seconds == 10 and params.loop:
            raise InvalidInput("A film of ten seconds cannot be a loop: take five.", field="loop")
        video: dict[str, Any] = {"duration": f"{params.duration_seconds}s", "resolution": params.resolution}
        if params.loop:
            video["loop"] = True
        if params.image is not None:
            media_type, data = inline(ctx, params.image, limit_bytes=_PICTURE_BYTES)
            video["start_frame"] = {"data": data, "media_type": media_type}
        told = {"model": "ray-3.2", "type": "video", "prompt": params.prompt, "aspect_ratio": params.aspect_ratio}
        return {**told, "video": video}


class Ray1080Parameters(RayParameters):
    resolution: Literal["1080p"] = Field(default="1080p", title="Resolution")  # type: ignore[assignment]  # another list


class Ray1080(Ray):
    """The same in 1080p, at its own price: a price follows from numbers, not from a choice."""

    id = "luma/ray-3.2-1080p"
    title = "Luma Ray 3.2, 1080p"
    parameters = Ray1080Parameters
    pricing = Pricing(amount=4000, unit="second", by=("duration_seconds",))
    seconds_hint = 240.0
    examples = ({"prompt": "A slow dolly through a misty greenhouse at sunrise"},)
