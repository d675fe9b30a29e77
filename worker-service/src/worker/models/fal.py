"""Models at fal, through its queue (fal.ai/docs)."""

import os
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, Field, JsonValue

from reelwork.fetch.provider import ProviderApi, Reply
from reelwork.generator import (
    BadSignature,
    ContentRejected,
    GenerationContext,
    GenerationError,
    InvalidInput,
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
from worker.models.providers.parameters import PicturesParameters
from worker.models.providers.webhooks import Remembered, read_key_set, verify_ed25519

KEY_SET = "https://rest.fal.ai/.well-known/jwks.json"

# What fal names as failures of its own machines; it has tried again itself before it says so.
_OF_THE_MACHINES = frozenset(
    {
        *("request_timeout", "startup_timeout", "runner_scheduling_failure", "runner_connection_timeout"),
        *("runner_disconnected", "runner_connection_refused", "runner_connection_error", "runner_incomplete_response"),
        *("runner_server_error", "internal_error"),
        *("internal_server_error", "generation_timeout", "downstream_service_error", "downstream_service_unavailable"),
    }
)
_STATES = {"IN_QUEUE": RemoteState.QUEUED, "IN_PROGRESS": RemoteState.RUNNING}


class _Status(BaseModel):
    status: str
    queue_position: int | None = None
    error: str | None = None
    error_type: str | None = None


class _Webhook(BaseModel):
    request_id: str
    status: Literal["OK", "ERROR"]
    payload: JsonValue = None


class _Complaint(BaseModel):
    loc: list[str | int] = []
    msg: str = ""
    type: str = ""


class _Refusal(BaseModel):
    detail: list[_Complaint] | str = ""
    error_type: str | None = None


class FalModel(ProviderModel[P]):
    """Any model there: a subclass names its `application`, makes its inputs, and finds the files in its answer.

    The rest of an application's name is no part of a request's address; the address is made here, from the id, rather
    than taken from fal's answer, since our key goes there. fal knows no key by which a submission could be found again.
    """

    provider, provider_title = "fal", "fal"
    base_url, credential = "https://queue.fal.run", "FAL_KEY"
    application: ClassVar[str]
    """`owner/name`, and what follows: `fal-ai/flux/schnell`"""
    poll_seconds: ClassVar[float] = 2.0

    def __init__(self) -> None:
        self._keys = Remembered(self._published_keys)

    @abstractmethod
    def inputs(self, params: P, ctx: GenerationContext) -> dict[str, Any]:
        """The application's input, by its own schema (any JSON)."""

    @abstractmethod
    def files(self, result: Any) -> tuple[RemoteOutput, ...]:
        """The outputs in the application's answer (any JSON). Raises ContentRejected, and pydantic's ValueError."""

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Key {self.key()}"}

    def submit(self, params: P, ctx: GenerationContext) -> str:
        query = {"fal_webhook": ctx.webhook_url} if ctx.webhook_url is not None else None
        answer = self.api().begin(f"/{self.application}", self.inputs(params, ctx), params=query)
        return self.begun(answer.get("request_id") if isinstance(answer, dict) else None)

    def poll(self, handle: str, ctx: GenerationContext) -> RemoteStatus:  # noqa: ARG002  (the handle is enough)
        found = self.read(_Status, self.api().get(f"{self._path(handle)}/status", params={"logs": "0"}))
        if found.status != "COMPLETED":
            # A state that is new to us is not an end: the only end is COMPLETED.
            state = _STATES.get(found.status, RemoteState.RUNNING)
            waiting = f"{found.queue_position} before it in fal's queue" if found.queue_position else ""
            return RemoteStatus(state=state, message=waiting, poll_after=self.poll_seconds)
        if found.error_type in _OF_THE_MACHINES:
            return failed(_of_machines())
        return self._result(handle)

    def cancel(self, handle: str, ctx: GenerationContext) -> None:  # noqa: ARG002
        self.end("PUT", f"{self._path(handle)}/cancel", also=(400,))

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[str, RemoteStatus]:
        said = verify_ed25519(headers, body, self._keys)
        try:
            webhook = self.read(_Webhook, said)
        except ProviderUnavailable as error:
            raise BadSignature("The webhook tells of no request.") from error
        if not is_handle(webhook.request_id):
            raise BadSignature("The webhook tells of no request.")
        if webhook.status == "ERROR":
            return webhook.request_id, failed(GenerationError("The model failed at fal."))
        return webhook.request_id, self._made(webhook.payload)

    def explain(self, reply: Reply) -> GenerationError | None:
        if reply.status == 403 and b"balance" in reply.body.lower():
            return self.no_credit()
        return self._complaint(reply) if reply.status == 422 else super().explain(reply)

    def _result(self, handle: str) -> RemoteStatus:
        try:
            answer = self.api(explain=self._failure).get(self._path(handle))
        except (ProviderUnavailable, RateLimited):
            raise
        except GenerationError as error:
            return failed(error)
        return self._made(answer)

    def _made(self, answer: Any) -> RemoteStatus:
        try:
            outputs = self.files(answer)
        except ContentRejected as error:
            return failed(error)
        except ValueError:
            outputs = ()
        if not outputs:
            return failed(GenerationError("fal says that it succeeded, but nothing came out."))
        return RemoteStatus(state=RemoteState.SUCCEEDED, outputs=outputs)

    def _failure(self, reply: Reply) -> GenerationError | None:
        """Of a request that has ended: its failure is told as the answer's status."""
        if reply.headers.get("x-fal-error-type") in _OF_THE_MACHINES:
            return _of_machines()
        if reply.status == 400:  # documented for results that are asked for too early, and for cancelled requests
            return GenerationError("The job was ended at fal.")
        return self.explain(reply)

    def _complaint(self, reply: Reply) -> GenerationError:
        refusal = _refusal(reply)
        if isinstance(refusal.detail, str) or not refusal.detail:
            return InvalidInput(f"The model at fal does not take this input: {str(refusal.detail)[:500]}")
        first = refusal.detail[0]
        if first.type == "content_policy_violation":
            return ContentRejected("The model's content policy refuses this; change the prompt.")
        if first.type in _OF_THE_MACHINES:
            return _of_machines()
        field = self.field_of([part for part in first.loc if part != "body"])
        return InvalidInput(f"The model at fal does not take this input: {first.msg[:500]}", field=field)

    def _path(self, handle: str) -> str:
        owner, alias = self.application.split("/")[:2]
        return f"/{owner}/{alias}/requests/{handle}"

    def _published_keys(self) -> list[Ed25519PublicKey]:
        """Raises GenerationError and ValueError."""
        address = os.environ.get("FAL_JWKS_URL", KEY_SET)
        root, _, path = address.rpartition("/.well-known/")
        return read_key_set(ProviderApi(name="fal", address=root, seconds=10).get(f"/.well-known/{path}"))


class FluxSchnellParameters(PicturesParameters):
    aspect_ratio: Literal["1:1", "16:9", "3:4", "4:3", "9:16"] = Field(
        default="1:1", title="Shape", json_schema_extra=ui(widget="aspect")
    )
    steps: int = Field(
        default=4, ge=1, le=12, title="Steps", description="Fewer are quicker.", json_schema_extra=ui(widget="slider")
    )
    output_format: Literal["png", "jpeg"] = Field(default="png", title="Format", json_schema_extra=ui(widget="select"))
    seed: Seed = None


class _Image(BaseModel):
    url: str
    content_type: str | None = None
    width: int | None = None
    height: int | None = None


class _Images(BaseModel):
    images: list[_Image]
    has_nsfw_concepts: list[bool] = []


class FluxSchnell(FalModel[FluxSchnellParameters]):
    """FLUX.1 [schnell] by Black Forest Labs."""

    id = "fal/flux-schnell"
    application = "fal-ai/flux/schnell"
    version = "1"
    title = "FLUX.1 schnell (fal)"
    description = "Pictures from words in a second or two, by Black Forest Labs' quickest model. Runs at fal."
    task = "text-to-image"
    produces = ("image/png", "image/jpeg")
    is_ai = True
    seconds_hint = 3.0
    pricing = Pricing(amount=30, unit="picture", by=("images",))
    fallbacks = ("replicate/black-forest-labs/flux-schnell",)
    poll_seconds = 1.0
    field_names: ClassVar[dict[str, str]] = {
        "num_images": "images",
        "num_inference_steps": "steps",
        "image_size": "aspect_ratio",
    }
    examples = (
        {"prompt": "A red fox in fresh snow, early light"},
        {"prompt": "A paper boat on a rainy street, macro", "aspect_ratio": "16:9", "images": 2},
    )

    SIZES: ClassVar[dict[str, str]] = {
        "1:1": "square_hd",
        "4:3": "landscape_4_3",
        "16:9": "landscape_16_9",
        "3:4": "portrait_4_3",
        "9:16": "portrait_16_9",
    }

    def inputs(self, params: FluxSchnellParameters, ctx: GenerationContext) -> dict[str, Any]:
        return {
            "prompt": params.prompt,
            "image_size": self.SIZES[params.aspect_ratio],
            "num_images": params.images,
            "num_inference_steps": params.steps,
            "output_format": params.output_format,
            "seed": ctx.seed,
        }

    def files(self, result: Any) -> tuple[RemoteOutput, ...]:
        """The pictures that the safety checker left as they were: it blackens others."""
        found = _Images.model_validate(result)
        flags = found.has_nsfw_concepts + [False] * len(found.images)
        shown = [image for image, is_blackened in zip(found.images, flags, strict=False) if not is_blackened]
        if found.images and not shown:
            raise ContentRejected("The model's safety checker hides what came out; change the prompt.")
        return tuple(
            RemoteOutput(
                name=f"picture-{number}",
                url=image.url,
                media_type=image.content_type,
                width=image.width,
                height=image.height,
            )
            for number, image in enumerate(shown, start=1)
        )


def _of_machines() -> GenerationError:
    return GenerationError("fal's machines failed; the same job may well succeed.", retry_after=0.0)


def _refusal(reply: Reply) -> _Refusal:
    try:
        return _Refusal.model_validate(reply.json())
    except ValueError:
        return _Refusal()
