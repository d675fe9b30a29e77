"""Films by their structure alone: is it an MP4 or QuickTime file, whole, and what does it say of its picture? (WebM has
a module of its own.)

The ISO base media file format is a row of boxes, each with its size and four letters (ISO/IEC 14496-12, section 4.2).
Nothing is decoded here, and only the index (`moov`) is ever held: a model that takes a film decodes it in a worker.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reelwork.domain.errors import FieldError, InvalidInput

FILMS = ("video/mp4", "video/quicktime", "video/webm")

# An index has some hundred bytes a second of film; more than this is none that anybody made in good faith.
LARGEST_INDEX_BYTES = 64 * 1024 * 1024
# An hour in fragments of two seconds has 3,600 boxes; each is a read. An index has a dozen for each of its tracks.
MOST_BOXES = 4_000
LONGEST_SECONDS = 24 * 3600
_QUICKTIME = b"qt  "
_PLAYABLE = frozenset({b"mdat", b"moof"})

ReadAt = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmFacts:
    """`duration_seconds` is None for a film in fragments or recorded live, whose index does not say."""

    width: int
    height: int
    duration_seconds: float | None


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    begin: int  # of its content
    end: int


def sniff_film(head: bytes) -> str | None:
    """The media type of a film that begins like this, by the brand of its `ftyp` box; None for what is none."""
    if head[4:8] != b"ftyp" or head[8:12] in {b"avif", b"avis", b"heic", b"mif1"}:
        return None
    return "video/quicktime" if head[8:12] == _QUICKTIME else "video/mp4"


def film_facts(read_at: ReadAt, size_bytes: int, *, limit_pixels: int) -> FilmFacts:
    """What the file says of itself. `read_at(offset, length)` gives that many bytes, or fewer at the end.

    Raises InvalidInput for one that is cut off, has no index, no picture, or one that is larger than allowed.
    """
    boxes = list(_top_boxes(read_at, size_bytes))
    kinds = {box.kind for box in boxes}
    index = next((box for box in boxes if box.kind == b"moov"), None)
    if index is None or not kinds & _PLAYABLE:
        raise broken_film("it has no index or no pictures; save it anew and send that")
    if index.end - index.begin > LARGEST_INDEX_BYTES:
        raise broken_film("its index is larger than any film's")
    return within_bounds(_facts(read_at(index.begin, index.end - index.begin)), limit_pixels=limit_pixels)


def within_bounds(facts: FilmFacts, *, limit_pixels: int) -> FilmFacts:
    """The facts. Raises InvalidInput for a film without a picture, or one that is larger or longer than allowed."""
    if not facts.width or not facts.height:
        raise broken_film("there is no picture in it")
    if facts.duration_seconds is not None and facts.duration_seconds > LONGEST_SECONDS:
        raise _refused("too_long", f"At most {LONGEST_SECONDS // 3600} hours.")
    if facts.width * facts.height > limit_pixels:
        cure = f"It has {facts.width} x {facts.height} pixels; at most {limit_pixels:,} in all."
        raise _refused("too_many_pixels", cure)
    return facts


def broken_film(why: str) -> InvalidInput:
    """The error for what only begins like a film."""
    return _refused("broken_film", f"It begins like a film, but {why}.")


def _top_boxes(read_at: ReadAt, size_bytes: int) -> Iterator[_Box]:
    at, found = 0, 0
    while at < size_bytes:
        found += 1
        box = _box(read_at(at, 16), at, size_bytes)
        if box is None or found > MOST_BOXES:
            raise broken_film("it is cut off, or goes on with something else")
        yield box
        at = box.end


def _box(head: bytes, at: int, end: int) -> _Box | None:
    """The box that begins at `at`; None where it does not fit in what there is."""
    if len(head) < 8:
        return None
    size, header = int.from_bytes(head[:4], "big"), 8
    if size == 1 and len(head) == 16:
        size, header = int.from_bytes(head[8:16], "big"), 16
    elif size == 0:
        size = end - at
    if size < header or at + size > end:
        return None
    return _Box(head[4:8], at + header, at + size)


def _facts(index: bytes) -> FilmFacts:
    width = height = 0
    duration: float | None = None
    try:
        for box in _boxes(index, 0, len(index)):
            if box.kind == b"mvhd":
                duration = _duration(index[box.begin : box.end])
            elif box.kind == b"trak" and _is_picture(index, box):
                width, height = max((width, height), _size(index, box))
    except struct.error as error:
        raise broken_film("its index is cut off") from error
    return FilmFacts(width=width, height=height, duration_seconds=duration or None)


def _boxes(data: bytes, begin: int, end: int) -> Iterator[_Box]:
    found = 0
    while begin + 8 <= end:
        found += 1
        box = _box(data[begin : begin + 16], begin, end)
        if box is None or found > MOST_BOXES:
            raise broken_film("its index is damaged")
        yield box
        begin = box.end


def _inner(data: bytes, box: _Box, *path: bytes) -> _Box | None:
    """The first box at a path below this one."""
    for kind in path:
        found = next((one for one in _boxes(data, box.begin, box.end) if one.kind == kind), None)
        if found is None:
            return None
        box = found
    return box


def _is_picture(index: bytes, track: _Box) -> bool:
    handler = _inner(index, track, b"mdia", b"hdlr")
    return handler is not None and index[handler.begin + 8 : handler.begin + 12] == b"vide"


def _size(index: bytes, track: _Box) -> tuple[int, int]:
    """As it is shown: the last eight bytes of the track's header, in 16.16 fixed point (section 8.3.2)."""
    header = _inner(index, track, b"tkhd")
    if header is None:
        return 0, 0
    width, height = struct.unpack_from(">II", index, header.end - 8)
    return width >> 16, height >> 16


def _duration(header: bytes) -> float | None:
    """Seconds, by the movie's header in either of its two versions (section 8.2.2)."""
    layout, at = (">IQ", 20) if header[:1] == b"\x01" else (">II", 12)
    scale, ticks = struct.unpack_from(layout, header, at)
    unknown = 2**64 - 1 if layout == ">IQ" else 2**32 - 1
    return ticks / scale if scale and ticks != unknown else None


def _refused(code: str, cure: str) -> InvalidInput:
    return InvalidInput(f"The film is not accepted: {cure}", errors=[FieldError(pointer="", code=code, detail=cure)])
