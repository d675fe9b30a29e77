"""What takes so much of a process that only a few may be under way at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from reelwork.domain.errors import RateLimited, Unavailable
from reelwork.domain.ids import AccountId

_SOON_SECONDS = 2


class Berths:
    """How many may be under way at once: of everybody, and a quarter of that of one account. `what`: in a refusal, as
    in "addresses fetched"."""

    def __init__(self, total: int, what: str) -> None:
        self._total = total
        self._each = max(1, total // 4)
        self._what = what
        self._taken: Counter[AccountId] = Counter()

    @contextmanager
    def taken(self, account: AccountId) -> Iterator[None]:
        """One berth for the length of the context; nobody waits for one. Raises RateLimited, Unavailable."""
        if self._taken[account] >= self._each:
            raise RateLimited(
                f"Too many {self._what} at once: one account has at most {self._each}.",
                hint="Wait for the others to be done.",
                limit=self._each,
                retry_after_seconds=_SOON_SECONDS,
            )
        if self._taken.total() >= self._total:
            raise Unavailable(
                f"Too many {self._what} at once, by everybody together.",
                hint="Try again.",
                retry_after_seconds=_SOON_SECONDS,
            )
        self._taken[account] += 1
        try:
            yield
        finally:
            self._taken[account] -= 1
            if not self._taken[account]:
                del self._taken[account]
