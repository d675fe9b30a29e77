"""A skyline across the water, with its windows lit when it is dark enough."""

from dataclasses import dataclass

import cv2
import numpy as np

from worker.models.painting.colour import Colour, mix, rgb
from worker.models.painting.light import Light
from worker.models.painting.noise import Field
from worker.models.painting.stage import Stage
from worker.models.painting.surface import hazy

SHORE = 4.6
"""Depth at which the town begins."""

_FINE = 16
_ROWS = ((9.5, 90, 1.35), (7.0, 70, 1.1), (5.4, 60, 0.75), (SHORE, 64, 0.34))
"""Depth, number and size of houses, far to near."""
_LAMPS = ("#ffd58a", "#ffc46b", "#fff0cf", "#bfe3ff")


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A building on the canvas, in pixels; `floor` is the height of a storey."""

    left: float
    right: float
    top: float
    foot: float
    floor: float
    spire: float


def build(stage: Stage, canvas: Field) -> None:
    """Draw the town on the canvas."""
    scene = stage.scene
    chance = scene.random(4)
    lamps = {"night": 0.55, "dusk": 0.5, "sunset": 0.30, "dawn": 0.16}.get(scene.time, 0.03)
    if scene.cover in {"storm", "overcast"}:
        lamps = max(lamps, 0.3)
    for depth, number, size in _ROWS:
        for _ in range(number):
            house = _house(stage, chance, depth, size)
            wall = _wall(stage, chance, depth, house)
            _raise(canvas, house, wall, stage.light)
            _windows(canvas, house, chance, lamps * chance.uniform(0.3, 1.4), depth)


def _house(stage: Stage, chance: np.random.Generator, depth: float, size: float) -> House:
    view = stage.view
    across = chance.uniform(-1.25, 1.25)
    centre = np.exp(-((across / 0.42) ** 2))
    tall = size * (0.22 + 0.95 * centre * chance.uniform(0.15, 1.0) + 0.25 * chance.uniform(0, 1) ** 3)
    wide = size * chance.uniform(0.10, 0.24) * (0.7 if tall > size * 0.7 else 1.0)
    scale = view.focal * view.height / depth
    foot = view.horizon_row + stage.eye * scale
    left = across * view.focal * view.height + view.width / 2
    spire = tall * chance.uniform(0.12, 0.3) if tall > size * 0.75 and chance.uniform() < 0.4 else 0.0
    return House(
        left=left,
        right=left + wide * scale,
        top=foot - tall * scale,
        foot=foot,
        floor=0.026 * scale,
        spire=spire * scale,
    )


def _wall(stage: Stage, chance: np.random.Generator, depth: float, house: House) -> Colour:
    view, light = stage.view, stage.light
    tone = mix(rgb("#3a4150"), rgb("#8d8f94"), float(chance.uniform(0, 1)))
    seen = tone * (light.ambient * np.float32(0.75) + light.sun * np.float32(0.10))
    across = np.array([[(house.left - view.width / 2) / (view.focal * view.height)]], np.float32)
    depths = np.array([[depth * 1.25]], np.float32)
    return hazy(stage, seen[None, None, :], across, depth=depths).reshape(3)


def _raise(canvas: Field, house: House, wall: Colour, light: Light) -> None:
    _block(canvas, wall, left=house.left, top=house.top, right=house.right, foot=house.foot)
    side = house.left + (house.right - house.left) * (0.22 if light.across < 0 else 0.78)
    bright = wall * np.float32(1.25) + light.sun * np.float32(0.02)
    edges = (house.left, side) if light.across < 0 else (side, house.right)
    _block(canvas, bright, left=edges[0], top=house.top, right=edges[1], foot=house.foot)
    if house.spire:
        middle, thin = (house.left + house.right) / 2, max((house.right - house.left) * 0.03, 0.5)
        _block(canvas, wall, left=middle - thin, top=house.top - house.spire, right=middle + thin, foot=house.top)


def _windows(canvas: Field, house: House, chance: np.random.Generator, share: float, depth: float) -> None:
    rows, columns = int((house.foot - house.top) / house.floor) - 1, int((house.right - house.left) / house.floor) - 1
    lit = chance.uniform(0, 1, (64, 32)) < share  # drawn whole, so that a smaller picture has the same lights
    shade = chance.uniform(0.35, 1.3, (64, 32))
    lamp = rgb(_LAMPS[int(chance.integers(len(_LAMPS)))]) * np.float32(1.3 if depth < 8 else 0.9)
    gap = ((house.right - house.left) - columns * house.floor) / 2
    for row in range(min(rows, 64)):
        for column in range(min(columns, 32)):
            if lit[row, column]:
                left, top = house.left + gap + column * house.floor, house.top + (row + 0.7) * house.floor
                right, foot = left + house.floor * 0.62, top + house.floor * 0.55
                shine = lamp * np.float32(shade[row, column])
                _block(canvas, shine, left=left + house.floor * 0.19, top=top, right=right, foot=foot)


def _block(canvas: Field, colour: Field, *, left: float, top: float, right: float, foot: float) -> None:
    corners = np.array([(left, top), (right, top), (right, foot), (left, foot)])
    points = np.round(corners * _FINE).astype(np.int32)
    cv2.fillPoly(canvas, [points], [float(value) for value in colour], cv2.LINE_8, 4)
