"""What the ground is made of, and how the light falls on it and fades with distance."""

import numpy as np

from worker.models.painting.colour import between, mix, rgb, smooth
from worker.models.painting.noise import Field, Noise
from worker.models.painting.raycast import Sight
from worker.models.painting.sky import air
from worker.models.painting.stage import Stage
from worker.models.painting.terrain import Ground
from worker.models.painting.words import Scene


def lit(stage: Stage, sight: Sight, ground: Ground) -> Field:
    """The light (h, w, 3) that comes from the ground in each pixel, air included."""
    light = stage.light
    normal = _normal(ground)
    albedo = _albedo(stage.scene, ground, normal, sight, stage.noise)
    sun = np.array(light.direction, np.float32)
    sun /= np.linalg.norm(sun)
    facing = normal @ sun
    shadow = stage.terrain.shadow(sight.x, sight.z)
    direct = np.clip(facing, 0, 1) * shadow
    open_sky = 0.55 + 0.45 * normal[..., 1]
    bounce = np.clip(-facing, 0, 1) * 0.10
    received = (
        light.sun * direct[..., None] + light.ambient * (open_sky * 0.85)[..., None] + light.low * bounce[..., None]
    )
    return hazy(stage, albedo * received, stage.view.across[None, :], depth=sight.depth, height=ground.height)


def hazy(stage: Stage, seen: Field, across: Field, *, depth: Field, height: Field | float = 0.0) -> Field:
    """What is left of it after the air in between, and the light that the air adds; thicker near the ground."""
    scene, light = stage.scene, stage.light
    veil = air(light, np.broadcast_to(across, depth.shape), np.full(depth.shape, 0.085, np.float32))
    thick = 0.055 * light.haze * np.exp(-np.maximum(height, 0) * (0.9 if scene.fog else 0.55))
    through = np.exp(-np.maximum(depth - 0.7, 0) * thick.astype(np.float32))
    if scene.land in {"mountains", "hills", "forest", "canyon"}:  # morning mist lies in the valleys
        mist = np.exp(-np.maximum(height, 0) * 9.0) * smooth(3.0, 11, depth) * min(0.34 * light.haze, 0.85)
        through = through * (1 - mist)
    return mix(veil * np.float32(0.97), seen, through)


def _normal(ground: Ground) -> Field:
    normal = np.dstack([-ground.slope_x, np.ones_like(ground.height), -ground.slope_z])
    return np.asarray(normal / np.linalg.norm(normal, axis=2, keepdims=True), np.float32)


def _albedo(scene: Scene, ground: Ground, normal: Field, sight: Sight, noise: Noise) -> Field:
    flat = normal[..., 1]
    patch = noise.fbm(sight.x * 1.7, sight.z * 1.7, octaves=6, salt=14)
    grain = noise.fbm(sight.x * 23, sight.z * 23, octaves=4, gain=0.65, salt=17)
    match scene.land:
        case "dunes":
            base = mix(rgb("#cf9558"), rgb("#dfae74"), smooth(-0.6, 0.6, patch))
        case "canyon":
            layer = noise.value(ground.height * 14 + patch * 0.8, np.full_like(patch, 0.5), salt=19)
            base = mix(rgb("#9c4a2c"), rgb("#d08b5a"), smooth(-0.5, 0.5, layer))
            base = mix(base, rgb("#8c7a52"), smooth(0.93, 0.99, flat) * smooth(0.25, 0.05, ground.height))
        case _:
            base = _earth(scene, ground.height, flat, patch, grain)
    base = base * (1 + (0.05 if scene.land == "dunes" else 0.16) * grain)[..., None]
    if scene.snow or (scene.land == "mountains" and not scene.autumn):
        line = -0.6 if scene.snow else 0.95
        cover = smooth(line, line + 0.5, ground.height + patch * 0.3) * smooth(0.60, 0.80, flat + patch * 0.06)
        base = mix(base, rgb("#e2e8f2"), cover * (0.93 + 0.07 * grain))
    return base.astype(np.float32)


def _earth(scene: Scene, height: Field, flat: Field, patch: Field, grain: Field) -> Field:
    rock = mix(rgb("#57504c"), rgb("#8a7f76"), smooth(-0.5, 0.6, patch + grain * 0.5))
    if scene.autumn:
        plants = mix(rgb("#8f3d16"), rgb("#c98a22"), smooth(-0.4, 0.4, patch + 0.3 * grain))
    elif scene.land == "hills":
        plants = mix(rgb("#33551f"), rgb("#6f7f35"), smooth(-0.6, 0.6, patch + 0.25 * grain))
    else:
        plants = mix(rgb("#22381f"), rgb("#4a5f2c"), smooth(-0.5, 0.5, patch + 0.3 * grain))
    if scene.blossom:
        plants = mix(plants, rgb("#e49ab5"), smooth(0.15, 0.5, patch + grain * 0.8) * 0.7)
    growing = smooth(0.62, 0.86, flat + 0.10 * patch)
    if scene.land in {"mountains", "sea"}:
        growing = growing * smooth(1.0, 0.35, height + 0.25 * patch)
    return (
        mix(rock, between(rgb("#6b5a42"), rgb("#57504c"), 0.4), 0.25 * smooth(0.7, 0.9, flat))
        * (1 - growing[..., None])
        + plants * growing[..., None]
    )
