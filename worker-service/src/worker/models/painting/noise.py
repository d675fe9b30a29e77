"""Smooth randomness with slopes, from one tile that repeats: the clay that everything is made of."""

import math
from functools import lru_cache
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Field: TypeAlias = NDArray[np.floating[Any]]
"""Any array of numbers; 32-bit floats throughout, as far as NumPy's stubs can tell."""

CELLS = 128
"""Cells of the tile before it repeats; turned and scaled octaves hide the repetition."""

_SAMPLES = 8  # a cell; values between samples are linear
_TURN = math.radians(36.87)  # between octaves, the 3-4-5 triangle: lattices never line up again


class Noise:
    """Value noise in -1 to 1 with its slopes, the same for the same seed everywhere."""

    def __init__(self, seed: int) -> None:
        self._tile = _tile(seed)
        self._random = np.random.default_rng(seed)
        self._offsets = self._random.uniform(0, CELLS, (64, 2)).astype(np.float32)

    def at(self, x: Field, y: Field, *, salt: int = 0) -> tuple[Field, Field, Field]:
        """Value and slopes (d/dx, d/dy) at the points; `salt` picks an independent field."""
        dx, dy = self._offsets[salt % len(self._offsets)]
        columns, rows = _wrapped(x, dx), _wrapped(y, dy)
        sampled = cv2.remap(self._tile, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        planes = np.asarray(sampled, np.float32).reshape(*x.shape, 3)
        return planes[..., 0], planes[..., 1], planes[..., 2]

    def value(self, x: Field, y: Field, *, salt: int = 0) -> Field:
        """The value alone."""
        return self.at(x, y, salt=salt)[0]

    def fbm(self, x: Field, y: Field, *, octaves: int, gain: float = 0.5, salt: int = 0) -> Field:
        """Fractal sum of octaves, about -1 to 1."""
        total, weight, height = np.zeros_like(x), 1.0, 0.0
        for octave in range(octaves):
            total += np.float32(weight) * self.value(x, y, salt=salt + octave)
            height += weight
            weight *= gain
            x, y = turned(x, y, 2.03)
        return total / np.float32(height)

    def relief(
        self, x: Field, y: Field, *, octaves: int, salt: int = 0, erosion: float = 1.0
    ) -> tuple[Field, Field, Field]:
        """Ground, about -1 to 1, with its slopes (without those of the erosion itself, which do not show).

        With erosion, octaves count less where the ground is already steep, which carves valleys and keeps
        crests: after Quilez, "Value noise derivatives" (2008). Without, it is a plain fractal sum.
        """
        total, slope_x, slope_y = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
        steep_x, steep_y = np.zeros_like(x), np.zeros_like(x)
        weight, angle = 1.0, 0.0
        for octave in range(octaves):
            value, across, along = self.at(x, y, salt=salt + octave)
            cosine, sine = np.float32(math.cos(angle)), np.float32(math.sin(angle))
            east, north = cosine * across + sine * along, cosine * along - sine * across
            steep_x += east
            steep_y += north
            share = np.float32(1) / (1 + np.float32(erosion) * (steep_x * steep_x + steep_y * steep_y))
            total += np.float32(weight) * value * share
            slope_x += east * share  # weight and frequency cancel: each octave is half as high and twice as dense
            slope_y += north * share
            weight *= 0.5
            angle += _TURN
            x, y = turned(x, y, 2.0)
        return total, slope_x, slope_y


def turned(x: Field, y: Field, scale: float) -> tuple[Field, Field]:
    """The coordinates of the next octave."""
    cosine, sine = np.float32(math.cos(_TURN) * scale), np.float32(math.sin(_TURN) * scale)
    return cosine * x - sine * y, sine * x + cosine * y


def _wrapped(place: Field, offset: float) -> Field:
    """Where in the tile a coordinate falls, in samples; a floor is several times faster than a remainder."""
    turns = (place + np.float32(offset)) * np.float32(1 / CELLS)
    turns -= np.floor(turns)
    turns *= np.float32(CELLS * _SAMPLES)
    return np.ascontiguousarray(turns, np.float32)


@lru_cache(maxsize=4)
def _tile(seed: int) -> NDArray[np.float32]:
    """(n, n, 3): value, d/dx, d/dy, where n is CELLS times samples; repeats at its edges."""
    lattice = np.random.default_rng(seed).uniform(-1, 1, (CELLS, CELLS)).astype(np.float32)
    margin = 4
    padded = np.pad(lattice, margin, mode="wrap")
    size = padded.shape[0] * _SAMPLES
    # sample i of the result lies at lattice coordinate i / _SAMPLES: a resize would shift by half a sample
    shift = np.array([[1 / _SAMPLES, 0, 0], [0, 1 / _SAMPLES, 0]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    fine = np.asarray(cv2.warpAffine(padded, shift, (size, size), flags=flags), np.float32)
    fine = np.asarray(cv2.GaussianBlur(fine, (0, 0), _SAMPLES * 0.3), np.float32)
    slope_y, slope_x = np.gradient(fine, 1 / _SAMPLES)
    whole = np.dstack([fine, slope_x, slope_y]).astype(np.float32)
    begin = margin * _SAMPLES
    return np.ascontiguousarray(whole[begin : begin + CELLS * _SAMPLES, begin : begin + CELLS * _SAMPLES])
