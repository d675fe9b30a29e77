"""Holding a whole pool: nothing of anybody starts in it until it is let go on; what runs goes on."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from reelwork.engine.engine import Engine
from reelwork.engine.wake import MOST_TICKETS, claims_in_flight
from reelwork.store.pools import REMEMBERED

log = structlog.get_logger(__name__)

# From asking whether the pool is held to taking a place: far longer than that takes.
MARGIN = timedelta(seconds=0.25)
MOST_LANES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPool:
    """`since`: None for a pool that goes on. `starting`: places whose claim did not end while we waited; each may
    still start one job, within half a lease at most."""

    since: datetime | None
    starting: int = 0


async def hold_pool(engine: Engine, pool: str) -> HeldPool:
    """Hold a pool; safe to repeat. Takes a second and a bit: then every process has heard of it, and nothing starts.

    Durable when this returns. Raises StoreUnavailable; then the pool may be held or not: ask, or say it again.
    """
    since = await engine.stores.pools.order(pool, held=True)
    await asyncio.sleep((REMEMBERED + MARGIN).total_seconds())
    starting = await claims_in_flight(engine, lambda: engine.stores.pools.places(pool))
    log.info("pool.held", pool=pool, starting=starting)
    return HeldPool(since=since, starting=starting)


async def release_pool(engine: Engine, pool: str) -> HeldPool:
    """Let a pool go on; safe to repeat. Workers hear of it within seconds."""
    await engine.stores.pools.order(pool, held=False)
    lanes = await engine.stores.standings.pool(pool, most=MOST_LANES)
    waiting = await engine.stores.backlog.count_claimable([lane.id for lane in lanes], limit=MOST_TICKETS)
    if waiting:
        engine.broker.publish(pool, waiting)  # for those who have not heard of it yet the reconciler sends others
    log.info("pool.released", pool=pool)
    return HeldPool(since=None)
