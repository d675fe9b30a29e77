"""Models at Replicate (replicate.com/docs/reference/http)."""

import os
import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, JsonValue

from reelwork.fetch.provider import Reply, retry_after
from reelwork.generator import (
    BadSignature,
    ContentRejected,
    GenerationContext,
    GenerationError,
    InvalidInput,
    OutOfResources,
    Pricing,
    ProviderUnavailable,
    RateLimited,
    RemoteOutput,
    RemoteState,
    RemoteStatus,
    Seed,
    ui,
)
from reelwork.generator.base import P
from worker.models.providers.model import ProviderModel, failed, is_handle
from worker.models.providers.parameters import PictureFormat, PicturesParameters
from worker.models.providers.webhooks import Remembered, verify_standard

_STATES = {
    "starting": RemoteState.QUEUED,
    "processing": RemoteState.RUNNING,
    "canceled": RemoteState.CANCELLED,
}
_CODE = re.compile(r"\b(E\d{3,4})\b")
_RESETS = re.compile(r"resets in ~?(\d{1,4})s")
_MODERATED = re.compile(r"nsfw|sensitive|safety|moderat", re.IGNORECASE)


class _Prediction(BaseModel):
    id: str
    status: str
    output: JsonValue = None
    error: str | None = None
    data_removed: bool = False


class ReplicateModel(ProviderModel[P]):
    """Any model there: a subclass names it by `slug` and makes its inputs; outputs are all addresses in its answer.

    Replicate deletes outputs after an hour, and knows no key by which a submission could be found again.
    """

    provider, provider_title = "replicate", "Replicate"
    base_url, credential = "https://api.replicate.com", "REPLICATE_API_TOKEN"
    slug: ClassVar[str]
    """`owner/name`"""
    poll_seconds: ClassVar[float] = 2.0

    def __init__(self) -> None:
        self._secret = Remembered(self._webhook_secret)

    @abstractmethod
    def inputs(self, params: P, ctx: GenerationContext) -> dict[str, Any]:
        """The model's input, by its own schema (any JSON)."""

    def submit(self, params: P, ctx: GenerationContext) -> str:
        body: dict[str, Any] = {"input": self.inputs(params, ctx)}
        if ctx.webhook_url is not None:
            body |= {"webhook": ctx.webhook_url, "webhook_events_filter": ["completed"]}
        answer = self.api().begin(f"/v1/models/{self.slug}/predictions", body)
        return self.begun(answer.get("id") if isinstance(answer, dict) else None)

    def poll(self, handle: str, ctx: GenerationContext) -> RemoteStatus:  # noqa: ARG002  (the handle is enough)
        return self._status(self.read(_Prediction, self.api().get(f"/v1/predictions/{handle}")))

    def cancel(self, handle: str, ctx: GenerationContext) -> None:  # noqa: ARG002
        self.end("POST", f"/v1/predictions/{handle}/cancel")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[str, RemoteStatus]:
        said = verify_standard(headers, body, self._secret)
        try:
            prediction = self.read(_Prediction, said)
        except ProviderUnavailable as error:
            raise BadSignature("The webhook tells of no prediction.") from error
        if not is_handle(prediction.id):
            raise BadSignature("The webhook tells of no prediction.")
        return prediction.id, self._status(prediction)

    def explain(self, reply: Reply) -> GenerationError | None:
        said = _problem(reply)
        if reply.status == 422:
            blamed = next(iter(said.get("invalid_fields") or ()), None)
            field = self.field_of(blamed.get("field")) if isinstance(blamed, dict) else None
            return InvalidInput(f"Replicate does not take this input: {said.get('detail')}", field=field)
        if reply.status == 429:  # often without Retry-After: the wait stands in the sentence
            resets = _RESETS.search(str(said.get("detail")))
            wait = retry_after(reply.headers) or (float(resets[1]) if resets else 0.0)
            return RateLimited("Replicate asks us to slow down.", retry_after=wait)
        return super().explain(reply)

    def _status(self, prediction: _Prediction) -> RemoteStatus:
        if prediction.status == "succeeded":
            urls = list(_addresses(prediction.output))
            if prediction.data_removed:
                return failed(GenerationError("Replicate keeps results for an hour, and this one is gone."))
            if not urls:
                return failed(GenerationError("Replicate says that it succeeded, but nothing came out."))
            outputs = tuple(RemoteOutput(name=f"output-{number}", url=url) for number, url in enumerate(urls, start=1))
            return RemoteStatus(state=RemoteState.SUCCEEDED, outputs=outputs)
        if prediction.status in {"failed", "aborted"}:
            return failed(_failure(prediction))
        # A state that is new to us is not an end: the ends are documented.
        state = _STATES.get(prediction.status, RemoteState.RUNNING)
        return RemoteStatus(state=state, poll_after=None if state.is_over else self.poll_seconds)

    def _webhook_secret(self) -> str:
        """From the environment, else from Replicate by our key. Raises GenerationError."""
        named = os.environ.get("REPLICATE_WEBHOOK_SECRET")
        return named or self.read(_Secret, self.api().get("/v1/webhooks/default/secret")).key


class _Secret(BaseModel):
    key: str


class FluxSchnellParameters(PicturesParameters):
    aspect_ratio: Literal["1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"] = Field(
        default="1:1", title="Shape", json_schema_extra=ui(widget="aspect")
    )
    megapixels: Literal["1", "0.25"] = Field(
        default="1",
        title="Size",
        json_schema_extra=ui(widget="choice", labels={"1": "1 megapixel", "0.25": "¼ megapixel"}),
    )
    steps: int = Field(
        default=4, ge=1, le=4, title="Steps", description="Fewer are quicker.", json_schema_extra=ui(widget="slider")
    )
    output_format: PictureFormat = Field(default="png", title="Format", json_schema_extra=ui(widget="select"))
    seed: Seed = None


class FluxSchnell(ReplicateModel[FluxSchnellParameters]):
    """FLUX.1 [schnell] by Black Forest Labs."""

    id = "replicate/black-forest-labs/flux-schnell"
    slug = "black-forest-labs/flux-schnell"
    version = "1"
    title = "FLUX.1 schnell (Replicate)"
    description = "Pictures from words in a second or two, by Black Forest Labs' quickest model. Runs at Replicate."
    task = "text-to-image"
    produces = ("image/png", "image/jpeg", "image/webp")
    is_ai = True
    seconds_hint = 3.0
    pricing = Pricing(amount=30, unit="picture", by=("images",))
    fallbacks = ("fal/flux-schnell",)
    poll_seconds = 1.0
    field_names: ClassVar[dict[str, str]] = {"num_outputs": "images", "num_inference_steps": "steps"}
    examples = (
        {"prompt": "A red fox in fresh snow, early light"},
        {"prompt": "An isometric tea house in autumn, miniature", "aspect_ratio": "3:2", "images": 2},
    )

    def inputs(self, params: FluxSchnellParameters, ctx: GenerationContext) -> dict[str, Any]:
        return {
            "prompt": params.prompt,
            "aspect_ratio": params.aspect_ratio,
            "num_outputs": params.images,
            "num_inference_steps": params.steps,
            "megapixels": params.megapixels,
            "output_format": "jpg" if params.output_format == "jpeg" else params.output_format,
            "seed": ctx.seed,
        }


def _addresses(output: JsonValue) -> list[str]:
    """Every address in what a model returned: a text, a list or an object of such."""
    match output:
        case str():
            return [output] if output.startswith(("https://", "http://")) else []
        case list():
            return [url for item in output for url in _addresses(item)]
        case dict():
            return [url for item in output.values() for url in _addresses(item)]
        case _:
            return []


def _failure(prediction: _Prediction) -> GenerationError:
    """By the codes that Replicate documents; what has none is the model's own complaint."""
    said = (prediction.error or "").strip()[:500]
    found = _CODE.search(said)
    code = found[1] if found else ""
    if code == "E005" or (not code and _MODERATED.search(said)):
        return ContentRejected("The model's safety filter refuses this; change the prompt.")
    if code == "E1001":
        return OutOfResources("The model ran out of memory at Replicate; ask for less, or try again.")
    if prediction.status == "aborted" or code in {"E1000", "E6716"}:
        return ProviderUnavailable("Replicate could not start the job in time.")
    return GenerationError(f"The model failed at Replicate: {said or 'it gave no reason'}")


def _problem(reply: Reply) -> dict[str, Any]:
    try:
        said = reply.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
