"""The whole installation at a glance, for those who run it."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.admin_views import job_brief
from gateway.auth import Caller
from gateway.services.pages import Page, check_cursor
from reelwork.contract.admin import (
    AdminQueue,
    ChangedQueue,
    Dashboard,
    DashboardLinks,
    WeightQueue,
    WorkerCounts,
)
from reelwork.domain.audit import Action
from reelwork.domain.errors import QueueNotFound
from reelwork.domain.ids import AccountId, JobId, LaneId
from reelwork.domain.job import RUNNING, Job, Status
from reelwork.domain.worker import WorkerState
from reelwork.engine.engine import Engine
from reelwork.engine.pools import hold_pool, release_pool
from reelwork.store.job_filter import JobFilter
from reelwork.store.overview import LaneBacklog, RunningJob

# What was counted serves everybody who asks within this time.
FRESH_SECONDS = 1.0
# Jobs shown of each kind; of what waits, from so many lanes of one weight, so many of each.
MOST_SHOWN = 20
LANES_SHOWN, HEADS_SHOWN = 5, 2
MOST_WORKERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What waits and what runs, counted at the same time."""

    at: datetime
    backlog: Sequence[LaneBacklog]
    running: Sequence[RunningJob]
    queues: Sequence[AdminQueue]


class OverviewService:
    """Sees the jobs of all accounts: only operators may come here."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stores = engine.stores
        self._made: tuple[float, Glance] | None = None
        self._making = asyncio.Lock()

    async def queues(self) -> Sequence[AdminQueue]:
        return (await self.glance()).queues

    async def change_queue(self, caller: Caller, pool: str, *, held: bool) -> ChangedQueue:
        """Hold a pool for everybody, or let it go on; answers when every process has heard of a hold.

        Raises QueueNotFound.
        """
        if pool not in self._engine.pools:
            raise QueueNotFound(f"There is no pool {pool[:100]!r}.", hint="GET /v1/admin/queues lists them.")
        action = Action.QUEUE_HELD if held else Action.QUEUE_RELEASED
        await self._stores.audit.record(None, caller.actor, action, pool)
        changed = await (hold_pool if held else release_pool)(self._engine, pool)
        self._made = None
        (queue,) = (queue for queue in await self.queues() if queue.pool == pool)
        return ChangedQueue(**queue.model_dump(), starting=changed.starting)

    async def jobs(
        self, where: JobFilter, *, account_id: str | None, cursor: str | None, limit: int
    ) -> tuple[Page[Job], dict[AccountId, str]]:
        """Jobs of all accounts, newest first, and what their accounts are called. Raises InvalidCursor."""
        before = check_cursor(cursor, "job_")
        found = await self._stores.overview.jobs(
            where,
            account=AccountId(account_id) if account_id else None,
            before=JobId(before) if before else None,
            limit=limit + 1,
        )
        page = Page.cut(found, limit)
        return page, await self._stores.directory.names({job.account_id for job in page.items})

    async def dashboard(self) -> Dashboard:
        seen = await self.glance()
        lines = await self._lines(seen.backlog)
        active = await self._newest(sorted(RUNNING))
        recent = await self._newest([])
        shown = [*active, *recent, *(job for line in lines for job in line.jobs)]
        names = await self._stores.directory.names({job.account_id for job in shown})
        return Dashboard(
            at=seen.at,
            queues=[
                WeightQueue(
                    weight=line.weight,
                    length=line.length,
                    accounts=line.accounts,
                    jobs=[job_brief(job, names) for job in line.jobs],
                )
                for line in lines
            ],
            pools=list(seen.queues),
            total_queued=sum(lane.queued for lane in seen.backlog),
            total_delayed=sum(lane.delayed for lane in seen.backlog),
            total_running=len(seen.running),
            active_jobs=[job_brief(job, names) for job in active],
            recent_jobs=[job_brief(job, names) for job in recent],
            workers=await self._workers(),
            urls=DashboardLinks(),
        )

    async def _newest(self, statuses: Sequence[Status]) -> list[Job]:
        wanted = JobFilter(statuses=statuses)
        return await self._stores.overview.jobs(wanted, account=None, before=None, limit=MOST_SHOWN)

    async def _lines(self, backlog: Sequence[LaneBacklog]) -> list["_Line"]:
        """What could start, by the weight of its lane; the weights of the plans are there in any case."""
        waiting = [lane for lane in backlog if lane.queued]
        standing = await self._stores.standings.lanes([lane.lane for lane in waiting])
        by_weight: defaultdict[int, list[LaneBacklog]] = defaultdict(list)
        for plan in self._engine.rules.plans.table.values():
            by_weight[plan.weight] = []
        for lane in waiting:
            if lane.lane in standing:  # else it is opened in a moment
                by_weight[standing[lane.lane].weight].append(lane)
        lines = []
        for weight, lanes in sorted(by_weight.items(), reverse=True):
            first: list[LaneId] = sorted((lane.lane for lane in lanes), key=lambda lane: standing[lane].vstart)
            heads = await self._stores.overview.heads(first[:LANES_SHOWN], most=HEADS_SHOWN)
            accounts = len({lane.account_id for lane in lanes})
            length = sum(lane.queued for lane in lanes)
            lines.append(_Line(weight=weight, length=length, accounts=accounts, jobs=heads))
        return lines

    async def _workers(self) -> WorkerCounts:
        states = (WorkerState.READY, WorkerState.DRAINING, WorkerState.LOST)
        found = await self._stores.workers.page(states, before=None, limit=MOST_WORKERS)
        counted = {state: sum(1 for worker in found if worker.state is state) for state in states}
        places = sum(worker.card.concurrency for worker in found if worker.state is WorkerState.READY)
        return WorkerCounts(
            ready=counted[WorkerState.READY],
            draining=counted[WorkerState.DRAINING],
            lost=counted[WorkerState.LOST],
            places=places,
        )

    async def glance(self) -> Glance:
        """What was counted within a second, or is counted now."""
        async with self._making:
            begun = time.monotonic()
            if self._made is None or begun - self._made[0] >= FRESH_SECONDS:
                self._made = begun, await self._look()
            return self._made[1]

    async def _look(self) -> Glance:
        at, overview = datetime.now(UTC), self._stores.overview
        backlog, running = await overview.backlog(), await overview.running()
        held = await self._stores.pools.held()
        queues = [await self._queue(pool, at, backlog, running, held.get(pool)) for pool in self._engine.pools]
        return Glance(at=at, backlog=backlog, running=running, queues=queues)

    async def _queue(
        self,
        pool: str,
        at: datetime,
        backlog: Iterable[LaneBacklog],
        running: Iterable[RunningJob],
        held_since: datetime | None,
    ) -> AdminQueue:
        lanes = [lane for lane in backlog if lane.pool == pool]
        runs = [job.id for job in running if job.pool == pool]
        crew = (await self._stores.standings.crew(pool, running=runs)).view
        oldest = min((lane.oldest for lane in lanes if lane.oldest is not None), default=None)
        return AdminQueue(
            pool=pool,
            held=held_since is not None,
            held_since=held_since,
            queued=sum(lane.queued for lane in lanes),
            delayed=sum(lane.delayed for lane in lanes),
            running=len(runs),
            lanes=len(lanes),
            oldest_seconds=max(0.0, (at - oldest).total_seconds()) if oldest is not None else None,
            workers=crew.workers,
            draining=crew.draining,
            places=crew.places,
            tickets=await self._engine.broker.depth(pool),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    weight: int
    length: int
    accounts: int
    jobs: Sequence[Job]
