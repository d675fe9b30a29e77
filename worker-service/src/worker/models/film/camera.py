"""Camera moves over a still picture: where the frame lies at each moment."""

import math
from collections.abc import Iterator
from typing import Literal, TypeAlias

import cv2
import numpy as np

from worker.models.film.geometry import MIDDLE, Box, Point, Size
from worker.models.film.picture import Pixels

Move: TypeAlias = Literal["zoom-in", "zoom-out", "pan-left", "pan-right", "pan-up", "pan-down"]
MOVES: tuple[Move, ...] = ("zoom-in", "zoom-out", "pan-left", "pan-right", "pan-up", "pan-down")

STRONGEST_ZOOM = 0.36
"""Strength 1 shows a picture 1.36 times as large at its closest; 0.5, the default, 1.18."""


def zoom_of(strength: float) -> float:
    """How much closer the closest frame is than the whole picture."""
    return 1.0 + STRONGEST_ZOOM * strength


def boxes(move: Move, frames: int, *, source: Size, zoom: float, focus: Point = MIDDLE) -> Iterator[Box]:
    """The part of the source that each frame shows; starts and ends at rest.

    A zoom is exponential in time, which the eye takes for an even approach, and keeps `focus` in its place.
    A pan crosses the room that the zoom leaves.
    """
    for index in range(frames):
        yield _box(move, ease(index / max(frames - 1, 1)), source, zoom, focus)


def ease(time: float) -> float:
    """0 to 1, slow at both ends (the smoothstep polynomial)."""
    return time * time * (3 - 2 * time)


def _box(move: Move, time: float, source: Size, zoom: float, focus: Point) -> Box:
    match move:
        case "zoom-in":
            return part(source, math.exp(-math.log(zoom) * time), focus)
        case "zoom-out":
            return part(source, math.exp(-math.log(zoom) * (1 - time)), focus)
        case "pan-right":
            return part(source, 1 / zoom, Point(time, focus.y))
        case "pan-left":
            return part(source, 1 / zoom, Point(1 - time, focus.y))
        case "pan-down":
            return part(source, 1 / zoom, Point(focus.x, time))
        case "pan-up":
            return part(source, 1 / zoom, Point(focus.x, 1 - time))


def part(source: Size, share: float, at: Point) -> Box:
    """A box of `share` of each side, placed so that `at` keeps its relative place."""
    width, height = source.width * share, source.height * share
    return Box(at.x * (source.width - width), at.y * (source.height - height), width, height)


def point_of_interest(rgb: Pixels) -> Point:
    """Where the picture has its detail, drawn toward the middle: a focus that needs no model.

    The centre of gravity of the gradient's energy in a thumbnail of 96 pixels.
    """
    scale = min(1.0, 96 / max(rgb.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in rgb.shape[:2])
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (0, 0), 1.2).astype(np.float32)
    energy = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    down, across = (np.linspace(-1, 1, length, dtype=np.float32) for length in energy.shape)
    weight = energy * np.exp(-(down[:, None] ** 2 + across[None, :] ** 2))
    total = float(weight.sum())
    if total < 1e-3:
        return MIDDLE
    x, y = float((weight.sum(0) * across).sum()) / total, float((weight.sum(1) * down).sum()) / total
    return Point(0.5 + x / 2, 0.5 + y / 2)
