"""Rain and snow that fall, and lightning that strikes, over the luma of a film's frames."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from worker.models.film.geometry import Size
from worker.models.film.planes import Planes
from worker.models.painting.finish import develop
from worker.models.painting.scenery import Bytes
from worker.models.painting.stage import Stage
from worker.models.painting.view import View
from worker.models.painting.weather import bolt_of, flakes_of, rains, snows, streaks_of

_STRIKES = ((0.9, 0.09, 1.0), (1.05, 0.16, 0.7))
"""When lightning strikes in each interval, how long it shines, in seconds, and how brightly."""
_INTERVAL = 3.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A tile of drops that comes round again: how much each pixel is covered, and its way in heights a second."""

    cover: Bytes
    down: float
    across: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Falling:
    """What falls before everything else, in one shade."""

    sheets: tuple[Sheet, ...]
    shade: int
    flash: Bytes | None

    @classmethod
    def of(cls, stage: Stage, size: Size) -> Self:
        """The weather of a scene, for frames of that size."""
        view = View(size.width, size.height, stage.view.horizon, stage.view.focal)
        sheets: tuple[Sheet, ...] = ()
        light = stage.light.horizon * np.float32(1.1) + np.float32(0.06)
        if rains(stage.scene):
            cover, slant = streaks_of(view, stage.scene)
            sheets = tuple(
                Sheet(cover=_bytes(cover * share), down=speed, across=slant * speed)
                for share, speed in ((0.22, 1.9), (0.14, 1.25))
            )
        if snows(stage.scene):
            light = stage.light.ambient * np.float32(0.9) + stage.light.sun * np.float32(0.2) + np.float32(0.15)
            sheets += tuple(
                Sheet(cover=_bytes(flakes_of(view, stage.scene) * share), down=speed, across=drift)
                for share, speed, drift in ((0.75, 0.16, 0.03), (0.45, 0.10, -0.015))
            )
        shade = int(
            Planes.from_rgb(develop(np.full((2, 2, 3), light, np.float32), _spot(view), stage.scene)).luma[0, 0]
        )
        flash = None
        if stage.scene.lightning:
            dark = np.zeros((size.height, size.width, 3), np.float32)
            flash = Planes.from_rgb(develop(bolt_of(dark, view, stage.scene), view, stage.scene)).luma - np.uint8(16)
        return cls(sheets=sheets, shade=shade, flash=flash)

    def over(self, luma: Bytes, seconds: float) -> None:
        """Draw the weather of that moment."""
        if self.flash is not None and (strength := _strength(seconds)) > 0:
            np.copyto(luma, cv2.add(luma, cv2.convertScaleAbs(self.flash, alpha=strength)))
        for place, sheet in enumerate(self.sheets):
            moved = self._moved(sheet, seconds + 7.3 * place)
            below = cv2.multiply(luma, 255 - moved, scale=1 / 255)
            np.copyto(luma, cv2.add(below, cv2.convertScaleAbs(moved, alpha=self.shade / 255)))

    def _moved(self, sheet: Sheet, seconds: float) -> Bytes:
        height = sheet.cover.shape[0]
        down, across = round(sheet.down * seconds * height), round(sheet.across * seconds * height)
        return np.roll(sheet.cover, (down, across), (0, 1))


def _strength(seconds: float) -> float:
    since = seconds % _INTERVAL
    return max((shine for begin, lasts, shine in _STRIKES if begin <= since < begin + lasts), default=0.0)


def _spot(view: View) -> View:
    return View(2, 2, view.horizon, view.focal)


def _bytes(share: np.ndarray) -> Bytes:
    return np.asarray(np.clip(share * 255 + 0.5, 0, 255), np.uint8)
