"""What stands out in a picture, by U²-Net's small model (Qin et al. 2020), run by OpenCV alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from worker.models.film.geometry import MIDDLE, Box, Point, Size
from worker.models.film.picture import Pixels

Share: TypeAlias = NDArray[np.floating[Any]]

WEIGHTS_FILE = "u2netp.onnx"

_SIDE = 320  # the network's own size
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)


@dataclass(frozen=True, slots=True)
class Matte:
    """How much each place of a picture belongs to its subject, 0 to 1, on a small square grid."""

    share: Share

    @property
    def coverage(self) -> float:
        """The subject's part of the picture's area."""
        return float(self.share.mean())

    @property
    def doubt(self) -> float:
        """How much area is neither subject nor ground, per area of subject: 0 is a clean cut."""
        solid = float((self.share > 0.5).mean())
        unsure = float(((self.share > 0.15) & (self.share < 0.85)).mean())
        return unsure / max(solid, 1e-6)

    @property
    def middle(self) -> Point:
        """The subject's centre of gravity, a little raised: heads matter more than feet."""
        total = float(self.share.sum())
        if total < 1e-3:
            return MIDDLE
        places = (np.arange(_SIDE, dtype=np.float32) + 0.5) / _SIDE
        x, y = float(self.share.sum(0) @ places) / total, float(self.share.sum(1) @ places) / total
        top = float(np.argmax(self.share.max(1) > 0.5)) / _SIDE
        return Point(x, y - 0.3 * max(y - top, 0.0))

    def at(self, box: Box, *, picture: Size, size: Size) -> Share:
        """The part of the matte that lies in the box, at that size."""
        across, down = _SIDE / picture.width, _SIDE / picture.height
        part = (box.left * across, box.top * down, (box.left + box.width) * across, (box.top + box.height) * down)
        part = (max(part[0], 0.0), max(part[1], 0.0), min(part[2], _SIDE), min(part[3], _SIDE))
        resized = Image.fromarray(self.share).resize((size.width, size.height), Image.Resampling.BICUBIC, box=part)
        return np.clip(np.asarray(resized, np.float32), 0, 1)


class Matter:
    """The loaded network. Not to be used by two threads at once."""

    def __init__(self, weights: Path) -> None:
        """Raises OSError where the file is not there."""
        if not weights.is_file():
            raise FileNotFoundError(weights)
        self._network = cv2.dnn.readNetFromONNX(str(weights))

    def matte(self, image: Image.Image) -> Matte:
        """The matte of an RGB picture of any size."""
        small = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0), np.float32)
        scaled = (small / max(float(small.max()), 1.0) - _MEAN) / _SPREAD
        self._network.setInput(np.ascontiguousarray(scaled.transpose(2, 0, 1)[None]))
        answer = np.asarray(self._network.forward(), np.float32).reshape(-1, _SIDE, _SIDE)[0]
        low, high = float(answer.min()), float(answer.max())
        return Matte(((answer - low) / max(high - low, 1e-6)).astype(np.float32))


def refined(share: Share, rgb: Pixels) -> Share:
    """The matte drawn to the picture's own edges: a guided filter (He et al. 2010), then a firmer edge."""
    return drawn(*fitted(share, rgb), rgb)


def drawn(slope: Share, offset: Share, rgb: Pixels) -> Share:
    """The matte of a picture, or of a part of it, from what `fitted` found there."""
    guide = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    edge = np.clip((slope * guide + offset - 0.08) / 0.84, 0, 1)
    return np.asarray(edge * edge * (3 - 2 * edge), np.float32)


def fitted(share: Share, rgb: Pixels) -> tuple[Share, Share]:
    """The guided filter's line at each place: matte = slope times grey plus offset. It is smooth, so that a line found
    on a small picture holds for the large one as well (He and Sun 2015)."""
    guide = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    reach = max(2, round(max(rgb.shape[:2]) / 110))
    box = (2 * reach + 1, 2 * reach + 1)

    def mean(values: Share) -> Share:
        return np.asarray(cv2.blur(values, box), np.float32)

    mean_guide, mean_share = mean(guide), mean(share)
    slope = (mean(guide * share) - mean_guide * mean_share) / (mean(guide * guide) - mean_guide**2 + np.float32(2e-4))
    offset = mean_share - slope * mean_guide
    return mean(slope), mean(offset)
