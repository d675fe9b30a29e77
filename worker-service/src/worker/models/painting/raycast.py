"""Which ground each pixel sees: all columns at once, one step of depth after the other.

The idea is that of the height-field engines of the early nineties: walk away from the eye and keep, for each
column, how high the land has reached so far; only what rises above that is seen.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from worker.models.painting.noise import Field
from worker.models.painting.terrain import FAR, NEAR, Terrain
from worker.models.painting.view import View

Mask: TypeAlias = NDArray[np.bool_]
Steps: TypeAlias = NDArray[np.int32]

STEPS = 620


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """For each pixel: whether land or water is seen there, how far away, and its place on the ground."""

    land: Mask
    depth: Field
    x: Field
    z: Field


def look(view: View, terrain: Terrain) -> Sight:
    """What the view shows of the terrain; water lies about height 0."""
    depths = np.geomspace(NEAR, FAR, STEPS).astype(np.float32)
    z = np.broadcast_to(depths[:, None], (STEPS, view.width))
    x = (view.across[None, :] * z).astype(np.float32)
    height = terrain.at(x, z, octaves=8).height
    if terrain.wet:
        height = np.where(height > 0, height, terrain.swell(x, z).height)
    rows = view.row_of((height - np.float32(terrain.lie.eye)) / z)
    reached = np.minimum.accumulate(rows, axis=0)
    step = _first_steps(reached, view)
    return _placed(view, depths, rows, step)


def _first_steps(reached: Field, view: View) -> Steps:
    """The nearest step that covers each pixel; STEPS where there is only sky."""
    seen = np.full((view.height + 1, view.width), STEPS, np.int32)
    top = np.clip(np.floor(reached), 0, view.height).astype(np.int32)
    columns = np.arange(view.width)
    for step in range(STEPS - 1, -1, -1):  # far to near, so that the nearest one stays
        seen[top[step], columns] = step
    return np.minimum.accumulate(seen, axis=0)[: view.height]


def _placed(view: View, depths: Field, rows: Field, step: Steps) -> Sight:
    """Depth between the two steps that the pixel's middle lies between."""
    land = step < STEPS
    here = np.minimum(step, STEPS - 1)
    before = np.maximum(here - 1, 0)
    columns = np.arange(view.width)[None, :]
    low, high = rows[before, columns], rows[here, columns]
    middle = np.arange(view.height, dtype=np.float32)[:, None] + 0.5
    share = np.clip((low - middle) / np.maximum(low - high, 1e-3), 0, 1)
    depth = depths[before] + (depths[here] - depths[before]) * share
    return Sight(land=land, depth=depth, x=(depth * view.across[None, :]).astype(np.float32), z=depth)
