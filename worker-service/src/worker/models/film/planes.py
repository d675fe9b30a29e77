"""Pictures as the planes an H.264 encoder takes, so that a frame is one resampling and no colour conversion.

Y'CbCr of ITU-R BT.709, limited range, 4:2:0 with chroma sited left (ITU-T H.264, table E-1's default).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from worker.models.film.geometry import Box, Size
from worker.models.film.picture import Pixels

_RED, _GREEN, _BLUE = 0.2126, 0.7152, 0.0722  # BT.709's luma weights


def _matrix() -> NDArray[np.float64]:
    luma = np.array([_RED, _GREEN, _BLUE])
    blue = (np.array([0.0, 0.0, 1.0]) - luma) / (2 * (1 - _BLUE))
    red = (np.array([1.0, 0.0, 0.0]) - luma) / (2 * (1 - _RED))
    rows = np.stack([luma * 219, blue * 224, red * 224]) / 255
    return np.column_stack([rows, [16, 128, 128]])


_TO_YCBCR = _matrix()
_ACROSS_2X1 = np.array([[1, 2, 1], [1, 2, 1]], np.float32) / 8
"""Halves chroma: a triangle across, centred on every other sample (left siting), a mean of two rows down."""


@dataclass(frozen=True, slots=True)
class Planes:
    """`luma` is (h, w), `chroma` (h/2, w/2, 2): Cb and Cr side by side, as in NV12. h and w are even."""

    luma: Pixels
    chroma: Pixels

    @classmethod
    def from_rgb(cls, rgb: Pixels) -> "Planes":
        """Convert an (h, w, 3) sRGB picture of even sides."""
        luma, blue, red = cv2.split(cv2.transform(rgb, _TO_YCBCR))
        return cls(_bytes(luma), np.dstack([halved(_bytes(blue)), halved(_bytes(red))]))

    @property
    def size(self) -> Size:
        """The size in luma samples."""
        return Size(self.luma.shape[1], self.luma.shape[0])


def halved(plane: Pixels) -> Pixels:
    """A full-size plane at the places of the chroma samples."""
    smooth = cv2.filter2D(plane, -1, _ACROSS_2X1, anchor=(1, 0), borderType=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(_bytes(smooth)[::2, ::2])


def luma_map(box: Box, size: Size) -> NDArray[np.float64]:
    """The affine map from an output luma sample to the source sample it shows."""
    across, down = box.width / size.width, box.height / size.height
    left = box.left + across / 2 - 0.5
    top = box.top + down / 2 - 0.5
    return np.array([[across, 0, left], [0, down, top]])


def chroma_map(box: Box, size: Size) -> NDArray[np.float64]:
    """The same for chroma, whose sample i lies on luma sample 2i across and between 2j and 2j+1 down."""
    across, down = box.width / size.width, box.height / size.height
    left = (box.left + across / 2 - 0.5) / 2
    top = (box.top + down - 1) / 2
    return np.array([[across, 0, left], [0, down, top]])


def sample(source: Pixels, affine: NDArray[np.float64], into: Pixels) -> None:
    """Fill `into` from `source`, linear between samples, the edge repeated beyond it."""
    cv2.warpAffine(
        source,
        affine,
        (into.shape[1], into.shape[0]),
        dst=into,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def show(planes: Planes, box: Box, frame: VideoFrame) -> None:
    """Draw the box of the planes over the whole NV12 frame."""
    luma, chroma = surfaces(frame)
    size = Size(frame.width, frame.height)
    sample(planes.luma, luma_map(box, size), luma)
    sample(planes.chroma, chroma_map(box, size), chroma)


def surfaces(frame: VideoFrame) -> tuple[Pixels, Pixels]:
    """An NV12 frame's own memory as (h, w) luma and (h/2, w/2, 2) chroma; writing draws."""
    luma, chroma = frame.planes
    flat = np.frombuffer(memoryview(luma), np.uint8).reshape(-1, luma.line_size)
    pairs = np.frombuffer(memoryview(chroma), np.uint8).reshape(-1, chroma.line_size)
    height, width = frame.height, frame.width
    return flat[:height, :width], pairs[: height // 2, :width].reshape(height // 2, width // 2, 2)


def _bytes(array: cv2.typing.MatLike | Sequence[object]) -> Pixels:
    """OpenCV's stubs do not know that bytes in are bytes out."""
    return np.asarray(array, np.uint8)
