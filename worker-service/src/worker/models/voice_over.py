"""`builtin/voice-over`: an English film with a Spanish voice over it, by models of this machine alone."""

import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from reelwork.generator import (
    Artifact,
    GenerationContext,
    InvalidInput,
    MediaGeneratorModel,
    Parameters,
    ProviderUnavailable,
    Resources,
    VideoRef,
    ui,
)
from worker.models.film import video
from worker.models.speech import sound, translating
from worker.models.speech.lines import Line, webvtt

if TYPE_CHECKING:
    from worker.models.speech.hearing import Ear
    from worker.models.speech.speaking import Voice

_PACKAGES = ("moonshine_voice", "ttspico")
_HEARD, _SPOKEN, _MIXED = 0.6, 0.7, 0.9  # how far the run is after each step


class VoiceOverParameters(Parameters):
    """A film, and the language to hear it in."""

    video: VideoRef = Field(title="Video", description="MP4, MOV or WebM with English speech, up to half an hour.")
    target_language: Literal["es"] = Field(
        default="es", title="Language", json_schema_extra=ui(widget="choice", labels={"es": "Spanish"})
    )


class VoiceOver(MediaGeneratorModel[VoiceOverParameters]):
    """Hears the lines, translates them, speaks them in their places, and keeps the original underneath."""

    id = "builtin/voice-over"
    version = "1"
    title = "Translation by synthetic voice-over"
    description = """
        English speech to Spanish, on this machine alone: the original stays softly underneath, a synthetic voice speaks
        over it, and both languages come as subtitles. The pictures are untouched: lips do not follow, and the voice is
        not the speaker's. The translation is by rule and gives the gist.
    """
    task = "video-translation"
    produces = ("video/mp4", "text/vtt")
    resources = Resources(cpus=2, memory_mb=1024, time_limit_seconds=900)
    deterministic = False
    is_ai = True
    seconds_hint = 30.0
    examples = ({"video": "asset_example", "target_language": "es"},)

    def __init__(self) -> None:
        self._ear: Ear | None = None
        self._voice: Voice | None = None

    @classmethod
    def available(cls) -> str | None:
        """Absent without its packages, or without the translation program."""
        if any(importlib.util.find_spec(name) is None for name in _PACKAGES):
            return "needs the packages of the group `speech`: run `make speech`"
        if not translating.installed():
            return "needs Apertium for English to Spanish (Debian: `apt install apertium apertium-eng-spa`)"
        return None

    def setup(self) -> None:
        """Load the network and the voice. Raises ProviderUnavailable where their packages are not installed."""
        try:
            from worker.models.speech.hearing import Ear  # noqa: PLC0415  (an extra: imported only where it is)
            from worker.models.speech.speaking import Voice  # noqa: PLC0415
        except ImportError as error:
            raise ProviderUnavailable(
                "The packages of the group `speech` are not installed; run `make speech`."
            ) from error
        self._ear, self._voice = Ear(), Voice()

    def generate(self, params: VoiceOverParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """The film, and WebVTT in both languages. Raises InvalidInput where no English is heard in it."""
        ctx.substatus("reading_video")
        source = ctx.fetch(params.video)
        facts = video.facts(source)
        _verify(facts)
        heard = self._hear(source, ctx, seconds=facts.duration_seconds or 1.0)
        ctx.progress(_HEARD, "Translating", stage="translating")
        texts = translating.translated([line.text for line in heard], check=ctx.check)
        lines = [replace(line, text=text) for line, text in zip(heard, texts, strict=True) if text]
        film, spoken = self._film(source, lines, heard, ctx, seconds=facts.duration_seconds or heard[-1].end)
        yield Artifact(
            name=film.name,
            media_type="video/mp4",
            path=film,
            width=facts.size.width,
            height=facts.size.height,
            duration_seconds=facts.duration_seconds,
            meta={"voice": "synthetic", "source_language": "en", "target_language": "es", "lines": len(spoken)},
        )
        for language, subtitles in (("es", spoken), ("en", heard)):
            path = ctx.workdir / f"subtitles.{language}.vtt"
            path.write_text(webvtt(subtitles), encoding="utf-8")
            meta = {"language": language}
            yield Artifact(name=path.name, media_type="text/vtt", path=path, role="subtitles", meta=meta)

    def _hear(self, source: Path, ctx: GenerationContext, *, seconds: float) -> list[Line]:
        if self._ear is None:
            self.setup()
        assert self._ear is not None  # noqa: S101 - setup loaded it or raised
        heard: list[Line] = []
        ctx.progress(0.02, "Listening", stage="listening")
        for until, lines in self._ear.lines(sound.blocks(source, rate=16_000, channels=1)):
            heard += lines
            ctx.progress(0.02 + (_HEARD - 0.02) * until / seconds, f"{len(heard)} lines heard")
        if not heard:
            raise InvalidInput("No English speech was heard in the video.", field="video")
        return heard

    def _film(
        self, source: Path, lines: list[Line], heard: list[Line], ctx: GenerationContext, *, seconds: float
    ) -> tuple[Path, list[Line]]:
        from worker.models.speech import mixing, speaking  # noqa: PLC0415  (an extra, which setup has found)

        assert self._voice is not None  # noqa: S101 - setup loaded it or raised
        track, sounds, film = (ctx.workdir / name for name in ("voice.raw", "sounds.mp4", "film.mp4"))
        ctx.progress(_HEARD, "Speaking", stage="speaking")
        said = speaking.speak(self._voice, lines, track, until=seconds)
        spoken = list(ctx.track(said, len(lines), message="Speaking", begin=_HEARD, end=_SPOKEN))
        ctx.progress(_SPOKEN, "Mixing", stage="mixing")
        for done in mixing.mix(source, track, spoken, sounds):
            ctx.progress(_SPOKEN + (_MIXED - _SPOKEN) * done / seconds)
        for done in mixing.assemble(source, sounds, (("spa", spoken), ("eng", heard)), film):
            ctx.progress(_MIXED + (0.99 - _MIXED) * done / seconds)
        return film, spoken


def _verify(facts: video.Facts) -> None:
    if (facts.duration_seconds or 0) > sound.LONGEST_SECONDS:
        raise InvalidInput("The video is longer than half an hour; cut it.", field="video")
    if facts.coding not in video.MP4_CODINGS:
        raise InvalidInput(f"Pictures coded as {facts.coding} cannot be put into an MP4; send H.264.", field="video")
