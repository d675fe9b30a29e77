"""Pictures that somebody sends: really decoded, every pixel of the first frame, and measured as they are shown."""

import warnings
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from reelwork.domain.errors import FieldError, InvalidInput, ReelworkError, UnsupportedMediaType, UploadTooLarge

FIELD = "#/file"
_TURNED = {5, 6, 7, 8}  # EXIF orientations that swap width and height (EXIF 2.3, tag 0x0112)
_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP", "image/avif": "AVIF"}

Refused = InvalidInput | UnsupportedMediaType | UploadTooLarge


def measured(source: Path | BinaryIO, content_type: str, *, limit_pixels: int) -> tuple[int, int]:
    """Width and height as displayed, after decoding every pixel of the first frame. Raises InvalidInput."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own cap is lower
            return _decoded(source, content_type, limit_pixels)
    except ReelworkError:
        raise
    except Image.DecompressionBombError as error:
        cure = f"At most {limit_pixels:,} pixels. Send a smaller picture."
        raise refused(InvalidInput, "too_many_pixels", cure) from error
    except Exception as error:
        # Decoders raise whatever they like at damaged bytes, AVIF's a RuntimeError; all of it means the same.
        cure = f"It begins like {content_type} but cannot be decoded; save it anew and send that."
        raise refused(InvalidInput, "broken_picture", cure) from error


def refused(error: type[Refused], code: str, cure: str) -> Refused:
    """The error for a file that is not taken."""
    return error(f"The file is not accepted: {cure}", errors=[FieldError(pointer=FIELD, code=code, detail=cure)])


def _decoded(source: Path | BinaryIO, content_type: str, limit_pixels: int) -> tuple[int, int]:
    with Image.open(source, formats=[_FORMATS[content_type]]) as image:
        width, height = image.size
        if width * height > limit_pixels:
            cure = f"It has {width} x {height} pixels; at most {limit_pixels:,} in all. Send a smaller picture."
            raise refused(InvalidInput, "too_many_pixels", cure)
        image.load()
        turned = image.getexif().get(0x0112) in _TURNED
    return (height, width) if turned else (width, height)
