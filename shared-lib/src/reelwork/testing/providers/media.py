"""Small but real files: what comes out of a fake can be opened, shown and measured."""

import colorsys
import io
import tempfile
import zlib
from functools import lru_cache
from pathlib import Path

from PIL import Image

PNG, MP4, VTT, SRT, MP3 = "image/png", "video/mp4", "text/vtt", "application/x-subrip", "audio/mpeg"
WIDTH, HEIGHT = 192, 108
_FRAMES, _FPS = 12, 12


@lru_cache(maxsize=64)
def content(media_type: str, of: str) -> bytes:
    """The bytes of an output; the same for the same words. Subtitles say the words themselves."""
    match media_type:
        case "image/png":
            return picture(of)
        case "video/mp4":
            return film(of)
        case "text/vtt":
            return f"WEBVTT\n\n00:00.000 --> 00:01.000\n{of}\n".encode()
        case _:
            return f"1\n00:00:00,000 --> 00:00:01,000\n{of}\n".encode()


def picture(words: str) -> bytes:
    """A PNG whose colours follow from the words."""
    file = io.BytesIO()
    _gradient(words, 0.0).save(file, "PNG")
    return file.getvalue()


def film(words: str) -> bytes:
    """A second of MPEG-4 video, made anew with PyAV."""
    import av  # noqa: PLC0415  (only who asks for films needs these two)
    import numpy as np  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=_FPS, options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for number in range(_FRAMES):
                pixels = np.asarray(_gradient(words, number / _FRAMES))
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path.read_bytes()


def _gradient(words: str, turn: float) -> Image.Image:
    hue = zlib.crc32(words.encode()) / 2**32 + turn / 4
    ends = [_rgb(hue, 0.9), _rgb(hue + 0.12, 0.35)]
    column = Image.new("RGB", (1, 2))
    column.putdata(ends)
    return column.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def _rgb(hue: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, 0.6, value)
    return round(red * 255), round(green * 255), round(blue * 255)
