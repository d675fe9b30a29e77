"""Whatever picture a person drops on the page becomes a film of what they see, or an error that says why not."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from reelwork.generator import InvalidInput
from worker.models.film.geometry import Size
from worker.models.film.picture import MAX_PIXELS, open_picture

pytestmark = pytest.mark.security

RED, GREEN, BLUE = (200, 30, 40), (20, 160, 60), (30, 60, 190)


def near(pixel, colour, tolerance=8):
    return bool(np.abs(np.asarray(pixel, int) - colour).max() <= tolerance)


@pytest.mark.parametrize("colour", [RED, GREEN, BLUE, (0, 0, 0), (255, 255, 255), (128, 128, 128)])
def test_colours_come_out_as_they_went_in(film_of, watch, save, colour):
    film = watch(film_of(save(Image.new("RGB", (320, 240), colour))))

    assert near(film.frames[12][240, 320], colour, 4)


def striped(mode="RGB"):
    """Red above blue, 300 x 200."""
    image = Image.new("RGB", (300, 200), RED)
    image.paste(BLUE, (0, 100, 300, 200))
    return image.convert(mode)


TURN = Image.Transpose
STORED_AS = {
    1: None,
    2: TURN.FLIP_LEFT_RIGHT,
    3: TURN.ROTATE_180,
    4: TURN.FLIP_TOP_BOTTOM,
    5: TURN.TRANSPOSE,
    6: TURN.ROTATE_90,
    7: TURN.TRANSVERSE,
    8: TURN.ROTATE_270,
}


@pytest.mark.parametrize("name", ["turned.jpg", "turned.png", "turned.webp", "turned.tiff"])
@pytest.mark.parametrize("orientation", STORED_AS)
def test_picture_is_turned_as_its_camera_was_held(film_of, watch, save, orientation, name):
    stored = quartered()
    if (turn := STORED_AS[orientation]) is not None:
        stored = stored.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation

    film = watch(film_of(save(stored, name, exif=exif), strength=0))

    assert film.size == (720, 480)
    assert near(film.frames[0][60, 100], RED, 20)
    assert near(film.frames[0][60, 620], GREEN, 20)
    assert near(film.frames[0][420, 360], BLUE, 20)


def quartered():
    """Red and green above blue, 300 x 200."""
    image = striped()
    image.paste(GREEN, (150, 0, 300, 100))
    return image


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("RGB", "a.png"),
        ("RGB", "a.webp"),
        ("RGB", "a.bmp"),
        ("RGB", "a.tiff"),
        ("CMYK", "a.jpg"),
        ("CMYK", "a.tiff"),
        ("P", "a.png"),
        ("P", "a.gif"),
    ],
)
def test_every_kind_of_colour_file_is_read(save, mode, name):
    path = save(striped(mode), name)

    image = open_picture(path).load()

    assert image.mode == "RGB"
    assert near(image.getpixel((150, 30)), RED, 25)
    assert near(image.getpixel((150, 170)), BLUE, 25)


@pytest.mark.parametrize("mode", ["L", "1", "I;16", "I", "F"])
def test_grey_of_any_depth_keeps_its_brightness(save, mode):
    ramp = np.linspace(0, 1, 256)[None, :].repeat(8, 0)
    if mode in {"L", "1"}:
        path = save(Image.fromarray((ramp * 255).astype(np.uint8)).convert(mode))
    elif mode == "F":
        path = save(Image.fromarray(ramp.astype(np.float32)), "a.tiff")
    elif mode == "I":
        path = save(Image.fromarray((ramp * 65535).astype(np.int32)), "a.tiff")
    else:
        path = save(Image.fromarray((ramp * 65535).astype(np.uint16)))

    grey = np.asarray(open_picture(path).load().convert("L"), int)

    assert grey[:, :20].mean() < 30
    assert grey[:, 118:138].mean() == pytest.approx(128, abs=25)
    assert grey[:, -20:].mean() > 225


@pytest.mark.parametrize(("subject", "ground_is_dark"), [((250, 250, 240, 255), True), ((30, 20, 60, 255), False)])
def test_transparent_picture_stands_on_a_ground_that_sets_it_off(save, subject, ground_is_dark):
    image = Image.new("RGBA", (200, 200), (0, 255, 0, 0))
    image.paste(subject, (50, 50, 150, 150))

    loaded = np.asarray(open_picture(save(image)).load(), int)

    assert near(loaded[100, 100], subject[:3])
    assert bool(loaded[5, 5].mean() < 60) is ground_is_dark
    assert np.ptp(loaded[5, 5]) < 10, "no trace of the hidden green"


def test_transparency_of_a_palette_is_honoured(save):
    image = Image.new("P", (40, 40), 0)
    image.putpalette([0, 255, 0, *RED])
    image.paste(1, (10, 10, 30, 30))

    loaded = np.asarray(open_picture(save(image, transparency=0)).load(), int)

    assert near(loaded[20, 20], RED)
    assert np.ptp(loaded[2, 2]) < 10


def test_animated_gif_gives_its_first_picture(film_of, watch, save):
    first, *others = (Image.new("RGB", (120, 80), colour) for colour in (RED, GREEN, BLUE))

    film = watch(film_of(save(first, "moving.gif", save_all=True, append_images=others, duration=100)))

    assert near(film.frames[-1][200, 300], RED)


def test_colours_of_a_wide_gamut_photograph_are_converted(save, tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    lab = Image.new("LAB", (40, 40), (136, 208, 195))  # a strong red in CIE L*a*b*
    path = save(lab, "lab.tiff", icc_profile=profile.tobytes())

    red, green, blue = open_picture(path).load().getpixel((20, 20))

    assert red > 180
    assert max(green, blue) < 80


def test_broken_colour_profile_does_no_harm(save):
    path = save(striped(), "a.png", icc_profile=b"no profile at all")

    assert near(open_picture(path).load().getpixel((150, 30)), RED)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 1)])
def test_tiny_picture_makes_a_film(film_of, watch, save, size):
    film = watch(film_of(save(Image.new("RGB", size, GREEN))))

    assert min(film.size) >= 160
    assert near(film.frames[-1][film.size[1] // 2, film.size[0] // 2], GREEN)


@pytest.mark.parametrize(
    ("size", "film_size"), [((4000, 12), (854, 284)), ((12, 4000), (284, 854)), ((2400, 1000), (854, 356))]
)
def test_narrow_picture_is_cropped_to_a_shape_that_screens_can_show(film_of, watch, save, size, film_size):
    film = watch(film_of(save(Image.new("RGB", size, GREEN))))

    assert film.size == film_size
    assert all(side % 2 == 0 for side in film.size)


def test_large_photograph_is_decoded_no_larger_than_needed(save):
    path = save(Image.effect_noise((4000, 3000), 60).convert("RGB"), "large.jpg")

    assert open_picture(path).load(enough=Size(900, 675)).size == (1000, 750)
    assert open_picture(path).load(enough=Size(1100, 825)).size == (2000, 1500)


def bomb(side):
    """A PNG of some hundred bytes that claims side x side pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [int(MAX_PIXELS**0.5) + 10, 10_000, 30_000, 100_000])
def test_pixel_bomb_is_refused_before_it_is_decoded(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb(side))

    with pytest.raises(InvalidInput, match="40 megapixels") as caught:
        open_picture(path)

    assert caught.value.field == "image"


@pytest.mark.parametrize(
    "content", [b"", b"Dear diary", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\n"]
)
def test_file_that_is_no_picture_is_refused_with_the_cure(tmp_path, content):
    path = tmp_path / "picture.png"
    path.write_bytes(content)

    with pytest.raises(InvalidInput, match="use JPEG, PNG"):
        open_picture(path)


@pytest.mark.parametrize("name", ["broken.jpg", "broken.png", "broken.gif", "broken.webp"])
def test_picture_that_breaks_off_is_refused(film_of, save, name):
    path = save(Image.effect_noise((400, 300), 80).convert("RGB"), name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])

    with pytest.raises(InvalidInput):
        film_of(path)
