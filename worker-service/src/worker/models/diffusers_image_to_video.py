"""`diffusers/image-to-video`: a film from a picture, by a diffusion pipeline that the operator put into a folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import Field

from reelwork.generator import (
    Artifact,
    GenerationContext,
    ImageRef,
    MediaGeneratorModel,
    Parameters,
    Pool,
    Resources,
    Seed,
    ui,
)
from worker.models.diffusion.pipeline import LocalPipeline, missing, pipeline_folder
from worker.models.film import encode
from worker.models.film.geometry import Size
from worker.models.film.picture import open_picture
from worker.models.film.planes import Planes, surfaces

KIND = "image-to-video"

_GRID = 16  # pixels: a latent sample is 8 wide, a patch of the usual transformers two of them


class ImageToVideoParameters(Parameters):
    """A picture, and what is to happen in it."""

    image: ImageRef = Field(title="Picture", description="JPEG, PNG, GIF, WebP or AVIF, up to 40 megapixels.")
    prompt: str = Field(
        default="",
        max_length=2000,
        title="Prompt",
        description="What happens, where the pipeline reads words.",
        json_schema_extra=ui(widget="prompt"),
    )
    negative_prompt: str = Field(default="", max_length=2000, title="Not in it")
    duration_seconds: float = Field(
        default=3, ge=0.2, le=10, title="Length", json_schema_extra=ui(widget="slider", unit="s")
    )
    fps: int = Field(default=16, ge=4, le=30, title="Frames per second")
    longest_side: int = Field(
        default=832,
        ge=32,
        le=1280,
        title="Longest side",
        description="The shape is the picture's.",
        json_schema_extra=ui(unit="px"),
    )
    steps: int = Field(
        default=30,
        ge=1,
        le=100,
        title="Steps",
        description="More is slower and finer.",
        json_schema_extra=ui(widget="slider"),
    )
    guidance: float = Field(
        default=5.0,
        ge=0,
        le=20,
        title="Guidance",
        description="How closely it keeps to the prompt.",
        json_schema_extra=ui(widget="slider"),
    )
    seed: Seed = None


class ImageToVideo(MediaGeneratorModel[ImageToVideoParameters]):
    """Any image-to-video pipeline of diffusers."""

    id = "diffusers/image-to-video"
    version = "1"
    title = "Image to video (local)"
    description = """
        Lets a picture move, by the diffusion model that this installation runs on its own machines. How it moves, and
        for how long it stays convincing, depends on that model.
    """
    task = KIND
    produces = (encode.MEDIA_TYPE,)
    resources = Resources(pool=Pool.GPU, cpus=2, memory_mb=16384, gpu_memory_mb=16384, time_limit_seconds=3600)
    is_ai = True
    seconds_hint = 120.0
    rate_units = 5
    examples = ({"image": "asset_example", "prompt": "The camera circles slowly"},)

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` holds the pipeline; without it, `image-to-video/` in REELWORK_DIFFUSION_DIR."""
        self._folder = folder
        self._pipeline: LocalPipeline | None = None

    @classmethod
    def available(cls) -> str | None:
        """Absent without the packages, or without a pipeline."""
        return missing(KIND)

    def setup(self) -> None:
        """Load the pipeline: seconds to minutes. Raises ProviderUnavailable where it cannot be loaded."""
        folder = self._folder or pipeline_folder(KIND) or Path()
        self._pipeline = LocalPipeline(folder, threads=self.resources.cpus)

    def generate(self, params: ImageToVideoParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """One MP4. Raises InvalidInput for a file that is no picture."""
        if self._pipeline is None:
            self.setup()
        assert self._pipeline is not None  # noqa: S101 - setup loaded it or raised
        ctx.substatus("reading_picture")
        image = open_picture(ctx.fetch(params.image)).load()
        size = _film_size(image, longest=params.longest_side)
        values = {
            "image": image.resize((size.width, size.height), Image.Resampling.LANCZOS, reducing_gap=3.0),
            "prompt": params.prompt if self._pipeline.takes("prompt") else None,
            "negative_prompt": params.negative_prompt or None,
            "width": size.width,
            "height": size.height,
            "num_frames": _frame_count(params, self._pipeline.frames_per_latent),
            "fps": params.fps,
            "guidance_scale": params.guidance,
            "output_type": "pil",
        }
        frames = self._pipeline.run(values, ctx, steps=params.steps).frames[0]
        film = _encoded(frames, ctx, size=size, fps=params.fps, threads=self.resources.cpus)
        yield film.artifact(seed=ctx.seed, pipeline=self._pipeline.name, steps=params.steps)


def _film_size(image: Image.Image, *, longest: int) -> Size:
    """The picture's shape, nearly: both sides on the grid of the model."""
    factor = longest / max(image.width, image.height)
    sides = (max(_GRID * 2, int(side * factor) // _GRID * _GRID) for side in (image.width, image.height))
    return Size(*sides)


def _frame_count(params: ImageToVideoParameters, per_latent: int) -> int:
    wanted = max(1, round(params.duration_seconds * params.fps))
    return max(1, round((wanted - 1) / per_latent)) * per_latent + 1 if per_latent > 1 else wanted


def _encoded(
    frames: Sequence[Image.Image], ctx: GenerationContext, *, size: Size, fps: int, threads: int
) -> encode.FilmWriter:
    with encode.FilmWriter(ctx.workdir / "film.mp4", size=size, fps=fps, threads=threads) as film:
        for picture in ctx.track(frames, message="Filming", begin=0.9, end=0.98):
            planes, frame = Planes.from_rgb(np.asarray(picture.convert("RGB"))), film.blank()
            luma, chroma = surfaces(frame)
            luma[:], chroma[:] = planes.luma, planes.chroma
            film.add(frame)
    return film
