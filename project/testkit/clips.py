"""Stand-ins for the models that the addresses of replaced systems lead to: as they are asked, and quick.

Found like a stranger's module, beside `testkit.models`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import av
import numpy as np
from pydantic import Field

from reelwork.generator import (
    Artifact,
    GenerationContext,
    GenerationError,
    MediaGeneratorModel,
    Parameters,
    Resources,
    Seed,
)

WIDTH, HEIGHT = 64, 36


def write_clip(path: Path, *, seconds: int) -> None:
    """A grey MP4 of one frame a second."""
    with av.open(path, "w") as film:
        stream = film.add_stream("h264", rate=1)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        grey = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
        for _ in range(seconds):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        film.mux(stream.encode(None))


class ClipParameters(Parameters):
    """As Luma's clients ask, but for `4k`, `4:3` and styles."""

    prompt: str = Field(min_length=1, max_length=2000)
    duration_seconds: float = Field(default=5, ge=1, le=60)
    resolution: Literal["480p", "720p"] = "480p"
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"
    seed: Seed = None


class Clip(MediaGeneratorModel[ClipParameters]):
    """A grey film of one frame a second."""

    id = "testkit/clip"
    version = "1"
    title = "Clip"
    description = "A very small film."
    task = "text-to-video"
    produces = ("video/mp4",)
    resources = Resources(memory_mb=64, time_limit_seconds=60)
    is_ai = False
    seconds_hint = 0.1

    def generate(self, params: ClipParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """One film."""
        path = ctx.workdir / "clip.mp4"
        write_clip(path, seconds=round(params.duration_seconds))
        yield Artifact(
            name="clip.mp4",
            media_type="video/mp4",
            path=path,
            width=WIDTH,
            height=HEIGHT,
            duration_seconds=params.duration_seconds,
        )


class PageParameters(Parameters):
    """The address; one that ends with `/broken` has no page."""

    url: str


class Page(MediaGeneratorModel[PageParameters]):
    """A page that says which one it is."""

    id = "testkit/page"
    version = "1"
    title = "Page"
    description = "Fetches nothing."
    task = "web-to-text"
    produces = ("text/markdown",)
    resources = Resources(memory_mb=64, time_limit_seconds=60)
    is_ai = False
    seconds_hint = 0.1

    def generate(self, params: PageParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """One text. Raises GenerationError."""
        if params.url.endswith("/broken"):
            raise GenerationError("The page does not answer.")
        path = ctx.workdir / "page.md"
        path.write_text(f"# The page of {params.url}\n")
        yield Artifact(name="page.md", media_type="text/markdown", path=path)
