"""The ports of the broker. Neither carries truth: a lost, doubled or late message costs a moment, never a job."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from reelwork.domain.ids import AccountId, JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something happened to a job. `changed`: read the job again; `progress`: `data` is a whole progress report.
    `probe` and `answer` are about no job: see `broker.probes`."""

    kind: Literal["changed", "progress", "probe", "answer"]
    account_id: AccountId
    job_id: JobId
    data: dict[str, Any] = field(default_factory=dict)  # JSON values; empty for `changed`


class Tickets(Protocol):
    """Wake-ups for workers: "there may be work in pool X", nothing more."""

    def publish(self, pool: str, count: int = 1) -> None:
        """Hand over tickets. Never blocks and never raises: what cannot be sent is dropped and counted."""
        ...

    async def depth(self, pool: str) -> int | None:
        """How many tickets wait, or None where the broker does not answer in time."""
        ...


class Notices(Protocol):
    """What watchers listen to. At most once; a watcher that lags gets only the newest notice of each kind."""

    def announce(self, notice: Notice) -> None:
        """Hand over a notice. Never blocks and never raises."""
        ...

    def watch(
        self, account_id: AccountId, job_id: JobId | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[Notice]]:
        """Notices of one job, or of all jobs of an account, from the moment the context is entered.

        The iterator ends never by itself; it holds at most one notice per job and kind, so memory is bounded.
        """
        ...


class Broker(Tickets, Notices, Protocol):
    """Both ports in one connection, and its health."""

    async def ping(self) -> None:
        """One round trip. Raises `BrokerDown` (with the reason) when there is no usable connection."""
        ...


class BrokerDown(Exception):
    """There is no usable connection to the broker."""
