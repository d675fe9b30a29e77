"""What pausing, resuming and changed plans have in common: waking workers, and waiting for claims under way."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from reelwork.domain.ids import LaneId
from reelwork.domain.lane import tickets_for
from reelwork.engine.engine import Engine

# Claims take milliseconds. Whoever needs longer than this is dead or frozen.
PATIENCE = timedelta(seconds=2)
LOOK_SECONDS = 0.01
MOST_TICKETS = 50


async def wake(engine: Engine, lane: LaneId, pool: str) -> None:
    """Publish tickets for what waits in a lane that may be served again."""
    waiting = await engine.stores.backlog.count_claimable([lane], limit=MOST_TICKETS)
    standing = (await engine.stores.standings.lanes([lane])).get(lane)
    if waiting and standing is not None:
        await engine.stores.lanes.reopen(lane)  # a claim may have found it idle meanwhile
        engine.broker.publish(pool, tickets_for(min(waiting, standing.limit), estimate_seconds=standing.estimate))


async def claims_in_flight(engine: Engine, taken: Callable[[], Awaitable[list[str]]]) -> int:
    """Wait for the claims that were under way when lanes were held: each place gets its job, or is returned.

    `taken`: the places in those lanes now. How many are left whose claim did not end while we waited.
    """
    deadline = asyncio.get_running_loop().time() + PATIENCE.total_seconds()
    while True:
        places = await taken()
        open_places = set(places) - await engine.stores.backlog.running_slots(places)
        if not open_places or asyncio.get_running_loop().time() > deadline:
            return len(open_places)
        await asyncio.sleep(LOOK_SECONDS)
