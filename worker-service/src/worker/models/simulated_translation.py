"""`simulated/video-translation`: takes as long as a translation might, and translates nothing."""

import random
import shutil
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, WithJsonSchema

from reelwork.generator import (
    Artifact,
    GenerationContext,
    GenerationError,
    InvalidInput,
    MediaGeneratorModel,
    Parameters,
    Resources,
    Seed,
    VideoRef,
    ui,
)
from worker.models.film import video

LONGEST_SECONDS = 600.0
_TELL_SECONDS = 0.5  # between two reports of progress
_DELAY_SCHEMA = {
    "type": ["number", "null"],
    "minimum": 0,
    "maximum": LONGEST_SECONDS,
    "title": "Delay",
    "description": "How long the run takes. Empty: drawn by the seed between the bounds below.",
    "x-unit": "s",
}


class SimulatedTranslationParameters(Parameters):
    """A video, and how its pretended translation is to go."""

    video: VideoRef = Field(title="Video", description="MP4, MOV or WebM; comes back as it is.")
    delay_seconds: Annotated[float | None, Field(ge=0, le=LONGEST_SECONDS), WithJsonSchema(_DELAY_SCHEMA)] = None
    min_delay_seconds: float = Field(
        default=10, ge=0, le=LONGEST_SECONDS, title="Shortest delay", json_schema_extra=ui(unit="s")
    )
    max_delay_seconds: float = Field(
        default=60, ge=0, le=LONGEST_SECONDS, title="Longest delay", json_schema_extra=ui(unit="s")
    )
    failure_rate: float = Field(
        default=0,
        ge=0,
        le=1,
        title="Failure rate",
        description="The share of seeds with which the run fails after its delay.",
        json_schema_extra=ui(widget="slider"),
    )
    seed: Seed = None


class SimulatedTranslation(MediaGeneratorModel[SimulatedTranslationParameters]):
    """The contract of a translation service without one: pending for a while, then completed or failed."""

    id = "simulated/video-translation"
    version = "1"
    title = "Video translation (simulated)"
    description = """
        A stand-in for a translation service, to try clients with: waits, then hands back the input video unchanged,
        or fails. Nothing is translated, and the result says `simulated: true`. The seed decides the delay and the
        outcome, so that a run can be repeated.
    """
    task = "video-translation"
    produces = video.MEDIA_TYPES
    resources = Resources(memory_mb=128, time_limit_seconds=LONGEST_SECONDS + 60)
    deterministic = True
    is_ai = False
    seconds_hint = 35.0
    examples = (
        {"video": "asset_example"},
        {"video": "asset_example", "delay_seconds": 5, "failure_rate": 0.5},
    )

    def generate(self, params: SimulatedTranslationParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """The input video. Raises InvalidInput for what is no video, GenerationError where the seed says so."""
        fails, delay = _fate(params, ctx.seed)
        ctx.substatus("reading_video")
        source = ctx.fetch(params.video)
        facts = video.facts(source)
        ctx.progress(0.02, "Waiting; nothing is translated", stage="simulating")
        _pass_time(delay, ctx)
        if fails:
            raise GenerationError(
                f"The simulated translation failed, as seed {ctx.seed} has it with failure_rate "
                f"{params.failure_rate:g}; another seed or rate may succeed."
            )
        path = ctx.workdir / f"simulated{source.suffix}"
        shutil.copyfile(source, path)
        yield Artifact(
            name=path.name,
            media_type=facts.media_type,
            path=path,
            width=facts.size.width,
            height=facts.size.height,
            duration_seconds=facts.duration_seconds,
            meta={"simulated": True, "delay_seconds": round(delay, 3), "seed": ctx.seed},
        )


def _fate(params: SimulatedTranslationParameters, seed: int) -> tuple[bool, float]:
    """Whether the run fails, and how long it takes. Raises InvalidInput for bounds in the wrong order."""
    if params.min_delay_seconds > params.max_delay_seconds:
        raise InvalidInput(
            "The shortest delay is longer than the longest; exchange them or give delay_seconds alone.",
            field="min_delay_seconds",
        )
    chance = random.Random(seed)  # noqa: S311 - a game, no secret
    fails = chance.random() < params.failure_rate
    drawn = chance.uniform(params.min_delay_seconds, params.max_delay_seconds)
    return fails, drawn if params.delay_seconds is None else params.delay_seconds


def _pass_time(delay: float, ctx: GenerationContext) -> None:
    left = delay
    while left > 0:
        ctx.wait(min(left, _TELL_SECONDS))
        left -= _TELL_SECONDS
        ctx.progress(0.02 + 0.96 * (1 - max(left, 0.0) / delay), "Waiting; nothing is translated")
