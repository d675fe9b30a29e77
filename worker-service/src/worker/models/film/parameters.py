"""What every film from a picture can be asked for."""

import random
from typing import Literal

from pydantic import Field

from reelwork.generator import ImageRef, Parameters, Seed, ui
from worker.models.film.camera import MOVES, Move
from worker.models.film.geometry import AspectRatio, Resolution

_MOTIONS = {
    "zoom-in": "Zoom in",
    "zoom-out": "Zoom out",
    "pan-left": "Pan left",
    "pan-right": "Pan right",
    "pan-up": "Pan up",
    "pan-down": "Pan down",
    "surprise": "Surprise me",
}


class FilmParameters(Parameters):
    """A picture and how the camera crosses it."""

    image: ImageRef = Field(title="Picture", description="JPEG, PNG, GIF, WebP or AVIF, up to 40 megapixels.")
    motion: Move | Literal["surprise"] = Field(
        default="zoom-in",
        title="Motion",
        description="Where the camera goes.",
        json_schema_extra=ui(widget="choice", labels=_MOTIONS),
    )
    duration_seconds: float = Field(
        default=4, ge=1, le=30, title="Length", json_schema_extra=ui(widget="slider", unit="s")
    )
    aspect_ratio: AspectRatio = Field(
        default="original",
        title="Shape",
        description="Another shape than the picture's crops it.",
        json_schema_extra=ui(widget="aspect", labels={"original": "As the picture"}),
    )
    resolution: Resolution = Field(default="720p", title="Resolution", json_schema_extra=ui(widget="select"))
    strength: float = Field(
        default=0.5,
        ge=0,
        le=1,
        title="Strength",
        description="How far the camera moves.",
        json_schema_extra=ui(widget="slider"),
    )
    fps: Literal[24, 25, 30, 60] = Field(default=30, title="Frames per second", json_schema_extra=ui(widget="select"))
    seed: Seed = None

    @property
    def frames(self) -> int:
        """How many frames the film has; the length is rounded to a whole one."""
        return max(1, round(self.duration_seconds * self.fps))

    def move(self, seed: int) -> Move:
        """The camera's move; the seed picks it where the user wants a surprise."""
        return random.Random(seed).choice(MOVES) if self.motion == "surprise" else self.motion  # noqa: S311 - no secret
