"""Bytes that several fetches share."""

from reelwork.fetch.refusal import TooMuch


class Allowance:
    """So many bytes for any number of fetches together, spent as they arrive; of fetches on one event loop only."""

    def __init__(self, size_bytes: int) -> None:
        self._left_bytes = size_bytes

    @property
    def is_spent(self) -> bool:
        return self._left_bytes <= 0

    def spend(self, size_bytes: int) -> None:
        """Raises TooMuch where there were not so many left: they count nevertheless, since they have arrived."""
        self._left_bytes -= size_bytes
        if self._left_bytes < 0:
            raise TooMuch
