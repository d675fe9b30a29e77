"""From light to paper: glow, exposure, film curve, vignette and grain."""

import cv2
import numpy as np
from numpy.typing import NDArray

from worker.models.painting.colour import encoded
from worker.models.painting.noise import Field
from worker.models.painting.view import View
from worker.models.painting.words import Scene


def develop(picture: Field, view: View, scene: Scene) -> NDArray[np.uint8]:
    """The (h, w, 3) sRGB bytes of a picture in linear light."""
    picture = _bloomed(picture, view)
    picture = picture * np.float32(_exposure(scene))
    picture = _film(picture)
    shown = encoded(picture)
    shown = _richer(shown)
    shown *= _vignette(view)[..., None]
    shown += _grain(view, scene)[..., None]
    return np.asarray(np.clip(shown * 255 + 0.5, 0, 255), np.uint8)


def _exposure(scene: Scene) -> float:
    bright = {"day": 0.86, "golden": 0.95, "dawn": 1.0, "sunset": 1.15, "dusk": 1.35, "night": 1.55}[scene.time]
    return bright * (0.82 if scene.snow and scene.time in {"day", "golden", "dawn"} else 1.0)


def _bloomed(picture: Field, view: View) -> Field:
    """Bright things shine into their surroundings, as in an eye or a lens."""
    small = cv2.resize(
        np.maximum(picture - 0.9, 0), (max(1, view.width // 4), max(1, view.height // 4)), interpolation=cv2.INTER_AREA
    )
    glow = np.zeros_like(picture)
    for spread, weight in ((0.006, 0.22), (0.022, 0.14), (0.075, 0.10)):
        soft = cv2.GaussianBlur(small, (0, 0), max(spread * view.height / 4, 0.6))
        glow += np.asarray(
            cv2.resize(soft, (view.width, view.height), interpolation=cv2.INTER_LINEAR), np.float32
        ) * np.float32(weight)
    return picture + glow


def _film(light: Field) -> Field:
    """A filmic curve: after Narkowicz, "ACES filmic tone mapping curve" (2015), a little softer."""
    light = light * np.float32(0.72)
    return light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14)


def _richer(shown: Field) -> Field:
    grey = shown @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    return np.clip(grey[..., None] + (shown - grey[..., None]) * np.float32(1.10), 0, 1)


def _vignette(view: View) -> Field:
    across = (np.arange(view.width, dtype=np.float32) + 0.5) / view.width * 2 - 1
    down = (np.arange(view.height, dtype=np.float32) + 0.5) / view.height * 2 - 1
    away = across[None, :] ** 2 + down[:, None] ** 2
    return (1 - 0.13 * np.clip(away - 0.35, 0, 2)).astype(np.float32)


def _grain(view: View, scene: Scene) -> Field:
    """Fine noise that also hides the steps of 8-bit gradients; per pixel, the one thing that is not of the scene."""
    chance = scene.random(9)
    return chance.normal(0, 0.0045, (view.height, view.width)).astype(np.float32)
