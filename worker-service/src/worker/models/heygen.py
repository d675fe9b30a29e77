"""Video translation at HeyGen, by its API v3 (developers.heygen.com); v1 and v2 are past their end of support."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, JsonValue
from pydantic_core import from_json

from reelwork.fetch.provider import Reply
from reelwork.generator import (
    AssetInput,
    BadSignature,
    ContentRejected,
    GenerationContext,
    GenerationError,
    InvalidInput,
    Parameters,
    Pool,
    Pricing,
    ProviderRefused,
    ProviderUnavailable,
    RemoteOutput,
    RemoteState,
    RemoteStatus,
    Resources,
    ui,
)
from worker.models.providers.films import measured
from worker.models.providers.model import ProviderModel, failed, is_handle

MOST_UPLOAD_BYTES = 32 * 1024 * 1024
POLL_SECONDS = 20.0
# HeyGen wants its own names of languages; these codes are understood as well.
LANGUAGES = {
    "en": "English",
    "es": "Spanish (Spain)",
    "fr": "French (France)",
    "de": "German (Germany)",
    "ja": "Japanese (Japan)",
}
_STATES = {"pending": RemoteState.QUEUED, "running": RemoteState.RUNNING}
_MODERATED = ("moderation", "policy", "not allowed")
_UNUSABLE = ("speech", "audio", "voice", "duration", "resolution", "format")


class _Translation(BaseModel):
    id: str
    status: str
    callback_id: str | None = None
    video_url: str | None = None
    duration: float | None = None
    failure_message: str | None = None


class _Error(BaseModel):
    code: str = ""
    message: str = ""
    param: str | None = None


class _Refusal(BaseModel):
    error: _Error = _Error()


class _EventData(BaseModel):
    video_translate_id: str


class _Event(BaseModel):
    event_type: Literal["video_translate.success", "video_translate.fail"]
    event_data: _EventData


class TranslationParameters(Parameters):
    video: Annotated[str, AssetInput(("video/mp4", "video/webm"))] = Field(
        title="Video", description="MP4 or WebM with somebody speaking."
    )
    target_language: str = Field(
        min_length=2,
        max_length=60,
        pattern=r"^[A-Za-z][A-Za-z ()'-]*$",
        title="Into",
        description="As HeyGen names it, such as Spanish (Spain); or en, es, fr, de, ja.",
    )
    duration_seconds: int = Field(
        default=30,
        ge=1,
        le=1800,
        title="At most",
        description="Only so much from the beginning is translated, and paid for.",
        json_schema_extra=ui(widget="slider", unit="s"),
    )
    captions: bool = Field(default=True, title="Subtitles", json_schema_extra=ui(widget="toggle"))
    audio_only: bool = Field(
        default=False,
        title="Voice only",
        description="Lips are left as they are.",
        json_schema_extra=ui(widget="toggle"),
    )
    speakers: int = Field(default=1, ge=1, le=10, title="Speakers", json_schema_extra=ui(widget="slider"))


class VideoTranslation(ProviderModel[TranslationParameters]):
    """Translates what is said, in the speaker's voice, and moves the lips to it.

    What HeyGen has accepted it finds again by the id that we give with it, so a crash in mid-submission costs nothing
    twice. Its callbacks are not signed: they say no more than that it is time to ask.
    """

    provider, provider_title = "heygen", "HeyGen"
    base_url, credential = "https://api.heygen.com", "HEYGEN_API_KEY"
    mode: ClassVar[Literal["speed", "precision"]] = "speed"
    id = "heygen/video-translation"
    version = "1"
    title = "Video translation (HeyGen)"
    description = "Says it in another language, in the speaker's own voice and with moving lips. Runs at HeyGen."
    task = "video-translation"
    produces = ("video/mp4", "text/vtt")
    resources = Resources(pool=Pool.REMOTE, memory_mb=256, time_limit_seconds=7200)
    is_ai = True
    seconds_hint = 300.0
    pricing = Pricing(amount=333, unit="second", by=("duration_seconds",))
    field_names: ClassVar[dict[str, str]] = {
        "output_languages": "target_language",
        "asset_id": "video",
        "url": "video",
        "end_time": "duration_seconds",
        "speaker_num": "speakers",
    }
    examples = ({"video": "asset_example", "target_language": "Spanish (Spain)"},)

    def headers(self) -> dict[str, str]:
        return {"X-Api-Key": self.key()}

    def submit(self, params: TranslationParameters, ctx: GenerationContext) -> str:
        film = ctx.fetch(params.video)
        length, media_type = measured(film)
        body: dict[str, Any] = {
            "video": self._source(params.video, film, media_type, ctx),
            "output_languages": [LANGUAGES.get(params.target_language, params.target_language)],
            "mode": self.mode,
            "title": f"Reelwork {ctx.job_id}",
            "enable_caption": params.captions,
            "translate_audio_only": params.audio_only,
            "speaker_num": params.speakers,
            "callback_id": ctx.call_key,
        }
        if length > params.duration_seconds:
            body |= {"start_time": 0, "end_time": params.duration_seconds}
        if ctx.webhook_url is not None:
            body["callback_url"] = ctx.webhook_url
        return self._handle(self.api().begin("/v3/video-translations", body))

    def recover(self, params: TranslationParameters, ctx: GenerationContext) -> str:
        """The newest hundred are looked through: an older one has been lost for longer than any job waits."""
        answer = self.api().get("/v3/video-translations", params={"limit": "100"})
        known = self.read(_Listed, answer).data
        found = next((listed.id for listed in known if listed.callback_id == ctx.call_key), None)
        return self.begun(found) if found is not None else self.submit(params, ctx)

    def poll(self, handle: str, ctx: GenerationContext) -> RemoteStatus:  # noqa: ARG002  (the handle is enough)
        found = self.read(_Answer, self.api().get(f"/v3/video-translations/{handle}")).data
        if found.status == "failed":
            return failed(_failure(found.failure_message or ""))
        if found.status == "completed":
            if found.video_url is None:
                return failed(GenerationError("HeyGen says that it succeeded, but nothing came out."))
            film = RemoteOutput(name="translated", url=found.video_url, duration_seconds=found.duration)
            return RemoteStatus(state=RemoteState.SUCCEEDED, outputs=(film, *self._captions(handle)))
        state = _STATES.get(found.status, RemoteState.RUNNING)  # a state that is new to us is not an end
        return RemoteStatus(state=state, poll_after=POLL_SECONDS)

    def cancel(self, handle: str, ctx: GenerationContext) -> None:  # noqa: ARG002
        """By deleting it: there is no other way."""
        self.end("DELETE", f"/v3/video-translations/{handle}")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[str, RemoteStatus]:  # noqa: ARG002
        """Not signed, so nothing is believed but that it is worth asking."""
        try:
            event = _Event.model_validate(from_json(body[:65_536]))
        except ValueError as error:
            raise BadSignature("The webhook tells of no translation.") from error
        handle = event.event_data.video_translate_id
        if not is_handle(handle):
            raise BadSignature("The webhook tells of no translation.")
        return handle, RemoteStatus(state=RemoteState.RUNNING, poll_after=0.0)

    def explain(self, reply: Reply) -> GenerationError | None:
        error = _error(reply)
        if error.code == "insufficient_credit":
            return self.no_credit()
        if error.code == "asset_not_available":
            return ProviderUnavailable("HeyGen is still reading the video.", retry_after=POLL_SECONDS)
        if reply.status == 413:
            return InvalidInput("The video is too large for HeyGen.", field="video")
        if reply.status == 400:
            field = self.field_of(error.param)
            return InvalidInput(f"HeyGen does not take this input: {error.message[:500]}", field=field)
        return super().explain(reply)

    def _source(self, asset: str, film: Path, media_type: str, ctx: GenerationContext) -> dict[str, str]:
        """The film itself where it is small enough, else an address where HeyGen can read it for an hour."""
        if film.stat().st_size > MOST_UPLOAD_BYTES:
            return {"type": "url", "url": ctx.url(asset)}
        name = f"film.{media_type.rsplit('/', 1)[1]}"
        with film.open("rb") as file:
            answer = self.api(seconds=120).ask("POST", "/v3/assets", files={"file": (name, file, media_type)})
        return {"type": "asset_id", "asset_id": self.read(_Uploaded, answer).data.asset_id}

    def _handle(self, answer: JsonValue) -> str:
        try:
            ids = _Begun.model_validate(answer).data.video_translation_ids
        except ValueError:
            ids = []
        return self.begun(ids[0] if ids else None)

    def _captions(self, handle: str) -> list[RemoteOutput]:
        """WebVTT, where it was asked for."""
        try:
            answer = self.api().get(f"/v3/video-translations/{handle}/caption", params={"format": "vtt"})
        except (ProviderRefused, InvalidInput):  # none was asked for
            return []
        address = self.read(_Caption, answer).data.caption_url
        return [RemoteOutput(name="subtitles", url=address, media_type="text/vtt", role="subtitles")]


class PreciseVideoTranslation(VideoTranslation):
    """The same with more care and at twice the price: a price follows from numbers, not from a choice."""

    id = "heygen/video-translation-precise"
    mode = "precision"
    title = "Video translation, precise (HeyGen)"
    description = "As the quick one, with lips that fit better. Runs at HeyGen."
    pricing = Pricing(amount=667, unit="second", by=("duration_seconds",))
    seconds_hint = 600.0


class _Answer(BaseModel):
    data: _Translation


class _Listed(BaseModel):
    data: list[_Translation]


class _Ids(BaseModel):
    video_translation_ids: list[str]


class _Begun(BaseModel):
    data: _Ids


class _Asset(BaseModel):
    asset_id: str


class _Uploaded(BaseModel):
    data: _Asset


class _CaptionUrl(BaseModel):
    caption_url: str


class _Caption(BaseModel):
    data: _CaptionUrl


def _failure(said: str) -> GenerationError:
    """HeyGen has no codes for the ends of translations, only sentences."""
    words = said.lower()
    if any(word in words for word in _MODERATED):
        return ContentRejected("HeyGen's content policy refuses this video.")
    if any(word in words for word in _UNUSABLE):
        return InvalidInput(f"HeyGen cannot translate this video: {said[:500]}", field="video")
    return GenerationError(f"The translation failed at HeyGen: {said[:500] or 'it gave no reason'}")


def _error(reply: Reply) -> _Error:
    try:
        return _Refusal.model_validate(reply.json()).error
    except ValueError:
        return _Error()
