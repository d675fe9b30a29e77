"""Water: a mirror with waves, clearer toward the feet, and the path that the sun lays on it."""

import cv2
import numpy as np

from worker.models.painting.colour import mix, per_pixel, rgb, smooth
from worker.models.painting.light import Light
from worker.models.painting.noise import Field, turned
from worker.models.painting.raycast import Mask, Sight
from worker.models.painting.stage import Stage
from worker.models.painting.surface import hazy
from worker.models.painting.terrain import Ground
from worker.models.painting.view import View
from worker.models.painting.words import Scene

_OCTAVES = 6
_HIGH = 0.05  # waves above it, in the unit of the eye's height, are no mirror


def water(stage: Stage, above: Field, wet: Mask, sight: Sight) -> Field:
    """The picture with the wet pixels replaced by what the water mirrors of the rest."""
    if not wet.any():
        return above
    scene, light = stage.scene, stage.light
    rough = _roughness(scene)
    eye, swell = stage.eye, stage.terrain.swell(sight.x, sight.z)
    slope_x, slope_z = _waves(stage, sight, rough)
    slope_x, slope_z = slope_x + swell.slope_x * np.float32(0.5), slope_z + swell.slope_z * np.float32(0.5)
    mirrored = _mirrored(above, wet, stage.view, slope_x, slope_z)
    if stage.terrain.waves > _HIGH:
        return np.where(wet[..., None], _high_sea(stage, sight, swell, (slope_x, slope_z)), above).astype(np.float32)
    steep = np.clip(np.float32(eye) / sight.depth * (1 + slope_z * 2.5), 0.0, 1.0)
    shine = 0.04 + 0.96 * (1 - steep) ** 4
    deep = _deep(scene, light) * (1 + 0.9 * np.clip(slope_z * 6, -0.4, 0.8))[..., None]
    colour = mix(deep, mirrored * np.float32(0.93), shine)
    colour += _glitter(stage, sight, slope_x, slope_z)
    if scene.ice and scene.land != "sea":
        colour = _frozen(stage, sight, colour)
    elif scene.cover == "storm" or (scene.land == "sea" and rough > 0.05):
        colour = mix(
            colour,
            light.ambient * np.float32(1.2) + light.sun * np.float32(0.15),
            _foam(stage, sight, swell.height),
        )
    return np.where(wet[..., None], colour, above).astype(np.float32)


def _high_sea(stage: Stage, sight: Sight, swell: Ground, slopes: tuple[Field, Field]) -> Field:
    """Waves too high for a mirror: each slope shows its own part of the sky, or the water's own green, or foam."""
    light, (slope_x, slope_z) = stage.light, slopes
    ray = np.dstack([sight.x, swell.height - np.float32(stage.eye), sight.z])
    ray /= np.linalg.norm(ray, axis=2, keepdims=True)
    normal = np.dstack([-slope_x, np.ones_like(slope_x), -slope_z])
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    facing = np.clip(-np.einsum("ijk,ijk->ij", ray, normal), 0, 1)
    shine = 0.03 + 0.97 * (1 - facing) ** 5  # Schlick's approximation of Fresnel's law
    up = ray[..., 1] + 2 * facing * normal[..., 1]
    sky_there = mix(light.horizon, light.zenith, smooth(0.0, 0.9, up))
    high = np.clip(0.5 + swell.height / np.float32(0.5 * stage.terrain.waves), 0, 1.4)
    murky = mix(_deep(stage.scene, light), light.ambient * np.float32(0.12), 0.4)
    own = murky * (0.35 + 1.5 * high**2)[..., None]
    colour = mix(own, sky_there * np.float32(1.1), shine)
    colour = mix(
        colour, light.ambient * np.float32(1.5) + light.sun * np.float32(0.15), _foam(stage, sight, swell.height)
    )
    return hazy(stage, colour, stage.view.across[None, :], depth=sight.depth)


def _frozen(stage: Stage, sight: Sight, mirrored: Field) -> Field:
    """Ice with drifts of snow on it, and cracks where two plates of noise meet."""
    light, noise = stage.light, stage.noise
    drift = smooth(-0.15, 0.45, noise.fbm(sight.x * 1.6, sight.z * 3.2, octaves=5, salt=36))
    bend = noise.fbm(sight.x * 4, sight.z * 4, octaves=3, salt=44) * np.float32(0.5)
    seam = np.abs(noise.value(sight.x * 1.1 + bend, sight.z * 1.9 + bend, salt=50))
    crack = smooth(0.012, 0.003, seam) * np.exp(-sight.depth * np.float32(0.5))
    received = light.ambient * np.float32(0.80) + light.sun * np.float32(0.22)
    ice = mix(mirrored * np.float32(0.75), rgb("#7fa5bd") * received, 0.40 + 0.2 * crack)
    return mix(ice, rgb("#dbe6f0") * received, 0.85 * drift + 0.35 * crack * (1 - drift))


def _roughness(scene: Scene) -> float:
    """Typical slope of the waves."""
    if scene.ice and scene.land != "sea":
        return 0.002
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


def _foam(stage: Stage, sight: Sight, swell: Field) -> Field:
    """White on the crests, torn by the wind."""
    torn = stage.noise.fbm(sight.x * 13, sight.z * 26, octaves=5, gain=0.7, salt=36)
    height = swell / np.float32(stage.terrain.waves)
    if stage.scene.cover != "storm":
        return smooth(1.0, 1.45, height + 1.1 * torn) * np.float32(0.6)
    lace = stage.noise.fbm(sight.x * 31, sight.z * 47, octaves=4, gain=0.75, salt=44)
    cover = smooth(0.70, 1.25, 1.75 * height + 1.0 * torn)
    return np.asarray(cover * np.clip(0.62 + 0.9 * lace, 0.12, 0.95), np.float32)
