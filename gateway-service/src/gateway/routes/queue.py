"""The caller's own queue: look at it, hold it, let it go on."""

from typing import Annotated

from fastapi import APIRouter, Body

from gateway.deps import CanManage, CanRead, Queues
from gateway.problems import keyed_problems
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from reelwork.contract.queue import AccountQueue, PausedQueue, QueueBody

router = APIRouter(prefix="/v1/account/queue", tags=["account"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)

_REFUSALS = keyed_problems(*BODY_REFUSALS)
OneOrAll = Annotated[QueueBody | None, Body()]


@router.get("", responses=keyed_problems())
async def get_queue(caller: CanRead, queues: Queues) -> AccountQueue:
    """Your queue, pool by pool: held or not, how much waits and runs, and what your plan allows."""
    return await queues.view(caller)


@router.post("/pause", responses=_REFUSALS)
async def pause_queue(caller: CanManage, queues: Queues, body: OneOrAll = None) -> PausedQueue:
    """Hold your queue: what runs goes on, nothing more starts. Lasts until you resume it; safe to repeat."""
    return await queues.pause(caller, body.pool if body is not None else None)


@router.post("/resume", responses=_REFUSALS)
async def resume_queue(caller: CanManage, queues: Queues, body: OneOrAll = None) -> AccountQueue:
    """Let your queue go on, in its own share: what it did not use meanwhile is not saved up. Safe to repeat."""
    return await queues.resume(caller, body.pool if body is not None else None)
