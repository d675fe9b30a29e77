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
    """Count `units` of this subject if there is room for all of them, else none; 0 only looks.

    `held`: units of the same request that were counted before. If there is no room, they are given back: the newest
    of the subject, of which it makes no difference whose they are.
    """

    rate: Rate
    subject: str
    units: int
    held: int = 0

    @property
    def key(self) -> str:
        """The same for every amount: a changed plan does not forget what was counted."""
        return f"{self.rate.name}/{self.subject}"


class Windows(Protocol):
    """Units are counted one by one, with their moments: what is let through is exact in every window, not only from
    minute to minute. Nothing is counted of a refused request."""

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


def standing(rate: Rate, *, used: int, oldest: float, blocking: float | None, now: float) -> Standing:
    """From what a storage knows: how many are counted, and when the oldest of them was (seconds since 1970).

    `blocking`: None of what is let through; else the moment of the one that has to leave the window first.
    """
    wait = _until_gone(rate, blocking, now) if blocking is not None else 0
    if used == 0:
        return Standing(rate=rate, allowed=blocking is None, remaining=rate.amount, wait_seconds=wait)
    return Standing(
        rate=rate,
        allowed=blocking is None,
        remaining=max(rate.amount - used, 0),
        more_seconds=_until_gone(rate, oldest, now),
        wait_seconds=wait,
    )


def _until_gone(rate: Rate, moment: float, now: float) -> int:
    """Rounded up and never 0: whoever waits for so long finds room."""
    return min(max(math.floor(moment + rate.seconds - now) + 1, 1), rate.seconds)
