"""`builtin/upscale`: a picture with more pixels, and detail to fill them."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from pydantic import Field

from reelwork.generator import (
    Artifact,
    GenerationContext,
    ImageRef,
    InvalidInput,
    MediaGeneratorModel,
    Parameters,
    ProviderUnavailable,
    Resources,
    ui,
)
from worker.models.film.geometry import Size
from worker.models.film.picture import Pixels, on_paper, open_picture
from worker.models.film.weights import missing, weights_folder
from worker.models.stills.superres import FACTOR, PARAMETERS_FILE, WEIGHTS_FILE, Upscaler, tile_count

MAX_PIXELS = 4_000_000
"""Of the picture that is given: sixteen times as many come out of the network."""

_FORMATS = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


class UpscaleParameters(Parameters):
    """A picture, how much larger it is to be, and how it is saved."""

    image: ImageRef = Field(title="Picture", description="JPEG, PNG, GIF, WebP or AVIF, up to 4 megapixels.")
    scale: Literal[2, 3, 4] = Field(
        default=4,
        title="Larger by",
        description="Of each side.",
        json_schema_extra=ui(widget="choice", labels={"2": "2×", "3": "3×", "4": "4×"}),
    )
    detail: float = Field(
        default=0.6,
        ge=0,
        le=1,
        title="Detail",
        description="How much of what the network draws; less keeps the picture's own grain.",
        json_schema_extra=ui(widget="slider"),
    )
    format: Literal["png", "jpeg", "webp"] = Field(
        default="png",
        title="Format",
        description="PNG and WebP keep transparency.",
        json_schema_extra=ui(widget="select"),
    )


class Upscale(MediaGeneratorModel[UpscaleParameters]):
    """A learned enlargement, mixed with a plain one."""

    id = "builtin/upscale"
    version = "1"
    title = "Upscale"
    description = """
        Makes a picture up to four times as wide and high, with clean edges and without the marks of compression.
        Drawings, lettering and small web pictures gain most; fine texture of photographs is smoothed a little.
    """
    task = "image-to-image"
    produces = tuple(_FORMATS.values())
    resources = Resources(cpus=2, memory_mb=1536, time_limit_seconds=300)
    is_ai = True
    seconds_hint = 5.0
    examples = ({"image": "asset_example"}, {"image": "asset_example", "scale": 2, "format": "jpeg"})

    def __init__(self, weights: Path | None = None) -> None:
        """`weights` is the folder that holds the network; without it, the one in REELWORK_WEIGHTS_DIR."""
        self._folder = weights
        self._upscaler: Upscaler | None = None

    @classmethod
    def available(cls) -> str | None:
        """Absent without ncnn, or without the network's weights."""
        if importlib.util.find_spec("ncnn") is None:
            return "needs the package ncnn: run `make upscale`, or install project/locks/upscale.txt"
        return missing(PARAMETERS_FILE, WEIGHTS_FILE, command="make upscale")

    def setup(self) -> None:
        """Load the network. Raises ProviderUnavailable where its weights went away."""
        try:
            self._upscaler = Upscaler(self._folder or weights_folder() or Path(), threads=self.resources.cpus)
        except OSError as error:
            raise ProviderUnavailable(f"The weights {WEIGHTS_FILE} are missing; run `make upscale`.") from error

    def generate(self, params: UpscaleParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """One picture. Raises InvalidInput for a file that is no picture, or that is too large."""
        if self._upscaler is None:
            self.setup()
        assert self._upscaler is not None  # noqa: S101 - setup loaded it or raised
        ctx.substatus("reading_picture")
        picture = open_picture(ctx.fetch(params.image))
        if picture.size.pixels > MAX_PIXELS:
            cure = (
                f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels; it is large enough, or cut it first."
            )
            raise InvalidInput(cure, field="image")
        image = picture.load(see_through=True)
        size = Size(image.width * params.scale, image.height * params.scale)
        enlarged = _enlarged(self._upscaler, np.asarray(on_paper(image)), ctx)
        ctx.progress(0.9, "Saving", stage="saving")
        result = _mixed(enlarged, image, size=size, detail=params.detail)
        path = ctx.workdir / f"larger.{params.format}"
        _save(result, path)
        yield Artifact(
            name=path.name,
            media_type=_FORMATS[params.format],
            path=path,
            width=size.width,
            height=size.height,
            meta={"scale": params.scale, "detail": params.detail},
        )


def _enlarged(upscaler: Upscaler, rgb: Pixels, ctx: GenerationContext) -> Image.Image:
    """The network's picture; one tile at a time, so that a cancel is heard soon."""
    height, width = rgb.shape[:2]
    result = np.empty((height * FACTOR, width * FACTOR, 3), np.uint8)
    tiles = ctx.track(upscaler.tiles(rgb), tile_count(rgb), message="Enlarging", end=0.9)
    for tile in tiles:
        tall, wide = tile.rgb.shape[:2]
        result[tile.top : tile.top + tall, tile.left : tile.left + wide] = tile.rgb
    return Image.fromarray(result)


def _mixed(enlarged: Image.Image, image: Image.Image, *, size: Size, detail: float) -> Image.Image:
    """The network's picture at the wanted size, with some of the plain one, and the transparency of the original."""
    wanted = (size.width, size.height)
    learned = enlarged if enlarged.size == wanted else enlarged.resize(wanted, Image.Resampling.LANCZOS)
    plain = on_paper(image).resize(wanted, Image.Resampling.LANCZOS)
    mixed = Image.blend(plain, learned, detail)
    if image.mode == "RGBA":
        mixed.putalpha(image.getchannel("A").resize(wanted, Image.Resampling.LANCZOS))
    return mixed


def _save(image: Image.Image, path: Path) -> None:
    match path.suffix:
        case ".jpeg":
            on_paper(image).save(path, quality=92, subsampling=0)
        case ".webp":
            image.save(path, quality=92, method=4)
        case _:
            image.save(path, compress_level=4)
