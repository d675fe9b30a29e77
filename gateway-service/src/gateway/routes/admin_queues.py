"""The queues of the installation, one for each pool of workers."""

from fastapi import APIRouter

from gateway.deps import CanAdmin, Whole
from gateway.problems import keyed_problems
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from reelwork.contract.admin import AdminQueues, ChangedQueue, QueuePatch
from reelwork.domain.errors import QueueNotFound

router = APIRouter(prefix="/v1/admin/queues", tags=["admin"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)


@router.get("", responses=keyed_problems())
async def list_queues(caller: CanAdmin, whole: Whole) -> AdminQueues:  # noqa: ARG001  (the permission)
    """Every pool: what waits and runs in it, and who works there; at most about a second old."""
    return AdminQueues(items=list(await whole.queues()))


@router.patch("/{pool}", responses=keyed_problems(QueueNotFound, *BODY_REFUSALS))
async def change_queue(pool: str, body: QueuePatch, caller: CanAdmin, whole: Whole) -> ChangedQueue:
    """Hold a pool for everybody, or let it go on; safe to repeat. What runs goes on; once a hold is answered, which
    takes a second and a bit, nothing more starts."""
    return await whole.change_queue(caller, pool, held=body.held)
