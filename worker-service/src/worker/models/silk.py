"""`builtin/silk`: folds of cloth in the colours and the mood of a few words."""

from collections.abc import Iterator

from pydantic import Field

from reelwork.generator import Artifact, GenerationContext, MediaGeneratorModel, Resources, ui
from worker.models.painting.parameters import PaintingParameters, save_png
from worker.models.painting.silk import weave


class SilkParameters(PaintingParameters):
    """The words, and how large the picture is to be."""

    prompt: str = Field(
        min_length=1,
        max_length=2000,
        title="Prompt",
        description="A mood, a thing or colours, in English; no landscape is made of it.",
        json_schema_extra=ui(widget="prompt"),
    )


class Silk(MediaGeneratorModel[SilkParameters]):
    """An abstract picture: waves that bend waves, lit as if they were silk."""

    id = "builtin/silk"
    version = "1"
    title = "Silk (procedural, not AI)"
    description = """
        Abstract pictures for prompts that name no scene: folds of silk by rule. Colours and moods among the words
        choose the dye, calm words make wide folds and wild ones many; other words only change the drape. The same
        prompt and seed give the same picture, at every size.
    """
    task = "text-to-image"
    produces = ("image/png",)
    resources = Resources(cpus=1, memory_mb=768, time_limit_seconds=60)
    deterministic = True
    is_ai = False
    seconds_hint = 1.0
    examples = (
        {"prompt": "Jazz in autumn gold"},
        {"prompt": "A calm idea in teal and lavender", "aspect_ratio": "4:5"},
        {"prompt": "Neon party", "aspect_ratio": "1:1"},
    )

    def generate(self, params: SilkParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """One PNG."""
        ctx.progress(0.02, "Reading the words", stage="generating")
        size = params.size
        pixels = weave(params.prompt, seed=ctx.seed, width=size.width, height=size.height, progress=ctx.progress)
        ctx.progress(0.95, "Saving")
        path = ctx.workdir / "silk.png"
        save_png(path, pixels, made_by=f"{self.id} {self.version}")
        yield Artifact(
            name=path.name,
            media_type="image/png",
            path=path,
            width=size.width,
            height=size.height,
            meta={"seed": ctx.seed},
        )
