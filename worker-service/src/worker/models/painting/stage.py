"""All that the parts of a painting share."""

from dataclasses import dataclass
from typing import Self

from worker.models.painting.light import Light, light_of
from worker.models.painting.noise import Noise
from worker.models.painting.terrain import Terrain
from worker.models.painting.view import View
from worker.models.painting.words import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A scene with its light and its land, and the view that is painted of it."""

    scene: Scene
    view: View
    light: Light
    noise: Noise
    terrain: Terrain

    @classmethod
    def of(cls, scene: Scene, *, width: int, height: int) -> Self:
        """Set a scene for a picture of that many pixels."""
        light, noise = light_of(scene), Noise(scene.entropy % 2**32)
        terrain = Terrain(scene, light, noise)
        view = View(width, height, terrain.lie.horizon, terrain.lie.focal)
        return cls(scene=scene, view=view, light=light, noise=noise, terrain=terrain)

    @property
    def eye(self) -> float:
        """How high the eye is above the water."""
        return self.terrain.lie.eye
