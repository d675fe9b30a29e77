"""What a film's structure says, held against films that FFmpeg wrote; and files that only begin like one."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from reelwork.domain.errors import InvalidInput
from reelwork.domain.film import FilmFacts, film_facts, sniff_film
from testkit import pictures
from testkit.films import box, film, film_head, frames_head

PIXELS = 40_000_000


def facts(content: bytes, *, size: int | None = None) -> FilmFacts:
    return film_facts(
        lambda offset, length: content[offset : offset + length], size or len(content), limit_pixels=PIXELS
    )


def encoded(folder: Path, container: str, **options: str) -> bytes:
    """Twelve frames of 96 x 64, a second in all, by FFmpeg."""
    path = folder / "film"
    with av.open(path, "w", format=container, options=options) as output:
        stream = output.add_stream("mpeg4", rate=12)
        stream.width, stream.height = 96, 64
        stream.time_base = Fraction(1, 12)
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), number * 20, np.uint8), format="rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path.read_bytes()


@pytest.mark.parametrize(
    ("container", "options", "media_type"),
    [
        ("mp4", {}, "video/mp4"),
        ("mp4", {"movflags": "faststart"}, "video/mp4"),
        ("mov", {}, "video/quicktime"),
    ],
)
def test_a_film_of_ffmpeg_is_told_and_measured(
    tmp_path: Path, container: str, options: dict[str, str], media_type: str
):
    content = encoded(tmp_path, container, **options)

    assert sniff_film(content[:32]) == media_type
    assert facts(content) == FilmFacts(width=96, height=64, duration_seconds=pytest.approx(1.0, abs=0.01))


def test_a_film_in_fragments_does_not_say_how_long_it_is(tmp_path: Path):
    content = encoded(tmp_path, "mp4", movflags="frag_keyframe+empty_moov")

    assert facts(content) == FilmFacts(width=96, height=64, duration_seconds=None)


def test_only_the_index_of_a_film_is_read():
    size, head = 40 * 1024**3, film_head()
    start = head + frames_head(size - len(head) - 16)
    read: list[int] = []

    def read_at(offset: int, length: int) -> bytes:
        read.append(length)
        return start[offset : offset + length]

    assert film_facts(read_at, size, limit_pixels=PIXELS).width == 64
    assert sum(read) < 1000


@pytest.mark.parametrize("content", [b"", b"\x00\x00\x00\x18mdat", pictures.picture(), pictures.picture("image/avif")])
def test_what_is_no_film_is_none(content: bytes):
    assert sniff_film(content[:32]) is None


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (film()[:-1], "broken_film"),
        (film() + b"more", "broken_film"),
        (film_head(), "broken_film"),
        (box(b"ftyp", b"isom") + box(b"mdat", bytes(64)), "broken_film"),
        (box(b"ftyp", b"isom") + box(b"moov") + box(b"mdat"), "broken_film"),
        (box(b"ftyp", b"isom") + box(b"moov", box(b"trak", b"\xff" * 20)) + box(b"mdat"), "broken_film"),
        (box(b"ftyp", b"isom") + box(b"moov", box(b"mvhd", b"\x01\0")) + box(b"mdat"), "broken_film"),
        (box(b"ftyp", b"isom") + struct.pack(">I4s", 7, b"moov") + bytes(64), "broken_film"),
        (box(b"ftyp", b"isom") + box(b"free") * 20_001, "broken_film"),
        (film(width=0), "broken_film"),
        (film(width=20_000, height=20_000), "too_many_pixels"),
        (film(seconds=100 * 3600), "too_long"),
    ],
)
def test_a_film_that_is_none_or_too_much_is_refused(content: bytes, code: str):
    with pytest.raises(InvalidInput) as refused:
        facts(content)

    assert refused.value.errors[0].code == code


def test_an_index_beyond_all_measure_is_not_read():
    size, room = 1024**3, 65 * 1024**2
    start = box(b"ftyp", b"isom") + struct.pack(">I4s", 8 + room, b"moov")
    behind = frames_head(size - len(start) - room - 16)

    def read_at(offset: int, length: int) -> bytes:
        assert length <= 16, "the index is not read"
        return start[offset : offset + length] or behind[:length]

    with pytest.raises(InvalidInput, match="index"):
        film_facts(read_at, size, limit_pixels=PIXELS)
