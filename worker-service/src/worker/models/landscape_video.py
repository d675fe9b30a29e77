"""`builtin/landscape-video`: a flight into a landscape made of a few words."""

from collections.abc import Iterator
from typing import Literal

import cv2
from pydantic import Field

from reelwork.generator import Artifact, GenerationContext, MediaGeneratorModel, Resources, ui
from worker.models.film import encode
from worker.models.painting.journey import Journey
from worker.models.painting.parameters import PaintingParameters
from worker.models.painting.scenery import scenery
from worker.models.painting.words import read

_PAINTED = 0.45
"""How much of the run painting takes, of a film of four seconds."""
_SHARPER = 1.1
"""The scenery is painted this much larger than the film, since the eye comes closer to it."""


class LandscapeVideoParameters(PaintingParameters):
    """What to paint, and how long to travel in it."""

    prompt: str = Field(
        min_length=1,
        max_length=2000,
        title="Prompt",
        description="A landscape in English: the land, the time of day, the weather, colours.",
        json_schema_extra=ui(widget="prompt"),
    )
    duration_seconds: float = Field(
        default=4, ge=1, le=10, title="Length", json_schema_extra=ui(widget="slider", unit="s")
    )
    fps: Literal[24, 25, 30] = Field(default=30, title="Frames per second", json_schema_extra=ui(widget="select"))

    @property
    def frames(self) -> int:
        """How many frames the film has; the length is rounded to a whole one."""
        return max(1, round(self.duration_seconds * self.fps))


class LandscapeVideo(MediaGeneratorModel[LandscapeVideoParameters]):
    """Paints a landscape in pieces by depth and lets the eye travel between them."""

    id = "builtin/landscape-video"
    version = "2"
    title = "Landscape film (procedural, not AI)"
    description = """
        A slow flight into a landscape made by rule from the words: what is near comes nearer, clouds drift, water
        sways, rain and snow fall. It understands the words that the landscape painter does, and nothing else. The same
        prompt and seed give the same film.
    """
    task = "text-to-video"
    produces = (encode.MEDIA_TYPE,)
    resources = Resources(cpus=2, memory_mb=2048, time_limit_seconds=300)
    deterministic = True
    is_ai = False
    seconds_hint = 10.0
    examples = (
        {"prompt": "A sunset over mountains"},
        {"prompt": "Stormy sea", "duration_seconds": 6},
        {"prompt": "Snow falling on a pine forest", "aspect_ratio": "9:16"},
    )

    def setup(self) -> None:
        """Keep OpenCV to the threads that the model declares."""
        cv2.setNumThreads(self.resources.cpus)

    def generate(self, params: LandscapeVideoParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """One MP4."""
        ctx.progress(0.02, "Reading the words", stage="painting")
        scene, size = read(params.prompt, seed=ctx.seed), params.size
        large = size.scaled(_SHARPER)
        pieces = scenery(
            scene,
            width=large.width,
            height=large.height,
            progress=lambda share, step: ctx.progress(_PAINTED * share, step),
        )
        ctx.progress(_PAINTED, "Setting out", stage="generating")
        journey = Journey(pieces, size=size, seconds=params.frames / params.fps)
        path = ctx.workdir / "film.mp4"
        with encode.FilmWriter(path, size=size, fps=params.fps, threads=self.resources.cpus) as film:
            for index in ctx.track(range(params.frames), message="Filming", begin=_PAINTED, end=0.98):
                frame = film.blank()
                journey.draw(index / params.fps, frame)
                film.add(frame)
        yield film.artifact(seed=ctx.seed, time=scene.time, land=scene.land, weather=scene.cover)
