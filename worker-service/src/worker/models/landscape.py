"""`builtin/landscape`: a picture of a landscape from a few words."""

from collections.abc import Iterator

from pydantic import Field

from reelwork.generator import Artifact, GenerationContext, MediaGeneratorModel, Resources, ui
from worker.models.painting.painter import paint
from worker.models.painting.parameters import PaintingParameters, save_png
from worker.models.painting.words import read


class LandscapeParameters(PaintingParameters):
    """What to paint, and how large."""

    prompt: str = Field(
        min_length=1,
        max_length=2000,
        title="Prompt",
        description="A landscape in English: the land, the time of day, the weather, colours.",
        json_schema_extra=ui(widget="prompt"),
    )


class Landscape(MediaGeneratorModel[LandscapeParameters]):
    """Builds a small world from the words and paints what is seen of it."""

    id = "builtin/landscape"
    version = "3"
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
        path = ctx.workdir / "landscape.png"
        save_png(path, pixels, made_by=f"{self.id} {self.version}")
        yield Artifact(
            name="landscape.png",
            media_type="image/png",
            path=path,
            width=size.width,
            height=size.height,
            meta={"seed": ctx.seed, "time": scene.time, "land": scene.land, "weather": scene.cover},
        )
