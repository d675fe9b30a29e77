"""Sizes, boxes and the shape of a film."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Resolution: TypeAlias = Literal["480p", "720p", "1080p"]
AspectRatio: TypeAlias = Literal["original", "16:9", "9:16", "1:1", "4:3"]

SHORT_SIDE: dict[Resolution, int] = {"480p": 480, "720p": 720, "1080p": 1080}
RATIOS: dict[AspectRatio, float] = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0, "4:3": 4 / 3}

WIDEST = 3.0
"""Longer and narrower pictures are cropped to this ratio: beyond it a film is a line on every screen."""


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in whole pixels."""

    width: int
    height: int

    @property
    def ratio(self) -> float:
        """Width over height."""
        return self.width / self.height

    @property
    def pixels(self) -> int:
        """How many pixels there are in all."""
        return self.width * self.height

    def scaled(self, factor: float) -> "Size":
        """The nearest even size that is `factor` times as large."""
        return Size(_even(self.width * factor), _even(self.height * factor))


@dataclass(frozen=True, slots=True)
class Point:
    """A place in a picture, each coordinate 0 to 1 from the top left."""

    x: float
    y: float


MIDDLE = Point(0.5, 0.5)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; edges may lie between samples."""

    left: float
    top: float
    width: float
    height: float


def film_size(picture: Size, *, aspect: AspectRatio, resolution: Resolution) -> Size:
    """The output's size, both sides even.

    "720p" fits into 1280x720 (upright: 720x1280) and touches it: up to 16:9 the short side is 720, wider films
    are 1280 long. "original" keeps the picture's shape up to 3:1.
    """
    ratio = RATIOS.get(aspect, picture.ratio)
    return screen_size(min(max(ratio, 1 / WIDEST), WIDEST), resolution=resolution)


def screen_size(ratio: float, *, resolution: Resolution) -> Size:
    """The even size of that shape and resolution."""
    short = SHORT_SIDE[resolution]
    longest = short * 16 / 9
    stretch = max(ratio, 1 / ratio)
    long, narrow = (short * stretch, short) if stretch <= 16 / 9 else (longest, longest / stretch)
    return Size(_even(long), _even(narrow)) if ratio >= 1 else Size(_even(narrow), _even(long))


def crop_to(picture: Size, ratio: float, *, around: Point = MIDDLE) -> Box:
    """The largest box of that ratio inside the picture, as near to `around` as its edges allow."""
    if picture.ratio > ratio:
        width, height = picture.height * ratio, float(picture.height)
    else:
        width, height = float(picture.width), picture.width / ratio
    return Box(
        left=_inside(around.x * picture.width - width / 2, picture.width - width),
        top=_inside(around.y * picture.height - height / 2, picture.height - height),
        width=width,
        height=height,
    )


def within(point: Point, box: Box, picture: Size) -> Point:
    """The same place, measured in the box instead of in the picture."""
    return Point(
        _inside((point.x * picture.width - box.left) / box.width, 1.0),
        _inside((point.y * picture.height - box.top) / box.height, 1.0),
    )


def _inside(value: float, limit: float) -> float:
    return min(max(value, 0.0), max(limit, 0.0))


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)
