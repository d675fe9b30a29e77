"""The ground of each kind of land, as heights over world coordinates."""

from dataclasses import dataclass

import cv2
import numpy as np

from worker.models.painting.colour import smooth
from worker.models.painting.light import Light
from worker.models.painting.noise import Field, Noise
from worker.models.painting.words import Land, Scene

NEAR, FAR = 0.22, 60.0
"""How far the ground reaches, in the unit in which the eye is some tenths above it."""
_LAKE_BED = 0.12  # below the water
_STEP = np.float32(0.004)  # over which the slope of a shore is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Heights with their slopes at some points; sea level is 0."""

    height: Field
    slope_x: Field
    slope_z: Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """How a kind of land lies before the eye."""

    eye: float
    horizon: float
    focal: float


LIES: dict[Land, Lie] = {
    "mountains": Lie(eye=0.26, horizon=0.64, focal=1.15),
    "hills": Lie(eye=0.34, horizon=0.52, focal=1.15),
    "dunes": Lie(eye=0.30, horizon=0.50, focal=1.1),
    "sea": Lie(eye=0.16, horizon=0.60, focal=1.0),
    "forest": Lie(eye=0.36, horizon=0.56, focal=1.2),
    "city": Lie(eye=0.14, horizon=0.68, focal=1.1),
    "canyon": Lie(eye=0.30, horizon=0.60, focal=1.1),
}
_STORMY_SEA = Lie(eye=0.34, horizon=0.50, focal=1.0)  # above its waves


class Terrain:
    """The land of one scene."""

    def __init__(self, scene: Scene, light: Light, noise: Noise) -> None:
        self._scene = scene
        self._light = light
        self._noise = noise
        self.lie = _STORMY_SEA if scene.land == "sea" and scene.cover == "storm" else LIES[scene.land]
        self.wet = scene.water or scene.land in {"sea", "city"}

    def at(self, x: Field, z: Field, *, octaves: int = 9) -> Ground:
        """The ground at the points; fewer octaves give the same land with less detail."""
        match self._scene.land:
            case "mountains":
                ground = self._mountains(x, z, octaves)
            case "hills" | "forest":
                ground = self._hills(x, z, octaves)
            case "dunes":
                ground = self._dunes(x, z, octaves)
            case "canyon":
                ground = self._mesas(x, z, octaves)
            case "sea" | "city":
                ground = self._coast(x, z, octaves)
        return self._flooded(ground, x, z)

    def _mountains(self, x: Field, z: Field, octaves: int) -> Ground:
        relief, slope_x, slope_z = self._noise.relief(x * 0.42, z * 0.42, octaves=octaves, erosion=0.9)
        fold, fold_x, fold_z = self._noise.at(x * 0.17, z * 0.17, salt=11)
        crest = np.maximum(1 - np.sqrt(fold * fold + np.float32(0.012)), 0)
        across = x / z
        gap = smooth(0.02, 0.40, np.abs(across - np.float32(self._light.across)))
        rise = smooth(1.8, 6.5, z) * (0.42 + 0.58 * gap)
        tall = rise * (0.55 + 0.44 * np.minimum(z, 15.0) + 0.12 * np.maximum(z - 15.0, 0)) + np.float32(0.10)
        peaked = crest * np.sqrt(crest)
        spur, spur_x, spur_z = self._noise.relief(x * 1.1, z * 1.1, octaves=max(1, octaves - 2), erosion=0.6, salt=8)
        body = peaked * (0.34 + 0.46 * relief) + 0.10 * relief + 0.050 * spur
        bend = -1.5 * np.sqrt(crest) * fold / (1 - crest) * (0.34 + 0.46 * relief) * np.float32(0.17)
        share = (peaked * 0.46 + 0.10) * np.float32(0.42)
        return Ground(
            height=(body * tall).astype(np.float32),
            slope_x=((bend * fold_x + share * slope_x + 0.055 * spur_x) * tall).astype(np.float32),
            slope_z=((bend * fold_z + share * slope_z + 0.055 * spur_z) * tall).astype(np.float32),
        )

    def _hills(self, x: Field, z: Field, octaves: int) -> Ground:
        relief, slope_x, slope_z = self._noise.relief(x * 0.30, z * 0.36, octaves=min(octaves, 4), erosion=0.5, salt=4)
        fine, fine_x, fine_z = self._noise.relief(x * 5, z * 5, octaves=max(1, octaves - 4), erosion=0.3, salt=10)
        tall = 0.16 + 0.055 * np.minimum(z, 14.0)
        return Ground(
            height=relief * tall + fine * np.float32(0.010),
            slope_x=slope_x * tall * np.float32(0.30) + fine_x * np.float32(0.05),
            slope_z=slope_z * tall * np.float32(0.36) + fine_z * np.float32(0.05),
        )

    def _dunes(self, x: Field, z: Field, octaves: int) -> Ground:
        bend, bend_x, bend_z = self._noise.relief(x * 0.22, z * 0.22, octaves=3, erosion=0.2, salt=3)
        phase = x * 0.52 + z * 0.40 + bend * 1.9
        step = phase - np.floor(phase)
        crest = np.float32(0.68)  # the lee side is shorter and steeper than the windward side
        rising = step < crest
        share = np.where(rising, step / crest, (1 - step) / (1 - crest))
        profile = share * share * (3 - 2 * share)
        change = 6 * share * (1 - share) * np.where(rising, 1 / crest, -1 / (1 - crest))
        tall = (0.26 + 0.085 * np.minimum(z, 14.0)) * (0.75 + 0.45 * self._noise.value(x * 0.13, z * 0.13, salt=7))
        ripple = np.float32(0.0022) * np.sin(x * 46 + z * 30 + bend * 22) * np.clip(2.2 - z, 0, 1)
        fine, fine_x, fine_z = self._noise.relief(
            x * 3, z * 3, octaves=max(1, min(octaves - 3, 4)), erosion=0.3, salt=12
        )
        return Ground(
            height=((profile - 0.45) * tall + ripple + fine * 0.008).astype(np.float32),
            slope_x=(change * tall * (0.52 + 1.9 * 0.22 * bend_x) + fine_x * 0.024).astype(np.float32),
            slope_z=(change * tall * (0.40 + 1.9 * 0.22 * bend_z) + fine_z * 0.024).astype(np.float32),
        )

    def _mesas(self, x: Field, z: Field, octaves: int) -> Ground:
        relief, slope_x, slope_z = self._noise.relief(x * 0.30, z * 0.30, octaves=octaves, erosion=0.4, salt=5)
        rise = smooth(2.0, 5.0, z) * (0.5 + 0.5 * smooth(0.0, 0.5, np.abs(x / z - np.float32(self._light.across))))
        shape = relief + 0.05
        low, high = smooth(0.10, 0.17, shape), smooth(0.36, 0.42, shape)
        steep = (shape > 0.10) & (shape < 0.17) | (shape > 0.36) & (shape < 0.42)
        tall = rise * (0.8 + 0.04 * np.minimum(z, 20))
        factor = np.where(steep, 3.5, 0.35) * tall * np.float32(0.3)
        return Ground(
            height=((low * 0.55 + high * 0.45) * tall + shape * 0.10).astype(np.float32),
            slope_x=(slope_x * (factor + 0.05)).astype(np.float32),
            slope_z=(slope_z * (factor + 0.05)).astype(np.float32),
        )

    def _coast(self, x: Field, z: Field, octaves: int) -> Ground:
        """Water all over, with a far headland on the side away from the sun."""
        relief, slope_x, slope_z = self._noise.relief(x * 0.42, z * 0.42, octaves=octaves, erosion=0.8, salt=6)
        side = np.float32(-np.sign(self._light.across) or 1.0)
        across = side * x / z
        near = smooth(5.0, 7.5, z) * smooth(26.0, 18.0, z)
        tall = near * smooth(0.02, 0.75, across) * (1.5 if self._scene.land == "sea" else 0.0)
        return Ground(
            height=((relief * 0.45 + 0.42) * tall - 0.10 * (1 - np.clip(tall * 3, 0, 1))).astype(np.float32),
            slope_x=(slope_x * 0.19 * tall).astype(np.float32),
            slope_z=(slope_z * 0.19 * tall).astype(np.float32),
        )

    def _flooded(self, ground: Ground, x: Field, z: Field) -> Ground:
        """Lower the ground where the scene has a lake; in a wet land, water is wherever the ground is below zero."""
        if not self._scene.water or self._scene.land in {"sea", "city"}:
            return ground
        if self._scene.land == "mountains":
            ground = self._with_drifts(ground, x, z)
        inside = self._lake(x, z)
        aside, ahead = (self._lake(x + _STEP, z) - inside) / _STEP, (self._lake(x, z + _STEP) - inside) / _STEP
        drop = ground.height + np.float32(_LAKE_BED)
        return Ground(
            height=(ground.height - inside * drop).astype(np.float32),
            slope_x=(ground.slope_x * (1 - inside) - aside * drop).astype(np.float32),
            slope_z=(ground.slope_z * (1 - inside) - ahead * drop).astype(np.float32),
        )

    def _with_drifts(self, ground: Ground, x: Field, z: Field) -> Ground:
        """Humps of earth or snow close by, where the mountains' own relief is too wide to be seen."""
        hump, hump_x, hump_z = self._noise.relief(x * 2.6, z * 2.6, octaves=5, erosion=0.5, salt=35)
        tall = np.float32(0.09) * smooth(2.6, 1.4, z)
        return Ground(
            height=ground.height + hump * tall,
            slope_x=ground.slope_x + hump_x * tall * np.float32(2.6),
            slope_z=ground.slope_z + hump_z * tall * np.float32(2.6),
        )

    def _lake(self, x: Field, z: Field) -> Field:
        """The share of lake in each point, 0 to 1."""
        shore = self._noise.value(x * 0.5, z * 0.5, salt=33) * 0.5
        if self._scene.land == "mountains":
            return np.asarray(smooth(7.5, 4.4, z + shore) * (1 - self._banks(x, z)), np.float32)
        return np.asarray(
            smooth(1.1, 1.4, z + shore * 0.5)
            * smooth(4.2, 3.2, z + shore)
            * smooth(0.95, 0.45, np.abs(x / z) + 0.2 * shore),
            np.float32,
        )

    def _banks(self, x: Field, z: Field) -> Field:
        """Spits of land that frame the view: their shores run away from the eye and outward, in and out."""
        bay = self._noise.value(x * 1.7, z * 1.7, salt=33)
        cove = self._noise.value(x * 5.3, z * 5.3, salt=34)
        out = np.abs(x / z) - 0.24 * z + 0.16 * bay + 0.07 * cove
        return np.asarray(smooth(0.04, 0.56, out) * smooth(2.5, 1.3, z + 0.3 * bay), np.float32)

    @property
    def waves(self) -> float:
        """How high the long waves of open water are."""
        if self._scene.cover == "storm":
            return 0.26 if self._scene.land == "sea" else 0.036
        return 0.008

    def swell(self, x: Field, z: Field) -> Ground:
        """The long waves of open water: heights about 0, with sharp crests, running toward the eye."""
        if self._scene.land != "sea":
            still = np.zeros_like(x)
            return Ground(height=still, slope_x=still, slope_z=still)
        tall, wide = np.float32(self.waves), np.float32(0.42 if self._scene.cover == "storm" else 1.0)
        height, slope_x, slope_z = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
        for octave, share in enumerate((1.0, 0.55, 0.3, 0.16)):
            scale = wide * np.float32(1.9**octave)
            lean = np.float32(0.25 * (octave - 1))
            value, across, along = self._noise.at(
                (x * 1.3 + z * lean) * scale, (z * 3.6 - x * lean) * scale, salt=56 + octave
            )
            crest = 1 - np.sqrt(value * value + np.float32(0.004))
            turn = -value / (1 - crest) * np.float32(share)
            height += np.float32(share) * (crest - 0.55)
            slope_x += turn * scale * (across * np.float32(1.3) - along * lean)
            slope_z += turn * scale * (along * np.float32(3.6) + across * lean)
        fade = np.float32(1) / (1 + (z / 14) ** 2)  # beyond, waves are smaller than a pixel
        return Ground(height=height * tall * fade, slope_x=slope_x * tall * fade, slope_z=slope_z * tall * fade)

    def shadow(self, x: Field, z: Field) -> Field:
        """How much of the sun reaches each point, 0 to 1: a march toward it over a coarse map of the land."""
        side, depth = 320, 420
        reach = np.float32(22.0)
        map_x, map_z = np.meshgrid(
            np.linspace(-reach, reach, side, dtype=np.float32), np.linspace(0.2, reach * 1.3, depth, dtype=np.float32)
        )
        height = self.at(map_x, map_z, octaves=5).height
        ahead_x, rise, ahead_z = self._light.direction
        length = float(np.hypot(ahead_x, ahead_z))
        cell_x, cell_z = 2 * reach / (side - 1), (reach * 1.3 - 0.2) / (depth - 1)
        lit = np.ones_like(height)
        for step in range(1, 33):
            distance = 0.05 * step * (1 + step * 0.06)
            moved = np.array(
                [[1, 0, ahead_x / length * distance / cell_x], [0, 1, ahead_z / length * distance / cell_z]]
            )
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            there = cv2.warpAffine(height, moved, (side, depth), flags=flags, borderMode=cv2.BORDER_REPLICATE)
            clearance = height + np.float32(rise / length * distance) - np.asarray(there, np.float32)
            lit = np.minimum(lit, np.clip(0.5 + clearance / (0.06 + 0.05 * distance), 0, 1))
        sampled = cv2.remap(
            lit,
            ((x + reach) / np.float32(cell_x)).astype(np.float32),
            ((z - 0.2) / np.float32(cell_z)).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(sampled, np.float32)
