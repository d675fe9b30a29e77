"""Frames are sampled where the camera is, to a fraction of a pixel, in luma and chroma alike."""

from itertools import pairwise

import numpy as np
import pytest
from av import VideoFrame

from worker.models.film.camera import MOVES, boxes, point_of_interest
from worker.models.film.geometry import Box, Point, Size, crop_to, within
from worker.models.film.planes import Planes, show, surfaces

SIZE = Size(160, 96)


def draw(planes, box):
    frame = VideoFrame(SIZE.width, SIZE.height, "nv12")
    show(planes, box, frame)
    luma, chroma = surfaces(frame)
    return luma.astype(float).copy(), chroma.astype(float).copy()


def test_conversion_is_bt709_limited_range():
    colours = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]]], np.uint8).repeat(2, 0).repeat(4, 1)

    planes = Planes.from_rgb(colours)

    assert planes.luma[0, [1, 5, 9, 13]].tolist() == pytest.approx([16, 235, 63, 32], abs=1)
    assert planes.chroma[0, 5].tolist() == pytest.approx([102, 240], abs=2)
    assert planes.chroma[0, 7].tolist() == pytest.approx([240, 118], abs=2)


@pytest.mark.parametrize("shift", [0.0, 0.01, 0.125, 0.37, 0.5, 0.99])
def test_luma_lies_exactly_where_the_box_says(shift):
    luma = np.arange(240, dtype=np.uint8)[None, :].repeat(128, 0)
    planes = Planes(luma, np.full((64, 120, 2), 128, np.uint8))

    drawn, _ = draw(planes, Box(20 + shift, 10, SIZE.width, SIZE.height))

    expected = np.arange(SIZE.width) + 20 + shift
    assert np.abs(drawn - expected).max() <= 0.5 + 1e-6, "no more than rounding to bytes"


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0, 1.3])
@pytest.mark.parametrize("zoom", [1.0, 1.25])
def test_chroma_stays_registered_with_luma(shift, zoom):
    """A picture whose blue difference rises evenly across and red difference down: chroma is sited left,
    so its sample i belongs to luma sample 2i across, and lies between samples 2j and 2j + 1 down."""
    across, down = np.arange(240), np.arange(160)
    chroma = np.zeros((80, 120, 2), np.uint8)
    chroma[..., 0] = across[::2]
    chroma[..., 1] = (down[::2] + 0.5)[:, None]
    planes = Planes(np.zeros((160, 240), np.uint8), chroma)
    box = Box(12 + shift, 8 + shift, SIZE.width / zoom, SIZE.height / zoom)

    _, drawn = draw(planes, box)

    luma_x = box.left + (2 * np.arange(SIZE.width // 2) + 0.5) / zoom - 0.5
    luma_y = box.top + (2 * np.arange(SIZE.height // 2) + 1) / zoom - 0.5
    assert np.abs(drawn[..., 0] - luma_x).max() <= 0.6
    assert np.abs(drawn[..., 1] - luma_y[:, None]).max() <= 1.1, "the source's own half is lost to bytes"


@pytest.mark.parametrize("move", MOVES)
def test_camera_never_leaves_the_picture(move):
    source = Size(1000, 700)

    for box in boxes(move, 50, source=source, zoom=1.3, focus=Point(0.1, 0.9)):
        assert box.left >= -1e-9
        assert box.top >= -1e-9
        assert box.left + box.width <= 1000 + 1e-6
        assert box.top + box.height <= 700 + 1e-6


@pytest.mark.parametrize("move", MOVES)
def test_camera_starts_and_ends_at_rest(move):
    path = list(boxes(move, 100, source=Size(1000, 700), zoom=1.3))
    steps = np.array([[b.left - a.left, b.top - a.top, b.width - a.width] for a, b in pairwise(path)])
    speed = np.abs(steps).sum(1)

    assert speed[0] < speed.max() / 15
    assert speed[-1] < speed.max() / 15


def test_film_of_one_frame_shows_the_start():
    (box,) = boxes("zoom-in", 1, source=Size(100, 50), zoom=1.2)

    assert box == Box(0, 0, 100, 50)


def test_zoom_keeps_its_focus_in_place():
    focus = Point(0.3, 0.8)

    for box in boxes("zoom-in", 10, source=Size(1000, 500), zoom=1.36, focus=focus):
        assert (300 - box.left) / box.width == pytest.approx(0.3)
        assert (400 - box.top) / box.height == pytest.approx(0.8)


def test_interest_lies_where_the_detail_is():
    picture = np.full((400, 600, 3), 90, np.uint8)
    picture[80:180, 380:480] = np.random.default_rng(1).integers(0, 255, (100, 100, 3))

    point = point_of_interest(picture)

    assert point.x == pytest.approx(430 / 600, abs=0.1)
    assert point.y == pytest.approx(130 / 400, abs=0.1)


def test_picture_without_detail_is_looked_at_in_the_middle():
    assert point_of_interest(np.full((40, 60, 3), 90, np.uint8)) == Point(0.5, 0.5)


def test_crop_follows_its_subject_to_the_edge_but_not_beyond():
    crop = crop_to(Size(1000, 500), 1.0, around=Point(0.95, 0.5))

    assert crop == Box(500, 0, 500, 500)
    assert within(Point(0.95, 0.5), crop, Size(1000, 500)) == Point(0.9, 0.5)
