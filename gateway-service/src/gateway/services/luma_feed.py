"""The dashboard in Luma's names, again and again, to whoever watches."""

import asyncio
import json
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from gateway.services.luma_dashboard import active_jobs, queues
from gateway.services.overview import OverviewService
from gateway.services.rates import AccountRates, RateLimits
from reelwork.domain.errors import StoreUnavailable, TooManyStreams
from reelwork.domain.ids import AccountId
from reelwork.domain.rate import RouteClass

log = structlog.get_logger(__name__)

EVERY_SECONDS = 1.0
# A client that has not taken an update within this time is too slow for the next one.
SLOW_SECONDS = 5.0
# As many watch for one account at once: each of them is sent everything.
MOST_SOCKETS = 20
MOST_ACCOUNTS = 100
# RFC 6455 section 7.4, and the register of close codes.
GOING_AWAY, DENIED, TRY_AGAIN = 1001, 1008, 1013


@dataclass(frozen=True, slots=True)
class Socket:
    """An open connection. `receive`: the next of the client's messages, of ASGI's own shape (hence `Any`)."""

    send: Callable[[str], Awaitable[None]]
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]]


class LumaFeed:
    """One for all watchers. `closing`: true once the server is shutting down."""

    def __init__(
        self, overview: OverviewService, rates: RateLimits, *, life_seconds: float, closing: Callable[[], bool]
    ) -> None:
        self._overview = overview
        self._rates = rates
        self._life_seconds = life_seconds
        self._closing = closing
        self._open: Counter[AccountId] = Counter()
        self._reading = asyncio.Lock()
        self._read_at, self._latest = -math.inf, ""

    def place(self, account: AccountId) -> AbstractContextManager[None]:
        """A place among the account's sockets, for the length of the context. Raises TooManyStreams."""
        if self._open[account] >= MOST_SOCKETS:
            raise TooManyStreams(f"{MOST_SOCKETS} dashboards are open already.", hint="Close one.")
        return self._held(account)

    @contextmanager
    def _held(self, account: AccountId) -> Iterator[None]:
        self._open[account] += 1
        try:
            yield
        finally:
            self._open[account] -= 1

    async def follow(self, socket: Socket, *, admitted: Callable[[], Awaitable[bool]]) -> int | None:
        """Send an update each second; why to close, or None where the client has gone."""
        ends = time.monotonic() + self._life_seconds
        gone = asyncio.ensure_future(_gone(socket))
        told_at = time.monotonic()
        try:
            while not gone.done():
                if self._closing() or time.monotonic() >= ends:
                    return GOING_AWAY
                if not await admitted():
                    return DENIED
                async with asyncio.timeout(SLOW_SECONDS):
                    await socket.send(await self._update(since=told_at))
                told_at = time.monotonic()
                await asyncio.wait({gone}, timeout=EVERY_SECONDS)
        except TimeoutError:
            log.info("dashboard.too_slow")
            return TRY_AGAIN
        except StoreUnavailable as error:
            log.warning("dashboard.not_read", reason=error.detail)
            return TRY_AGAIN
        finally:
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone
        return None

    async def _update(self, *, since: float) -> str:
        """One that was read after `since`: whoever comes first reads it for all who watch."""
        async with self._reading:
            if self._read_at <= since:
                read_at = time.monotonic()
                self._latest, self._read_at = json.dumps(await self._read()), read_at
            return self._latest

    async def _read(self) -> dict[str, Any]:
        """As Luma sent it."""
        seen = await self._overview.dashboard()
        accounts = (await self._rates.page(cursor=None, limit=MOST_ACCOUNTS)).items
        return {
            "type": "update",
            "data": {
                "queues": {name: queue.model_dump(mode="json") for name, queue in queues(seen).items()},
                "total_queued": seen.total_queued,
                "rate_limits": {one.account.id: _rate(one) for one in accounts},
                "active_jobs": [job.model_dump(mode="json") for job in active_jobs(seen)],
                "recent_requests": [job.model_dump(mode="json") for job in seen.recent_jobs],
            },
            "timestamp": datetime.now(UTC).isoformat(),
        }


async def _gone(socket: Socket) -> None:
    """Returns when the client has. Whatever it says is not for us."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _rate(one: AccountRates) -> dict[str, Any]:
    standing = one.standings[RouteClass.SUBMIT]
    return {
        "user_id": one.account.id,
        "tier": one.account.tier.value,
        "limit": standing.rate.amount,
        "remaining": standing.remaining,
        "reset_at": round(time.time()) + standing.more_seconds,
        "is_rate_limited": standing.remaining == 0,
    }
