"""The painter's eye: which direction each pixel looks in."""

from dataclasses import dataclass

import numpy as np

from worker.models.painting.noise import Field


@dataclass(frozen=True, slots=True)
class View:
    """A picture of `width` x `height` pixels over the world.

    The eye is at the origin and looks along +z, x to the right. Lengths on the canvas are in picture heights:
    a wider picture of the same scene shows more at its sides. `horizon` is measured from the top, `focal` is
    the distance of the canvas.
    """

    width: int
    height: int
    horizon: float
    focal: float

    @property
    def across(self) -> Field:
        """Slope to the right, x/z, of each column."""
        return ((np.arange(self.width, dtype=np.float32) + 0.5 - self.width / 2) / self.height) / self.focal

    @property
    def up(self) -> Field:
        """Slope upward, (height - eye)/z, of each row."""
        return (self.horizon - (np.arange(self.height, dtype=np.float32) + 0.5) / self.height) / self.focal

    @property
    def horizon_row(self) -> float:
        """The horizon in pixels from the top."""
        return self.horizon * self.height

    @property
    def pixel(self) -> float:
        """The slope that one pixel covers."""
        return 1 / (self.height * self.focal)

    def row_of(self, slope: Field) -> Field:
        """Where an upward slope lies, in pixels from the top."""
        return (self.horizon - slope * np.float32(self.focal)) * np.float32(self.height)

    def column_of(self, slope: Field) -> Field:
        """Where a sideward slope lies, in pixels from the left."""
        return slope * np.float32(self.focal * self.height) + np.float32(self.width / 2)
