"""A ZIP that is made while it is sent: whole and readable at its end, and never held in memory."""

import io
import tracemalloc
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.services.zip_stream import ZipStream

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MIB = 1 << 20


async def zeros(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // MIB):
        yield bytes(MIB)
    if size % MIB:
        yield bytes(size % MIB)


async def test_files_are_read_as_they_were_written() -> None:
    archive, made = ZipStream(), bytearray()

    for number in range(3):
        async for piece in archive.file(
            f"a/{number}", zeros(number * MIB + number), size_bytes=number * MIB + number, at=NOON
        ):
            made += piece
    made += archive.end()

    with zipfile.ZipFile(io.BytesIO(made)) as read:
        assert read.testzip() is None
        assert [(entry.filename, entry.file_size) for entry in read.infolist()] == [
            (f"a/{number}", number * MIB + number) for number in range(3)
        ]
        assert read.infolist()[0].date_time == (2026, 11, 21, 12, 0, 0)


@pytest.mark.parametrize("actual", [0, MIB - 1, MIB + 1])
async def test_content_of_another_size_than_announced_is_an_error(actual: int) -> None:
    with pytest.raises(ValueError, match=f"has {actual} bytes, not {MIB}"):
        async for _ in ZipStream().file("short", zeros(actual), size_bytes=MIB, at=NOON):
            pass


@pytest.mark.slow
async def test_a_file_of_more_than_four_gibibytes_passes_in_flat_memory(tmp_path: Path) -> None:
    size = 4 * 1024 * MIB + 1
    archive, target = ZipStream(), tmp_path / "large.zip"
    tracemalloc.start()

    with target.open("wb") as file:
        async for piece in archive.file("large", zeros(size), size_bytes=size, at=NOON):
            if piece[:100].strip(b"\0"):
                file.write(piece)
            else:  # a hole: the disk need not be so large
                file.seek(len(piece), io.SEEK_CUR)
        file.write(archive.end())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 16 * MIB
    with zipfile.ZipFile(target) as read:
        (entry,) = read.infolist()
        assert (entry.file_size, entry.compress_type) == (size, zipfile.ZIP_STORED)
