"""Usage by events: gateways emit them into a queue, one of them writes each into the log, and the log is rolled up.

A job is its own outbox: its events are emitted again until they are in the log, so that what jobs did is counted once
whatever is lost in between. Requests are in the memory of their gateway until the broker has them.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from reelwork.broker.usage import UsageQueue
from reelwork.counters.usage import Pending
from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.ids import AccountId, JobId
from reelwork.domain.usage import History, Metric, UsageEvent, harvest
from reelwork.engine.usage.sync import LOOKED_AT, QUESTIONS
from reelwork.engine.usage.tally import Counted
from reelwork.store.stores import Stores
from reelwork.store.usage import Standing

log = structlog.get_logger(__name__)

# How long what was emitted has to be written down before it is emitted again.
PATIENCE = timedelta(seconds=30)
PAUSE = timedelta(seconds=1)
# Events that are looked at in one pass, and those of one day that are added to its sum at once: their names stand in
# the day's document meanwhile.
ROLLED_AT_ONCE = 500
LOGGED = 2000


@dataclass(frozen=True, slots=True)
class _Emitted:
    """How many events of a job were counted when it was emitted, and when that was, by our steady clock."""

    counted: int
    at: float


class EventSync:
    """Implements `UsageSync`. `gateway`: a name that no other process had or will have."""

    def __init__(self, stores: Stores, queue: UsageQueue, *, gateway: str) -> None:
        self._stores = stores
        self._queue = queue
        self._gateway = gateway
        self._after: JobId | None = None
        self._emitted: dict[JobId, _Emitted] = {}

    async def tell(self, counted: Counted) -> None:
        events = [
            UsageEvent(
                id=f"{self._gateway}.{counted.number}.{account}",
                account_id=account,
                at=counted.at,
                counts={Metric.REQUESTS: count},
            )
            for account, count in counted.requests.items()
        ]
        await self._queue.send(events)

    async def collect(self) -> None:
        self._forget_old()
        for _ in range(QUESTIONS):
            histories, self._after = await self._stores.uncounted.page(after=self._after, limit=LOOKED_AT)
            await self._emit([history for history in histories if not self._is_under_way(history)])
            if self._after is None:
                return

    async def receive(self) -> None:
        """Write down what arrives, until cancelled; owned by whoever wires the process."""
        await self._queue.receive(self.write_down)

    async def write_down(self, events: Sequence[UsageEvent]) -> None:
        """Into the log first, then the jobs are marked. Waits as long as MongoDB is away."""
        while True:
            try:
                await self._stores.usage_log.add(events)
                await self._mark({event.job_id: event.upto for event in events if event.job_id is not None})
            except StoreUnavailable as error:
                log.warning("usage.not_written", reason=error.detail)
                await asyncio.sleep(PAUSE.total_seconds())
            else:
                return

    async def store(self) -> None:
        for account, day in await self._stores.usage_log.unrolled_days(limit=LOGGED):
            await self._roll_up(account, day)

    async def pending(self, account: AccountId, days: Sequence[str]) -> Pending | None:  # noqa: ARG002  (the port's)
        return None

    async def _emit(self, histories: Sequence[History]) -> None:
        harvested = [(history, harvest(history)) for history in histories]
        idle = [(history, found) for history, found in harvested if not found.events and found.upto > history.counted]
        await self._mark({history.id: found.upto for history, found in idle})
        telling = [(history, found.events) for history, found in harvested if found.events]
        if telling:
            await self._queue.send([event for _, events in telling for event in events])
            now = time.monotonic()
            self._emitted |= {history.id: _Emitted(history.counted, now) for history, _ in telling}

    async def _mark(self, upto: Mapping[JobId, int]) -> None:
        if upto:
            await self._stores.uncounted.mark(upto)

    def _is_under_way(self, history: History) -> bool:
        """Whether we emitted just what is to be emitted now, and nobody has written it down yet."""
        emitted = self._emitted.get(history.id)
        return emitted is not None and emitted.counted == history.counted

    def _forget_old(self) -> None:
        """What was emitted so long ago is emitted again, should it still not be marked."""
        oldest = time.monotonic() - PATIENCE.total_seconds()
        self._emitted = {job: emitted for job, emitted in self._emitted.items() if emitted.at > oldest}

    async def _roll_up(self, account: AccountId, day: str) -> None:
        """Once each, whoever else does the same: the sum's update remembers the events that it adds, and nobody adds
        others before those are marked."""
        days, logged = self._stores.usage, self._stores.usage_log
        standing = await self._settled(await days.standing(account, day))
        while standing is not None:
            # read after the day was: what others add meanwhile changes its version, and ours comes to nothing
            rows = await logged.unrolled(account, day, limit=ROLLED_AT_ONCE)
            if not rows:
                return
            added = await days.roll(standing, {row.id: row.counts for row in rows})
            standing = await self._settled(added) if added is not None else None

    async def _settled(self, standing: Standing) -> Standing | None:
        """The day with all its events marked. None when somebody else has changed it meanwhile."""
        if not standing.rolling:
            return standing
        await self._stores.usage_log.mark_rolled(standing.rolling)
        return await self._stores.usage.rolled(standing)
