"""A subject cut out of a picture of any size: the matte at the picture's own edges, and colours without their ground.

Worked through in bands of rows, so that memory is bounded by the width and not by the height.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from worker.models.film.geometry import Box, Size
from worker.models.film.layers import own_colour
from worker.models.film.matte import Matte, Share, drawn, fitted
from worker.models.film.picture import Pixels

_FIT_PIXELS = 2_000_000  # the matte's line is found on a picture no larger than this
_BAND_PIXELS = 1_000_000
_MARGIN = 64  # rows around a band that `own_colour` looks at: half its longest reach, and more


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Rows of the result from `top` on: RGB, and how much of each place is subject (0 to 255)."""

    top: int
    rgb: Pixels
    alpha: Pixels

    @property
    def bottom(self) -> int:
        return self.top + len(self.alpha)


def bands(rgb: Pixels, matte: Matte) -> Iterator[Band]:
    """The whole picture from top to bottom."""
    height, width = rgb.shape[:2]
    size = Size(width, height)
    slope, offset = _line(rgb, matte, size)
    rows = max(_MARGIN, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        first, last = max(0, top - _MARGIN), min(height, top + rows + _MARGIN)
        piece = rgb[first:last]
        share = drawn(_rows(slope, first, last, size), _rows(offset, first, last, size), piece)
        inner = np.s_[top - first : top - first + rows]
        colour = own_colour(piece.astype(np.float32), share)[inner] if _has_edge(share) else piece[inner]
        alpha = (share[inner] * 255 + 0.5).astype(np.uint8)
        yield Band(top=top, rgb=np.clip(colour + 0.5, 0, 255).astype(np.uint8), alpha=alpha)


def _line(rgb: Pixels, matte: Matte, size: Size) -> tuple[Share, Share]:
    shrunk = min(1.0, (_FIT_PIXELS / size.pixels) ** 0.5)
    small = Size(max(1, round(size.width * shrunk)), max(1, round(size.height * shrunk)))
    image = Image.fromarray(rgb)
    guide = image if small == size else image.resize((small.width, small.height), Image.Resampling.BOX)
    whole = Box(0, 0, size.width, size.height)
    return fitted(matte.at(whole, picture=size, size=small), np.asarray(guide))


def _rows(values: Share, first: int, last: int, size: Size) -> Share:
    """These rows of a smooth field, at the picture's size."""
    down = values.shape[0] / size.height
    part = (0.0, first * down, float(values.shape[1]), min(last * down, values.shape[0]))
    resized = Image.fromarray(values).resize((size.width, last - first), Image.Resampling.BILINEAR, box=part)
    return np.asarray(resized, np.float32)


def _has_edge(share: Share) -> bool:
    return bool(((share > 0) & (share < 1)).any())
