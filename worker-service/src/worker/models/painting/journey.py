"""The eye travels through a scenery: each piece moves as its depth has it, clouds drift, water glitters, rain falls.

Lengths are in the unit in which the land is built; the eye moves straight ahead, so that a thing at depth z which was
seen at a slope s from the middle of the horizon is seen at s·z/(z - d) after a way of d.
"""

from dataclasses import dataclass
from typing import Self, TypeAlias

import cv2
import numpy as np
from av import VideoFrame

from worker.models.film.geometry import Size
from worker.models.film.planes import Planes, surfaces
from worker.models.painting.falling import Falling
from worker.models.painting.noise import Field
from worker.models.painting.scenery import Bytes, Piece, Scenery
from worker.models.painting.sky import LOW
from worker.models.painting.view import View

_SPEED = 0.055  # of the eye, a second
_NEAREST_SHARE = 0.34  # of the way to the nearest ground: closer, it would be stretched to nothing but blur
_WIND = 0.022  # of the clouds, a second; the sheets are at height 1
_NODES = 4  # pixels between the places at which the warp is worked out

Warp: TypeAlias = tuple[Field, Field]
"""For each pixel of a plane, the column and the row of the source that it shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A rectangle of whole, even pixels; the ends do not belong to it."""

    left: int
    right: int
    top: int
    bottom: int

    @classmethod
    def within(cls, size: Size, *, left: float, right: float, top: float, bottom: float) -> Self:
        """The smallest part of a frame that holds the rectangle, as far as it is in the frame."""
        return cls(
            left=max(int(left), 0) & ~1,
            right=min((int(right) + 2) & ~1, size.width),
            top=max(int(top), 0) & ~1,
            bottom=min((int(bottom) + 2) & ~1, size.height),
        )


class Journey:
    """Draws the moments of a film of `seconds` on frames of `size`; the scenery may be larger than that."""

    def __init__(self, scenery: Scenery, *, size: Size, seconds: float) -> None:
        self._scenery = scenery
        self._size = size
        source = scenery.sky.shape
        self._finer = source[1] / size.width
        self._view = View(size.width, size.height, scenery.stage.view.horizon, scenery.stage.view.focal)
        sky = cv2.resize(scenery.sky, (size.width, size.height), interpolation=cv2.INTER_AREA)
        self._sky = Planes.from_rgb(np.asarray(sky, np.uint8))
        self._clouds, self._land = _Held(scenery.clouds), _Held(scenery.land)
        self._boards = [(_Held(board.piece), board.depth) for board in scenery.boards]
        horizon, skyline = self._view.horizon_row, self._land.bounds.top / self._finer - 0.06 * size.height
        self._above = Part.within(size, left=0, right=size.width, top=0, bottom=horizon + 2)
        self._below = Part.within(size, left=0, right=size.width, top=skyline * 0.8, bottom=size.height)
        self._falling = Falling.of(scenery.stage, size)
        self._nodes = _nodes(size)
        wide = max(3, scenery.sky.shape[0] // 40) | 1  # what is before carries what is beside it, and is not bent by it
        near = cv2.dilate(scenery.nearness, np.ones((wide, wide), np.uint8))
        self._nearness = self._at_nodes(np.asarray(near, np.float32))
        self._way = min(_SPEED * seconds, _NEAREST_SHARE / float(np.quantile(scenery.nearness, 0.98)))
        self._seconds = seconds
        self._ripples = Ripples(scenery, self._view, self._nodes, self._at_nodes(scenery.wet))

    def draw(self, seconds: float, frame: VideoFrame) -> None:
        """The view after so many seconds, over the whole NV12 frame."""
        luma, chroma = surfaces(frame)
        np.copyto(luma, self._sky.luma)
        np.copyto(chroma, self._sky.chroma)
        way = self._way * seconds / self._seconds
        self._lay(self._clouds, self._drifted(seconds), self._above, luma, chroma)
        self._lay(self._land, self._travelled(way, seconds), self._below, luma, chroma)
        for held, depth in self._boards:
            if way < 0.8 * depth:
                factor = 1 - way / depth
                self._lay(held, self._scaled(factor), self._reached(held.bounds, factor), luma, chroma)
        self._falling.over(luma, seconds)

    def _lay(self, held: "_Held", warp: Warp, part: Part, luma: Bytes, chroma: Bytes) -> None:
        if part.bottom > part.top and part.right > part.left:
            rows, columns = slice(part.top, part.bottom), slice(part.left, part.right)
            halves = (slice(part.top // 2, part.bottom // 2), slice(part.left // 2, part.right // 2))
            held.over(luma[rows, columns], chroma[halves], self._pixels(warp, part))

    def _reached(self, bounds: Part, factor: float) -> Part:
        """The part of the frame that a board of those bounds (in its source) covers when it has come nearer."""
        middle_x, middle_y = self._view.width / 2, self._view.horizon_row
        left, right = ((edge / self._finer - middle_x) / factor + middle_x for edge in (bounds.left, bounds.right))
        top, bottom = ((edge / self._finer - middle_y) / factor + middle_y for edge in (bounds.top, bounds.bottom))
        return Part.within(self._size, left=left - 2, right=right + 2, top=top - 2, bottom=bottom + 2)

    def _at_nodes(self, field: Field) -> Field:
        x, y = self._nodes
        finer = np.float32(self._finer)
        soft = cv2.GaussianBlur(field, (0, 0), 1.5 * self._finer)
        border = cv2.BORDER_REPLICATE
        return np.asarray(cv2.remap(soft, x * finer, y * finer, cv2.INTER_LINEAR, borderMode=border), np.float32)

    def _drifted(self, seconds: float) -> Warp:
        """Where the clouds over each node were at the beginning, on a flat sheet above."""
        across, up = self._slopes()
        wind = np.float32(_WIND * (2.2 if self._scenery.stage.scene.cover == "storm" else 1.0))
        distance = 1 / (np.maximum(up, 0) + np.float32(LOW))
        before = distance + wind * np.float32(seconds)
        side = np.float32(-1 if self._scenery.stage.light.across > 0 else 1) * wind * np.float32(seconds)
        return self._of_slopes((across * distance - side) / before, np.where(up > 0, 1 / before - np.float32(LOW), up))

    def _travelled(self, way: float, seconds: float) -> Warp:
        """Where what is seen at each node was seen before the way, and stood before the water moved."""
        x, y = self._nodes
        middle_x, middle_y = np.float32(self._view.width / 2 - 0.5), np.float32(self._view.horizon_row - 0.5)
        nearness: Field = self._nearness
        spot_x, spot_y = x, y
        for _ in range(3):
            shrunk = 1 - np.minimum(nearness * np.float32(way), np.float32(0.6))
            spot_x, spot_y = middle_x + (x - middle_x) * shrunk, middle_y + (y - middle_y) * shrunk
            at_x, at_y = spot_x / np.float32(_NODES), spot_y / np.float32(_NODES)
            there = cv2.remap(self._nearness, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            nearness = np.asarray(there, np.float32)
        return self._ripples.moved(spot_x, spot_y, seconds)

    def _scaled(self, factor: float) -> Warp:
        x, y = self._nodes
        middle_x, middle_y = self._view.width / 2 - 0.5, self._view.horizon_row - 0.5
        return (
            np.asarray(middle_x + (x - middle_x) * factor, np.float32),
            np.asarray(middle_y + (y - middle_y) * factor, np.float32),
        )

    def _slopes(self) -> Warp:
        x, y = self._nodes
        scale = np.float32(self._view.focal * self._view.height)
        middle_x, middle_y = np.float32(self._view.width / 2 - 0.5), np.float32(self._view.horizon_row - 0.5)
        return (x - middle_x) / scale, (middle_y - y) / scale

    def _of_slopes(self, across: Field, up: Field) -> Warp:
        scale = np.float32(self._view.focal * self._view.height)
        return (
            (across * scale + np.float32(self._view.width / 2 - 0.5)).astype(np.float32),
            (np.float32(self._view.horizon_row - 0.5) - up * scale).astype(np.float32),
        )

    def _pixels(self, warp: Warp, part: Part) -> Warp:
        """The warp between its nodes too, in samples of the source, for that part of the frame."""
        size = (part.right - part.left, part.bottom - part.top)
        finer = np.array([[1 / _NODES, 0, part.left / _NODES], [0, 1 / _NODES, part.top / _NODES]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        scale, shift = np.float32(self._finer), np.float32((self._finer - 1) / 2)
        x, y = (
            np.asarray(cv2.warpAffine(place * scale + shift, finer, size, flags=flags), np.float32) for place in warp
        )
        return x, y


class Ripples:
    """How the surface of water sways: two still patterns that take turns."""

    def __init__(self, scenery: Scenery, view: View, nodes: Warp, wet: Field) -> None:
        x, y = nodes
        stage = scenery.stage
        up = np.minimum((view.horizon_row - y) / (view.focal * view.height), -view.pixel * 2)
        depth = (np.float32(stage.eye) / -up).astype(np.float32)
        across = (x - view.width / 2) / np.float32(view.focal * view.height) * depth
        high = stage.terrain.waves > stage.eye / 4
        wide, self._speed = (0.9, 1.9) if high else (5.0, 3.2)
        noise = stage.noise
        self._first, self._second = (
            noise.value(across * np.float32(wide), depth * np.float32(2.4 * wide), salt=salt) for salt in (12, 13)
        )
        still = stage.scene.ice and stage.scene.land != "sea"
        reach = 0.0 if still else 0.0105 if high else 0.0022
        inside = np.clip(wet * 2 - 1, 0, 1)
        far = np.exp(-((depth / (9.0 if high else 5.0)) ** 2))
        self._reach = np.asarray(inside * far * reach * view.height * (1.4 / (0.6 + depth)), np.float32)

    def moved(self, x: Field, y: Field, seconds: float) -> Warp:
        """The places, swayed as the water is at that time."""
        phase = self._speed * seconds
        now, then = np.float32(np.cos(phase)), np.float32(np.sin(phase))
        sway = (self._first * now + self._second * then - self._first) * self._reach
        return (x + sway * np.float32(0.8)).astype(np.float32), (y + sway).astype(np.float32)


class _Held:
    """A piece as planes multiplied by their cover, so that laying it over a frame is one product and one sum."""

    def __init__(self, piece: Piece) -> None:
        planes = Planes.from_rgb(piece.colour)
        self._cover = piece.cover
        small = (piece.cover.shape[1] // 2, piece.cover.shape[0] // 2)
        self._small_cover = np.asarray(cv2.resize(piece.cover, small, interpolation=cv2.INTER_AREA), np.uint8)
        pair = np.dstack([self._small_cover, self._small_cover])
        self._luma = np.asarray(cv2.multiply(planes.luma, self._cover, scale=1 / 255), np.uint8)
        self._chroma = np.asarray(cv2.multiply(planes.chroma, pair, scale=1 / 255), np.uint8)

        rows, columns = np.flatnonzero(piece.cover.max(1)), np.flatnonzero(piece.cover.max(0))
        some = len(rows) > 0
        self.bounds = Part(
            left=int(columns[0]) if some else 0,
            right=int(columns[-1]) + 1 if some else 0,
            top=int(rows[0]) if some else 0,
            bottom=int(rows[-1]) + 1 if some else 0,
        )

    def over(self, luma: Bytes, chroma: Bytes, warp: Warp) -> None:
        """Draw the piece over a frame's planes, warped."""
        x, y = warp
        _lay(luma, self._luma, self._cover, x, y)
        half_x = np.ascontiguousarray(x[::2, ::2] / 2)
        half_y = np.ascontiguousarray((y[::2, ::2] + y[1::2, ::2] - 1) / 4)
        _lay(chroma, self._chroma, self._small_cover, half_x, half_y)


def _lay(into: Bytes, colour: Bytes, cover: Bytes, x: Field, y: Field) -> None:
    border = cv2.BORDER_REPLICATE
    first, second = cv2.convertMaps(x, y, cv2.CV_16SC2)
    above = cv2.remap(colour, first, second, cv2.INTER_LINEAR, borderMode=border)
    keep = 255 - np.asarray(cv2.remap(cover, first, second, cv2.INTER_LINEAR, borderMode=border), np.uint8)
    below = cv2.multiply(into, np.dstack([keep, keep]) if into.ndim == 3 else keep, scale=1 / 255)
    np.copyto(into, cv2.add(below, above))


def _nodes(size: Size) -> Warp:
    x, y = np.meshgrid(
        np.arange(0, size.width + _NODES, _NODES, dtype=np.float32),
        np.arange(0, size.height + _NODES, _NODES, dtype=np.float32),
    )
    return x, y
