"""Pictures four times as large: Real-ESRGAN's compact network (Wang et al. 2021), run by ncnn, tile by tile."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from worker.models.film.matte import Share
from worker.models.film.picture import Pixels

FACTOR = 4
PARAMETERS_FILE, WEIGHTS_FILE = "realesr-animevideov3-x4.param", "realesr-animevideov3-x4.bin"

TILE = 192
"""Sides of a tile: 64 channels of it are 9 MB, and its edges are a tenth of it."""
_MARGIN = 24
"""What the network sees around a place (18 convolutions, three wide each) and `_in_tone` after it: so tiles fit."""
_TONE_REACH = 5
"""Over so many pixels of the original the colours are held to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A piece of the result at (`left`, `top`)."""

    left: int
    top: int
    rgb: Pixels


class Upscaler:
    """The loaded network. Not to be used by two threads at once."""

    def __init__(self, folder: Path, *, threads: int) -> None:
        """`folder` holds the network's two files. Raises OSError where it does not, ImportError without ncnn."""
        import ncnn  # noqa: PLC0415  (an extra: whoever has it not still lists its models)

        self._ncnn = ncnn
        self._network: Any = ncnn.Net()  # ncnn has no types
        self._network.opt.use_vulkan_compute = False
        self._network.opt.num_threads = threads
        self._network.opt.openmp_blocktime = 0  # threads that wait must not keep a busy machine's cores
        for file in (PARAMETERS_FILE, WEIGHTS_FILE):
            if not (folder / file).is_file():
                raise FileNotFoundError(folder / file)
        self._network.load_param(str(folder / PARAMETERS_FILE))
        self._network.load_model(str(folder / WEIGHTS_FILE))

    def tiles(self, rgb: Pixels) -> Iterator[Tile]:
        """The picture four times as large, row by row of tiles; `tile_count` of them."""
        height, width = rgb.shape[:2]
        padded = np.pad(rgb, ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)), mode="edge")
        for top in range(0, height, TILE):
            for left in range(0, width, TILE):
                bottom, right = min(top + TILE, height), min(left + TILE, width)
                piece = padded[top : bottom + 2 * _MARGIN, left : right + 2 * _MARGIN]
                inner = np.s_[_MARGIN * FACTOR : -_MARGIN * FACTOR, _MARGIN * FACTOR : -_MARGIN * FACTOR]
                yield Tile(left=left * FACTOR, top=top * FACTOR, rgb=self._enlarged(piece)[inner])

    def _enlarged(self, rgb: Pixels) -> Pixels:
        height, width = rgb.shape[:2]
        mat = self._ncnn.Mat
        pixels = mat.from_pixels(np.ascontiguousarray(rgb), mat.PixelType.PIXEL_RGB, width, height)
        pixels.substract_mean_normalize([], [1 / 255] * 3)
        with self._network.create_extractor() as extractor:
            extractor.input("data", pixels)
            _, answer = extractor.extract("output")
            planes = np.array(answer, np.float32)
        return _in_tone(planes.transpose(1, 2, 0) * 255, rgb)


def _in_tone(enlarged: Share, rgb: Pixels) -> Pixels:
    """The network's drawing in the colours of the original: it makes pale grounds paler and thin strokes darker."""
    height, width = rgb.shape[:2]
    now = cv2.resize(enlarged, (width, height), interpolation=cv2.INTER_AREA)
    missing = cv2.blur(rgb.astype(np.float32) - now, (_TONE_REACH, _TONE_REACH))
    whole = cv2.resize(missing, (width * FACTOR, height * FACTOR), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(enlarged + whole + 0.5, 0, 255), np.uint8)


def tile_count(rgb: Pixels) -> int:
    """How many `tiles` there will be."""
    height, width = (int(side) for side in rgb.shape[:2])
    return math.ceil(height / TILE) * math.ceil(width / TILE)
