"""The light of a time of day: colours of sky and sun, and where the sun stands."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from worker.models.painting.colour import Colour, between, from_oklab, rgb, to_oklab
from worker.models.painting.words import Cover, Scene, Time


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """Linear colours. `sun` is also the moon at night; its place is given as slopes across and up."""

    zenith: Colour
    middle: Colour
    low: Colour
    horizon: Colour
    glow: Colour
    sun: Colour
    ambient: Colour
    across: float
    up: float
    disc: float  # radius as a slope; 0 for a sun out of sight
    stars: float = 0.0
    haze: float = 1.0  # how much air lies between near and far

    @property
    def direction(self) -> tuple[float, float, float]:
        """Toward what lights the ground: x, y, z, not normalised.

        Higher and more from the side than the disc itself, as a painter cheats, so that slopes have a lit side.
        """
        return (self.across * 1.2 - 0.75, max(self.up, 0.24) + 0.16, 0.62)


def _light(colours: str, *, up: float, disc: float, sun: float, haze: float = 1.0, stars: float = 0.0) -> Light:
    zenith, middle, low, horizon, glow, shine, ambient = (rgb(code) for code in colours.split())
    return Light(
        zenith=zenith,
        middle=middle,
        low=low,
        horizon=horizon,
        glow=glow,
        sun=shine * np.float32(sun),
        ambient=ambient,
        across=0.0,
        up=up,
        disc=disc,
        stars=stars,
        haze=haze,
    )


# zenith, middle, low, horizon, glow, sun, ambient
_HOURS: Mapping[Time, Light] = {
    "dawn": _light("#46679f #8f9cc4 #dfb7b8 #ffd2a6 #ffb27a #ffe2bd #8fa0c8", up=0.10, disc=0.026, sun=2.0, haze=1.7),
    "day": _light("#2a63b4 #4f8fd6 #93c1ea #cfe4f2 #f2f4ee #fff4e0 #8fb2da", up=0.62, disc=0.0, sun=3.1, haze=0.75),
    "golden": _light("#4f78ad #8fa6bd #e0c29a #ffdf9e #ffcf80 #ffd9a0 #96a3bd", up=0.20, disc=0.028, sun=2.8, haze=1.2),
    "sunset": _light(
        "#262a63 #6b4580 #d0607a #ff9d55 #ffb257 #ffb070 #6f6596", up=0.085, disc=0.032, sun=1.6, haze=1.2
    ),
    "dusk": _light(
        "#0e1a44 #2c3b7c #7a6293 #e08f72 #d9776a #b08fa8 #3c4880", up=-0.03, disc=0.0, sun=0.55, haze=1.2, stars=0.35
    ),
    "night": _light(
        "#03071a #081331 #0f2148 #1c3560 #5d7fb5 #a9c4ee #16264d", up=0.36, disc=0.030, sun=0.55, haze=0.8, stars=1.0
    ),
}
_STORMS: Mapping[Time, float] = {"night": 1.6, "dusk": 0.7}
"""How much of the light is left in a storm, where there was little before; a picture wants to be seen."""
_GREYED: Mapping[Cover, float] = {"clear": 0.0, "scattered": 0.0, "overcast": 0.75, "storm": 0.8}


def light_of(scene: Scene) -> Light:
    """The hour's light, under the scene's weather, in the colours it names."""
    chance = scene.random(1)
    light = _HOURS[scene.time]
    side = float(chance.choice([-1, 1]) * chance.uniform(0.08, 0.26))
    lift = 0.055 if scene.land == "mountains" and light.disc and light.up < 0.2 else 0.0  # over the crests
    light = replace(light, across=side, up=light.up + lift + float(chance.uniform(-0.01, 0.012)))
    if scene.snow and scene.time == "night":
        light = replace(light, sun=light.sun * np.float32(0.55))  # else snow by moonlight would shine as by day
    light = _tinted(light, scene.tints)
    light = _covered(light, scene)
    return replace(light, haze=light.haze * (2.6 if scene.fog else 1.0))


def _tinted(light: Light, tints: tuple[str, ...]) -> Light:
    """Named colours take the place of the sky's hues, not of its brightness."""
    if not tints:
        return light
    second, third = (tints * 3)[1:3]
    low = _in_hue_of(light.low, tints[0])
    return replace(
        light,
        low=low,
        middle=_in_hue_of(light.middle, second),
        glow=_in_hue_of(light.glow, third) if len(tints) > 2 else light.glow,
        horizon=between(light.horizon, low, 0.35),
    )


def _in_hue_of(colour: Colour, code: str) -> Colour:
    own, named = to_oklab(colour), to_oklab(rgb(code))
    named[0] = own[0] * 0.8 + named[0] * 0.2
    return from_oklab(own * 0.25 + named * 0.75)


def _covered(light: Light, scene: Scene) -> Light:
    grey = _GREYED[scene.cover]
    if not grey:
        return light
    dark = _STORMS.get(scene.time, 0.36) if scene.cover == "storm" else 0.85

    def dulled(colour: Colour) -> Colour:
        lab = to_oklab(colour)
        lab[1:] *= 1 - grey
        lab[0] *= dark ** (1 / 3)
        return from_oklab(lab)

    return replace(
        light,
        zenith=dulled(light.zenith),
        middle=dulled(light.middle),
        low=dulled(light.low),
        horizon=dulled(light.horizon),
        glow=dulled(light.glow) * np.float32(0.5),
        sun=dulled(light.sun) * np.float32(0.35),
        ambient=dulled(light.ambient),
        disc=0.0,
        stars=0.0,
        haze=light.haze * 1.5,
    )
