"""`diffusers/image-to-video`, with a pipeline that is real but for what it learnt."""

import av
import numpy as np
import pytest
from PIL import Image

from reelwork.generator import Cancelled, InvalidInput
from worker.models.diffusers_image_to_video import ImageToVideo

# Warnings of libraries, about each other.
pytestmark = [pytest.mark.diffusion, pytest.mark.usefixtures("tiny"), pytest.mark.filterwarnings("ignore")]

SMALL = {"image": "asset_a", "prompt": "a cat walks", "duration_seconds": 1, "fps": 8, "longest_side": 64, "steps": 2}


@pytest.fixture(scope="module")
def model(pipelines):
    loaded = ImageToVideo(pipelines / "image-to-video")
    loaded.setup()
    return loaded


@pytest.fixture
def picture(tmp_path):
    """Twice as wide as high, nearly."""
    Image.linear_gradient("L").resize((210, 100)).convert("RGB").save(tmp_path / "picture.png")
    return {"asset_a": tmp_path / "picture.png"}


def test_a_picture_becomes_a_film_of_its_shape(model, make, picture):
    artifact, reports = make(model, assets=picture, **SMALL)

    with av.open(artifact.path) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(frames) == 9, "a multiple of four, and one"
    assert frames[0].shape == (32, 64, 3)
    assert np.std(frames[0]) > 0
    assert artifact.duration_seconds == pytest.approx(9 / 8)
    assert artifact.meta["pipeline"] == "WanImageToVideoPipeline"
    assert reports[0].stage == "reading_picture"


def test_the_same_seed_gives_the_same_film_and_another_one_another(model, make, picture):
    made = [make(model, seed=seed, assets=picture, **SMALL)[0].path.read_bytes() for seed in (3, 3, 4)]

    assert made[0] == made[1]
    assert made[0] != made[2]


def test_a_cancel_is_heard_after_the_step(model, make, picture, monkeypatch, tmp_path):
    monkeypatch.setattr("reelwork.generator.context.REPORT_INTERVAL_SECONDS", 0)

    with pytest.raises(Cancelled):
        make(model, assets=picture, cancel_at=1, **(SMALL | {"steps": 50}))

    assert not (tmp_path / "work" / "film.mp4").exists()


def test_a_file_that_is_no_picture_is_refused_before_anything_is_generated(model, make, tmp_path):
    (tmp_path / "text.png").write_text("no picture")

    with pytest.raises(InvalidInput, match="not a picture"):
        make(model, assets={"asset_a": tmp_path / "text.png"}, **SMALL)
