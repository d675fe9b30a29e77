import itertools

import cv2
import numpy as np
import pytest
from av import VideoFrame

from reelwork.generator import Cancelled, LocalContext, ModelCard
from worker.models.film.geometry import Size
from worker.models.landscape_video import LandscapeVideo, LandscapeVideoParameters
from worker.models.painting.journey import Journey
from worker.models.painting.scenery import Piece, Scenery, scenery
from worker.models.painting.stage import Stage
from worker.models.painting.words import read

SECONDS = 4


def journey(prompt, *, seed=0, width=160, height=90):
    large = Size(width, height).scaled(1.1)
    pieces = scenery(
        read(prompt, seed=seed), width=large.width, height=large.height, progress=lambda _share, _step: None
    )
    return Journey(pieces, size=Size(width, height), seconds=SECONDS)


def shot(travel, seconds, *, width=160, height=90):
    """The brightness of one moment."""
    frame = VideoFrame(width, height, "nv12")
    travel.draw(seconds, frame)
    return cv2.cvtColor(frame.to_ndarray(format="rgb24"), cv2.COLOR_RGB2GRAY)


def board_of_dots(prompt, *, nearness, wet):
    """A scenery that is all land: white dots on black, 40 pixels apart, from the middle of the horizon outward."""
    stage = Stage.of(read(prompt, seed=0), width=320, height=180)
    dots = np.zeros((180, 320, 3), np.uint8)
    middle = round(stage.view.horizon_row)
    for x, y in itertools.product(range(-120, 121, 40), (-40, 0, 40)):
        cv2.circle(dots, (160 + x, middle + y), 2, (255, 255, 255), -1)
    nothing, whole = np.zeros((180, 320), np.uint8), np.full((180, 320), 255, np.uint8)
    pieces = Scenery(
        stage=stage,
        sky=np.zeros_like(dots),
        clouds=Piece(colour=np.zeros_like(dots), cover=nothing),
        land=Piece(colour=dots, cover=whole),
        nearness=np.full((180, 320), nearness, np.float32),
        wet=np.full((180, 320), wet, np.float32),
        boards=(),
    )
    return Journey(pieces, size=Size(320, 180), seconds=SECONDS), middle


def dot_near(picture, x, y):
    """The middle of what is bright within 15 pixels of that place."""
    part = np.clip(picture[y - 15 : y + 16, x - 15 : x + 16].astype(float) - 20, 0, None)
    rows, columns = np.mgrid[-15:16, -15:16]
    return x + (part * columns).sum() / part.sum(), y + (part * rows).sum() / part.sum()


@pytest.mark.parametrize("nearness", [0.2, 0.5])
def test_what_is_near_moves_outward_as_perspective_has_it(nearness):
    """After a way of d, what is at depth z stands 1 / (1 - d/z) times as far from the middle of the horizon."""
    travel, middle = board_of_dots("dunes", nearness=nearness, wet=0)
    way = 0.055 * SECONDS / 2

    picture = shot(travel, SECONDS / 2, width=320, height=180)

    for x, y in ((-120, 0), (80, 40), (120, -40)):
        farther = 1 / (1 - way * nearness)
        expected = (159.5 + (x + 0.5) * farther, middle - 0.5 + (y + 0.5) * farther)
        assert dot_near(picture, round(expected[0]), round(expected[1])) == pytest.approx(expected, abs=0.7)


def test_water_sways_and_ice_does_not():
    def sway(prompt):
        travel, _ = board_of_dots(prompt, nearness=0.01, wet=1)
        first, later = (shot(travel, seconds, width=320, height=180)[110:].astype(int) for seconds in (0, 0.5))
        return np.abs(first - later).sum()

    calm, wild, frozen = (
        sway(prompt) for prompt in ("calm sea", "stormy sea without rain", "a frozen lake, cloudless")
    )

    assert wild > calm > 5 * frozen


@pytest.fixture(scope="module")
def meadow():
    return journey("cloudy meadow at noon", seed=2, width=320, height=180)


def meadow_at(travel, seconds):
    return shot(travel, seconds, width=320, height=180)


def test_clouds_drift(meadow):
    sky = [meadow_at(meadow, seconds)[:80].astype(int) for seconds in (0, 0.1, 4)]

    assert np.abs(sky[2] - sky[0]).mean() > 3 * np.abs(sky[1] - sky[0]).mean() > 0


def test_the_sun_stays_where_it_is():
    travel = journey("sunset over the sea, no clouds", seed=1)

    suns = [np.argmax(cv2.GaussianBlur(shot(travel, seconds)[:50], (0, 0), 2)) for seconds in (0, 4)]

    assert abs(suns[0] % 160 - suns[1] % 160) <= 1
    assert abs(suns[0] // 160 - suns[1] // 160) <= 1


@pytest.mark.parametrize("weather", ["rain over hills at noon", "snowfall over hills at noon"])
def test_rain_and_snow_fall(weather):
    travel = journey(weather, height=180, width=320)

    first, next_one = (shot(travel, seconds, width=320, height=180)[:80].astype(int) for seconds in (1, 1 + 1 / 30))

    assert np.abs(next_one - first).max() > 12


def test_lightning_strikes_and_is_gone():
    travel = journey("thunderstorm with lightning over hills")

    before, flash, after = (shot(travel, seconds).mean() for seconds in (0.8, 0.95, 1.5))

    assert flash > before + 3
    assert after == pytest.approx(before, abs=2)


@pytest.mark.parametrize(
    "prompt", ["city at night", "canyon", "desert", "forest", "mountains in fog", "stormy sea", "?"]
)
def test_every_kind_of_scene_can_be_filmed(prompt):
    travel = journey(prompt, width=96, height=54)

    assert shot(travel, 3, width=96, height=54).std() > 8


def test_same_prompt_and_seed_give_the_same_frames():
    first, again = (shot(journey("A sunset over mountains", seed=3), 2.5) for _ in range(2))

    assert (first == again).all()


def test_composition_does_not_depend_on_the_size(meadow):
    small = shot(journey("cloudy meadow at noon", seed=2), 2)

    reduced = cv2.resize(meadow_at(meadow, 2), (160, 90), interpolation=cv2.INTER_AREA)

    assert np.abs(cv2.blur(small, (3, 3)).astype(int) - cv2.blur(reduced, (3, 3))).mean() < 5


@pytest.fixture
def tiny(monkeypatch):
    """Films are as small as a stamp, to be quick."""
    monkeypatch.setattr(LandscapeVideoParameters, "size", Size(160, 90))


def test_film_is_as_asked_and_the_same_again(tiny, tmp_path, watch):
    def film(name):
        context = LocalContext(tmp_path / name, seed=5)
        model = LandscapeVideo()
        model.setup()
        (artifact,) = model.generate(LandscapeVideoParameters(prompt="dunes", duration_seconds=1, fps=24), context)
        return artifact, context

    artifact, context = film("first")

    seen = watch(artifact)
    assert (seen.codec, seen.profile, seen.pixel_format, seen.size) == ("h264", "High", "yuv420p", (160, 90))
    assert len(seen.frames) == 24
    assert seen.duration_seconds == artifact.duration_seconds == pytest.approx(1)
    assert artifact.meta | {"seed": 5, "land": "dunes"} == artifact.meta
    fractions = [report.fraction for report in context.reports]
    assert fractions == sorted(fractions)
    assert film("second")[0].path.read_bytes() == artifact.path.read_bytes()


@pytest.mark.parametrize("stage", ["painting", "generating"])
def test_cancelled_film_leaves_no_file(tiny, tmp_path, stage):
    context = LocalContext(
        tmp_path, on_progress=lambda report: context.cancel() if report.stage == stage and report.fraction else None
    )

    with pytest.raises(Cancelled):
        list(LandscapeVideo().generate(LandscapeVideoParameters(prompt="hills"), context))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seconds", [0.5, 10.5])
def test_film_has_one_to_ten_seconds(seconds):
    with pytest.raises(ValueError, match="duration_seconds"):
        LandscapeVideoParameters(prompt="hills", duration_seconds=seconds)


def test_card_does_not_pretend_to_be_ai():
    card = ModelCard.of(LandscapeVideo)

    assert not card.is_ai
    assert "not AI" in card.title
    assert card.deterministic
