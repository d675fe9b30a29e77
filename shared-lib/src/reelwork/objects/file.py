"""An object as a file that can be read and sought in, for libraries that want one."""

import io
from typing import BinaryIO, cast

from reelwork.objects.direct import READ_BYTES, ObjectReader


class _RawObject(io.RawIOBase):
    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._reader.size_bytes}[whence]
        self._at = max(0, begin + offset)
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # any writable buffer has a length
        data = self._reader.at(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def object_file(reader: ObjectReader) -> BinaryIO:
    """Reads ahead by `READ_BYTES`, so that small reads cost no request each."""
    return cast("BinaryIO", io.BufferedReader(_RawObject(reader), READ_BYTES))
