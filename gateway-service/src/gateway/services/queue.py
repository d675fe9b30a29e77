"""An account's own queue: how it stands, holding it, and moving jobs about in it."""

from collections.abc import Sequence

from gateway.auth import Caller
from gateway.headers import etag_of, is_current
from gateway.services.building import check_delay
from reelwork.contract.edits import BeforeJob, JobPatch
from reelwork.contract.queue import AccountQueue, PausedQueue, PoolQueue
from reelwork.domain.account import Account
from reelwork.domain.ids import JobId, lane_id
from reelwork.domain.job import Job, Priority
from reelwork.domain.lane import lane_of
from reelwork.engine.edit import Before, Edit, End, NotBefore, edit
from reelwork.engine.engine import Engine
from reelwork.engine.hold import pause, resume
from reelwork.engine.submit import LaneOpener
from reelwork.store.client import DatabaseClock


class QueueService:
    """Every method touches the caller's own queue only, and nobody's share."""

    def __init__(self, engine: Engine, opener: LaneOpener) -> None:
        self._engine = engine
        self._opener = opener
        self._clock = DatabaseClock(engine.stores.database)

    async def edit(self, caller: Caller, job_id: str, body: JobPatch, *, if_match: str | None) -> Job:
        """Raises JobNotFound, InvalidState, VersionMismatch, InvalidInput."""
        expected = (lambda job: is_current(if_match, etag_of(job))) if if_match is not None else None
        wanted = _edit(body)
        if body.not_before is not None:
            check_delay(body.not_before, await self._clock.now())
        job = await edit(self._engine, caller.account.id, JobId(job_id), wanted, expected=expected)
        if wanted.not_before is not None and job.due:
            self._opener.announce(lane_of(caller.account, job.pool, self._engine.rules.plans))
        return job

    async def pause(self, caller: Caller, pool: str | None) -> PausedQueue:
        held = await pause(self._engine, caller.account.id, self._pools(pool))
        queue = await self._view(held.account)
        return PausedQueue(paused=queue.paused, pools=queue.pools, starting=held.starting)

    async def resume(self, caller: Caller, pool: str | None) -> AccountQueue:
        return await self._view(await resume(self._engine, caller.account.id, self._pools(pool)))

    async def view(self, caller: Caller) -> AccountQueue:
        """As it is stored, not as this gateway remembers the caller."""
        return await self._view(await self._engine.stores.accounts.get(caller.account.id) or caller.account)

    def _pools(self, pool: str | None) -> Sequence[str]:
        return self._engine.pools if pool is None else [pool]

    async def _view(self, account: Account) -> AccountQueue:
        lanes = {pool: lane_id(pool, account.id) for pool in self._engine.pools}
        standings, plans = self._engine.stores.standings, self._engine.rules.plans
        terms = {pool: lane_of(account, pool, plans) for pool in self._engine.pools}
        standing = await standings.lanes(list(lanes.values()))
        queued = await standings.queued(list(lanes.values()))
        delayed = await standings.queued(list(lanes.values()), due=False)
        pools = [
            PoolQueue(
                pool=str(pool),
                paused=pool in account.held_pools,
                paused_since=account.held_pools.get(pool),
                queued=queued.get(lane, 0),
                delayed=delayed.get(lane, 0),
                running=len(standing[lane].places) if lane in standing else 0,
                limit=terms[pool].limit,
                weight=terms[pool].weight,
            )
            for pool, lane in lanes.items()
        ]
        return AccountQueue(paused=all(pool.paused for pool in pools), pools=pools)


def _edit(body: JobPatch) -> Edit:
    return Edit(
        priority=Priority[body.priority.upper()] if body.priority is not None else None,
        to=_place(body),
        not_before=NotBefore(body.not_before) if "not_before" in body.model_fields_set else None,
        tags=tuple(body.tags) if body.tags is not None else None,
        metadata=body.metadata,
    )


def _place(body: JobPatch) -> End | Before | None:
    match body.position:
        case None:
            return None
        case BeforeJob(before=target):
            return Before(JobId(target))
        case end:
            return End[end.upper()]
