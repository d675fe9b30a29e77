"""Trees: pines and broad crowns, each grown from its own numbers, standing where the ground carries them."""

from dataclasses import dataclass

import cv2
import numpy as np

from worker.models.painting.colour import Colour, between, rgb
from worker.models.painting.noise import Field
from worker.models.painting.raycast import Sight
from worker.models.painting.stage import Stage
from worker.models.painting.surface import hazy
from worker.models.painting.view import View
from worker.models.painting.words import Scene

_FINE = 16  # OpenCV takes fixed-point corners: sixteenths of a pixel


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """One tree on the canvas: pixels, and light."""

    x: float
    foot: float
    tall: float
    depth: float
    dark: Colour
    bright: Colour
    bark: Colour
    broad: bool
    entropy: int


def grow(stage: Stage, sight: Sight) -> list[Tree]:
    """The scene's trees, far to near, without those that land hides."""
    view, scene, terrain = stage.view, stage.scene, stage.terrain
    number, broad = _stand(scene)
    if not number:
        return []
    chance = scene.random(3)
    across = chance.uniform(-1.25, 1.25, number).astype(np.float32)
    depth = np.exp(chance.uniform(np.log(0.55), np.log(9.0), number)).astype(np.float32)
    size = chance.uniform(0.55, 1.3, number)
    entropy = chance.integers(2**31, size=number)
    x = across * depth
    ground = terrain.at(x, depth, octaves=8)
    steep = np.hypot(ground.slope_x, ground.slope_z)
    wood = stage.noise.fbm(x * 0.8, depth * 0.8, octaves=3, salt=30)
    keep = (ground.height > 0.012) & (steep < 0.9) & (wood > _clearing(scene, across)) & (ground.height < 0.95)
    edge = 0.52 + chance.uniform(-0.14, 0.14, number)
    keep &= (depth > 1.6) | (np.abs(across) > edge)  # near ones frame the view, they do not block it
    foot = view.row_of((ground.height - np.float32(stage.eye)) / depth)
    tall = size * np.where(depth < 1.6, 1.35, 1.0) * (0.15 if not broad else 0.085) / depth * view.focal * view.height
    dark, bright = _foliage(stage, across, depth, ground.height, chance)
    columns = view.column_of(across)
    trees = []
    for index in np.argsort(-depth):
        tree = Tree(
            x=float(columns[index]),
            foot=float(foot[index]),
            tall=float(tall[index]),
            depth=float(depth[index]),
            dark=dark[index],
            bright=bright[index],
            bark=dark[index] * np.float32(0.6),
            broad=broad,
            entropy=int(entropy[index]),
        )
        if keep[index] and _seen(view, sight, tree):
            trees.append(tree)
    return trees


def plant(canvas: Field, tree: Tree, *, sun_left: bool) -> None:
    """Draw one tree on the canvas."""
    chance = np.random.default_rng(tree.entropy)
    if tree.broad:
        _crown(canvas, tree, chance, sun_left=sun_left)
    else:
        _pine(canvas, tree, chance, sun_left=sun_left)


def _stand(scene: Scene) -> tuple[int, bool]:
    """How many places to try, and whether the trees have crowns."""
    broad = scene.autumn or scene.blossom
    match scene.land:
        case "forest":
            return 5200, broad
        case "mountains":
            return 1500, False
        case "hills":
            return 420, True
        case _:
            return 0, False


def _clearing(scene: Scene, across: Field) -> Field:
    """Where trees keep away: the more, the nearer to the middle, so that the view stays open."""
    if scene.land == "forest":
        return np.asarray(0.5 * np.exp(-((across / 0.16) ** 2)) - 0.45, np.float32)
    return (0.22 if scene.land == "hills" else 0.10) - 0.42 * np.abs(across)


def _seen(view: View, sight: Sight, tree: Tree) -> bool:
    if not (-tree.tall < tree.x < view.width + tree.tall) or tree.tall < 1.0:
        return False
    row = int(np.clip(tree.foot - 1, 0, view.height - 1))
    if tree.foot >= view.height:
        return tree.foot - tree.tall < view.height
    return bool(sight.depth[row, int(np.clip(tree.x, 0, view.width - 1))] > tree.depth * 0.9)


def _foliage(
    stage: Stage, across: Field, depth: Field, height: Field, chance: np.random.Generator
) -> tuple[Field, Field]:
    scene, light = stage.scene, stage.light
    share = chance.uniform(0, 1, len(across)).astype(np.float32)
    if scene.autumn:
        leaf = np.stack([between(rgb("#7a2e10"), rgb("#d9981e"), float(part)) for part in share])
    elif scene.blossom:
        leaf = np.stack([between(rgb("#d98aa8"), rgb("#f3c3d2"), float(part)) for part in share])
    else:
        leaf = np.stack([between(rgb("#16281c"), rgb("#2f4a26"), float(part)) for part in share])
    if scene.snow:
        leaf = leaf * np.float32(0.75) + rgb("#dfe8f2") * np.float32(0.10)
    tip = leaf * np.float32(0.8) + rgb("#e6edf5") * np.float32(0.2) if scene.snow else leaf
    dark = leaf * (light.ambient * np.float32(0.75))
    bright = tip * (light.ambient * np.float32(0.9) + light.sun * np.float32(0.9))
    lit = [
        hazy(stage, colour[:, None, :], across[:, None], depth=depth[:, None], height=height[:, None])[:, 0]
        for colour in (dark, bright)
    ]
    return lit[0], lit[1]


def _pine(canvas: Field, tree: Tree, chance: np.random.Generator, *, sun_left: bool) -> None:
    tiers = int(np.clip(tree.tall / 5, 3, 13))
    wide = tree.tall * chance.uniform(0.17, 0.23)
    top = tree.foot - tree.tall
    sides: list[list[tuple[float, float]]] = [[], []]
    for side, sign in enumerate((-1, 1)):
        for tier in range(tiers):
            low, inner = (tier + 1) / tiers, (tier + 0.55) / tiers
            reach = wide * low**0.85 * chance.uniform(0.75, 1.12)
            sides[side].append(
                (tree.x + sign * reach, top + tree.tall * 0.93 * low + chance.uniform(0, 0.02) * tree.tall)
            )
            sides[side].append((tree.x + sign * reach * 0.50, top + tree.tall * 0.93 * (inner + 0.40 / tiers)))
    trunk = max(tree.tall * 0.014, 0.4)
    stem = [(tree.x - trunk, tree.foot), (tree.x + trunk, tree.foot)]
    outline = [
        (tree.x, top),
        *sides[1],
        (tree.x + trunk, tree.foot - tree.tall * 0.06),
        stem[1],
        stem[0],
        *reversed(sides[0]),
    ]
    _fill(canvas, outline, tree.dark)
    lit_side = sides[0 if sun_left else 1]
    _fill(
        canvas,
        [(tree.x, top), *lit_side, (tree.x, tree.foot - tree.tall * 0.07)],
        tree.dark * 0.45 + tree.bright * 0.55,
    )


def _crown(canvas: Field, tree: Tree, chance: np.random.Generator, *, sun_left: bool) -> None:
    radius = tree.tall * 0.42
    middle = tree.foot - tree.tall * 0.62
    trunk = max(tree.tall * 0.035, 0.4)
    stem = [
        (tree.x - trunk, tree.foot),
        (tree.x + trunk, tree.foot),
        (tree.x + trunk * 0.6, middle),
        (tree.x - trunk * 0.6, middle),
    ]
    _fill(canvas, stem, tree.bark)
    leaves = int(np.clip(tree.tall * 3, 12, 420))
    toward = -0.5 if sun_left else 0.5
    for place in range(leaves):
        angle, out = chance.uniform(0, 2 * np.pi), np.sqrt(chance.uniform(0, 1)) * (1 - 0.25 * place / leaves)
        right, up = float(np.cos(angle) * out), float(np.sin(angle) * out)
        share = (
            np.clip(0.45 + 0.5 * up + 0.4 * right * np.sign(toward) + chance.uniform(-0.25, 0.25), 0, 1)
            * (place / leaves) ** 0.6
        )
        centre = (round((tree.x + right * radius) * _FINE), round((middle - up * radius * 0.85) * _FINE))
        size = max(round(radius * chance.uniform(0.05, 0.15) * (1.9 - place / leaves) * _FINE), _FINE // 2)
        colour = tree.dark + (tree.bright - tree.dark) * np.float32(share)
        cv2.circle(canvas, centre, size, [float(value) for value in colour], -1, cv2.LINE_8, 4)


def _fill(canvas: Field, corners: list[tuple[float, float]], colour: Field) -> None:
    points = np.round(np.array(corners) * _FINE).astype(np.int32)
    cv2.fillPoly(canvas, [points], [float(value) for value in colour], cv2.LINE_8, 4)
