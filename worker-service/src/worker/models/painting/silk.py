"""Cloth of light: waves that bend waves, folded, and lit like silk.

The bending is the domain warping of Quilez, "Domain warping" (2002); the sheen is that of threads, after Kajiya and
Kay, "Rendering fur with three dimensional textures" (1989). Lengths are in picture heights from the middle, so that a
picture keeps its composition at every size, and a wider one shows more at its sides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from worker.models.painting.colour import Colour, encoded, from_oklab, mix, smooth, to_oklab
from worker.models.painting.noise import Field
from worker.models.painting.palette import palette
from worker.models.painting.words import entropy_of, forms_of, plain_words

_WAVES = 7
_DEEP = 0.13  # how high the folds stand, in picture heights
_CALM = "calm peace zen meditation quiet serene slow ambient soft gentle sleep dream silence"
_WILD = "wild storm energy chaos electric fast dance jazz rock passion fire rage techno party"


@dataclass(frozen=True, slots=True, kw_only=True)
class Swell:
    """Smooth randomness of about unit height: plane waves of random directions (a Gaussian field, nearly).

    Unlike noise on a lattice it has all its derivatives, and silk shows each of them as a glint.
    """

    across: Field
    down: Field
    phase: Field

    @classmethod
    def of(cls, chance: np.random.Generator, *, per_height: float) -> Self:
        """Waves of about so many to a picture's height."""
        angle = chance.uniform(0, 2 * np.pi, _WAVES)
        speed = 2 * np.pi * per_height * chance.uniform(0.45, 1.35, _WAVES)
        return cls(across=speed * np.cos(angle), down=speed * np.sin(angle), phase=chance.uniform(0, 2 * np.pi, _WAVES))

    def at(self, x: Field, y: Field) -> Field:
        """The height at those points."""
        total = np.zeros_like(x)
        for across, down, phase in zip(self.across, self.down, self.phase, strict=True):
            total += np.sin(x * np.float32(across) + y * np.float32(down) + np.float32(phase))
        return total * np.float32(np.sqrt(2 / _WAVES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloth:
    """How this piece falls: its folds run at `angle`, are so many to a height, and are bent by so much."""

    angle: float
    folds: float
    bent: float
    swells: tuple[Swell, ...]

    @classmethod
    def of(cls, prompt: str, chance: np.random.Generator) -> Self:
        """Calm words make few wide folds, wild ones many."""
        words = {form for word in plain_words(prompt).split() for form in forms_of(word)}
        mood = 0.0 if words & {*_CALM.split()} else 1.0 if words & {*_WILD.split()} else 0.5
        return cls(
            angle=float(chance.uniform(-1.1, 1.1)),
            folds=1.4 + 0.8 * mood + float(chance.uniform(-0.2, 0.2)),
            bent=0.20 + 0.09 * mood + float(chance.uniform(-0.03, 0.03)),
            swells=tuple(Swell.of(chance, per_height=size) for size in (0.42, 0.42, 0.9, 0.9, 0.5, 0.7)),
        )


def weave(
    prompt: str, *, seed: int, width: int, height: int, progress: Callable[[float, str], None]
) -> NDArray[np.uint8]:
    """A (height, width, 3) sRGB picture. Calls `progress` between the steps; it may raise to stop."""
    entropy = entropy_of(prompt, seed=seed)
    chance = np.random.default_rng((entropy, 20))
    cloth, (stops, accent) = Cloth.of(prompt, chance), palette(prompt, chance)
    x, y = _places(width, height)
    progress(0.1, "Laying out the cloth")
    across, bend = _bent(cloth, x, y)
    progress(0.45, "Folding it")
    fold = _folded(cloth, across, bend)
    progress(0.65, "Dyeing and lighting it")
    picture = _lit(_dyed(stops, accent, across, bend), stops[2], fold, height=height)
    progress(0.85, "Finishing")
    return _finished(picture, x, y, np.random.default_rng((entropy, 21)))


def _places(width: int, height: int) -> tuple[Field, Field]:
    across = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / height
    down = (np.arange(height, dtype=np.float32) + 0.5) / height - np.float32(0.5)
    x, y = np.meshgrid(across, down)
    return x.astype(np.float32), y.astype(np.float32)


def _bent(cloth: Cloth, x: Field, y: Field) -> tuple[Field, Field]:
    """How far across the folds each point lies after all bending, and how high the cloth swells there."""
    first, second, third, fourth, swell, _ = cloth.swells
    bent = np.float32(cloth.bent)
    moved_x, moved_y = x + bent * first.at(x, y), y + bent * second.at(x, y)
    again_x = moved_x + bent * np.float32(0.42) * third.at(moved_x, moved_y)
    again_y = moved_y + bent * np.float32(0.42) * fourth.at(moved_x, moved_y)
    across = np.float32(np.cos(cloth.angle)) * again_y - np.float32(np.sin(cloth.angle)) * again_x
    return across, swell.at(again_x, again_y)


def _folded(cloth: Cloth, across: Field, bend: Field) -> Field:
    """The height of the cloth: wide folds, and narrower ones that come and go on them."""
    phase = np.float32(2 * np.pi * cloth.folds) * across + np.float32(0.8) * bend
    narrow = np.float32(0.5) + np.float32(0.5) * np.sin(np.float32(0.37) * phase + bend)
    height = np.sin(phase) + np.float32(0.34) * narrow * np.sin(np.float32(2.3) * phase + np.float32(1.7) * bend)
    return np.asarray(height + np.float32(0.10) * narrow * np.sin(np.float32(5.1) * phase - 2 * bend), np.float32)


def _dyed(stops: list[Colour], accent: Colour, across: Field, bend: Field) -> Field:
    """The colour of the cloth at each point, in OKLab."""
    place = np.clip(0.5 + 0.30 * np.sin(across * np.float32(3.4) + bend) + 0.16 * bend, 0, 1)
    labs = to_oklab(np.stack(stops))
    at = np.linspace(0, 1, len(stops), dtype=np.float32)
    dye = np.stack([np.interp(place, at, labs[:, axis]) for axis in range(3)], axis=-1).astype(np.float32)
    touch = smooth(0.975, 1.0, np.sin(across * np.float32(3.4) + bend + 2.4)) * np.float32(0.75)
    return mix(dye, to_oklab(accent)[None, None, :], touch)


def _lit(dye: Field, deep: Colour, fold: Field, *, height: int) -> Field:
    """Light from the upper left; threads shine along a line across them, not at a point.

    Shade takes on the hue of the cloth's own depth: a plain darker colour would look like dust.
    """
    slope_y, slope_x = np.gradient(fold * np.float32(_DEEP), 1 / height)
    long = np.sqrt(slope_x * slope_x + slope_y * slope_y + 1)
    facing = (0.55 + 0.45 * (0.47 * slope_x + 0.60 * slope_y + 0.65) / long) ** 2
    light = np.cbrt(0.07 + 1.02 * facing).astype(np.float32)
    own = to_oklab(deep)[None, None, :]
    shaded = mix(
        dye, own * (dye[..., :1] / max(float(own[..., 0].max()), 0.05)) ** 0.6, np.clip(1.5 * (0.96 - light), 0, 0.85)
    )
    shaded[..., 0] *= light
    shaded[..., 1:] *= np.sqrt(light)[..., None]
    colour = from_oklab(shaded)
    thread = slope_y / np.sqrt(1 + slope_y * slope_y)
    sheen = np.exp(-(((thread - 0.28) / 0.20) ** 2)) * facing
    return np.asarray(colour + (0.04 + 0.5 * colour) * (0.6 * sheen)[..., None], np.float32)


def _finished(picture: Field, x: Field, y: Field, chance: np.random.Generator) -> NDArray[np.uint8]:
    height = picture.shape[0]
    glow = cv2.GaussianBlur(np.maximum(picture - 0.75, 0), (0, 0), max(height * 0.02, 0.6))
    picture = picture + np.asarray(glow, np.float32) * np.float32(0.35)
    edge = 1 - 0.22 * smooth(0.45, 1.15, np.hypot(x, y))
    shown = encoded(picture * edge[..., None] / (1 + 0.12 * picture))
    shown += chance.normal(0, 0.004, picture.shape[:2]).astype(np.float32)[..., None]
    return np.asarray(np.clip(shown * 255 + 0.5, 0, 255), np.uint8)
