"""OpenAI's image models (developers.openai.com/api/docs/guides/image-generation)."""

import base64
import binascii
import os
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from reelwork.fetch.provider import Reply
from reelwork.generator import (
    ContentRejected,
    GenerationContext,
    GenerationError,
    InvalidInput,
    Pool,
    Pricing,
    ProviderRefused,
    RemoteOutput,
    RemoteState,
    RemoteStatus,
    Resources,
    ui,
)
from worker.models.providers.model import ProviderModel, failed
from worker.models.providers.parameters import PictureFormat, PicturesParameters

MODEL_SETTING = "OPENAI_IMAGE_MODEL"
# gpt-image-1 was shut down on 2026-10-23: names end sooner than our releases, so it is a setting.
DEFAULT_MODEL = "gpt-image-2.5-flare"
_SIZES = {"1:1": "1024x1024", "3:2": "1536x1024", "2:3": "1024x1536"}
_REJECTED = frozenset({"moderation_blocked", "content_policy_violation"})
_UNPAID = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})


class _Image(BaseModel):
    b64_json: str


class _Images(BaseModel):
    data: list[_Image]


class _Error(BaseModel):
    code: str | None = None
    message: str = ""
    param: str | None = None


class _Refusal(BaseModel):
    error: _Error = _Error()


class GptImageParameters(PicturesParameters):
    aspect_ratio: Literal["1:1", "3:2", "2:3"] = Field(
        default="1:1", title="Shape", json_schema_extra=ui(widget="aspect")
    )
    quality: Literal["low", "medium"] = Field(default="medium", title="Quality", json_schema_extra=ui(widget="choice"))
    background: Literal["auto", "opaque", "transparent"] = Field(
        default="auto", title="Background", json_schema_extra=ui(widget="choice")
    )
    output_format: PictureFormat = Field(default="png", title="Format", json_schema_extra=ui(widget="select"))


class GptImage(ProviderModel[GptImageParameters]):
    """Asks once and waits for the answer, which has the pictures in it: nothing is polled, and nothing cancelled."""

    provider, provider_title = "openai", "OpenAI"
    base_url, credential = "https://api.openai.com/v1", "OPENAI_API_KEY"
    id = "openai/gpt-image"
    version = "1"
    title = "GPT Image (OpenAI)"
    description = "Pictures from words that follow them closely, lettering included. Runs at OpenAI."
    task = "text-to-image"
    produces = ("image/png", "image/jpeg", "image/webp")
    resources = Resources(pool=Pool.REMOTE, memory_mb=384, time_limit_seconds=600)
    is_ai = True
    seconds_hint = 30.0
    pricing = Pricing(amount=400, unit="picture", by=("images",))
    fallbacks: ClassVar[tuple[str, ...]] = ("luma/uni-1",)
    field_names: ClassVar[dict[str, str]] = {"n": "images", "size": "aspect_ratio"}
    examples = (
        {"prompt": "A poster for a village fête, hand lettered, three colours", "aspect_ratio": "2:3"},
        {"prompt": "A glass teapot, no background", "background": "transparent"},
    )

    def submit(self, params: GptImageParameters, ctx: GenerationContext) -> RemoteStatus:
        if params.background == "transparent" and params.output_format == "jpeg":
            raise InvalidInput("JPEG knows no transparency: take PNG or WebP.", field="output_format")
        body: dict[str, Any] = {
            "model": os.environ.get(MODEL_SETTING) or DEFAULT_MODEL,
            "prompt": params.prompt,
            "n": params.images,
            "size": _SIZES[params.aspect_ratio],
            "quality": params.quality,
            "background": params.background,
            "output_format": params.output_format,
        }
        api = self.api(seconds=160, limit_bytes=96 * 1024 * 1024)
        return self._written(api.begin("/images/generations", body), params, ctx)

    def poll(self, handle: str, ctx: GenerationContext) -> RemoteStatus:  # noqa: ARG002
        """Never needed, since no handle is ever given out."""
        return failed(GenerationError("OpenAI answers at once: there is nothing to ask for."))

    def explain(self, reply: Reply) -> GenerationError | None:
        error = _error(reply)
        if error.code in _REJECTED:
            return ContentRejected("OpenAI's content policy refuses this; change the prompt.")
        if error.code in _UNPAID:
            return self.no_credit()
        if error.code == "model_not_found":
            return ProviderRefused(f"OpenAI does not offer this model (any more): set {MODEL_SETTING} to another one.")
        if reply.status == 400:
            field = self.field_of(error.param)
            return InvalidInput(f"OpenAI does not take this input: {error.message[:500]}", field=field)
        return super().explain(reply)

    def _written(self, answer: Any, params: GptImageParameters, ctx: GenerationContext) -> RemoteStatus:
        """The pictures as files. What is no picture after all was paid for: it fails, and is not asked for again."""
        try:
            pictures = [
                base64.b64decode(image.b64_json, validate=True) for image in _Images.model_validate(answer).data
            ]
        except (ValueError, binascii.Error):
            pictures = []
        if not pictures:
            return failed(GenerationError("OpenAI says that it succeeded, but nothing came out."))
        media_type, outputs = f"image/{params.output_format}", []
        for number, data in enumerate(pictures, start=1):
            path = ctx.workdir / f"picture-{number}.{params.output_format}"
            path.write_bytes(data)
            outputs.append(RemoteOutput(name=f"picture-{number}", path=path, media_type=media_type))
        return RemoteStatus(state=RemoteState.SUCCEEDED, outputs=tuple(outputs))


class HighGptImageParameters(GptImageParameters):
    quality: Literal["high"] = Field(default="high", title="Quality")  # type: ignore[assignment]  # another list


class HighGptImage(GptImage):
    """The same in high quality, at its own price: a price follows from numbers, not from a choice."""

    id = "openai/gpt-image-high"
    title = "GPT Image, high quality (OpenAI)"
    parameters = HighGptImageParameters
    pricing = Pricing(amount=2000, unit="picture", by=("images",))
    seconds_hint = 60.0
    fallbacks = ()


def _error(reply: Reply) -> _Error:
    try:
        return _Refusal.model_validate(reply.json()).error
    except ValueError:
        return _Error()
