"""HeyGen v3 video translation, as the schema in its command line client has it; callbacks are not signed."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reelwork.testing.providers.behaviour import Refused, Work
from reelwork.testing.providers.media import MP4
from reelwork.testing.providers.provider import FakeProvider, Order, body_of, read_order

_STATUS = {"queued": "pending", "running": "running", "succeeded": "completed"}
_MOST_UPLOAD_BYTES = 32 * 1024 * 1024
LANGUAGES = ("English", "Spanish (Spain)", "French (France)", "German (Germany)", "Japanese (Japan)")


class _AssetUrl(Order):
    type: Literal["url"]
    url: str


class _AssetId(Order):
    type: Literal["asset_id"]
    asset_id: str


class _Translation(Order):
    video: Annotated[_AssetUrl | _AssetId, Field(discriminator="type")]
    output_languages: list[str] = Field(min_length=1)
    mode: Literal["speed", "precision"] = "speed"
    title: str | None = None
    callback_url: str | None = None
    callback_id: str | None = None
    translate_audio_only: bool = False
    enable_caption: bool = False
    enable_dynamic_duration: bool = True
    enable_speech_enhancement: bool = False
    disable_music_track: bool = False
    keep_the_same_format: bool | None = None
    input_language: str | None = None
    speaker_num: int | None = None
    start_time: float | None = None
    end_time: float | None = None


class FakeHeyGen(FakeProvider):
    """`works` are translations, one for each language."""

    name = "heygen"
    KEY = "sk_V2_0123456789abcdef"
    REFUSALS: ClassVar[Mapping[str, tuple[int, str]]] = {
        "invalid_parameter": (400, "output_languages: unsupported language"),
        "unauthorized": (401, "The API key is invalid."),
        "insufficient_credit": (402, "The balance is too low."),
        "forbidden": (403, "Not allowed for this plan."),
        "resource_not_found": (404, "The resource does not exist."),
        "asset_not_available": (409, "The asset is still being processed."),
        "payload_too_large": (413, "The file is too large."),
        "internal_error": (500, "Something went wrong."),
    }
    FAILURES: ClassVar[Mapping[str, str]] = {
        "no_speech": "No speech was detected in the video.",
        "moderation": "The video violates our content moderation policy.",
        "internal": "Internal error while translating.",
    }

    def routes(self) -> list[Route]:
        return [
            self.route("POST", "/v3/video-translations", self._create),
            self.route("GET", "/v3/video-translations", self._list),
            self.route("GET", "/v3/video-translations/languages", self._languages),
            self.route("GET", "/v3/video-translations/{id}", self._get),
            self.route("GET", "/v3/video-translations/{id}/caption", self._caption),
            self.route("DELETE", "/v3/video-translations/{id}", self._delete),
            self.route("POST", "/v3/assets", self._upload),
        ]

    def authorized(self, headers: Mapping[str, str]) -> bool:
        return headers.get("x-api-key") == self.key

    def refusal(self, refused: Refused) -> Response:
        code = "rate_limit_exceeded" if refused.status == 429 else refused.code
        headers = {"Retry-After": str(self.behaviour.retry_after)} if refused.status == 429 else {}
        error = {"code": code, "message": refused.message, "param": refused.field, "doc_url": None}
        return JSONResponse({"error": error}, refused.status, headers)

    def webhook(self, work: Work) -> tuple[dict[str, str], bytes]:
        kind = "fail" if work.failure else "success"
        data: dict[str, Any] = {"video_translate_id": work.id, "callback_id": work.order.get("callback_id")}
        data |= {"msg": self.FAILURES[work.failure]} if work.failure else {"url": self.output(work, "video.mp4")}
        return {}, json.dumps({"event_type": f"video_translate.{kind}", "event_data": data}).encode()

    async def _create(self, request: Request) -> Response:
        body = await body_of(request)
        order = read_order(_Translation, body, status=400, code="invalid_parameter")
        for language in order.output_languages:
            if language not in LANGUAGES:
                raise Refused(400, "invalid_parameter", f"{language!r} is not supported.", field="output_languages")
        if isinstance(order.video, _AssetId) and order.video.asset_id not in self.uploads:
            raise Refused(404, "resource_not_found", "The asset does not exist.", field="video.asset_id")
        works = [
            self.accept({**body, "output_language": language}, media_type=MP4, webhook_url=order.callback_url)
            for language in order.output_languages
        ]
        return self.accepted(JSONResponse({"data": {"video_translation_ids": [work.id for work in works]}}))

    async def _get(self, request: Request) -> Response:
        return JSONResponse({"data": self._translation(self.look(self.find(request.path_params["id"])))})

    async def _list(self, request: Request) -> Response:
        limit = min(100, int(request.query_params.get("limit", "10")))
        newest = list(reversed(self.works.values()))
        listed = [self._translation(work) for work in newest[:limit]]
        return JSONResponse({"data": listed, "has_more": len(newest) > limit, "next_token": None})

    async def _languages(self, _request: Request) -> Response:
        return JSONResponse({"data": {"languages": list(LANGUAGES)}})

    async def _caption(self, request: Request) -> Response:
        work = self.find(request.path_params["id"])
        kind = request.query_params.get("format")
        if work.state != "succeeded" or not work.order.get("enable_caption") or kind not in {"vtt", "srt"}:
            raise Refused(404, "resource_not_found", "There is no such caption.")
        return JSONResponse({"data": {"caption_url": self.output(work, f"caption.{kind}")}})

    async def _delete(self, request: Request) -> Response:
        work = self.find(request.path_params["id"])
        self._end(work, "cancelled")
        del self.works[work.id]
        return JSONResponse({"data": {"id": work.id}})

    async def _upload(self, request: Request) -> Response:
        async with request.form(max_part_size=_MOST_UPLOAD_BYTES) as form:
            file = form.get("file")
            if file is None or isinstance(file, str):
                raise Refused(400, "invalid_parameter", "file is required", field="file")
            data = await file.read()
        if len(data) > _MOST_UPLOAD_BYTES:
            raise Refused(413, "payload_too_large", "The file has more than 32 MB.", field="file")
        asset_id = self.new_id()
        self.uploads[asset_id] = data
        about = {"asset_id": asset_id, "mime_type": file.content_type, "size_bytes": len(data)}
        return JSONResponse({"data": {**about, "url": f"{self.url}/assets/{asset_id}"}})

    def _translation(self, work: Work) -> dict[str, Any]:
        done = work.state == "succeeded"
        return {
            "id": work.id,
            "status": _STATUS.get(work.state, "failed"),
            "title": work.order.get("title"),
            "callback_id": work.order.get("callback_id"),
            "created_at": int(work.created),
            "duration": 1.0 if done else None,
            "input_language": work.order.get("input_language") or "English",
            "output_language": work.order["output_language"],
            "translate_audio_only": work.order.get("translate_audio_only", False),
            "video_url": self.output(work, "video.mp4") if done else None,
            "audio_url": None,
            "failure_message": self.FAILURES[work.failure] if work.failure else None,
        }
