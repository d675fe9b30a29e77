"""What is between the eye and the land: rain, snow, lightning and birds."""

import cv2
import numpy as np

from worker.models.painting.colour import mix, rgb
from worker.models.painting.light import Light
from worker.models.painting.noise import Field
from worker.models.painting.stage import Stage
from worker.models.painting.view import View
from worker.models.painting.words import Scene

_FINE = 16


def weather(stage: Stage, picture: Field) -> Field:
    """The picture with what falls and flies."""
    view, scene, light = stage.view, stage.scene, stage.light
    if scene.lightning:
        picture = bolt_of(picture, view, scene)
    if scene.birds:
        _birds(picture, view, scene, light)
    picture = veiled(picture, scene, light)
    if rains(scene):
        picture = _rain(picture, view, scene, light)
    if snows(scene):
        picture = _snow(picture, view, scene, light)
    return picture


def rains(scene: Scene) -> bool:
    """Whether rain falls."""
    return scene.rain or (scene.cover == "storm" and not scene.snow)


def snows(scene: Scene) -> bool:
    """Whether snow falls."""
    return scene.snowfall or (scene.cover == "storm" and scene.snow)


def veiled(picture: Field, scene: Scene, light: Light) -> Field:
    """What is left of a picture behind the falling drops or flakes that are too small to be seen."""
    if rains(scene):
        picture = mix(picture, light.horizon * np.float32(0.8), 0.10)
    if snows(scene):
        picture = mix(picture, light.horizon, 0.12)
    return picture


def bolt_of(picture: Field, view: View, scene: Scene) -> Field:
    """The picture with a flash of lightning in it."""
    chance = scene.random(5)
    bolt = np.zeros(picture.shape[:2], np.float32)
    x, y = float(chance.uniform(-0.35, 0.35)), 0.0
    _branch(bolt, view, chance, at=(x, y), end=view.horizon - 0.01, width=1.0)
    near = np.asarray(cv2.GaussianBlur(bolt, (0, 0), view.height * 0.010), np.float32)
    far = np.asarray(cv2.GaussianBlur(bolt, (0, 0), view.height * 0.07), np.float32)
    flash = bolt * 5 + near * 3 + far * 5
    return picture + flash[..., None] * rgb("#cfd8ff")


def _branch(
    bolt: Field, view: View, chance: np.random.Generator, *, at: tuple[float, float], end: float, width: float
) -> None:
    """A forking path downward; lengths in picture heights."""
    x, y = at
    drift = float(chance.uniform(-0.3, 0.3))
    while y < end:
        step = float(chance.uniform(0.006, 0.03))
        to_x, to_y = x + drift * step + float(chance.normal(0, 0.016)), min(y + step, end)
        points = [
            (round((place_x * view.height + view.width / 2) * _FINE), round(place_y * view.height * _FINE))
            for place_x, place_y in ((x, y), (to_x, to_y))
        ]
        cv2.line(bolt, points[0], points[1], width, max(1, round(width * view.height * 0.0022)), cv2.LINE_8, 4)
        x, y = to_x, to_y
        if width > 0.4 and chance.uniform() < 0.2:
            _branch(
                bolt, view, chance, at=(x, y), end=min(y + float(chance.uniform(0.05, 0.22)), end), width=width * 0.45
            )


def _birds(picture: Field, view: View, scene: Scene, light: Light) -> None:
    chance = scene.random(6)
    ink = [float(value) for value in light.ambient * np.float32(0.12)]
    middle_x, middle_y = float(chance.uniform(-0.35, 0.35)), view.horizon * float(chance.uniform(0.25, 0.5))
    for _ in range(int(chance.integers(7, 14))):
        x = (middle_x + float(chance.normal(0, 0.09))) * view.height + view.width / 2
        y = (middle_y + float(chance.normal(0, 0.035))) * view.height
        span, lift = float(chance.uniform(0.008, 0.017)) * view.height, float(chance.uniform(0.25, 0.6))
        for sign in (-1, 1):
            wing = [(x, y), (x + sign * span * 0.45, y - span * lift), (x + sign * span, y - span * lift * 0.35)]
            points = np.round(np.array(wing) * _FINE).astype(np.int32)
            cv2.polylines(
                picture,
                [points],
                isClosed=False,
                color=ink,
                thickness=max(1, round(view.height / 520)),
                lineType=cv2.LINE_8,
                shift=4,
            )


def _rain(picture: Field, view: View, scene: Scene, light: Light) -> Field:
    streaks, _ = streaks_of(view, scene)
    return mix(picture, light.horizon * np.float32(1.1) + np.float32(0.06), streaks * 0.30)


def streaks_of(view: View, scene: Scene) -> tuple[Field, float]:
    """How much falling drops cover of each pixel, 0 to 1, and how far they go aside on their way down."""
    chance = scene.random(7)
    streaks = np.zeros((view.height, view.width), np.float32)
    slant = float(chance.uniform(-0.16, 0.16))
    for _ in range(1700):
        x, y = float(chance.uniform(-1.1, 1.1)), float(chance.uniform(-0.05, 1))
        near = float(chance.uniform(0.2, 1)) ** 2
        length = 0.012 + 0.045 * near
        ends = [
            (round((at_x * view.height + view.width / 2) * _FINE), round(at_y * view.height * _FINE))
            for at_x, at_y in ((x, y), (x + slant * length, y + length))
        ]
        cv2.line(streaks, ends[0], ends[1], 0.25 + 0.5 * near, max(1, round(near * view.height / 480)), cv2.LINE_8, 4)
    return np.asarray(cv2.GaussianBlur(streaks, (0, 0), max(view.height / 1400, 0.4)), np.float32), slant


def _snow(picture: Field, view: View, scene: Scene, light: Light) -> Field:
    white = light.ambient * np.float32(0.9) + light.sun * np.float32(0.2) + np.float32(0.15)
    return mix(picture, white, flakes_of(view, scene) * 0.9)


def flakes_of(view: View, scene: Scene) -> Field:
    """How much falling flakes cover of each pixel, 0 to 1."""
    chance = scene.random(8)
    flakes = np.zeros((view.height, view.width), np.float32)
    for _ in range(2200):
        x, y = float(chance.uniform(-1.1, 1.1)), float(chance.uniform(0, 1))
        size = (0.0007 + 0.0040 * float(chance.uniform(0, 1)) ** 5) * view.height
        centre = (round((x * view.height + view.width / 2) * _FINE), round(y * view.height * _FINE))
        cv2.circle(flakes, centre, max(round(size * _FINE), 8), float(chance.uniform(0.45, 1)), -1, cv2.LINE_8, 4)
    return np.asarray(cv2.GaussianBlur(flakes, (0, 0), max(view.height / 900, 0.5)), np.float32)
