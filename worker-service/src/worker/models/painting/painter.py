"""The order of the work: sky, land, what stands on it, water, weather, and the finish."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from worker.models.painting import city, flora
from worker.models.painting.finish import develop
from worker.models.painting.noise import Field
from worker.models.painting.raycast import Mask, Sight, look
from worker.models.painting.sky import sky
from worker.models.painting.stage import Stage
from worker.models.painting.surface import lit
from worker.models.painting.view import View
from worker.models.painting.water import water
from worker.models.painting.weather import weather
from worker.models.painting.words import Scene

NEAR_SHORE = 2.2
FINER = 1.5
"""Painted this much larger and then reduced: crests and branches get soft edges."""


def paint(scene: Scene, *, width: int, height: int, progress: Callable[[float, str], None]) -> NDArray[np.uint8]:
    """The scene as (height, width, 3) sRGB bytes. Calls `progress` between the steps; it may raise to stop."""
    stage = Stage.of(scene, width=round(width * FINER), height=round(height * FINER))
    picture = sky(stage)
    progress(0.2, "Laying out the land")
    sight = look(stage.view, stage.terrain)
    ground = stage.terrain.at(sight.x, sight.z, octaves=10)
    progress(0.4, "Lighting it")
    picture = np.where(sight.land[..., None], lit(stage, sight, ground), picture)
    progress(0.65, "Filling it with life")
    wet = sight.land & (ground.height <= 0) & stage.terrain.wet
    if scene.land == "city":
        city.build(stage, picture)
        wet &= sight.depth < city.SHORE
    picture = _planted(stage, picture, wet, sight)
    progress(0.85, "Weather and finish")
    picture = weather(stage, picture)
    reduced = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    return develop(reduced, View(width, height, stage.view.horizon, stage.view.focal), scene)


def _planted(stage: Stage, picture: Field, wet: Mask, sight: Sight) -> Field:
    """Trees and water: what stands on the far shore is mirrored, what stands on the near one hides the mirror."""
    sun_left = stage.light.across < 0
    trees = flora.grow(stage, sight)
    far = [tree for tree in trees if tree.depth > NEAR_SHORE]
    for tree in far:
        flora.plant(picture, tree, sun_left=sun_left)
    picture = water(stage, picture, wet, sight)
    for tree in trees[len(far) :]:
        flora.plant(picture, tree, sun_left=sun_left)
    return picture
