"""Colours: mixed in OKLab, where a mix looks like what lies between; lit in linear light, where light adds up."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from worker.models.painting.noise import Field

Colour: TypeAlias = Field
"""Linear sRGB primaries, 1.0 a white sheet in daylight; light may be brighter."""

# Ottosson, "A perceptual color space for image processing" (2020)
_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)
_FROM_LMS = np.linalg.inv(_TO_LMS).astype(np.float32)
_FROM_LAB = np.linalg.inv(_TO_LAB).astype(np.float32)


def rgb(code: str) -> Colour:
    """A colour written as on the web, `#ffcc88`."""
    return linear(np.array([int(code[at : at + 2], 16) for at in (1, 3, 5)], np.float32) / 255)


def linear(encoded: Field) -> Field:
    """sRGB 0 to 1 to linear light."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(np.float32)


def encoded(light: Field) -> Field:
    """Linear light, clipped to 0 to 1, to sRGB."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)


def to_oklab(light: Field) -> Field:
    """Linear light (..., 3) to OKLab."""
    return (np.cbrt(light @ _TO_LMS.T) @ _TO_LAB.T).astype(np.float32)


def from_oklab(lab: Field) -> Field:
    """OKLab (..., 3) to linear light, nothing below zero."""
    return np.maximum((lab @ _FROM_LAB.T) ** 3 @ _FROM_LMS.T, 0).astype(np.float32)


def mix(first: Field, second: Field, share: Field | float) -> Field:
    """Linear blend of light, `share` of the second; a share per pixel is (h, w)."""
    part = np.asarray(share, np.float32)
    part = part[..., None] if part.ndim else part
    return first + (second - first) * part


def between(first: Colour, second: Colour, share: float) -> Colour:
    """The colour that looks as if it lay between the two."""
    lab = to_oklab(first) * (1 - share) + to_oklab(second) * share
    return from_oklab(lab)


def ramp(stops: Sequence[tuple[float, Colour]], at: Field) -> Field:
    """The colours of a gradient, stops by rising place, mixed in OKLab."""
    places = np.array([place for place, _ in stops], np.float32)
    labs = to_oklab(np.stack([colour for _, colour in stops]))
    lab = np.stack([np.interp(at, places, labs[:, axis]) for axis in range(3)], axis=-1)
    return from_oklab(lab.astype(np.float32))


def per_pixel(strength: Field, colour: Colour) -> Field:
    """Light (h, w, 3) of one colour in the strength (h, w) of each pixel."""
    return np.asarray(strength[..., None] * colour, np.float32)


def smooth(low: float, high: float, value: Field) -> Field:
    """0 below low, 1 above high, a soft step between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
