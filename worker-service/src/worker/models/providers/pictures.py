"""Pictures that travel inside a request."""

import base64
import io

from PIL import Image

from reelwork.generator import GenerationContext, InvalidInput
from worker.models.film.picture import open_picture

LONGEST_SIDE = 2048
_AS_THEY_ARE = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def inline(ctx: GenerationContext, asset: str, *, limit_bytes: int, field: str = "image") -> tuple[str, str]:
    """Media type and base64 of a picture, at most `limit_bytes` before base64.

    One that is larger, turned by its camera, or of a kind that providers do not read is made anew as JPEG of at most
    `LONGEST_SIDE`. Raises InvalidInput for what is no picture.
    """
    path = ctx.fetch(asset)
    picture = open_picture(path, field=field)
    with Image.open(path) as opened:
        media_type = _AS_THEY_ARE.get(opened.format or "")
        is_animated = getattr(opened, "is_animated", False)
    if media_type and picture.orientation == 1 and not is_animated and path.stat().st_size <= limit_bytes:
        return media_type, base64.b64encode(path.read_bytes()).decode()
    return "image/jpeg", base64.b64encode(_smaller(picture.load(), limit_bytes, field)).decode()


def _smaller(image: Image.Image, limit_bytes: int, field: str) -> bytes:
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    for quality in (92, 80, 60):
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        if file.tell() <= limit_bytes:
            return file.getvalue()
    raise InvalidInput("The picture has too much detail for this model; send a smaller one.", field=field)
