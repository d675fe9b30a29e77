import struct

import numpy as np
import pytest

from reelwork.generator import Cancelled, LocalContext, ModelCard, TimeLimitExceeded
from worker.models.camera_move import CameraMove
from worker.models.film.parameters import FilmParameters

ASSET = "asset_picture"


def boxes_of(path):
    """The names of an MP4's top-level boxes, in order."""
    data, names, at = path.read_bytes(), [], 0
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        names.append(name.decode())
        at += length
    return names


def test_film_plays_in_every_browser(film_of, watch, photograph):
    artifact = film_of(photograph)

    film = watch(artifact)

    assert (film.codec, film.profile, film.pixel_format) == ("h264", "High", "yuv420p")
    assert film.colour == (1, 1, 1, 1), "limited range, BT.709 matrix, primaries and transfer"


def test_film_starts_before_it_is_downloaded(film_of, photograph):
    names = boxes_of(film_of(photograph).path)

    assert names.index("moov") < names.index("mdat")


@pytest.mark.parametrize("case", [(24, 1, 24), (30, 1.5, 45), (25, 1.01, 25), (60, 1, 60)])
def test_film_is_exactly_as_long_as_asked(film_of, watch, photograph, case):
    fps, seconds, frames = case
    artifact = film_of(photograph, fps=fps, duration_seconds=seconds)

    film = watch(artifact)

    assert len(film.frames) == frames
    assert film.duration_seconds == pytest.approx(frames / fps)
    assert artifact.duration_seconds == pytest.approx(frames / fps)


def test_artifact_says_what_was_made(film_of, watch, photograph):
    artifact = film_of(photograph, motion="pan-left")

    assert artifact.media_type == "video/mp4"
    assert (artifact.width, artifact.height) == watch(artifact).size == (720, 480)
    assert artifact.meta == {"fps": 24, "frames": 24, "codec": "h264", "motion": "pan-left"}


@pytest.mark.parametrize(
    "case",
    [
        ("original", "720p", (1080, 720)),
        ("16:9", "720p", (1280, 720)),
        ("9:16", "480p", (480, 854)),
        ("1:1", "480p", (480, 480)),
        ("4:3", "480p", (640, 480)),
        ("original", "1080p", (1620, 1080)),
    ],
)
def test_film_has_the_shape_and_resolution_asked_for(film_of, watch, photograph, case):
    aspect, resolution, size = case

    film = watch(film_of(photograph, aspect_ratio=aspect, resolution=resolution))

    assert film.size == size


def ramp(width=960, height=640):
    """Dark on the left, bright on the right, with edges enough to find a focus in the middle."""
    return np.repeat(np.linspace(40, 215, width)[None, :], height, axis=0).astype(np.uint8)


@pytest.mark.parametrize(("motion", "sign"), [("pan-right", 1), ("pan-left", -1)])
def test_pan_crosses_the_picture_in_its_direction(film_of, watch, save, motion, sign):
    film = watch(film_of(save(ramp()), motion=motion, strength=1))

    means = np.array([frame.mean() for frame in film.frames])

    travelled = (215 - 40) * (1 - 1 / 1.36)
    assert (means[-1] - means[0]) * sign == pytest.approx(travelled, abs=2)
    assert (np.diff(means) * sign > -0.3).all(), "never backwards"


@pytest.mark.parametrize(("motion", "sign"), [("pan-down", 1), ("pan-up", -1)])
def test_tilt_crosses_the_picture_in_its_direction(film_of, watch, save, motion, sign):
    film = watch(film_of(save(ramp().T.copy()), motion=motion, strength=1, aspect_ratio="9:16"))

    assert (film.frames[-1].mean() - film.frames[0].mean()) * sign > 30


@pytest.mark.parametrize(("motion", "closer"), [("zoom-in", -1), ("zoom-out", 0)])
def test_zoom_ends_closer_by_what_strength_says(film_of, watch, save, motion, closer):
    film = watch(film_of(save(ramp()), motion=motion, strength=0.5))

    spans = [float(np.ptp(frame[:, :, 1].mean(0))) for frame in film.frames]

    assert max(spans) / spans[closer] == pytest.approx(1.18, abs=0.02)


def test_strength_zero_stands_still(film_of, watch, photograph):
    film = watch(film_of(photograph, strength=0))

    difference = np.abs(film.frames[0].astype(int) - film.frames[-1]).mean()
    assert difference < 3, "only what the encoder adds"


def test_surprise_is_picked_by_the_seed(film_of, photograph):
    moves = {film_of(photograph, motion="surprise", seed=seed).meta["motion"] for seed in range(8)}

    assert len(moves) > 2
    assert film_of(photograph, motion="surprise", seed=3).meta == film_of(photograph, motion="surprise", seed=3).meta


def test_same_picture_gives_the_same_bytes(film_of, photograph):
    first = film_of(photograph).path.read_bytes()

    assert film_of(photograph).path.read_bytes() == first


def test_progress_is_told_while_the_file_grows(tmp_path, photograph):
    sizes = []
    context = LocalContext(tmp_path, assets={ASSET: photograph})
    context._on_progress = lambda report: sizes.append((report.stage, report.fraction, _size(tmp_path / "film.mp4")))

    list(CameraMove().generate(FilmParameters(image=ASSET, duration_seconds=3), context))

    stages = [stage for stage, _, _ in sizes]
    fractions = [fraction for _, fraction, _ in sizes]
    assert stages[0] == "reading_picture"
    assert stages[-1] == "generating"
    assert fractions == sorted(fractions)
    assert sizes[-1][2] > 0, "written before it is complete"


def _size(path):
    return path.stat().st_size if path.exists() else 0


def test_cancelled_film_stops_between_frames_and_leaves_no_file(tmp_path, photograph):
    context = LocalContext(
        tmp_path,
        assets={ASSET: photograph},
        on_progress=lambda report: context.cancel() if report.step else None,
    )

    with pytest.raises(Cancelled):
        list(CameraMove().generate(FilmParameters(image=ASSET, duration_seconds=30), context))

    assert context.reports[-1].step < 900
    assert list(tmp_path.iterdir()) == []


def test_film_that_takes_too_long_is_stopped(tmp_path, photograph):
    context = LocalContext(tmp_path, assets={ASSET: photograph}, time_limit_seconds=0.001)

    with pytest.raises(TimeLimitExceeded):
        list(CameraMove().generate(FilmParameters(image=ASSET, duration_seconds=30), context))


def test_card_is_complete():
    card = ModelCard.of(CameraMove)

    assert card.name == "builtin/camera-move"
    assert card.asset_inputs == {"image": ("image/*",)}
    assert card.output_media_types == ("video/mp4",)
    assert not card.is_ai
