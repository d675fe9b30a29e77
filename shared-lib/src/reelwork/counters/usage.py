"""The real-time counter of usage on Redis or Valkey: counted by `HINCRBY`, taken away flush by flush.

    counts     hash     <account>|<day>|<metric>: what is counted and in no flush yet
    flush      hash     the one flush that is under way: `counts` as it was, renamed, and its number
    last       text     the number of the last flush: microseconds of the server's clock, and always more than before
    pass       text     who may push what jobs did: the token of the latest pass
    pushed     set      <job>|<events>: pushed, and perhaps not marked in the job yet
    gateway:…  text     the number of the last push of requests of one gateway; forgotten after a day

Whatever changes more than one of them is a script, so that it happens whole or not at all. All keys lie in one slot of
a cluster. Nothing may be evicted (`maxmemory-policy noeviction`). A push can be waited for until it is on the disk
(`safe`); where the server keeps no append-only file it may lose what it holds, which is at most what was counted since
the last flush.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Self

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from reelwork.domain.ids import AccountId, JobId
from reelwork.domain.usage import Counts, Metric, UsageEvent
from reelwork.tls import NO_FILES, TlsFiles

log = structlog.get_logger(__name__)

ANSWER_SECONDS = 3.0  # bounds one command; longer than `safe` lets the server wait
SAFE_MILLISECONDS = 2000  # a server that writes to the disk each second needs one
_GATEWAY_SECONDS = 24 * 60 * 60
_NUMBER = "number"  # of a flush; no account is called so

_PUSH_REQUESTS = """
local last = redis.call('GET', KEYS[2])
if last and tonumber(last) >= tonumber(ARGV[1]) then return 0 end
for i = 3, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
return 1
"""
_PUSH_JOBS = """
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 0 end
local fields = tonumber(ARGV[2])
for i = 3, 2 + 2 * fields, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
for i = 3 + 2 * fields, #ARGV do redis.call('SADD', KEYS[2], ARGV[i]) end
return 1
"""
_FORGET = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
for i = 2, #ARGV do redis.call('SREM', KEYS[1], ARGV[i]) end
return 1
"""
_TAKE = """
if redis.call('EXISTS', KEYS[2]) == 0 then
  if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
  local now = redis.call('TIME')
  local number = now[1] * 1000000 + now[2]
  local last = tonumber(redis.call('GET', KEYS[3]) or '0')
  if number <= last then number = last + 1 end
  number = string.format('%.0f', number)
  redis.call('RENAME', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[2], ARGV[1], number)
  redis.call('SET', KEYS[3], number)
else
  -- a write of ours, so that `safe` waits for the renaming as well, whoever did it
  redis.call('HSET', KEYS[2], ARGV[1], redis.call('HGET', KEYS[2], ARGV[1]))
end
return redis.call('HGETALL', KEYS[2])
"""
_END = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
return 1
"""


class CounterDown(Exception):
    """The server did not answer, or not in time: what was asked for may have happened or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush:
    """What one flush takes away, by account and day."""

    number: int
    counts: Mapping[tuple[AccountId, str], Counts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What is counted and may not be stored yet, by day. `flush`: the one under way, which may be stored already;
    `last`: its number, or that of the last one there was."""

    counts: Mapping[str, Counts] = field(default_factory=dict)
    flush: Mapping[str, Counts] = field(default_factory=dict)
    last: int = 0


class UsageCounter:
    """One counter for all gateways of an installation. Every method raises CounterDown, within some seconds."""

    def __init__(self, writing: Any, reading: Any, prefix: str) -> None:  # redis-py's clients: their answers are Any
        self._writing = writing
        self._reading = reading
        self._prefix = f"{{{prefix}reelwork.usage}}"
        self._told = False

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, *, prefix: str = "", tls: TlsFiles = NO_FILES) -> AsyncIterator[Self]:
        """A counter for the length of the context; connects lazily. `prefix` tells installations apart that share a
        server. Raises ValueError for a malformed address."""
        options: dict[str, Any] = {
            "decode_responses": True,
            "socket_timeout": ANSWER_SECONDS,
            "socket_connect_timeout": ANSWER_SECONDS,
            **tls.of_redis(url),
        }
        # `safe` speaks of what came before it on its own connection: so all that is written goes over one
        writing = Redis.from_url(url, single_connection_client=True, **options)
        reading = Redis.from_url(url, **options)
        try:
            yield cls(writing, reading, prefix)
        finally:
            await writing.aclose()
            await reading.aclose()

    async def push_requests(self, gateway: str, number: int, day: str, requests: Mapping[AccountId, int]) -> None:
        """Count requests that one gateway answered; once for each `number`, which must be higher than those before."""
        fields = {_field(account, day, Metric.REQUESTS): count for account, count in requests.items()}
        keys = [self._key("counts"), self._key(f"gateway:{gateway}")]
        await self._run(_PUSH_REQUESTS, keys, [number, _GATEWAY_SECONDS, *_flat(fields)])

    async def begin_pass(self) -> tuple[str, dict[JobId, int]]:
        """A token for pushing what jobs did, which ends every earlier pass; and what those pushed and may not have
        marked: jobs, and how many events of each are counted."""
        token = token_hex(8)
        answers = await self._ask(
            self._writing.pipeline().set(self._key("pass"), token).smembers(self._key("pushed")).execute()
        )
        pushed: dict[JobId, int] = {}
        for entry in answers[1]:
            job, upto = entry.rsplit("|", 1)
            pushed[JobId(job)] = max(int(upto), pushed.get(JobId(job), 0))
        return token, pushed

    async def push_jobs(self, token: str, events: Sequence[UsageEvent]) -> bool:
        """Count what jobs did and remember which they were. False, and nothing, when a later pass has begun."""
        fields: dict[str, int] = {}
        for event in events:
            for metric, count in event.counts.items():
                name = _field(event.account_id, event.day, metric)
                fields[name] = fields.get(name, 0) + count
        jobs = _entries({event.job_id: event.upto for event in events if event.job_id is not None})
        keys = [self._key("counts"), self._key("pushed"), self._key("pass")]
        return bool(await self._run(_PUSH_JOBS, keys, [token, len(fields), *_flat(fields), *jobs]))

    async def forget(self, token: str, jobs: Mapping[JobId, int]) -> bool:
        """They are marked. False, and nothing, when a later pass has begun."""
        return bool(await self._run(_FORGET, [self._key("pushed"), self._key("pass")], [token, *_entries(jobs)]))

    async def take_flush(self) -> Flush | None:
        """The flush that is under way, or a new one of all that is counted; None when nothing is."""
        keys = [self._key("counts"), self._key("flush"), self._key("last")]
        answer = await self._run(_TAKE, keys, [_NUMBER])
        fields = dict(zip(answer[::2], answer[1::2], strict=True))
        if not fields:
            return None
        number = int(fields.pop(_NUMBER))
        counts: dict[tuple[AccountId, str], dict[Metric, int]] = {}
        for name, count in fields.items():
            account, day, metric = name.split("|")
            counts.setdefault((AccountId(account), day), {})[Metric(metric)] = int(count)
        return Flush(number=number, counts=counts)

    async def end_flush(self, number: int) -> None:
        """It is stored: the next one may begin. Safe to repeat."""
        await self._run(_END, [self._key("flush")], [_NUMBER, number])

    async def safe(self) -> None:
        """Wait until all that was written here before is on the server's disk, if it keeps anything there."""
        try:
            answer = await self._writing.waitaof(1, 0, SAFE_MILLISECONDS)
        except ResponseError as error:
            self._tell(str(error))
        except (RedisError, OSError) as error:
            raise _down(error) from error
        else:
            if not answer[0]:
                raise CounterDown("what was counted is not on the server's disk in time")

    async def pending(self, account: AccountId, days: Sequence[str]) -> Pending:
        """What is counted of these days and not stored, or about to be."""
        names = [_field(account, day, metric) for day in days for metric in Metric]
        asked = self._reading.pipeline().hmget(self._key("counts"), names).hmget(self._key("flush"), names)
        counts, flush, last = await self._ask(asked.get(self._key("last")).execute())
        return Pending(counts=_by_day(names, counts), flush=_by_day(names, flush), last=int(last or 0))

    async def _run(self, script: str, keys: Sequence[str], arguments: Sequence[object]) -> Any:
        return await self._ask(self._writing.eval(script, len(keys), *keys, *arguments))

    async def _ask(self, question: Any) -> Any:
        try:
            return await question
        except (RedisError, OSError) as error:
            raise _down(error) from error

    def _key(self, name: str) -> str:
        return f"{self._prefix}:{name}"

    def _tell(self, reason: str) -> None:
        if not self._told:
            self._told = True
            log.warning("usage.counter_in_memory", reason=reason)


def _down(error: Exception) -> CounterDown:
    return CounterDown(f"{type(error).__name__}: {error}")


def _field(account: AccountId, day: str, metric: Metric) -> str:
    return f"{account}|{day}|{metric.value}"


def _flat(fields: Mapping[str, int]) -> Iterable[object]:
    return (part for pair in fields.items() for part in pair)


def _entries(jobs: Mapping[JobId, int]) -> list[str]:
    return [f"{job}|{upto}" for job, upto in jobs.items()]


def _by_day(names: Sequence[str], counts: Sequence[str | None]) -> dict[str, dict[Metric, int]]:
    found: dict[str, dict[Metric, int]] = {}
    for name, count in zip(names, counts, strict=True):
        if count is not None:
            _, day, metric = name.split("|")
            found.setdefault(day, {})[Metric(metric)] = int(count)
    return found
