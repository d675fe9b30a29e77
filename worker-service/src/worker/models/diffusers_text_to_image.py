"""`diffusers/text-to-image`: a picture from words, by a diffusion pipeline that the operator put into a folder."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydantic import Field

from reelwork.generator import (
    Artifact,
    ContentRejected,
    GenerationContext,
    MediaGeneratorModel,
    Parameters,
    Pool,
    Resources,
    Seed,
    ui,
)
from worker.models.diffusion.pipeline import LocalPipeline, missing, pipeline_folder

KIND = "text-to-image"


class TextToImageParameters(Parameters):
    """What to show, and how carefully."""

    prompt: str = Field(min_length=1, max_length=2000, title="Prompt", json_schema_extra=ui(widget="prompt"))
    negative_prompt: str = Field(
        default="", max_length=2000, title="Not in it", description="Where the pipeline knows of it."
    )
    width: int = Field(default=512, ge=64, le=1536, multiple_of=8, title="Width", json_schema_extra=ui(unit="px"))
    height: int = Field(default=512, ge=64, le=1536, multiple_of=8, title="Height", json_schema_extra=ui(unit="px"))
    steps: int = Field(
        default=30,
        ge=1,
        le=100,
        title="Steps",
        description="More is slower and finer.",
        json_schema_extra=ui(widget="slider"),
    )
    guidance: float = Field(
        default=7.0,
        ge=0,
        le=20,
        title="Guidance",
        description="How closely it keeps to the prompt.",
        json_schema_extra=ui(widget="slider"),
    )
    seed: Seed = None


class TextToImage(MediaGeneratorModel[TextToImageParameters]):
    """Any text-to-image pipeline of diffusers."""

    id = "diffusers/text-to-image"
    version = "1"
    title = "Text to image (local)"
    description = """
        A picture from words, by the diffusion model that this installation runs on its own machines. What it can show
        depends on that model.
    """
    task = KIND
    produces = ("image/png",)
    resources = Resources(pool=Pool.GPU, cpus=2, memory_mb=8192, gpu_memory_mb=8192, time_limit_seconds=1800)
    is_ai = True
    seconds_hint = 20.0
    rate_units = 2
    examples = ({"prompt": "A lighthouse on a cliff at dusk, oil painting"},)

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` holds the pipeline; without it, `text-to-image/` in REELWORK_DIFFUSION_DIR."""
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

    def generate(self, params: TextToImageParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """One PNG. Raises ContentRejected where the pipeline's own checker objects to what came out."""
        if self._pipeline is None:
            self.setup()
        assert self._pipeline is not None  # noqa: S101 - setup loaded it or raised
        values = {
            "prompt": params.prompt,
            "negative_prompt": params.negative_prompt or None,
            "width": params.width,
            "height": params.height,
            "guidance_scale": params.guidance,
        }
        made = self._pipeline.run(values, ctx, steps=params.steps)
        if any(getattr(made, "nsfw_content_detected", None) or ()):
            raise ContentRejected("The model's own checker refuses the picture; change the prompt or the seed.")
        ctx.progress(0.95, "Saving")
        image, path = made.images[0], ctx.workdir / "picture.png"
        image.save(path, pnginfo=_label(self), compress_level=4)
        yield _artifact(image, path, seed=ctx.seed, pipeline=self._pipeline.name, steps=params.steps)


def _label(model: TextToImage) -> PngInfo:
    label = PngInfo()
    label.add_text("Software", f"Reelwork {model.id} {model.version} (made by AI)")
    return label


def _artifact(image: Image.Image, path: Path, **meta: object) -> Artifact:
    return Artifact(
        name=path.name, media_type="image/png", path=path, width=image.width, height=image.height, meta=meta
    )
