"""Sky: the gradient of the air, the sun or moon, stars, aurora and clouds."""

from collections.abc import Iterator

import cv2
import numpy as np

from worker.models.painting.colour import between, mix, per_pixel, ramp, rgb, smooth
from worker.models.painting.light import Light
from worker.models.painting.noise import Field, Noise
from worker.models.painting.stage import Stage
from worker.models.painting.view import View
from worker.models.painting.words import Scene

LOW = 0.075  # the sheets of cloud curve down beyond the horizon by this slope
_MAGNITUDES = 1500
"""Stars over a whole sky of slopes -1.5 to 1.5 by 0 to 1.1."""


def sky(stage: Stage) -> Field:
    """Light (h, w, 3) of every pixel as if there were no land; below the horizon its lowest row goes on."""
    light_above = clear_sky(stage)
    for colour, cover in sheets_of_cloud(stage):
        light_above = mix(light_above, colour, cover)
    return down_to_the_foot(light_above, stage.view)


def clear_sky(stage: Stage) -> Field:
    """The sky without its clouds, down to the horizon."""
    view, scene, light, noise = stage.view, stage.scene, stage.light, stage.noise
    rows = rows_of_sky(view)
    across = np.broadcast_to(view.across, (rows, view.width))
    up = np.broadcast_to(np.maximum(view.up[:rows], 0)[:, None], (rows, view.width))
    light_above = air(light, across, up)
    if light.stars:
        light_above += _stars(view, scene, rows) * (np.float32(light.stars) * smooth(0.02, 0.35, up))[..., None]
        light_above += _milky_way(across, up, noise) * np.float32(light.stars)
    if scene.aurora:
        light_above += _aurora(across, up, noise)
    return light_above + _disc(light, scene, across, up, noise)


def sheets_of_cloud(stage: Stage) -> Iterator[tuple[Field, Field]]:
    """Colour and cover of each sheet of cloud, far to near, down to the horizon; made at half size: they are soft."""
    view, rows = stage.view, rows_of_sky(stage.view)
    half = (max(2, view.width // 2), max(2, rows // 2))
    across = np.asarray(cv2.resize(np.broadcast_to(view.across, (rows, view.width)).copy(), half), np.float32)
    up = np.asarray(cv2.resize(np.repeat(np.maximum(view.up[:rows], 0)[:, None], view.width, 1), half), np.float32)
    for sheet in _sheets(stage.scene):
        colour, cover = _sheet(sheet, across, up, stage.light, stage.noise)
        stacked = cv2.resize(np.dstack([colour, cover]), (view.width, rows), interpolation=cv2.INTER_CUBIC)
        full = np.asarray(stacked, np.float32)
        yield np.maximum(full[..., :3], 0), np.clip(full[..., 3], 0, 1)


def down_to_the_foot(above: Field, view: View) -> Field:
    """What ends at the horizon, its lowest row repeated to the foot of the picture."""
    return np.concatenate([above, np.repeat(above[-1:], view.height - len(above), axis=0)])


def rows_of_sky(view: View) -> int:
    """How many rows there are down to the horizon."""
    return min(view.height, int(view.horizon_row) + 2)


def air(light: Light, across: Field, up: Field) -> Field:
    """The clear sky in a direction: what distant land fades into, too."""
    stops = [(0.0, light.horizon), (0.07, light.low), (0.26, light.middle), (0.75, light.zenith)]
    column = ramp(stops, np.linspace(0, 1, 512, dtype=np.float32))
    base = column[np.clip(up * 511, 0, 511).astype(np.int32)]
    away = np.hypot((across - light.across) * 0.8, (up - max(light.up, 0.0)) * 1.5)
    near = np.exp(-away * 5.5) * 0.55 + np.exp(-away * 16) * 0.7
    return base + per_pixel(near, light.glow)


def _disc(light: Light, scene: Scene, across: Field, up: Field, noise: Noise) -> Field:
    if not light.disc:
        return np.zeros((*across.shape, 3), np.float32)
    away = np.hypot(across - light.across, up - light.up).astype(np.float32)
    edge = light.disc * 0.06
    disc = smooth(light.disc + edge, light.disc - edge, away) if edge else away
    if scene.time != "night":
        return per_pixel(disc * 5.0, light.sun / light.sun.max())
    seas = noise.fbm((across - light.across) * 60, (up - light.up) * 60, octaves=4, salt=40)
    face = disc * (1.5 - 0.55 * smooth(-0.05, 0.35, seas))
    halo = 0.10 * np.exp(-away * 9) + 0.16 * np.exp(-away * 30)
    return per_pixel(face + halo, rgb("#eef3ff"))


def _stars(view: View, scene: Scene, rows: int) -> Field:
    chance = scene.random(2)
    across = chance.uniform(-1.5, 1.5, _MAGNITUDES)
    up = chance.uniform(0, 1.1, _MAGNITUDES)
    strength = (chance.pareto(1.6, _MAGNITUDES) * 0.16 + 0.05).clip(0, 1.6)
    warmth = chance.uniform(0, 1, _MAGNITUDES)
    canvas = np.zeros((rows, view.width, 3), np.float32)
    radius = view.height * 0.00075
    for x, y, power, warm in zip(
        view.column_of(across.astype(np.float32)), view.row_of(up.astype(np.float32)), strength, warmth, strict=True
    ):
        size = max(radius * (0.7 + power), 0.55)
        if not (3 < x < view.width - 3 and 3 < y < rows - 3):
            continue
        reach = int(size * 2.5) + 1
        left, top = int(x) - reach, int(y) - reach
        grid_y, grid_x = np.mgrid[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
        spot = np.exp(-((grid_x + 0.5 - x) ** 2 + (grid_y + 0.5 - y) ** 2) / (size * size)) * power
        patch = canvas[max(top, 0) : top + 2 * reach + 1, max(left, 0) : left + 2 * reach + 1]
        colour = np.array([0.8 + 0.2 * warm, 0.88, 1.0 - 0.25 * warm], np.float32)
        cut = (
            spot[-patch.shape[0] :, -patch.shape[1] :]
            if top < 0 or left < 0
            else spot[: patch.shape[0], : patch.shape[1]]
        )
        patch += cut[..., None].astype(np.float32) * colour
    return canvas


def _milky_way(across: Field, up: Field, noise: Noise) -> Field:
    along, away = across * 0.8 + up * 0.6, (up - 0.42) * 0.8 - across * 0.6
    warped = away + 0.12 * noise.fbm(along * 3, away * 3, octaves=4, salt=42)
    band = np.exp(-((warped / 0.16) ** 2)) * (0.55 + 0.45 * noise.fbm(along * 9, away * 9, octaves=5, salt=46))
    return per_pixel(np.maximum(band, 0) * 0.16, rgb("#5a6a9e"))


def _aurora(across: Field, up: Field, noise: Noise) -> Field:
    total = np.zeros((*across.shape, 3), np.float32)
    for curtain in range(3):
        shift = np.float32(curtain * 7.3)
        foot = 0.16 + 0.09 * curtain + 0.13 * noise.value(across * 1.6 + shift, np.full_like(across, shift), salt=50)
        rise = up - foot
        rays = 0.55 + 0.45 * noise.fbm(across * 26 + shift + rise * 2, rise * 0.8 + shift, octaves=3, salt=52)
        strength = smooth(-0.02, 0.015, rise) * np.exp(-np.maximum(rise, 0) * 7) * np.maximum(rays, 0)
        strength *= smooth(-0.6, 0.3, noise.value(across * 2.2 + shift * 2, np.full_like(across, 3 + shift), salt=55))
        hue = mix(rgb("#3dff9a"), rgb("#8a4bff"), smooth(0.02, 0.32, rise))
        total += strength[..., None] * hue * np.float32(0.75 - 0.15 * curtain)
    return total


def _sheets(scene: Scene) -> list[tuple[float, float, float, float, int]]:
    """Stretch across, scale, threshold and thickness of each sheet, far to near, and its salt."""
    wisps = (0.30, 0.55, 0.02, 0.75, 20)
    match scene.cover:
        case "clear":
            return [(0.25, 0.5, 0.16, 0.45, 20)]
        case "scattered":
            return [wisps, (0.6, 0.62, 0.10, 1.5, 26)]
        case "overcast":
            return [(0.7, 0.5, -0.55, 1.2, 20), (0.6, 0.7, -0.12, 1.3, 26)]
        case "storm":
            return [(0.8, 0.4, -0.7, 1.2, 20), (0.75, 0.5, -0.12, 3.2, 26)]


def _sheet(
    sheet: tuple[float, float, float, float, int], across: Field, up: Field, light: Light, noise: Noise
) -> tuple[Field, Field]:
    stretch, scale, threshold, thick, salt = sheet
    depth = 1 / (up + np.float32(LOW))
    x, y = across * depth * np.float32(stretch * scale * 1.7), depth * np.float32(scale * 1.5)

    def density(x: Field, y: Field, octaves: int) -> Field:
        bend = noise.value(x * 0.7, y * 0.7, salt=salt + 9)
        return noise.fbm(x + bend * 0.55, y + bend * 0.4, octaves=octaves, gain=0.56, salt=salt)

    body = density(x, y, 7)
    toward = density(x + np.float32(light.across * 0.25), y - np.float32(0.16), 3)
    amount = smooth(threshold, threshold + 0.5, body) * np.float32(thick)
    away = np.hypot(across - light.across, (up - max(light.up, 0)) * 1.3)
    warm = np.exp(-away * 2.2).astype(np.float32)
    lit = mix(
        between(light.low, light.sun / max(float(light.sun.max()), 1.0), 0.34) * 1.2,
        light.glow * 1.5 + light.sun * 0.12,
        warm,
    )
    shade = between(light.middle, light.ambient, 0.5) * np.float32(0.72)
    thin = np.exp(-amount * 1.5) * (0.75 + 0.5 * smooth(0.25, -0.25, toward - body))
    colour = mix(np.broadcast_to(shade, lit.shape), lit, np.clip(thin, 0, 1))
    colour += light.glow * (np.exp(-away * 7) * np.exp(-amount * 2.5))[..., None].astype(np.float32) * np.float32(0.8)
    cover = (1 - np.exp(-amount * 2.2)) * smooth(0.0, 0.10, up)
    return colour.astype(np.float32), cover.astype(np.float32)
