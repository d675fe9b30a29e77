"""`builtin/landscape`: a picture of a landscape from a few words."""

from collections.abc import Iterator
from typing import Literal

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydantic import Field

from reelwork.generator import (
    Artifact,
    GenerationContext,
    MediaGeneratorModel,
    Parameters,
    Resources,
    Seed,
    ui,
)
from worker.models.film.geometry import Resolution, Size, screen_size
from worker.models.painting.painter import paint
from worker.models.painting.words import read

_RATIOS = {"16:9": 16 / 9, "3:2": 3 / 2, "1:1": 1.0, "4:5": 4 / 5, "9:16": 9 / 16, "21:9": 21 / 9}


class LandscapeParameters(Parameters):
    """What to paint, and how large."""

    prompt: str = Field(
        min_length=1,
        max_length=2000,
        title="Prompt",
        description="A landscape in English: the land, the time of day, the weather, colours.",
        json_schema_extra=ui(widget="prompt"),
    )
    aspect_ratio: Literal["16:9", "3:2", "1:1", "4:5", "9:16", "21:9"] = Field(
        default="16:9", title="Shape", json_schema_extra=ui(widget="aspect")
    )
    resolution: Resolution = Field(default="720p", title="Resolution", json_schema_extra=ui(widget="select"))
    seed: Seed = None

    @property
    def size(self) -> Size:
        """The picture's size in pixels."""
        return screen_size(_RATIOS[self.aspect_ratio], resolution=self.resolution)


class Landscape(MediaGeneratorModel[LandscapeParameters]):
    """Builds a small world from the words and paints what is seen of it."""

    id = "builtin/landscape"
    version = "1"
    title = "Landscape (procedural, not AI)"
    description = """
        Paints landscapes by rule: mountains, hills, deserts, seas, forests, canyons and skylines, at any hour and in
        most weathers. It understands words for these and for colours, and nothing else. The same prompt and seed
        give the same picture, at every size.
    """
    task = "text-to-image"
    produces = ("image/png",)
    resources = Resources(cpus=1, memory_mb=1280, time_limit_seconds=120)
    deterministic = True
    is_ai = False
    seconds_hint = 3.0
    examples = (
        {"prompt": "A sunset over mountains"},
        {"prompt": "Aurora over a frozen lake at night"},
        {"prompt": "A city skyline at dusk in the rain", "aspect_ratio": "21:9"},
        {"prompt": "Autumn forest in the morning mist", "aspect_ratio": "4:5"},
        {"prompt": "Golden hour in the desert"},
    )

    def generate(self, params: LandscapeParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """One PNG."""
        ctx.progress(0.02, "Reading the words", stage="generating")
        scene, size = read(params.prompt, seed=ctx.seed), params.size
        pixels = paint(scene, width=size.width, height=size.height, progress=ctx.progress)
        ctx.progress(0.95, "Saving")
        label = PngInfo()
        label.add_text("Software", f"Reelwork {self.id} {self.version} (procedural, not AI)")
        path = ctx.workdir / "landscape.png"
        Image.fromarray(pixels).save(path, pnginfo=label, compress_level=4)
        yield Artifact(
            name="landscape.png",
            media_type="image/png",
            path=path,
            width=size.width,
            height=size.height,
            meta={"seed": ctx.seed, "time": scene.time, "land": scene.land, "weather": scene.cover},
        )
