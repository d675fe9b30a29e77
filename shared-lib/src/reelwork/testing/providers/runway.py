"""Runway's API (version 2024-11-06): image to video, tasks, ephemeral uploads. It sends no webhooks."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reelwork.testing.providers.behaviour import Refused, Work
from reelwork.testing.providers.media import MP4
from reelwork.testing.providers.provider import FakeProvider, Order, body_of, read_order

_VERSION = "2024-11-06"
_CREDITS_PER_SECOND = {"gen4_turbo": 5, "gen4.5": 12}
_MOST_DATA_URI = 5 * 1024 * 1024
_STATUS = {"queued": "PENDING", "running": "RUNNING", "succeeded": "SUCCEEDED", "cancelled": "CANCELLED"}


class _ImageToVideo(Order):
    model: Literal["gen4_turbo", "gen4.5"]
    prompt_image: str = Field(alias="promptImage", max_length=_MOST_DATA_URI)
    ratio: Literal["1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672"]
    prompt_text: str | None = Field(default=None, alias="promptText", min_length=1, max_length=1000)
    duration: int = Field(default=5, ge=2, le=10)
    seed: int | None = Field(default=None, ge=0, le=4294967295)


class FakeRunway(FakeProvider):
    """`works` are tasks."""

    name = "runway"
    KEY = "key_" + "0123456789abcdef" * 8
    REFUSALS: ClassVar[Mapping[str, tuple[int, str]]] = {
        "invalid": (400, "Validation of body failed"),
        "no_credits": (400, "You do not have enough credits to run this task."),
        "unauthorized": (401, "The API key is not valid."),
        "not_found": (404, "Not found"),
        "overloaded": (503, "Service unavailable"),
    }
    FAILURES: ClassVar[Mapping[str, str]] = {
        "SAFETY.INPUT.TEXT": "The prompt was rejected.",
        "SAFETY.INPUT.IMAGE": "The image was rejected.",
        "SAFETY.OUTPUT.VIDEO": "The result was rejected.",
        "INTERNAL.BAD_OUTPUT.CODE01": "The quality of the output was too low.",
        "ASSET.INVALID": "The image could not be used.",
        "INPUT_PREPROCESSING.INTERNAL": "The input could not be prepared.",
        "THIRD_PARTY.UNAVAILABLE": "Another service did not answer.",
        "INTERNAL": "An unexpected error occurred.",
    }

    def reset(self) -> None:
        super().reset()
        self.throttled = False  # True: tasks wait as THROTTLED, since the account has as many as it may at once

    def routes(self) -> list[Route]:
        return [
            self.route("POST", "/v1/image_to_video", self._create),
            self.route("GET", "/v1/tasks/{id}", self._get),
            self.route("DELETE", "/v1/tasks/{id}", self._delete),
            self.route("POST", "/v1/uploads", self._upload),
            self.route("POST", "/uploaded/{id}", self._receive, public=True),
        ]

    def authorized(self, headers: Mapping[str, str]) -> bool:
        return headers.get("authorization") == f"Bearer {self.key}"

    def refusal(self, refused: Refused) -> Response:
        headers = {"Retry-After": str(self.behaviour.retry_after)} if refused.status == 429 else {}
        return JSONResponse({"error": refused.message}, refused.status, headers)

    def new_id(self) -> str:
        return str(uuid.uuid4())

    async def _create(self, request: Request) -> Response:
        if request.headers.get("x-runway-version") != _VERSION:
            raise Refused(400, "invalid", "The header X-Runway-Version is missing or unknown.")
        body = await body_of(request)
        order = read_order(_ImageToVideo, body, status=400, code="invalid")
        if not order.prompt_image.startswith(("https://", "data:image/", "runway://")):
            raise Refused(400, "invalid", "promptImage: must be an HTTPS URL, a data URI or an upload.")
        work = self.accept(body, media_type=MP4)
        return self.accepted(JSONResponse({"id": work.id, "estimatedCost": {"credits": self._credits(work)}}))

    async def _get(self, request: Request) -> Response:
        return JSONResponse(self._task(self.look(self.find(request.path_params["id"]))))

    async def _delete(self, request: Request) -> Response:
        work = self.works.pop(request.path_params["id"], None)
        if work is not None:
            self._end(work, "cancelled")
        return Response(status_code=204)

    async def _upload(self, request: Request) -> Response:
        body = await body_of(request)
        if body.get("type") != "ephemeral" or not isinstance(body.get("filename"), str):
            raise Refused(400, "invalid", "filename and type are required.")
        upload_id = self.new_id()
        where = {"uploadUrl": f"{self.url}/uploaded/{upload_id}", "fields": {"key": upload_id}}
        return JSONResponse({**where, "runwayUri": f"runway://{upload_id}"})

    async def _receive(self, request: Request) -> Response:
        async with request.form() as form:
            file = form.get("file")
            if file is None or isinstance(file, str) or form.get("key") != request.path_params["id"]:
                raise Refused(400, "invalid", "The form lacks its fields.")
            self.uploads[request.path_params["id"]] = await file.read()
        return Response(status_code=204)

    def _credits(self, work: Work) -> int:
        return _CREDITS_PER_SECOND[work.order["model"]] * int(work.order.get("duration", 5))

    def _task(self, work: Work) -> dict[str, Any]:
        created = datetime.fromtimestamp(work.created, UTC).isoformat().replace("+00:00", "Z")
        status = _STATUS.get(work.state, "FAILED")
        task = {"id": work.id, "createdAt": created, "status": status}
        match status:
            case "PENDING":
                waiting = "THROTTLED" if self.throttled else status
                return {**task, "status": waiting, "estimatedCost": {"credits": self._credits(work)}}
            case "RUNNING":
                done = min(0.9, work.looks / (self.behaviour.polls + 1))
                return {**task, "progress": done, "estimatedCost": {"credits": self._credits(work)}}
            case "SUCCEEDED":
                return {**task, "output": [self.output(work, "video.mp4")], "cost": {"credits": self._credits(work)}}
            case "FAILED":
                code = work.failure or ""
                return {**task, "failure": self.FAILURES[code], "failureCode": code, "cost": {"credits": 0}}
            case _:
                return {**task, "cost": {"credits": 0}}
