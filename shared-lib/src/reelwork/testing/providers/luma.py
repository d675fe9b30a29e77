"""Luma Agents (`/v1/generations`) as its documentation and its client have it: no webhooks, and no way to cancel."""

import base64
import binascii
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reelwork.testing.providers.behaviour import Refused, Work
from reelwork.testing.providers.media import MP4, PNG
from reelwork.testing.providers.provider import FakeProvider, Order, body_of, read_order

_STATES = {"queued": "queued", "running": "processing", "succeeded": "completed"}
_RATIOS = Literal["3:1", "2:1", "21:9", "16:9", "4:3", "3:2", "1:1", "3:4", "2:3", "9:16", "1:2", "1:3"]


class _ImageRef(Order):
    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    generation_id: str | None = None
    file_id: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(value is not None for value in (self.url, self.data, self.generation_id, self.file_id)) != 1:
            raise ValueError("exactly one of url, data, generation_id and file_id is needed")
        if self.data is not None:
            if self.media_type is None:
                raise ValueError("media_type is required with data")
            try:
                base64.b64decode(self.data, validate=True)
            except binascii.Error as error:
                raise ValueError("data is not base64") from error
        return self


class _Video(Order):
    duration: Literal["5s", "10s"] = "5s"
    resolution: Literal["360p", "540p", "720p", "1080p"] = "720p"
    start_frame: _ImageRef | None = None
    end_frame: _ImageRef | None = None
    loop: bool = False
    hdr: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.duration == "10s" and (self.loop or self.hdr or self.start_frame or self.end_frame):
            raise ValueError("10s is for text-to-video only, without loop and hdr")
        return self


class _Generation(Order):
    prompt: str = Field(min_length=1, max_length=6000)
    type: Literal["image", "image_edit", "video"] = "image"
    model: Literal["uni-1", "uni-1-max", "ray-3.2"] = "uni-1"
    aspect_ratio: _RATIOS | None = None
    output_format: Literal["png", "jpeg"] | None = None
    image_ref: list[_ImageRef] = Field(default=[], max_length=9)
    source: _ImageRef | None = None
    style: Literal["auto", "manga"] | None = None
    user_id: str | None = None
    web_search: bool = False
    video: _Video | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.model == "ray-3.2") != (self.type == "video"):
            raise ValueError(f"model {self.model} makes no {self.type}")
        return self


class FakeLuma(FakeProvider):
    """`works` are generations: PNG of the image models, MP4 of ray-3.2."""

    name = "luma"
    KEY = "luma-api-0123456789abcdef"
    REFUSALS: ClassVar[Mapping[str, tuple[int, str]]] = {
        "invalid": (400, "Invalid request parameters"),
        "unauthorized": (401, "Invalid API key"),
        "insufficient_balance": (402, "Insufficient balance"),
        "suspended": (403, "Client is suspended"),
        "too_large": (413, "Input media exceeds the size limit"),
        "bad_media": (422, "Could not decode image data"),
        "unavailable": (503, "Image ingestion unavailable"),
    }
    FAILURES: ClassVar[Mapping[str, str]] = {
        "content_moderated": "Your prompt was flagged by moderation.",
        "generation_failed": "The model failed.",
        "budget_exhausted": "Ran out of funds.",
        "output_not_found": "The output could not be retrieved.",
        "image_too_large": "An image is too large.",
        "unsupported_format": "This format is not supported.",
        "corrupt_input": "The input could not be decoded.",
        "invalid_request": "The request is invalid.",
        "rate_limited": "Too many requests to the model.",
    }

    def routes(self) -> list[Route]:
        return [
            self.route("POST", "/v1/generations", self._create),
            self.route("GET", "/v1/generations/{id}", self._get),
        ]

    def authorized(self, headers: Mapping[str, str]) -> bool:
        return headers.get("authorization") == f"Bearer {self.key}"

    def refusal(self, refused: Refused) -> Response:
        headers = {"X-API-Version": "2026-04-01", "X-Request-Id": str(uuid.uuid4())}
        if refused.status == 429:
            headers["Retry-After"] = str(self.behaviour.retry_after)
        return JSONResponse({"detail": refused.message}, refused.status, headers)

    def new_id(self) -> str:
        return str(uuid.uuid4())

    async def _create(self, request: Request) -> Response:
        body = await body_of(request)
        order = read_order(_Generation, body, status=400, code="invalid")
        work = self.accept(body, media_type=MP4 if order.type == "video" else PNG)
        return self.accepted(JSONResponse(self._generation(work), 201, {"X-API-Version": "2026-04-01"}))

    async def _get(self, request: Request) -> Response:
        return JSONResponse(self._generation(self.look(self.find(request.path_params["id"]))))

    def _generation(self, work: Work) -> dict[str, Any]:
        kind = "video" if work.media_type == MP4 else "image"
        name = f"{kind}.{'mp4' if kind == 'video' else 'png'}"
        done = work.state == "succeeded"
        return {
            "id": work.id,
            "type": work.order.get("type", "image"),
            "model": work.order.get("model", "uni-1"),
            "state": _STATES.get(work.state, "failed"),
            "created_at": datetime.fromtimestamp(work.created or time.time(), UTC).isoformat(),
            "output": [{"type": kind, "url": self.output(work, name)}] if done else [],
            "failure_code": work.failure,
            "failure_reason": self.FAILURES.get(work.failure) if work.failure else None,
        }
