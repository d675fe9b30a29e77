"""`builtin/remove-background`: what a picture is of, on nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from PIL import Image
from pydantic import Field

from reelwork.generator import (
    Artifact,
    GenerationContext,
    ImageRef,
    MediaGeneratorModel,
    Parameters,
    ProviderUnavailable,
    Resources,
    ui,
)
from worker.models.film.matte import WEIGHTS_FILE, Matte, Matter
from worker.models.film.picture import Pixels, on_paper, open_picture
from worker.models.film.weights import missing, weights_folder
from worker.models.stills.cutout import bands

_GROUNDS = {"white": (255, 255, 255), "grey": (128, 128, 128), "black": (0, 0, 0)}
_LABELS = {"transparent": "Nothing", "white": "White", "grey": "Grey", "black": "Black", "mask": "The mask alone"}


class RemoveBackgroundParameters(Parameters):
    """A picture, and what its subject is to stand on."""

    image: ImageRef = Field(title="Picture", description="JPEG, PNG, GIF, WebP or AVIF, up to 40 megapixels.")
    background: Literal["transparent", "white", "grey", "black", "mask"] = Field(
        default="transparent",
        title="Background",
        description="What the subject stands on. The mask is white where the subject is.",
        json_schema_extra=ui(widget="choice", labels=_LABELS),
    )


class RemoveBackground(MediaGeneratorModel[RemoveBackgroundParameters]):
    """Finds the subject with a learned matte, and takes what shines through at its edges out of its colours."""

    id = "builtin/remove-background"
    version = "1"
    title = "Remove background"
    description = """
        Finds what a picture is of and leaves out the rest, with soft edges where hair and fur are, at the picture's
        own size. People, animals and things in front of something else work best.
    """
    task = "image-segmentation"
    produces = ("image/png",)
    resources = Resources(cpus=2, memory_mb=1536, time_limit_seconds=180)
    deterministic = True
    is_ai = True
    seconds_hint = 2.0
    examples = ({"image": "asset_example"}, {"image": "asset_example", "background": "white"})

    def __init__(self, weights: Path | None = None) -> None:
        """`weights` is the folder that holds the network; without it, the one in REELWORK_WEIGHTS_DIR."""
        self._folder = weights
        self._matter: Matter | None = None

    @classmethod
    def available(cls) -> str | None:
        """Absent without the network's weights."""
        return missing(WEIGHTS_FILE)

    def setup(self) -> None:
        """Load the network. Raises ProviderUnavailable where its weights went away."""
        cv2.setNumThreads(self.resources.cpus)
        try:
            self._matter = Matter((self._folder or weights_folder() or Path()) / WEIGHTS_FILE)
        except OSError as error:
            raise ProviderUnavailable(f"The weights {WEIGHTS_FILE} are missing; run `make weights`.") from error

    def generate(self, params: RemoveBackgroundParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """One PNG of the picture's size. Raises InvalidInput for a file that is no picture."""
        if self._matter is None:
            self.setup()
        assert self._matter is not None  # noqa: S101 - setup loaded it or raised
        ctx.substatus("reading_picture")
        loaded = open_picture(ctx.fetch(params.image)).load(see_through=True)
        image = on_paper(loaded)
        ctx.substatus("finding_subject")
        matte = self._matter.matte(image)
        result = _cut_out(params.background, np.asarray(image), matte, own_alpha=_alpha(loaded), ctx=ctx)
        ctx.progress(0.9, "Saving")
        path = ctx.workdir / "cutout.png"
        Image.fromarray(result).save(path, compress_level=4)
        yield Artifact(
            name="cutout.png",
            media_type="image/png",
            path=path,
            width=image.width,
            height=image.height,
            meta={"subject": round(matte.coverage, 3), "doubt": round(matte.doubt, 3)},
        )


def _alpha(image: Image.Image) -> Pixels | None:
    return np.asarray(image.getchannel("A")) if image.mode == "RGBA" else None


def _cut_out(background: str, rgb: Pixels, matte: Matte, *, own_alpha: Pixels | None, ctx: GenerationContext) -> Pixels:
    """The result, as Pillow takes it: RGBA, RGB or grey."""
    height, width = rgb.shape[:2]
    ground = _GROUNDS.get(background)
    channels = {"transparent": 4, "mask": 1}.get(background, 3)
    result = np.empty((height, width, channels), np.uint8)
    for band in bands(rgb, matte):
        ctx.progress(0.2 + 0.7 * band.bottom / height, "Cutting out", stage="generating")
        alpha = band.alpha
        if own_alpha is not None:
            alpha = cv2.multiply(alpha, own_alpha[band.top : band.bottom], scale=1 / 255).astype(np.uint8)
        rows = result[band.top : band.bottom]
        if ground is not None:
            rows[:] = _laid_on(ground, band.rgb, alpha)
            continue
        if background == "transparent":
            rows[..., :3] = band.rgb
        rows[..., -1] = alpha
    return result[..., 0] if background == "mask" else result


def _laid_on(ground: tuple[int, int, int], rgb: Pixels, alpha: Pixels) -> Pixels:
    weight = alpha[..., None].astype(np.float32) / 255
    return (rgb * weight + np.array(ground, np.float32) * (1 - weight) + 0.5).astype(np.uint8)
