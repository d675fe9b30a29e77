"""`builtin/upscale`: more pixels, clean edges, bounded memory."""

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from reelwork.generator import Cancelled, InvalidInput, LocalContext, ModelCard, ProviderUnavailable
from weights.fetch import FOLDER, FetchFailed
from weights.upscale import FILES, fetch_upscaler
from worker.models.film.weights import WEIGHTS_FOLDER
from worker.models.stills import superres
from worker.models.upscale import Upscale, UpscaleParameters

ASSET = "asset_picture"


@pytest.fixture(scope="module")
def weights():
    """The folder with the real network's weights, fetched if they are not there."""
    pytest.importorskip("ncnn", reason="builtin/upscale needs ncnn: make upscale")
    try:
        return fetch_upscaler(folder=Path(os.environ.get(WEIGHTS_FOLDER, FOLDER)))
    except FetchFailed as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def model(weights):
    loaded = Upscale(weights)
    loaded.setup()
    return loaded


@pytest.fixture
def enlarge(model, tmp_path):
    def make(picture, **values):
        context = LocalContext(tmp_path / "work", assets={ASSET: picture})
        (artifact,) = model.generate(UpscaleParameters(image=ASSET, **values), context)
        with Image.open(artifact.path) as opened:
            opened.load()
        assert (opened.size, Image.MIME[opened.format]) == ((artifact.width, artifact.height), artifact.media_type)
        return opened

    return make


def lettering(scale):
    """A disc and strokes on paper, as they are at this size."""
    drawn = Image.new("RGB", (64 * scale * 4, 48 * scale * 4), (240, 238, 230))
    draw, side = ImageDraw.Draw(drawn), 4 * scale
    draw.ellipse((8 * side, 8 * side, 36 * side, 36 * side), fill=(40, 60, 140))
    for at in range(4):
        draw.line((42 * side, (8 + 8 * at) * side, 58 * side, (14 + 8 * at) * side), fill=(150, 30, 30), width=2 * side)
    return drawn.resize((64 * scale, 48 * scale), Image.Resampling.LANCZOS)


def error_of(picture):
    return float(np.abs(np.asarray(picture.convert("RGB"), float) - np.asarray(lettering(4), float)).mean())


def test_edges_come_out_cleaner_than_by_plain_enlargement(enlarge, save):
    small = save(lettering(1), "small.jpg", quality=80)
    plain = Image.open(small).resize((256, 192), Image.Resampling.LANCZOS)

    learned = enlarge(small, detail=1)

    assert error_of(learned) < 0.75 * error_of(plain)
    assert sharpest(learned) > 2 * sharpest(plain)
    assert error_of(enlarge(small, detail=0)) == pytest.approx(error_of(plain), rel=0.01)


def test_colours_are_those_of_the_original(enlarge, save):
    shown = np.asarray(enlarge(save(lettering(1)), detail=1)).astype(int)

    assert np.abs(shown[160:185, 20:120] - (240, 238, 230)).max() <= 2, "paper"
    assert np.abs(shown[70:100, 70:100] - (40, 60, 140)).max() <= 4, "disc"


def sharpest(picture):
    return int(np.abs(np.diff(np.asarray(picture.convert("L"), int), axis=1)).max())


@pytest.mark.parametrize(("scale", "kind"), [(2, "jpeg"), (3, "webp"), (4, "png")])
def test_it_makes_the_size_and_format_that_were_asked_for(enlarge, save, scale, kind):
    result = enlarge(save(lettering(1)), scale=scale, format=kind)

    assert result.size == (64 * scale, 48 * scale)


def test_a_turned_photograph_comes_out_upright(enlarge, save):
    exif = Image.Exif()
    exif[0x0112] = 6

    assert enlarge(save(lettering(1), "turned.jpg", exif=exif), scale=2).size == (96, 128)


def test_tiles_fit_together_without_seams(model, monkeypatch):
    rgb = np.asarray(lettering(1))
    upscaler = superres.Upscaler(model._folder, threads=1)
    (whole,) = upscaler.tiles(rgb)
    monkeypatch.setattr(superres, "TILE", 20)

    pieces = list(upscaler.tiles(rgb))

    assert len(pieces) == superres.tile_count(rgb) == 12
    for piece in pieces:
        tall, wide = piece.rgb.shape[:2]
        same = whole.rgb[piece.top : piece.top + tall, piece.left : piece.left + wide].astype(int)
        assert np.abs(same - piece.rgb).max() <= 1


def test_transparency_is_kept_where_the_format_can(enlarge, save):
    picture = lettering(1).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    file = save(picture)

    assert np.asarray(enlarge(file, scale=2).getchannel("A"))[[2, -3]].mean(axis=1).tolist() == pytest.approx(
        [4, 251], abs=6
    )
    assert enlarge(file, scale=2, format="jpeg").mode == "RGB"


def test_a_picture_that_is_large_already_is_refused(enlarge, save):
    with pytest.raises(InvalidInput, match="4 megapixels"):
        enlarge(save(Image.new("RGB", (2500, 1700))))


def test_a_cancel_is_heard_between_tiles(model, save, tmp_path, monkeypatch):
    monkeypatch.setattr(superres, "TILE", 20)
    context = LocalContext(
        tmp_path / "work",
        assets={ASSET: save(lettering(1))},
        on_progress=lambda report: context.cancel() if report.step else None,
    )

    with pytest.raises(Cancelled):
        list(model.generate(UpscaleParameters(image=ASSET), context))


def test_it_is_absent_with_a_reason_without_its_package_or_its_weights(monkeypatch, tmp_path):
    monkeypatch.setenv(WEIGHTS_FOLDER, str(tmp_path))
    if importlib.util.find_spec("ncnn") is not None:
        assert f"which {tmp_path} does not hold: run `make upscale`" in Upscale.available()
    monkeypatch.setitem(sys.modules, "ncnn", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    assert "needs the package ncnn: run `make upscale`" in Upscale.available()


def test_weights_that_went_away_are_told_of(tmp_path):
    pytest.importorskip("ncnn", reason="builtin/upscale needs ncnn: make upscale")

    with pytest.raises(ProviderUnavailable, match="make upscale"):
        Upscale(tmp_path).setup()


def test_weights_that_are_there_and_whole_are_not_fetched_again(weights, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/python")

    assert fetch_upscaler(folder=weights) == weights
    assert {path.name for path in weights.iterdir()} >= set(FILES)


def test_its_card_is_complete():
    card = ModelCard.of(Upscale)

    assert (card.task, card.asset_inputs) == ("image-to-image", {"image": ("image/*",)})
    assert card.capabilities.progress
