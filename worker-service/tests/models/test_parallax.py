import numpy as np
import pytest
from av import VideoFrame
from PIL import Image, ImageDraw, ImageFilter

from reelwork.generator import Cancelled, LocalContext, ModelCard, ProviderUnavailable, discover
from worker.models.film.geometry import Box, Point
from worker.models.film.layers import cut_out, lay_over, without_subject
from worker.models.film.matte import Matte, refined
from worker.models.film.parameters import FilmParameters
from worker.models.film.planes import Planes, show, surfaces
from worker.models.film.weights import WEIGHTS_FOLDER
from worker.models.parallax import Parallax

ASSET = "asset_picture"
EXTRAS = {"builtin/upscale", "builtin/voice-over", "diffusers/image-to-video", "diffusers/text-to-image"}


@pytest.fixture
def filmed(weights, tmp_path, monkeypatch):
    monkeypatch.setenv(WEIGHTS_FOLDER, str(weights))

    def make(picture, **values):
        quick = {"image": ASSET, "duration_seconds": 1, "resolution": "480p", "fps": 24}
        (artifact,) = Parallax().generate(
            FilmParameters(**(quick | values)), LocalContext(tmp_path / "work", assets={ASSET: picture})
        )
        return artifact

    return make


@pytest.fixture(scope="session")
def portrait(tmp_path_factory):
    """A figure in front of a wall with stripes: something that any eye would cut out."""
    random = np.random.default_rng(3)
    wall = Image.new("RGB", (900, 600), (150, 165, 150))
    draw = ImageDraw.Draw(wall)
    for x in range(0, 900, 60):
        draw.rectangle((x, 0, x + 12, 600), fill=(120, 140, 128))
    draw.rectangle((440, 0, 460, 70), fill=(30, 60, 190))
    wall = wall.filter(ImageFilter.GaussianBlur(3))
    draw = ImageDraw.Draw(wall)
    draw.ellipse((290, 330, 610, 900), fill=(170, 40, 45))
    draw.ellipse((365, 130, 535, 360), fill=(222, 178, 150))
    draw.pieslice((355, 110, 545, 330), 175, 365, fill=(60, 38, 25))
    for x in (415, 475):
        draw.ellipse((x, 225, x + 18, 240), fill=(30, 25, 30))
    draw.arc((410, 260, 490, 320), 20, 160, fill=(140, 50, 50), width=6)
    noisy = np.asarray(wall, np.float32) + random.normal(0, 5, (600, 900, 1))
    path = tmp_path_factory.mktemp("portrait") / "portrait.jpg"
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(path, quality=93)
    return path


def reddest(frame):
    """The middle of the figure's red coat, in pixels from the left."""
    red = frame[:, :, 0].astype(int) - frame[:, :, 1]
    return float((red > 80).sum(0) @ np.arange(frame.shape[1]) / (red > 80).sum())


def bluest(frame):
    """The middle of the blue mark on the wall."""
    blue = frame[:, :, 2].astype(int) - frame[:, :, 0]
    return float((blue > 60).sum(0) @ np.arange(frame.shape[1]) / (blue > 60).sum())


def test_subject_moves_more_than_what_is_behind_it(filmed, watch, portrait):
    film = watch(filmed(portrait, motion="pan-right", strength=1))
    first, last = film.frames[0], film.frames[-1]

    subject = reddest(first) - reddest(last)

    ground = bluest(first) - bluest(last)
    assert ground > 60
    assert subject > ground + 15


def test_zoom_begins_with_the_picture_as_it_is(filmed, film_of, watch, portrait):
    taken_apart, plain = (watch(make(portrait, motion="zoom-in")) for make in (filmed, film_of))

    difference = np.abs(taken_apart.frames[0].astype(int) - plain.frames[0])

    assert difference.mean() < 4


def test_film_is_of_the_same_kind_as_the_plain_camera_makes(filmed, watch, portrait):
    artifact = filmed(portrait)
    film = watch(artifact)

    assert (film.codec, film.profile, film.pixel_format, film.colour) == ("h264", "High", "yuv420p", (1, 1, 1, 1))
    assert len(film.frames) == 24
    assert film.size == (720, 480)
    assert 0.1 < artifact.meta["subject"] < 0.5


def test_picture_without_a_subject_gets_a_plain_camera_move(filmed, film_of, save):
    rng = np.random.default_rng(5)
    picture = save(Image.fromarray(rng.integers(90, 140, (300, 450, 3), np.uint8)).filter(ImageFilter.GaussianBlur(4)))

    taken_apart = filmed(picture).path.read_bytes()

    assert taken_apart == film_of(picture).path.read_bytes()


def test_forced_shape_keeps_the_head_in_the_picture(filmed, watch, portrait):
    film = watch(filmed(portrait, aspect_ratio="16:9", motion="zoom-in", strength=0.1))

    first = film.frames[0].astype(int)
    skin = (np.abs(first - (222, 178, 150)).max(2) < 40).sum(1)
    assert skin[: film.size[1] // 2].sum() > 2000, "the face is in the upper half"


def test_cancelled_film_leaves_no_file(weights, tmp_path, portrait):
    context = LocalContext(
        tmp_path / "work",
        assets={ASSET: portrait},
        on_progress=lambda report: context.cancel() if report.step else None,
    )

    with pytest.raises(Cancelled):
        list(Parallax(weights).generate(FilmParameters(image=ASSET, duration_seconds=20), context))

    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("folder", [None, "/nowhere"])
def test_model_without_weights_is_absent_and_says_what_to_do(monkeypatch, folder):
    monkeypatch.delenv(WEIGHTS_FOLDER, raising=False)
    if folder:
        monkeypatch.setenv(WEIGHTS_FOLDER, folder)

    catalogue = discover("worker.models", entry_point_group=None)

    assert "builtin/parallax" not in catalogue.models
    assert "make weights" in catalogue.absent["builtin/parallax"]


def test_all_built_in_models_are_found(monkeypatch, weights):
    monkeypatch.setenv(WEIGHTS_FOLDER, str(weights))
    catalogue = discover("worker.models", entry_point_group=None)

    built_in = {f"builtin/{name}" for name in ("camera-move", "landscape", "landscape-video", "parallax", "silk")}
    assert built_in <= set(catalogue.models)
    assert {name for name in catalogue.absent if "is not set" not in catalogue.absent[name]} <= EXTRAS
    assert ModelCard.of(Parallax).is_ai


def test_weights_that_went_away_are_a_failure_worth_another_attempt(tmp_path):
    with pytest.raises(ProviderUnavailable, match="make weights") as caught:
        Parallax(tmp_path).setup()

    assert caught.value.retryable


def disc(width=160, height=120, *, radius=30):
    down, across = np.mgrid[0:height, 0:width]
    return np.clip(radius + 0.5 - np.hypot(across - width / 2, down - height / 2), 0, 1).astype(np.float32)


def test_layers_laid_together_are_the_picture_again():
    share = disc()
    rgb = np.where(share[..., None] > 0.5, (200, 60, 50), (60, 120, 90)).astype(np.uint8)
    frame, whole = VideoFrame(160, 120, "nv12"), Box(0, 0, 160, 120)
    expected = Planes.from_rgb(rgb)

    show(Planes.from_rgb(without_subject(rgb, share)), whole, frame)
    lay_over(cut_out(rgb, share), whole, frame)

    luma, _ = surfaces(frame)
    away_from_edge = np.abs(np.hypot(*(np.mgrid[0:120, 0:160] - np.array([60, 80])[:, None, None])) - 30) > 4
    assert np.abs(luma.astype(int) - expected.luma)[away_from_edge].max() <= 3


def test_layer_moves_alone():
    share = disc()
    rgb = np.where(share[..., None] > 0.5, 255, 0).astype(np.uint8).repeat(3, 2)
    layer = cut_out(rgb, share)
    frame = VideoFrame(160, 120, "nv12")
    show(Planes.from_rgb(np.zeros((120, 160, 3), np.uint8)), Box(0, 0, 160, 120), frame)

    lay_over(layer, Box(-20.5, 10, 160, 120), frame)

    bright = surfaces(frame)[0].astype(float) - 16
    middle = (bright.sum(0) @ np.arange(160) / bright.sum(), bright.sum(1) @ np.arange(120) / bright.sum())
    assert middle == pytest.approx((100.5, 50.0), abs=0.1)


@pytest.mark.parametrize("box", [Box(200, 0, 160, 120), Box(-500, -500, 160, 120)])
def test_layer_out_of_sight_changes_nothing(box):
    frame = VideoFrame(160, 120, "nv12")
    show(Planes.from_rgb(np.full((120, 160, 3), 90, np.uint8)), Box(0, 0, 160, 120), frame)
    before = surfaces(frame)[0].copy()

    lay_over(cut_out(np.full((120, 160, 3), 255, np.uint8), disc()), box, frame)

    assert (surfaces(frame)[0] == before).all()


def test_hole_is_filled_from_its_surroundings():
    rgb = np.full((120, 160, 3), 80, np.uint8)
    rgb[:, 80:] = 140
    share = disc()
    rgb[share > 0] = (255, 0, 0)

    filled = without_subject(rgb, share).astype(int)

    assert 70 < filled[60, 55].mean() < 115
    assert 105 < filled[60, 105].mean() < 150
    assert (filled[..., 0] - filled[..., 1]).max() < 12, "no red is left"


def test_matte_follows_the_edge_of_the_picture():
    rgb = np.full((120, 160, 3), 40, np.uint8)
    rgb[:, 80:] = 220
    soft = np.clip((np.arange(160, dtype=np.float32) - 68) / 20, 0, 1)[None, :].repeat(120, 0)  # 2 pixels off, 20 wide

    sharp = refined(soft, rgb)

    assert np.flatnonzero(sharp[60] > 0.5)[0] in {79, 80, 81}
    assert sharp[60, 84] - sharp[60, 76] > 1.5 * (soft[60, 84] - soft[60, 76])


def test_matte_knows_its_subject_and_its_doubt():
    clean, vague = np.zeros((320, 320), np.float32), np.full((320, 320), 0.5, np.float32)
    clean[160:300, 200:280] = 1

    assert Matte(clean).coverage == pytest.approx(140 * 80 / 320**2)
    assert Matte(clean).doubt == 0
    assert Matte(vague).doubt > 1
    assert Matte(clean).middle.x == pytest.approx(240 / 320, abs=0.01)
    assert Matte(clean).middle.y < 230 / 320, "raised toward the head"
    assert Matte(np.zeros((320, 320), np.float32)).middle == Point(0.5, 0.5)
