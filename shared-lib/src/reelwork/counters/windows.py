"""The port of a rate limiter's storage: windows that slide with the clock."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from reelwork.domain.rate import Rate, Standing


class LimiterDown(Exception):
    """The storage does not answer, or refuses. Its text never holds an address or a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`take`: count a request of this subject if there is room for it; else only look."""

    rate: Rate
    subject: str
    take: bool

    @property
    def key(self) -> str:
        """The same for every amount: a changed plan does not forget what was counted."""
        return f"{self.rate.name}/{self.subject}"


class Windows(Protocol):
    """Requests are counted one by one, with their moments: what is let through is exact in every window, not only from
    minute to minute. A refused request is not counted."""

    async def ask(self, questions: Sequence[Question]) -> list[Standing]:
        """The answers in the order of the questions; each take is atomic, over all processes that share the storage.

        Raises LimiterDown: then some may be counted and some not. Has no deadline of its own.
        """
        ...

    async def forget(self) -> None:
        """Drop connections that may be in the middle of an answer: after an `ask` that was given up."""
        ...

    async def ping(self) -> None:
        """Raises LimiterDown."""
        ...


def standing(rate: Rate, *, allowed: bool, used: int, oldest: float, now: float) -> Standing:
    """From what a storage knows: how many are counted, and when the oldest of them was (seconds since 1970)."""
    if used == 0:
        return Standing(rate=rate, allowed=allowed, remaining=rate.amount)
    # Rounded up and never 0: whoever waits for so long finds room.
    more = min(max(math.floor(oldest + rate.seconds - now) + 1, 1), rate.seconds)
    return Standing(rate=rate, allowed=allowed, remaining=max(rate.amount - used, 0), more_seconds=more)
