"""A picture taken apart: its subject with an alpha channel, and a ground without the subject."""

from dataclasses import dataclass

import cv2
import numpy as np
from av import VideoFrame

from worker.models.film.geometry import Box, Size
from worker.models.film.matte import Share
from worker.models.film.picture import Pixels
from worker.models.film.planes import Planes, chroma_map, halved, luma_map, sample, surfaces

_MARGIN = 8  # clear samples around the subject, so that its soft edge ends inside the layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A subject cut out of a source of `source` samples, standing at (`left`, `top`) in it, both even.

    The planes are multiplied by alpha already, so that laying them over a frame is one product and one sum.
    """

    planes: Planes
    alpha: Pixels
    alpha_of_chroma: Pixels
    left: int
    top: int
    source: Size


def cut_out(rgb: Pixels, share: Share) -> Layer:
    """The subject of a picture of even sides; `share` says how much of each sample is subject."""
    top, bottom, left, right = _bounds(share)
    piece = np.s_[top:bottom, left:right]
    colour = own_colour(rgb[piece].astype(np.float32), share[piece])
    planes = Planes.from_rgb(np.clip(colour + 0.5, 0, 255).astype(np.uint8))
    alpha = np.ascontiguousarray((share[piece] * 255 + 0.5).astype(np.uint8))
    coarse = halved(alpha)
    held = Planes(
        cv2.multiply(planes.luma, alpha, scale=1 / 255).astype(np.uint8),
        cv2.multiply(planes.chroma, np.dstack([coarse, coarse]), scale=1 / 255).astype(np.uint8),
    )
    size = Size(rgb.shape[1], rgb.shape[0])
    return Layer(planes=held, alpha=alpha, alpha_of_chroma=coarse, left=left, top=top, source=size)


def without_subject(rgb: Pixels, share: Share) -> Pixels:
    """The picture with its subject filled in from what surrounds it, by pull and push (Gortler et al. 1996)."""
    reach = max(7, round(max(rgb.shape[:2]) / 90)) | 1
    hole = cv2.dilate((share > 0.03).astype(np.uint8), np.ones((reach, reach), np.uint8))
    known = (1 - hole).astype(np.float32)[..., None]
    filled = _pull_push(rgb.astype(np.float32) * known, known)
    soft = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), reach / 4)[..., None]
    return np.clip(rgb * (1 - soft) + filled * soft + 0.5, 0, 255).astype(np.uint8)


def lay_over(layer: Layer, box: Box, frame: VideoFrame) -> None:
    """Draw the layer over an NV12 frame that shows `box` of the layer's source; the rest stays as it is."""
    luma, chroma = surfaces(frame)
    size = Size(frame.width, frame.height)
    left, top, right, bottom = _seen(layer, box, size)
    if right <= left or bottom <= top:
        return
    shift = np.array([layer.left, layer.top], np.float64)
    fine, coarse = luma_map(box, size), chroma_map(box, size)
    fine[:, 2] += fine[:, :2] @ (left, top) - shift
    coarse[:, 2] += coarse[:, :2] @ (left / 2, top / 2) - shift / 2
    _blend(layer.planes.luma, layer.alpha, fine, luma[top:bottom, left:right])
    halves = np.s_[top // 2 : bottom // 2, left // 2 : right // 2]
    _blend(layer.planes.chroma, layer.alpha_of_chroma, coarse, chroma[halves])


def _blend(
    colour: Pixels, alpha: Pixels, affine: np.ndarray[tuple[int, int], np.dtype[np.float64]], into: Pixels
) -> None:
    above, cover = np.empty(into.shape, np.uint8), np.empty(into.shape[:2], np.uint8)
    sample(colour, affine, above)
    sample(alpha, affine, cover)
    keep = 255 - cover
    below = cv2.multiply(into, np.dstack([keep, keep]) if into.ndim == 3 else keep, scale=1 / 255)
    np.copyto(into, cv2.add(below, above))


def _bounds(share: Share) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of the subject with its margin, all even."""
    height, width = share.shape
    rows, columns = np.flatnonzero(share.max(1) > 0.004), np.flatnonzero(share.max(0) > 0.004)
    if not len(rows):
        return 0, 2, 0, 2
    top, left = max(rows[0] - _MARGIN, 0) & ~1, max(columns[0] - _MARGIN, 0) & ~1
    bottom, right = min(rows[-1] + _MARGIN, height), min(columns[-1] + _MARGIN, width)
    return int(top), int(bottom + (bottom & 1)), int(left), int(right + (right & 1))


def _seen(layer: Layer, box: Box, size: Size) -> tuple[int, int, int, int]:
    """The even rectangle of the frame that the layer touches."""
    across, down = size.width / box.width, size.height / box.height
    height, width = layer.alpha.shape
    left = max(0, int((layer.left - box.left) * across) - 2) & ~1
    top = max(0, int((layer.top - box.top) * down) - 2) & ~1
    right = min(size.width, (int((layer.left + width - box.left) * across) + 4) & ~1)
    bottom = min(size.height, (int((layer.top + height - box.top) * down) + 4) & ~1)
    return left, top, right, bottom


def own_colour(rgb: Share, share: Share) -> Share:
    """The subject's colour without what shines through at its edge: blur fusion, twice (Forte 2021)."""
    alpha = share[..., None]
    near, ground = _fused(rgb, rgb, rgb, alpha, reach=90)
    near, _ = _fused(rgb, near, ground, alpha, reach=6)
    return np.clip(near, 0, 255)


def _fused(rgb: Share, near: Share, ground: Share, alpha: Share, *, reach: int) -> tuple[Share, Share]:
    def mean(values: Share) -> Share:
        blurred = np.asarray(cv2.blur(values, (reach, reach)), np.float32)
        return blurred if blurred.ndim == 3 else blurred[..., None]

    mean_alpha = mean(alpha)
    smooth_near = mean(near * alpha) / (mean_alpha + np.float32(1e-5))
    smooth_ground = mean(ground * (1 - alpha)) / (1 - mean_alpha + np.float32(1e-5))
    rest = rgb - alpha * smooth_near - (1 - alpha) * smooth_ground
    return smooth_near + alpha * rest, smooth_ground


def _pull_push(weighted: Share, known: Share) -> Share:
    """Fill what is not known: shrink until all is known, then grow back, keeping what was known."""
    height, width = known.shape[:2]
    if min(height, width) <= 2 or float(known.min()) > 0.5:
        return np.asarray(weighted / np.maximum(known, 1e-4), np.float32)
    half = ((width + 1) // 2, (height + 1) // 2)
    small = np.asarray(cv2.resize(weighted, half, interpolation=cv2.INTER_AREA), np.float32)
    small_known = np.asarray(cv2.resize(known, half, interpolation=cv2.INTER_AREA), np.float32)[..., None]
    below = _pull_push(small, small_known)
    grown = np.asarray(cv2.resize(below, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    own = np.minimum(known, 1)
    return np.asarray(weighted + grown * (1 - own), np.float32)
