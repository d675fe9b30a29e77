"""Windows in Redis or Valkey, counted over all gateways together."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

from limits.aio.storage.redis.bridge import RedisBridge
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from reelwork.counters.windows import LimiterDown, Question, standing
from reelwork.domain.rate import Standing
from reelwork.tls import NO_FILES, TlsFiles

PREFIX = "reelwork:rate:"
# Takes ARGV[4] units by the library's own script. If there is no room for them: gives back the ARGV[5] that their
# request had before, and tells the moment of the one that has to leave the window first.
_TAKE = f"""
local function taken()
{RedisBridge.SCRIPT_ACQUIRE_MOVING_WINDOW.decode()}
end
if taken() then return false end
local place = tonumber(ARGV[2]) - tonumber(ARGV[4])
local blocking = place >= 0 and redis.call('lindex', KEYS[1], place) or ARGV[1]
if tonumber(ARGV[5]) > 0 then redis.call('lpop', KEYS[1], ARGV[5]) end
return blocking
"""
# For what has no deadline from outside; a request waits far less, see `Limiter`.
SOCKET_SECONDS = 2.0


class ValkeyWindows:
    """The windows are those of the `limits` library (moving window). Its scripts are run here rather than by its
    strategy, which takes two round trips for each request: this takes one for all requests that arrive together.

    The moments are this gateway's clock: gateways whose clocks differ by a second count windows that differ by one.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._take = client.register_script(_TAKE)
        self._look = client.register_script(RedisBridge.SCRIPT_MOVING_WINDOW)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, tls: TlsFiles = NO_FILES) -> AsyncIterator[Self]:
        """A server that is away does not keep a gateway from starting; it is found once it is there."""
        client: Redis = Redis.from_url(
            url,
            socket_timeout=SOCKET_SECONDS,
            socket_connect_timeout=SOCKET_SECONDS,
            retry=Retry(NoBackoff(), 0),  # a request does not wait for a second try
            **tls.of_redis(url),
        )
        windows = cls(client)
        with suppress(RedisError, OSError):  # what the first request need not wait for then
            await windows._load()
        try:
            yield windows
        finally:
            await client.aclose()

    async def ask(self, questions: Sequence[Question]) -> list[Standing]:
        now = time.time()
        try:
            try:
                answers = await self._round_trip(questions, now)
            except NoScriptError:  # the server is new, or was started anew
                await self._load()
                answers = await self._round_trip(questions, now)
        except (RedisError, OSError) as error:
            raise LimiterDown(type(error).__name__) from error
        left = iter(answers)
        return [_standing(question, next(left) if question.units else None, next(left), now) for question in questions]

    async def forget(self) -> None:
        await self._client.connection_pool.disconnect()

    async def ping(self) -> None:
        try:
            await self._client.ping()
        except (RedisError, OSError) as error:
            raise LimiterDown(type(error).__name__) from error

    async def _load(self) -> None:
        for script in (self._take, self._look):
            await self._client.script_load(script.script)

    async def _round_trip(self, questions: Sequence[Question], now: float) -> list[Any]:
        """What the scripts answered (Any): of each question what is in its way, if it is to take, and the window."""
        async with self._client.pipeline(transaction=False) as pipe:
            for question in questions:
                key, amount, seconds = PREFIX + question.key, question.rate.amount, question.rate.seconds
                if question.units:
                    pipe.evalsha(self._take.sha, 1, key, now, amount, seconds, question.units, question.held)
                pipe.evalsha(self._look.sha, 1, key, now - seconds, amount)
            return list(await pipe.execute())


def _standing(question: Question, blocking: Any, window: Any, now: float) -> Standing:  # Any: a script's answers
    oldest, used = (float(window[0]), int(window[1])) if window else (now, 0)
    moment = float(blocking) if blocking is not None else None
    return standing(question.rate, used=used, oldest=oldest, blocking=moment, now=now)
