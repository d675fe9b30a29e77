"""Requests that one gateway has answered, on their way to the counter. Memory only: what it holds dies with it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reelwork.domain.ids import AccountId

# Accounts that are told of at once; the others a moment later.
MOST_AT_ONCE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Requests of some accounts. `number` grows with each that one gateway makes; `at` decides the day."""

    number: int
    at: datetime
    requests: Mapping[AccountId, int]


class RequestTally:
    """Bounded by the number of accounts."""

    def __init__(self) -> None:
        self._counts: Counter[AccountId] = Counter()
        self._number = 0
        self._open: Counted | None = None

    def __bool__(self) -> bool:
        return bool(self._counts) or self._open is not None

    def count(self, account: AccountId) -> None:
        """One more request was answered. Never waits."""
        self._counts[account] += 1

    def drawn(self, at: datetime) -> Counted | None:
        """What is to be told next; the same again until it is `told`. None when there is nothing."""
        if self._open is None and self._counts:
            chosen = list(self._counts)[:MOST_AT_ONCE]
            self._number += 1
            requests = {account: self._counts.pop(account) for account in chosen}
            self._open = Counted(number=self._number, at=at, requests=requests)
        return self._open

    def told(self) -> None:
        """What was drawn has arrived."""
        self._open = None
