"""WebM films by their structure alone: is it one, whole, and what does it say of its picture?

EBML is a tree of elements, each with its id and its size in a few bytes (RFC 8794, sections 4 to 6); WebM's are those
of Matroska (RFC 9559, section 5). What is recorded live has elements of unknown size, and may end anywhere.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from reelwork.domain.errors import InvalidInput
from reelwork.domain.film import MOST_BOXES, FilmFacts, ReadAt, broken_film, within_bounds

# What is said of a film, and of its tracks, has some hundred bytes.
LARGEST_PART_BYTES = 1024 * 1024
_EBML, _DOC_TYPE = 0x1A45DFA3, 0x4282
_SEGMENT, _INFO, _TRACKS, _CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
_SCALE, _DURATION = 0x2AD7B1, 0x4489
_TRACK, _VIDEO, _WIDTH, _HEIGHT = 0xAE, 0xE0, 0xB0, 0xBA
_NANOSECONDS = 1_000_000  # in a tick, where the film does not say otherwise
_HEAD_BYTES = 12  # of an element at most: four of its id and eight of its size


@dataclass(frozen=True, slots=True)
class _Element:
    id: int
    begin: int  # of its content
    end: int | None  # None: unknown


def is_webm(head: bytes) -> bool:
    """Whether a file that begins like this says that it is WebM, and no other kind of Matroska."""
    root = _element(head, 0)
    if root is None or root.id != _EBML or root.end is None:
        return False
    begin = head[root.begin : root.end]
    return next((value.rstrip(b"\0") == b"webm" for value in _values(begin, _DOC_TYPE)), False)


def webm_facts(read_at: ReadAt, size_bytes: int, *, limit_pixels: int) -> FilmFacts:
    """What the file says of itself; arguments and errors are those of `film_facts`."""
    parts = {part.id: part for part in _parts(read_at, size_bytes)}
    if not {_INFO, _TRACKS, _CLUSTER} <= parts.keys():
        raise broken_film("it has no index or no pictures; save it anew and send that")
    info, tracks = (_content(read_at, parts[one]) for one in (_INFO, _TRACKS))
    pictures = [picture for track in _values(tracks, _TRACK) for picture in _values(track, _VIDEO)]
    width, height = max(((_whole(one, _WIDTH), _whole(one, _HEIGHT)) for one in pictures), default=(0, 0))
    facts = FilmFacts(width=width, height=height, duration_seconds=_seconds(info))
    return within_bounds(facts, limit_pixels=limit_pixels)


def _parts(read_at: ReadAt, size_bytes: int) -> Iterator[_Element]:
    """Of the segment, which is all behind the head; of a live recording until it does not say how far one goes."""
    root = _element(read_at(0, _HEAD_BYTES), 0)
    at = root.end if root is not None and root.end is not None else size_bytes
    segment = _element(read_at(at, _HEAD_BYTES), at)
    if segment is None or segment.id != _SEGMENT or segment.end not in {None, size_bytes}:
        raise _cut_off()
    at, found = segment.begin, 0
    while at < size_bytes:
        part, found = _element(read_at(at, _HEAD_BYTES), at), found + 1
        if part is None or found > MOST_BOXES or (part.end is not None and part.end > size_bytes):
            raise _cut_off()
        yield part
        if part.end is None:
            return
        at = part.end


def _content(read_at: ReadAt, part: _Element) -> bytes:
    if part.end is None or part.end - part.begin > LARGEST_PART_BYTES:
        raise broken_film("its index is larger than any film's")
    return read_at(part.begin, part.end - part.begin)


def _values(data: bytes, wanted: int) -> Iterator[bytes]:
    """The contents of all elements of one kind in the content of another."""
    at = 0
    while at < len(data):
        element = _element(data[at : at + _HEAD_BYTES], at)
        if element is None or element.end is None or element.end > len(data):
            raise broken_film("its index is damaged")
        if element.id == wanted:
            yield data[element.begin : element.end]
        at = element.end


def _element(head: bytes, at: int) -> _Element | None:
    """The element that begins with `head`, at `at`; None where it does not."""
    if not head or not (id_bytes := _length(head[0])) or id_bytes > 4 or len(head) <= id_bytes:
        return None
    size_bytes = _length(head[id_bytes])
    if not size_bytes or len(head) < id_bytes + size_bytes:
        return None
    unknown = (1 << 7 * size_bytes) - 1
    size = int.from_bytes(head[id_bytes : id_bytes + size_bytes], "big") & unknown
    begin = at + id_bytes + size_bytes
    return _Element(int.from_bytes(head[:id_bytes], "big"), begin, None if size == unknown else begin + size)


def _length(first: int) -> int:
    """How many bytes an id or a size has whose first byte this is; 0: it is neither."""
    return 9 - first.bit_length() if first else 0


def _whole(data: bytes, wanted: int, default: int = 0) -> int:
    return next((int.from_bytes(value[:8], "big") for value in _values(data, wanted)), default)


def _seconds(info: bytes) -> float | None:
    for value in _values(info, _DURATION):
        if len(value) not in {4, 8}:
            raise broken_film("its index is damaged")
        (ticks,) = struct.unpack(">f" if len(value) == 4 else ">d", value)
        seconds = ticks * _whole(info, _SCALE, _NANOSECONDS) / 1e9
        return seconds if math.isfinite(seconds) and seconds > 0 else None
    return None


def _cut_off() -> InvalidInput:
    return broken_film("it is cut off, or goes on with something else")
