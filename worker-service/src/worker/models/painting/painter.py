"""The order of the work: sky, land, what stands on it, water, weather, and the finish."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from worker.models.painting import city, flora
from worker.models.painting.finish import develop
from worker.models.painting.flora import Tree
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A picture of the land and what stands on it, but for the near trees and the weather.

    `sight` is what each pixel sees of the ground, `wet` where that is water; `far` are the trees in the picture, `near`
    those that are not yet.
    """

    picture: Field
    sight: Sight
    wet: Mask
    far: list[Tree]
    near: list[Tree]


def paint(scene: Scene, *, width: int, height: int, progress: Callable[[float, str], None]) -> NDArray[np.uint8]:
    """The scene as (height, width, 3) sRGB bytes. Calls `progress` between the steps; it may raise to stop."""
    stage = Stage.of(scene, width=round(width * FINER), height=round(height * FINER))
    behind = sky(stage)
    progress(0.2, "Laying out the land")
    laid = lay(stage, behind, progress)
    for tree in laid.near:
        flora.plant(laid.picture, tree, sun_left=stage.light.across < 0)
    progress(0.85, "Weather and finish")
    picture = weather(stage, laid.picture)
    reduced = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    return develop(reduced, View(width, height, stage.view.horizon, stage.view.focal), scene)


def lay(stage: Stage, behind: Field, progress: Callable[[float, str], None]) -> Laid:
    """Put the land before the sky `behind`, far trees and the town on it, and water before them, which mirrors all.

    Near trees hide the mirror; they are planted afterwards.
    """
    sight = look(stage.view, stage.terrain)
    ground = stage.terrain.at(sight.x, sight.z, octaves=10)
    progress(0.4, "Lighting it")
    picture = np.where(sight.land[..., None], lit(stage, sight, ground), behind)
    progress(0.65, "Filling it with life")
    wet = sight.land & (ground.height <= 0) & stage.terrain.wet
    if stage.scene.land == "city":
        city.build(stage, picture)
        wet &= sight.depth < city.SHORE
    trees = flora.grow(stage, sight)
    far = [tree for tree in trees if tree.depth > NEAR_SHORE]
    for tree in far:
        flora.plant(picture, tree, sun_left=stage.light.across < 0)
    picture = water(stage, picture, wet, sight)
    return Laid(picture=picture, sight=sight, wet=wet, far=far, near=trees[len(far) :])
