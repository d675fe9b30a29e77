"""OpenAI's image API: one request, answered when the images are there."""

import base64
import time
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reelwork.testing.providers.behaviour import Refused
from reelwork.testing.providers.media import PNG, content
from reelwork.testing.providers.provider import FakeProvider, Order, body_of, read_order

MODELS = ("gpt-image-1-mini", "gpt-image-1.5", "gpt-image-2", "gpt-image-2.5-sunburst", "gpt-image-2.5-flare")
_SHUT_DOWN = ("gpt-image-1", "dall-e-2", "dall-e-3")


class _Generation(Order):
    prompt: str = Field(min_length=1, max_length=32_000)
    model: str
    n: int = Field(default=1, ge=1, le=10)
    size: str = "auto"
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto"] = "auto"
    background: Literal["transparent", "opaque", "auto"] = "auto"
    output_format: Literal["png", "webp", "jpeg"] = "png"
    output_compression: int = Field(default=100, ge=0, le=100)
    moderation: Literal["low", "auto"] = "auto"
    safety_identifier: str | None = None
    user: str | None = None

    @field_validator("size")
    @classmethod
    def _known(cls, size: str) -> str:
        if size == "auto":
            return size
        width, _, height = size.partition("x")
        if not (width.isdigit() and height.isdigit()) or int(width) % 16 or int(height) % 16:
            raise ValueError("must be WIDTHxHEIGHT, both divisible by 16")
        return size


class FakeOpenAiImages(FakeProvider):
    """`works` are requests; each is over when it is answered."""

    name = "openai"
    KEY = "sk-proj-0123456789abcdefghij"
    REFUSALS: ClassVar[Mapping[str, tuple[int, str]]] = {
        "moderation_blocked": (400, "Your request was rejected as a result of our safety system."),
        "content_policy_violation": (400, "Your request was rejected as a result of our safety system."),
        "billing_hard_limit_reached": (400, "Billing hard limit has been reached"),
        "invalid_value": (400, "Invalid value: 'huge'."),
        "invalid_api_key": (401, "Incorrect API key provided: sk-proj-****ghij."),
        "model_not_found": (404, "The model does not exist or you do not have access to it."),
        "insufficient_quota": (429, "You exceeded your current quota, please check your plan and billing details."),
        "rate_limit_exceeded": (429, "Rate limit reached for images per minute."),
        "server_error": (500, "The server had an error while processing your request."),
    }
    FAILURES: ClassVar[Mapping[str, str]] = {}

    def routes(self) -> list[Route]:
        return [self.route("POST", "/v1/images/generations", self._generate)]

    def authorized(self, headers: Mapping[str, str]) -> bool:
        return headers.get("authorization") == f"Bearer {self.key}"

    def refusal(self, refused: Refused) -> Response:
        code = "rate_limit_exceeded" if refused.code == "rate_limited" else refused.code
        kinds = {429: "requests", 500: "server_error"}
        kind = "insufficient_quota" if code == "insufficient_quota" else kinds.get(refused.status)
        told = "Incorrect API key provided: sk-proj-****ghij." if refused.status == 401 else refused.message
        error = {"message": told, "type": kind or "invalid_request_error", "param": refused.field, "code": code}
        headers = {"retry-after": str(self.behaviour.retry_after)} if code == "rate_limit_exceeded" else {}
        return JSONResponse({"error": error}, refused.status, headers)

    async def _generate(self, request: Request) -> Response:
        order = read_order(_Generation, await body_of(request), status=400, code="invalid_value")
        if order.model in _SHUT_DOWN or order.model not in MODELS:
            raise Refused(404, "model_not_found", f"The model `{order.model}` does not exist.", field="model")
        work = self.accept(order.model_dump(), media_type=PNG)
        self._end(work)
        images = [{"b64_json": base64.b64encode(content(PNG, f"{work.id}-{n}")).decode()} for n in range(order.n)]
        answer: dict[str, Any] = {
            "created": int(time.time()),
            "background": "opaque",
            "output_format": order.output_format,
            "quality": "medium" if order.quality == "auto" else order.quality,
            "size": "1024x1024" if order.size == "auto" else order.size,
            "data": images,
            "usage": _usage(order),
        }
        return self.accepted(JSONResponse(answer, headers={"x-request-id": f"req_{work.id}"}))


def _usage(order: _Generation) -> dict[str, Any]:
    text, image = len(order.prompt.split()) + 8, 1056 * order.n
    return {
        "input_tokens": text,
        "input_tokens_details": {"text_tokens": text, "image_tokens": 0},
        "output_tokens": image,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": image},
        "total_tokens": text + image,
    }
