"""Read any picture that a person may have: turned by its camera, transparent, animated, CMYK, 16 bit."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from reelwork.generator import InvalidInput
from worker.models.film.geometry import Box, Size

Pixels = NDArray[np.uint8]

MAX_PIXELS = 40_000_000
"""About 160 MB as RGBA; the largest that a worker of 1 GB decodes without risk."""

_PAPER, _SLATE = (244, 244, 242), (24, 26, 30)
_ORIENTATION_TAG = 0x0112
_TURN = Image.Transpose
_UPRIGHT = {  # EXIF 2.32, tag 0x0112: how the stored picture is brought upright
    2: _TURN.FLIP_LEFT_RIGHT,
    3: _TURN.ROTATE_180,
    4: _TURN.FLIP_TOP_BOTTOM,
    5: _TURN.TRANSPOSE,
    6: _TURN.ROTATE_270,
    7: _TURN.TRANSVERSE,
    8: _TURN.ROTATE_90,
}
_SIDEWAYS = {5, 6, 7, 8}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file whose header was read; `size` is as displayed."""

    path: Path
    size: Size
    orientation: int
    field: str

    def load(self, *, enough: Size | None = None, see_through: bool = False) -> Image.Image:
        """Decode to upright sRGB: RGB, what is transparent laid on paper; with `see_through` RGBA where it has alpha.

        With `enough`, a JPEG may come back smaller by a whole factor, though not smaller than that.
        Raises InvalidInput for a file that breaks off or is damaged.
        """
        try:
            with Image.open(self.path) as opened:
                if enough is not None:
                    sideways = self.orientation in _SIDEWAYS
                    opened.draft("RGB", (enough.height, enough.width) if sideways else (enough.width, enough.height))
                opened.load()
                turn = _UPRIGHT.get(self.orientation)
                upright = opened if turn is None else opened.transpose(turn)
                shown = _in_srgb(upright, opened.info.get("icc_profile"))
                return shown if see_through else on_paper(shown)
        except (OSError, SyntaxError, ValueError) as error:  # what Pillow's decoders raise for damaged data
            raise InvalidInput(
                "The picture is damaged or incomplete; save it again and retry.", field=self.field
            ) from error


def open_picture(path: Path, *, field: str = "image") -> Picture:
    """Read a picture's header. Raises InvalidInput for what is no picture, or too large to decode."""
    try:
        with Image.open(path) as opened:
            stored = Size(*opened.size)
            if stored.pixels > MAX_PIXELS:
                raise _too_large(field)
            orientation = _orientation(opened)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(field) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InvalidInput(
            "The file is not a picture that can be read; use JPEG, PNG, GIF, WebP or AVIF.", field=field
        ) from error
    shown = Size(stored.height, stored.width) if orientation in _SIDEWAYS else stored
    return Picture(path, shown, orientation, field)


def cut(image: Image.Image, box: Box, *, picture: Size, size: Size) -> Pixels:
    """The box (in the picture's pixels, whatever the decoded image's) at the given size, by Lanczos."""
    across, down = image.width / picture.width, image.height / picture.height
    left, top = box.left * across, box.top * down
    right = min(left + box.width * across, image.width)
    bottom = min(top + box.height * down, image.height)
    resized = image.resize(
        (size.width, size.height), Image.Resampling.LANCZOS, box=(left, top, right, bottom), reducing_gap=3.0
    )
    return np.asarray(resized)


def _too_large(field: str) -> InvalidInput:
    return InvalidInput(
        f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels; make it smaller.", field=field
    )


def _orientation(opened: Image.Image) -> int:
    """The EXIF orientation that is left to us: Pillow turns TIFF by itself.

    The gateway takes no TIFF; a file that is given to the model without it may be one.

    The base class is asked, since the PNG reader's own method decodes the whole picture.
    """
    return 1 if opened.format == "TIFF" else int(Image.Image.getexif(opened).get(_ORIENTATION_TAG, 1))


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """8 bits a channel, RGB or RGBA, colours of an embedded profile brought to sRGB."""
    plain = _eight_bit(image)
    if profile is not None and plain.mode in {"RGB", "CMYK"}:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(plain, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile is common and harmless: the picture is then taken as it is
        else:
            return converted or plain
    if plain.mode in {"PA", "LA", "RGBA", "La", "RGBa"} or "transparency" in plain.info:
        return plain.convert("RGBA")
    return plain.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Pillow clips 16-bit, 32-bit and float grey to 255 when it converts; scale them to their range instead."""
    if not (image.mode.startswith("I") or image.mode == "F"):
        return image
    values = np.asarray(image).astype(np.float64)
    top = float(values.max(initial=0.0))
    full = (
        65535.0 if image.mode.startswith("I") and 255 < top <= 65535 else max(top, 1.0 if image.mode == "F" else 255.0)
    )
    return Image.fromarray(np.clip(values * (255.0 / full), 0, 255).round().astype(np.uint8))


def on_paper(image: Image.Image) -> Image.Image:
    """RGB: what is transparent is laid on paper or slate, whichever sets it off."""
    if image.mode != "RGBA":
        return image
    grey, alpha = np.asarray(image.convert("L"), np.float32), np.asarray(image.getchannel("A"), np.float32)
    weight = float(alpha.sum())
    brightness = float((grey * alpha).sum()) / weight if weight else 255.0
    ground = Image.new("RGBA", image.size, (*(_SLATE if brightness > 140 else _PAPER), 255))
    return Image.alpha_composite(ground, image).convert("RGB")
