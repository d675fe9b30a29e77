"""Addresses from which too many wrong keys have come are sent away before a key is looked at."""

import ipaddress
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from reelwork.counters.limiter import Limiter
from reelwork.domain.errors import ExpiredToken, InvalidApiKey, RateLimited
from reelwork.domain.rate import Rate, Standing

log = structlog.get_logger(__name__)

# One customer of a provider has at least so much of IPv6, to choose from at will.
IPV6_PREFIX = 64
MOST_KEPT = 10_000


class FailedLogins:
    """Failures are counted where rates are; that an address is sent away, every gateway knows for itself.

    So a request with a good key costs no question here, and a gateway that has not heard yet of failures elsewhere
    hears of them with the first one of its own. Keys that have expired are no guesses, and do not count.
    """

    def __init__(self, limiter: Limiter, *, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limiter = limiter
        self._rate = Rate(name="failed-logins", amount=per_minute)
        self._clock = clock
        self._away: dict[str, float] = {}  # until when, by the clock

    @asynccontextmanager
    async def watched(self, address: str | None) -> AsyncIterator[None]:
        """Around looking at a key from this address. Raises RateLimited before it, or instead of InvalidApiKey."""
        origin = _origin(address)
        left = self._away.get(origin, 0.0) - self._clock()
        if left > 0:
            raise self._refusal(int(left) + 1)
        try:
            yield
        except ExpiredToken:
            raise
        except InvalidApiKey as error:
            standing = await self._limiter.take(self._rate, origin)
            if standing.remaining == 0:
                self._send_away(origin, standing)
            if not standing.allowed:
                raise self._refusal(standing.more_seconds) from error
            raise

    def _send_away(self, origin: str, standing: Standing) -> None:
        now = self._clock()
        if len(self._away) >= MOST_KEPT:
            self._away = {known: until for known, until in self._away.items() if until > now}
        if len(self._away) >= MOST_KEPT:
            self._away.clear()  # their failures are still counted: each is sent away again with its next one
        self._away[origin] = now + standing.more_seconds
        log.warning("logins.refused", address=origin, seconds=standing.more_seconds)

    def _refusal(self, seconds: int) -> RateLimited:
        return RateLimited(
            f"More than {self._rate.amount} wrong keys came from your address within a minute.",
            hint=f"Check the key, and wait {seconds} s.",
            limit=self._rate.amount,
            retry_after_seconds=seconds,
        )


def _origin(address: str | None) -> str:
    """Whose failures are counted together: an IPv4 address, or a network of IPv6."""
    if address is None:
        return "unknown"
    parsed = ipaddress.ip_address(address)
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
