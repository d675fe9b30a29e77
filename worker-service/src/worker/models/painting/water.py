"""Water: a mirror with waves, clearer toward the feet, and the path that the sun lays on it."""

import cv2
import numpy as np

from worker.models.painting.colour import mix, per_pixel, rgb, smooth
from worker.models.painting.light import Light
from worker.models.painting.noise import Field, Noise, turned
from worker.models.painting.raycast import Mask, Sight
from worker.models.painting.stage import Stage
from worker.models.painting.view import View
from worker.models.painting.words import Scene

_OCTAVES = 6


def water(stage: Stage, above: Field, wet: Mask, sight: Sight) -> Field:
    """The picture with the wet pixels replaced by what the water mirrors of the rest."""
    if not wet.any():
        return above
    scene, light, noise = stage.scene, stage.light, stage.noise
    rough = _roughness(scene)
    eye, swell = stage.eye, stage.terrain.swell(sight.x, sight.z)
    slope_x, slope_z = _waves(stage, sight, rough)
    slope_x, slope_z = slope_x + swell.slope_x * np.float32(0.5), slope_z + swell.slope_z * np.float32(0.5)
    mirrored = _mirrored(above, wet, stage.view, slope_x, slope_z)
    steep = np.clip(np.float32(eye) / sight.depth * (1 + slope_z * 2.5), 0.0, 1.0)
    shine = 0.04 + 0.96 * (1 - steep) ** 4
    deep = _deep(scene, light) * (1 + 0.9 * np.clip(slope_z * 6, -0.4, 0.8))[..., None]
    colour = mix(deep, mirrored * np.float32(0.93), shine)
    colour += _glitter(stage, sight, slope_x, slope_z)
    if scene.cover == "storm" or (scene.land == "sea" and rough > 0.05):
        colour = mix(
            colour,
            light.ambient * np.float32(1.2) + light.sun * np.float32(0.15),
            _foam(sight, noise, scene, swell.height),
        )
    return np.where(wet[..., None], colour, above).astype(np.float32)


def _roughness(scene: Scene) -> float:
    """Typical slope of the waves."""
    if scene.cover == "storm":
        return 0.06
    if scene.land == "sea":
        return 0.045
    return 0.016


def _waves(stage: Stage, sight: Sight, rough: float) -> tuple[Field, Field]:
    """Slopes of the surface. Waves smaller than a pixel are left out: they would only sparkle at random."""
    footprint = sight.depth * sight.depth * np.float32(stage.view.pixel / stage.eye)
    x, z = sight.x * 3.0, sight.z * 7.0
    frequency, weight = 7.0, 1.0
    slope_x, slope_z = np.zeros_like(x), np.zeros_like(x)
    for octave in range(_OCTAVES):
        _, across, along = stage.noise.at(x, z, salt=24 + octave)
        seen = np.exp(-((footprint * np.float32(frequency * 0.55)) ** 2)) * np.float32(weight)
        slope_x += across * seen
        slope_z += along * seen
        x, z = turned(x, z, 1.9)
        frequency *= 1.9
        weight *= 0.82
    return slope_x * np.float32(rough * 0.55), slope_z * np.float32(rough)


def _mirrored(above: Field, wet: Mask, view: View, slope_x: Field, slope_z: Field) -> Field:
    """The picture folded over at each column's far shore; a slope of the water turns the view by twice as much."""
    any_wet = wet.any(0)
    first = np.where(any_wet, wet.argmax(0), view.horizon_row).astype(np.float32)
    shore = np.asarray(cv2.GaussianBlur(first[None, :], (0, 0), max(view.height / 90, 0.8)), np.float32)
    rows = np.arange(view.height, dtype=np.float32)[:, None] + np.zeros((1, view.width), np.float32)
    columns = np.arange(view.width, dtype=np.float32)[None, :] + np.zeros((view.height, 1), np.float32)
    scale = np.float32(2 * view.focal * view.height)
    source_row = 2 * shore - rows - slope_z * scale
    source_row = np.where(source_row > shore - 1, 2 * (shore - 1) - source_row, source_row)
    source_column = columns + slope_x * scale
    border = cv2.BORDER_REFLECT_101
    folded = cv2.remap(
        above, source_column, np.maximum(source_row, 0).astype(np.float32), cv2.INTER_LINEAR, borderMode=border
    )
    return np.asarray(folded, np.float32)


def _deep(scene: Scene, light: Light) -> Field:
    body = rgb("#0f4a58") if scene.land == "sea" else rgb("#16394a")
    return (body * (light.ambient * np.float32(1.1) + light.sun * np.float32(0.10))).astype(np.float32)


def _glitter(stage: Stage, sight: Sight, slope_x: Field, slope_z: Field) -> Field:
    """Where the waves turn the sun's image to the eye."""
    light, eye = stage.light, stage.eye
    if not light.disc:
        return np.zeros((*slope_x.shape, 3), np.float32)
    up = np.float32(eye) / sight.depth + slope_z * 2.4
    across = stage.view.across[None, :] + slope_x * 1.6 - np.float32(light.across)
    away_up = (up - np.float32(light.up)) / 0.10
    width = 0.030 + 0.10 * np.float32(eye) / sight.depth
    strength = np.exp(-((across / width) ** 2) - np.clip(away_up, -3, 3) ** 2 * 0.55)
    colour = light.sun / max(float(light.sun.max()), 1e-3)
    return per_pixel(strength * (1.5 if light.stars < 0.5 else 0.55), colour)


def _foam(sight: Sight, noise: Noise, scene: Scene, swell: Field) -> Field:
    """White on the crests, torn by the wind."""
    torn = noise.fbm(sight.x * 13, sight.z * 26, octaves=5, gain=0.7, salt=36)
    wild = scene.cover == "storm"
    crest = swell / np.float32(0.036 if wild else 0.008) + 1.1 * torn
    low = 0.72 if wild else 1.0
    return smooth(low, low + 0.45, crest) * np.float32(0.85 if wild else 0.6)
