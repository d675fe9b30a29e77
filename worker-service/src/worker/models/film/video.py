"""Read video files that a person may have, and never anything that such a file points to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError

from reelwork.generator import InvalidInput
from worker.models.film.geometry import Size
from worker.models.film.picture import MAX_PIXELS

MEDIA_TYPES = ("video/mp4", "video/quicktime", "video/webm")

MP4_CODINGS = {"h264", "hevc", "av1", "vp9", "mpeg4"}
"""Codings of pictures that MP4 may hold (ISO/IEC 14496-12 and its registration authority)."""

# FFmpeg guesses formats by content, and some of its formats are lists of addresses to open. Only these containers are
# read, and only from the file itself. (The names are FFmpeg's: `mov` is MP4 too, `matroska` is WebM too.)
_CLOSED = {"format_whitelist": "mov,matroska", "protocol_whitelist": "file"}
_UNREADABLE = "The file is not a video that can be read; use MP4, MOV or WebM."


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a video file says of itself; `size` is as displayed, `coding` is FFmpeg's name for that of the pictures."""

    media_type: str
    coding: str
    size: Size
    duration_seconds: float | None


@contextmanager
def opened(path: Path, *, field: str = "video") -> Iterator[InputContainer]:
    """The file's container with at least one picture stream, closed at the end.

    Raises InvalidInput for what is no video, and for a file that turns out to be damaged inside the `with` block.
    """
    try:
        with av.open(path, options=_CLOSED) as file:
            if not file.streams.video:
                raise InvalidInput("The file has no picture, only sound; send a video.", field=field)
            yield file
    except FFmpegError as error:
        raise InvalidInput(_UNREADABLE, field=field) from error


def facts(path: Path, *, field: str = "video") -> Facts:
    """Read the header and one frame. Raises InvalidInput for what is no video, or too large to decode."""
    with opened(path, field=field) as file:
        stream = file.streams.video[0]
        if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
            raise InvalidInput(f"The video has more than {MAX_PIXELS // 1_000_000} megapixels.", field=field)
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}  # what the frames say counts, not the header
        frame = next(file.decode(stream), None)
        if frame is None:
            raise InvalidInput("The video has not a single frame.", field=field)
        sideways = frame.rotation % 180 != 0
        return Facts(
            media_type=_media_type(file),
            coding=stream.codec_context.name,
            size=Size(frame.height, frame.width) if sideways else Size(frame.width, frame.height),
            duration_seconds=None if file.duration is None else file.duration / av.time_base,
        )


def _media_type(file: InputContainer) -> str:
    if "matroska" in file.format.name:
        return "video/webm"
    return "video/quicktime" if file.metadata.get("major_brand", "").strip() == "qt" else "video/mp4"
