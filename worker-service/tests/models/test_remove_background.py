"""`builtin/remove-background`: the subject alone, at the picture's own size and edges."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from reelwork.generator import Cancelled, InvalidInput, LocalContext, ModelCard
from weights.fetch import FOLDER, FetchFailed, fetch
from worker.models.film.weights import WEIGHTS_FOLDER
from worker.models.remove_background import RemoveBackground, RemoveBackgroundParameters

ASSET = "asset_picture"
COAT, SKIN = (170, 40, 45), (222, 178, 150)


@pytest.fixture(scope="module")
def model():
    """With the real network's weights, fetched if they are not there."""
    try:
        folder = fetch(folder=Path(os.environ.get(WEIGHTS_FOLDER, FOLDER))).parent
    except FetchFailed as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    loaded = RemoveBackground(folder)
    loaded.setup()
    return loaded


@pytest.fixture
def cut(model, tmp_path):
    def make(picture, **values):
        context = LocalContext(tmp_path / "work", assets={ASSET: picture})
        (artifact,) = model.generate(RemoveBackgroundParameters(image=ASSET, **values), context)
        with Image.open(artifact.path) as opened:
            opened.load()
        assert opened.size == (artifact.width, artifact.height)
        return opened

    return make


def figure(size=(360, 240), *, scale=4):
    """A figure in a red coat before a green wall, drawn large and made small: its edge is half wall, half coat."""
    width, height = size[0] * scale, size[1] * scale
    wall = Image.effect_noise((width, height), 12).convert("RGB")
    wall = Image.blend(wall, Image.new("RGB", wall.size, (90, 170, 90)), 0.8).filter(ImageFilter.GaussianBlur(6))
    draw, side = ImageDraw.Draw(wall), height / 600
    across = width / 2 - 450 * side
    for box, colour in (((290, 330, 610, 900), COAT), ((365, 130, 535, 360), SKIN)):
        left, top, right, bottom = (value * side for value in box)
        draw.ellipse((left + across, top, right + across, bottom), fill=colour)
    return wall.resize(size, Image.Resampling.BOX)


def test_the_subject_stays_and_the_rest_is_gone(cut, save):
    result = np.asarray(cut(save(figure()))).astype(int)

    assert result.shape == (240, 360, 4)
    assert (result[200, 180, 3], result[95, 180, 3]) == (255, 255), "coat and face"
    assert result[:60, :60, 3].max() < 10, "a corner of the wall"
    assert np.abs(result[200, 180, :3] - COAT).max() < 12


def test_nothing_of_the_wall_shines_through_at_the_edge(cut, save):
    result = np.asarray(cut(save(figure()))).astype(int)

    edge = result[(result[..., 3] > 100) & (result[..., 3] < 230)]
    assert len(edge) > 50, "the edge is soft"
    greener = (edge[:, 1] > edge[:, 0] + 20).mean()
    assert greener < 0.05


@pytest.mark.parametrize(("ground", "colour"), [("white", 255), ("black", 0), ("grey", 128)])
def test_the_subject_may_stand_on_a_plain_ground(cut, save, ground, colour):
    result = cut(save(figure()), background=ground)

    assert result.mode == "RGB"
    assert np.abs(np.asarray(result)[:50, :50].astype(int) - colour).max() < 12


def test_the_mask_is_what_the_transparent_picture_has_as_alpha(cut, save):
    picture = save(figure())

    mask = cut(picture, background="mask")

    assert mask.mode == "L"
    assert np.array_equal(np.asarray(mask), np.asarray(cut(picture))[..., 3])


def test_a_large_picture_is_cut_in_bands_that_cannot_be_seen(cut, save, monkeypatch):
    picture = save(figure())
    whole = np.asarray(cut(picture)).astype(int)
    monkeypatch.setattr("worker.models.stills.cutout._BAND_PIXELS", 1)

    bands = np.asarray(cut(picture)).astype(int)

    assert np.abs(whole - bands)[..., 3].max() <= 1
    seen = whole[..., 3] > 20
    assert np.abs(whole - bands)[seen].max() <= 3


def test_what_was_transparent_stays_transparent(cut, save):
    picture = figure().convert("RGBA")
    alpha = Image.new("L", picture.size, 255)
    alpha.paste(0, (0, 180, 360, 240))
    picture.putalpha(alpha)

    result = np.asarray(cut(save(picture)))

    assert result[181:, :, 3].max() == 0
    assert result[70:130, 180, 3].min() > 200


def test_a_file_that_is_no_picture_is_refused(cut, tmp_path):
    (tmp_path / "text.png").write_text("not a picture")

    with pytest.raises(InvalidInput, match="not a picture"):
        cut(tmp_path / "text.png")


def test_a_cancel_is_heard_between_bands(model, save, tmp_path, monkeypatch):
    monkeypatch.setattr("worker.models.stills.cutout._BAND_PIXELS", 1)
    context = LocalContext(
        tmp_path / "work",
        assets={ASSET: save(figure())},
        on_progress=lambda report: context.cancel() if report.message == "Cutting out" else None,
    )

    with pytest.raises(Cancelled):
        list(model.generate(RemoveBackgroundParameters(image=ASSET), context))

    assert list((tmp_path / "work").iterdir()) == []


def test_without_weights_the_model_is_absent_and_says_what_to_run(monkeypatch, tmp_path):
    monkeypatch.setenv(WEIGHTS_FOLDER, str(tmp_path))
    assert "make weights" in RemoveBackground.available()
    assert str(tmp_path) in RemoveBackground.available()

    monkeypatch.delenv(WEIGHTS_FOLDER)
    assert WEIGHTS_FOLDER in RemoveBackground.available()


def test_its_card_is_complete():
    card = ModelCard.of(RemoveBackground)

    assert (card.task, card.output_media_types, card.asset_inputs) == (
        "image-segmentation",
        ("image/png",),
        {"image": ("image/*",)},
    )
