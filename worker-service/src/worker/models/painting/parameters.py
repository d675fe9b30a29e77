"""What every painted picture can be asked for, and how it is saved."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydantic import Field

from reelwork.generator import Parameters, Seed, ui
from worker.models.film.geometry import Resolution, Size, screen_size

_RATIOS = {"16:9": 16 / 9, "3:2": 3 / 2, "1:1": 1.0, "4:5": 4 / 5, "9:16": 9 / 16, "21:9": 21 / 9}


class PaintingParameters(Parameters):
    """A few words, and how large a picture to make of them."""

    prompt: str = Field(min_length=1, max_length=2000, title="Prompt", json_schema_extra=ui(widget="prompt"))
    aspect_ratio: Literal["16:9", "3:2", "1:1", "4:5", "9:16", "21:9"] = Field(
        default="16:9", title="Shape", json_schema_extra=ui(widget="aspect")
    )
    resolution: Resolution = Field(default="720p", title="Resolution", json_schema_extra=ui(widget="select"))
    seed: Seed = None

    @property
    def size(self) -> Size:
        """The picture's size in pixels."""
        return screen_size(_RATIOS[self.aspect_ratio], resolution=self.resolution)


def save_png(path: Path, pixels: NDArray[np.uint8], *, made_by: str) -> None:
    """Write an (h, w, 3) picture that says what made it and that no AI did."""
    label = PngInfo()
    label.add_text("Software", f"Reelwork {made_by} (procedural, not AI)")
    Image.fromarray(pixels).save(path, pnginfo=label, compress_level=4)
