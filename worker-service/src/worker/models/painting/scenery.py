"""A scene in the pieces that move apart when the eye travels: sky, clouds, land, and the trees close by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from worker.models.painting import city, flora
from worker.models.painting.colour import mix
from worker.models.painting.finish import develop
from worker.models.painting.flora import Tree
from worker.models.painting.noise import Field
from worker.models.painting.painter import Laid, lay
from worker.models.painting.sky import clear_sky, down_to_the_foot, rows_of_sky, sheets_of_cloud
from worker.models.painting.stage import Stage
from worker.models.painting.view import View
from worker.models.painting.weather import veiled
from worker.models.painting.words import Scene

Bytes = NDArray[np.uint8]

FINER = 1.3
"""Less than a still picture: what moves hides its edges."""
_NEAREST = (0.9, 1.5)
"""Near trees are parted into groups at these depths: each group moves as one board."""
_CITY_DEPTH = city.SHORE + 1.4
_BANKS = 0.30
"""1/depth of banks before water, at most."""
_MIRRORED = 0.07
"""1/depth of what water mirrors: the image of a far thing moves as the thing does, not as the water before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Colours (h, w, 3) with the share of each pixel (h, w) that they cover, 0 to 255."""

    colour: Bytes
    cover: Bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Trees that stand about equally far away."""

    piece: Piece
    depth: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenery:
    """The pieces, far to near, all as large as the picture. `nearness` is 1/depth of the land, and above it that of its
    skyline; `wet` is how much of a pixel is water, 0 to 1."""

    stage: Stage
    sky: Bytes
    clouds: Piece
    land: Piece
    nearness: Field
    wet: Field
    boards: Sequence[Board]


def scenery(scene: Scene, *, width: int, height: int, progress: Callable[[float, str], None]) -> Scenery:
    """Paint the pieces. Calls `progress` between the steps; it may raise to stop."""
    stage = Stage.of(scene, width=round(width * FINER), height=round(height * FINER))
    paper = _Paper(stage, width, height)
    clear = down_to_the_foot(clear_sky(stage), stage.view)
    colour, cover = _all_clouds(stage)
    progress(0.2, "Laying out the land")
    laid = lay(stage, mix(clear, colour, cover), progress)
    nearness, solid = _nearness(stage, laid)
    boards = [paper.board(trees) for trees in _groups(laid.near, middle=stage.view.width / 2)]
    progress(0.9, "Developing the pieces")
    return Scenery(
        stage=Stage.of(scene, width=width, height=height),
        sky=paper.developed(clear),
        clouds=Piece(colour=paper.developed(colour), cover=paper.share(cover)),
        land=Piece(colour=paper.developed(laid.picture), cover=paper.share(solid)),
        nearness=paper.reduced(nearness),
        wet=paper.reduced(laid.wet.astype(np.float32)),
        boards=boards,
    )


class _Paper:
    """Brings pieces to the size of the picture, and from light to bytes."""

    def __init__(self, stage: Stage, width: int, height: int) -> None:
        self._stage = stage
        self._size = (width, height)
        self._view = View(width, height, stage.view.horizon, stage.view.focal)

    def reduced(self, field: Field) -> Field:
        return np.asarray(cv2.resize(field, self._size, interpolation=cv2.INTER_AREA), np.float32)

    def share(self, field: Field) -> Bytes:
        return np.asarray(np.clip(self.reduced(field) * 255 + 0.5, 0, 255), np.uint8)

    def developed(self, light: Field) -> Bytes:
        seen = veiled(light, self._stage.scene, self._stage.light)
        return develop(self.reduced(seen), self._view, self._stage.scene)

    def board(self, trees: Sequence[Tree]) -> Board:
        """The trees alone; what is not tree takes the colour of the tree next to it, so that edges have no rim."""
        canvas = np.full((self._stage.view.height, self._stage.view.width, 3), -1, np.float32)
        for tree in trees:
            flora.plant(canvas, tree, sun_left=self._stage.light.across < 0)
        solid = (canvas[..., 0] >= 0).astype(np.float32)
        held = self.reduced(canvas * solid[..., None])
        share = self.reduced(solid)
        colour = veiled(held / np.maximum(share, 1e-3)[..., None], self._stage.scene, self._stage.light)
        depth = float(np.mean([tree.depth for tree in trees]))
        piece = Piece(
            colour=develop(colour, self._view, self._stage.scene), cover=np.asarray(share * 255 + 0.5, np.uint8)
        )
        return Board(piece=piece, depth=depth)


def _all_clouds(stage: Stage) -> tuple[Field, Field]:
    """Both sheets as one: colour, and cover, down to the foot of the picture."""
    rows = rows_of_sky(stage.view)
    held: Field = np.zeros((rows, stage.view.width, 3), np.float32)
    clear: Field = np.ones((rows, stage.view.width), np.float32)
    for colour, cover in sheets_of_cloud(stage):
        held = held * (1 - cover[..., None]) + colour * cover[..., None]
        clear = clear * (1 - cover)
    whole = 1 - clear
    dyed = (held / np.maximum(whole, 1e-3)[..., None]).astype(np.float32)
    foot = np.zeros((stage.view.height - rows, stage.view.width), np.float32)
    return down_to_the_foot(dyed, stage.view), np.concatenate([whole, foot]).astype(np.float32)


def _nearness(stage: Stage, laid: Laid) -> tuple[Field, Field]:
    """1/depth of each pixel and whether there is anything but sky; found by drawing depth instead of colour."""
    view, sight = stage.view, laid.sight
    near = np.where(sight.land, 1 / sight.depth, 0).astype(np.float32)
    near = np.where(laid.wet & (stage.terrain.waves < stage.eye / 4), np.float32(_MIRRORED), near)
    if stage.terrain.wet:  # banks before the water: faster, they would drag it with them
        near = np.minimum(near, np.float32(_BANKS))
    canvas = np.repeat(near[..., None], 3, axis=2)
    if stage.scene.land == "city":
        marked = np.full_like(canvas, -1)
        city.build(stage, marked)
        houses = (marked[..., 0] >= 0) & ~laid.wet
        canvas[houses] = 1 / _CITY_DEPTH
    for tree in laid.far:
        flat = np.full(3, 1 / tree.depth, np.float32)
        flora.plant(canvas, replace(tree, dark=flat, bright=flat, bark=flat), sun_left=False)
    near = np.where(laid.wet, near, canvas[..., 0])
    solid = near > 0
    top = np.minimum(solid.argmax(0), view.height - 1)
    skyline = near[np.minimum(top + 2, view.height - 1), np.arange(view.width)]
    return np.where(solid, near, skyline[None, :]).astype(np.float32), solid.astype(np.float32)


def _groups(trees: Sequence[Tree], *, middle: float) -> list[list[Tree]]:
    """Far to near, those to the left and to the right each on their own, so that no group is wide."""
    near, nearer = _NEAREST
    parts = (
        [tree for tree in trees if least < tree.depth <= most and (tree.x < middle) is left]
        for least, most in ((nearer, np.inf), (near, nearer), (0, near))
        for left in (True, False)
    )
    return [part for part in parts if part]
