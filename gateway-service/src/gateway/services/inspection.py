"""What a file is, told by its bytes, and whether it is sound: the same for all ways in. Blocks: run it in a thread."""

from dataclasses import asdict, dataclass, replace
from typing import BinaryIO

from gateway.services.pictures import FIELD, measured, refused
from reelwork.domain.errors import InvalidInput
from reelwork.domain.film import FILMS, ReadAt, film_facts, sniff_film
from reelwork.domain.media import UPLOADABLE, sniff
from reelwork.domain.webm import is_webm, webm_facts
from reelwork.generator.errors import InvalidInput as NoSeries
from reelwork.modelling.table import SNIFF_TABLE_BYTES, TABLES, of_stream, sniff_table

PICTURES = UPLOADABLE
TAKEN = (*PICTURES, *FILMS, *TABLES)
# How many leading bytes `told` wants to see.
TOLD_BYTES = SNIFF_TABLE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Of a picture its size, of a film also how long it is where it says so, of numbers nothing."""

    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The same bytes twice: `file` reads ahead, for what is read through; `read_at` gives what it is asked for."""

    file: BinaryIO
    read_at: ReadAt
    size_bytes: int


def told(head: bytes) -> str | None:
    """Which of TAKEN a file is that begins like this; None for what is none of them."""
    if (signed := sniff(head) or sniff_film(head)) is not None:
        return signed
    return "video/webm" if is_webm(head) else sniff_table(head)


def inspected(stored: Stored, content_type: str, *, limit_pixels: int) -> Shown:
    """What the bytes show, once they were found to be what `told` took them for: pictures are decoded, films must have
    a sound structure, and numbers are read to the end.

    Raises InvalidInput.
    """
    if content_type in FILMS:
        return _film(stored, content_type, limit_pixels)
    if content_type in TABLES:
        return _table(stored)
    width, height = measured(stored.file, content_type, limit_pixels=limit_pixels)
    return Shown(width=width, height=height)


def _film(stored: Stored, content_type: str, limit_pixels: int) -> Shown:
    facts = webm_facts if content_type == "video/webm" else film_facts
    try:
        return Shown(**asdict(facts(stored.read_at, stored.size_bytes, limit_pixels=limit_pixels)))
    except InvalidInput as error:
        raise InvalidInput(error.detail, errors=[replace(fault, pointer=FIELD) for fault in error.errors]) from error


def _table(stored: Stored) -> Shown:
    try:
        columns = of_stream(stored.file, stored.size_bytes, source="numbers")
    except NoSeries as error:
        raise refused(InvalidInput, "broken_table", str(error)) from error
    if not columns:
        raise refused(InvalidInput, "broken_table", "There are no numbers in it.")
    return Shown()
