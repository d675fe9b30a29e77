"""Pictures that travel inside a request."""

import base64
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from reelwork.generator import InvalidInput
from testkit.providers import PICTURE, Asked, case_of
from worker.models.providers.pictures import inline

Ask = Callable[..., Asked]

RUNWAY = case_of("runway/gen4-turbo")


def test_a_picture_that_fits_travels_as_it_is(ask: Ask, inputs: dict[str, Path]):
    media_type, data = inline(ask(RUNWAY).context, PICTURE, limit_bytes=10**6)

    assert (media_type, base64.b64decode(data)) == ("image/png", inputs[PICTURE].read_bytes())


def test_a_picture_that_is_too_large_or_of_another_kind_is_made_anew(ask: Ask, png_of, tmp_path: Path):
    for name, content, limit in (
        ("large.png", png_of(2600, 300), 300_000),
        ("moving.gif", png_of(300, 200, "GIF"), 10**6),
        ("turned.jpg", png_of(300, 200, "JPEG", exif=_turned()), 10**6),
    ):
        (tmp_path / name).write_bytes(content)
        media_type, data = inline(ask(RUNWAY, assets={PICTURE: tmp_path / name}).context, PICTURE, limit_bytes=limit)
        made = Image.open(io.BytesIO(base64.b64decode(data)))
        assert (media_type, made.format, max(made.size) <= 2048) == ("image/jpeg", "JPEG", True)
        assert len(base64.b64decode(data)) <= limit
    assert made.size == (200, 300)


def test_a_picture_with_too_much_detail_is_refused(ask: Ask, png_of, tmp_path: Path):
    (tmp_path / "noise.png").write_bytes(png_of(400, 400))

    with pytest.raises(InvalidInput, match="too much detail"):
        inline(ask(RUNWAY, assets={PICTURE: tmp_path / "noise.png"}).context, PICTURE, limit_bytes=5000)


def test_what_is_no_picture_is_refused_before_anybody_is_asked(ask: Ask, tmp_path: Path):
    (tmp_path / "words.png").write_bytes(b"no picture")
    asked = ask(RUNWAY, assets={PICTURE: tmp_path / "words.png"})

    error = asked.refusal()

    assert isinstance(error, InvalidInput)
    assert (error.field, asked.fake.requests.total()) == ("image", 0)


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif
