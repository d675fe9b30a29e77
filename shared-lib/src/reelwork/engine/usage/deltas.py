"""Usage by deltas: counted in Redis or Valkey at once, and taken over into MongoDB flush by flush.

What a job did is pushed by one pass at a time, together with the job's name; the name goes when the job is marked. So
the next pass knows what to mark after a crash in between, and nothing is pushed twice. A flush has a number, which each
day's document remembers: it is added once, and the next flush begins only when it is added everywhere.
"""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from reelwork.counters.usage import CounterDown, Pending, UsageCounter
from reelwork.domain.ids import AccountId, JobId
from reelwork.domain.usage import harvest
from reelwork.engine.usage.sync import LOOKED_AT, QUESTIONS
from reelwork.engine.usage.tally import Counted
from reelwork.store.stores import Stores

log = structlog.get_logger(__name__)

FLUSH_EVERY = timedelta(seconds=5)


class DeltaSync:
    """Implements `UsageSync`. `gateway`: a name that no other process had or will have."""

    def __init__(self, stores: Stores, counter: UsageCounter, *, gateway: str) -> None:
        self._stores = stores
        self._counter = counter
        self._gateway = gateway
        self._after: JobId | None = None

    async def tell(self, counted: Counted) -> None:
        day = counted.at.date().isoformat()
        await self._counter.push_requests(self._gateway, counted.number, day, counted.requests)

    async def collect(self) -> None:
        token, left = await self._counter.begin_pass()
        await self._mark(token, left)  # before jobs are read: these are counted, and may not be marked
        pushed: dict[JobId, int] = {}
        for _ in range(QUESTIONS):
            upto = await self._push_some(token)
            pushed |= upto or {}
            if upto is None or self._after is None:
                break
        await self._mark(token, pushed)

    async def store(self) -> None:
        if await self._stores.pulses.take("usage.flush", every=FLUSH_EVERY):
            await self.flush()

    async def flush(self) -> None:
        """Take over what is counted; first what another flush has left undone."""
        flush = await self._counter.take_flush()
        if flush is None:
            return
        await self._counter.safe()  # else a server that comes back with what it had before would count it twice
        await self._stores.usage.add_flush(flush.number, flush.counts)
        await self._counter.end_flush(flush.number)

    async def pending(self, account: AccountId, days: Sequence[str]) -> Pending | None:
        try:
            return await self._counter.pending(account, days)
        except CounterDown as down:
            log.warning("usage.pending_unknown", reason=str(down))
            return None

    async def _push_some(self, token: str) -> dict[JobId, int] | None:
        """Jobs that may be marked, and up to where. None when a later pass has begun."""
        histories, self._after = await self._stores.uncounted.page(after=self._after, limit=LOOKED_AT)
        harvested = {history.id: harvest(history) for history in histories}
        events = [event for found in harvested.values() for event in found.events]
        if events and not await self._counter.push_jobs(token, events):
            return None
        counted = {history.id: history.counted for history in histories}
        return {job: found.upto for job, found in harvested.items() if found.events or found.upto > counted[job]}

    async def _mark(self, token: str, upto: dict[JobId, int]) -> None:
        if upto:
            await self._counter.safe()  # a job that is marked is never counted again
            await self._stores.uncounted.mark(upto)
            await self._counter.forget(token, upto)
