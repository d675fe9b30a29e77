"""The reconciler: makes up for whatever a crash left behind. Any process may run it at any time, together with others:
every step is a compare-and-set, and every step is bounded."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta

import structlog

from reelwork.domain.errors import ReelworkError
from reelwork.domain.ids import AccountId, LaneId
from reelwork.domain.job import Job
from reelwork.domain.lane import lane_of
from reelwork.domain.retry import AttemptFailure
from reelwork.domain.worker import ModelOffered
from reelwork.engine.batches import settle_batches
from reelwork.engine.calls import end_lapsed_turn, end_unattended, ring
from reelwork.engine.engine import Engine
from reelwork.engine.expire import expire
from reelwork.engine.finish import fail
from reelwork.engine.hold import repair as repair_holds
from reelwork.engine.plan import repair as repair_plans
from reelwork.engine.settling import Settler
from reelwork.engine.stranded import StrandedJobs
from reelwork.engine.sweep import Sweeper
from reelwork.store.client import server_time
from reelwork.store.orphans import LONG_AGO

log = structlog.get_logger(__name__)

# Of what takes some writes each, and of what one question finds.
BATCH = 200
BATCHES = 20
LOOKED_AT = 1000
# Of a pool's jobs when tickets are counted for those that its workers can run.
LOOKED_AT_FOR_TICKETS = 200
# More tickets than this at once would only make workers look twice.
MAX_TICKETS = 50
INTERVAL = timedelta(seconds=1)
SWEEP_PATIENCE = timedelta(seconds=1)

WORKER_LOST = AttemptFailure(
    code="worker_lost",
    message="The worker that ran this job stopped answering.",
    retryable=True,
    retry_after=0.0,
)


class Reconciler:
    """One pass repairs a bounded amount; what remains is next second's work."""

    def __init__(self, engine: Engine, sweeper: Sweeper) -> None:
        self._engine = engine
        self._sweeper = sweeper
        self._settler = Settler(engine.stores)
        self._stranded = StrandedJobs(engine)
        self._lanes_after = ""
        self._with_work: list[LaneId] = []
        self._slots_after = LONG_AGO
        self._sweeping: asyncio.Task[int] | None = None

    async def run(self) -> None:
        """A pass about every second among all processes, until cancelled."""
        try:
            await self._pass_by_pass()
        finally:
            await self._stop_sweeping()

    async def _pass_by_pass(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL.total_seconds() * random.uniform(0.8, 1.2))  # noqa: S311  (jitter)
            try:
                if await self._engine.stores.pulses.take("reconcile", every=INTERVAL * 0.8):
                    await self.run_once()
            except ReelworkError as error:
                log.warning("reconcile.skipped", reason=error.detail)
            except Exception:
                # The last line of defence must survive whatever one bad document does to it; the next pass tries again.
                log.exception("reconcile.failed")

    async def run_once(self) -> Counter[str]:
        """One pass. The answer counts what was repaired."""
        now = await server_time(self._engine.stores.database)
        steps: dict[str, Callable[[datetime], Awaitable[int]]] = {
            "leases": self._end_lapsed_leases,
            "calls": lambda now: end_unattended(self._engine, now),
            "deadlines": lambda now: expire(self._engine, now),
            "stranded": self._stranded.end,
            "due": self._make_due,
            "holds": self._follow_holds,
            "plans": self._follow_plans,
            "batches": lambda now: settle_batches(self._engine, now, limit=BATCHES),
            "lanes": self._open_lanes_with_work,
            "slots": self._drop_orphan_slots,
            "tickets": self._top_up_tickets,
            "turns": lambda now: ring(self._engine, now),
            "bills": self._settler.run_once,
            "assets": self._sweep,
        }
        repaired: Counter[str] = Counter()
        for name, step in steps.items():
            repaired[name] = await self._attempt(name, step(now))
        if +repaired:
            log.info("reconcile.repaired", **(+repaired))
        return +repaired

    async def _attempt(self, name: str, step: Awaitable[int]) -> int:
        try:
            return await step
        except ReelworkError:
            raise  # a server is away, for the other steps as well
        except Exception:
            # The last line of defence must survive whatever one bad document does to it: the other steps go on.
            log.exception("reconcile.step_failed", step=name)
            return 0

    async def _end_lapsed_leases(self, now: datetime) -> int:
        lapsed = await self._engine.stores.backlog.lapsed(now, limit=BATCH)
        for job in lapsed:
            await self._attempt("leases", self._end_lapsed(job))  # one that cannot be ended does not hold up the rest
        return len(lapsed)

    async def _end_lapsed(self, job: Job) -> int:
        if job.call is not None:
            await end_lapsed_turn(self._engine, job)
            return 1
        over = job.lease.expires_at if job.lease is not None else None
        used = over - job.started_at if over is not None and job.started_at is not None else timedelta()
        await fail(self._engine, job, WORKER_LOST, used=used, lapsed=True)
        return 1

    async def _make_due(self, now: datetime) -> int:
        return await self._engine.stores.backlog.make_due(now, limit=LOOKED_AT)  # the next step opens their lanes

    async def _follow_holds(self, _now: datetime) -> int:
        return await repair_holds(self._engine)

    async def _follow_plans(self, _now: datetime) -> int:
        return await repair_plans(self._engine)

    async def _open_lanes_with_work(self, _now: datetime) -> int:
        stores = self._engine.stores
        found = await stores.backlog.lanes_with_work(after=self._lanes_after, limit=LOOKED_AT)
        self._lanes_after = found[-1][0] if len(found) == LOOKED_AT else ""
        self._with_work = [lane for lane, _, _ in found]
        owners = {lane: (account, pool) for lane, account, pool in found}
        inactive = await stores.lanes.inactive(list(owners))
        for lane in inactive:
            await self._open(lane, *owners[lane])
        return len(inactive)

    async def _open(self, lane: LaneId, account_id: AccountId, pool: str) -> None:
        account = await self._engine.stores.accounts.get(account_id)
        if account is None:
            log.error("lane.without_account", lane=lane, account_id=account_id)
            return
        await self._engine.stores.lanes.open(lane_of(account, pool, self._engine.rules.plans))

    async def _drop_orphan_slots(self, now: datetime) -> int:
        stores, lease = self._engine.stores, self._engine.rules.lease
        old = await stores.orphans.before(now - lease, after=self._slots_after, limit=BATCH)
        self._slots_after = old.next_after
        held = await stores.backlog.running_slots([slot for _, slot in old.places])
        dropped = 0
        for lane, slot in old.places:
            if slot not in held:
                dropped += await stores.orphans.drop(lane, slot, older_than=lease)
        return dropped

    async def _top_up_tickets(self, _now: datetime) -> int:
        published = 0
        for pool in await self._engine.stores.lanes.ready_pools():
            published += await self._top_up(pool)
        return published

    async def _top_up(self, pool: str) -> int:
        """Tickets for the lanes that the step before found to have work: the others are active only by name. None for
        jobs that no worker of those which take jobs can run: they would be woken again and again for nothing."""
        stores, broker = self._engine.stores, self._engine.broker
        if await stores.pools.is_held(pool):
            return 0
        lanes = await stores.lanes.ready_lanes(pool, among=self._with_work)
        wanted = await stores.backlog.count_claimable(lanes, limit=MAX_TICKETS)
        waiting = await broker.depth(pool) if wanted else None
        if waiting is None or waiting >= wanted:
            return 0
        crew = await stores.workers.models(pool)
        wanted = await self._count_runnable(lanes, crew) if crew else wanted
        if waiting >= wanted:
            return 0
        broker.publish(pool, wanted - waiting)
        return wanted - waiting

    async def _count_runnable(self, lanes: Sequence[LaneId], crew: Collection[ModelOffered]) -> int:
        """Of the first jobs, up to MAX_TICKETS. One where none of those is runnable and others wait behind them: a
        worker that looks in vain costs less than a job that is never looked for."""
        backlog, among = self._engine.stores.backlog, LOOKED_AT_FOR_TICKETS
        runnable = await backlog.count_runnable(lanes, by=crew, among=among, limit=MAX_TICKETS)
        return runnable or int(await backlog.count_claimable(lanes, limit=among + 1) > among)

    async def _sweep(self, now: datetime) -> int:
        """Sweeping goes on beside the next passes where S3 is slow: it must not hold up what only needs MongoDB."""
        if self._sweeping is None:
            self._sweeping = asyncio.create_task(self._sweeper.sweep(now))
        done, _ = await asyncio.wait({self._sweeping}, timeout=SWEEP_PATIENCE.total_seconds())
        if not done:
            return 0
        finished, self._sweeping = self._sweeping, None
        return finished.result()

    async def _stop_sweeping(self) -> None:
        """Whoever closes the stores next must not do so under it. Asked again: pymongo may not hear it the first time
        (`reelwork.runtime.tasks`)."""
        sweeping, self._sweeping = self._sweeping, None
        while sweeping is not None and not sweeping.done():
            sweeping.cancel()
            await asyncio.wait({sweeping}, timeout=1)
        if sweeping is not None and not sweeping.cancelled() and (error := sweeping.exception()) is not None:
            log.warning("sweep.failed", reason=repr(error))
