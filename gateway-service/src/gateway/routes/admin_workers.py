"""The workers of the installation: who they are, and who is to take no more jobs."""

from typing import Annotated

from fastapi import APIRouter, Query

from gateway.deps import CanAdmin, Workers
from gateway.problems import keyed_problems
from gateway.views import worker_view
from reelwork.contract.workers import WorkerPage, WorkerStateName, WorkerView
from reelwork.domain.errors import InvalidCursor, InvalidState, WorkerNotFound
from reelwork.domain.worker import WorkerState

router = APIRouter(prefix="/v1/admin/workers", tags=["admin"])


@router.get("", responses=keyed_problems(InvalidCursor))
async def list_workers(
    caller: CanAdmin,  # noqa: ARG001  (the permission)
    workers: Workers,
    state: Annotated[list[WorkerStateName] | None, Query(description="Repeat for several.")] = None,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> WorkerPage:
    """All workers, newest first; those that ended or were lost are kept for a day."""
    page = await workers.page([WorkerState(name) for name in state or []], cursor=cursor, limit=limit)
    items = [worker_view(worker) for worker in page.items]
    return WorkerPage(items=items, next_cursor=page.next_cursor, has_more=page.next_cursor is not None)


@router.get("/{worker_id}", responses=keyed_problems(WorkerNotFound))
async def get_worker(worker_id: str, caller: CanAdmin, workers: Workers) -> WorkerView:  # noqa: ARG001  (the permission)
    """One worker, as of its last heartbeat."""
    return worker_view(await workers.get(worker_id))


@router.post("/{worker_id}/drain", responses=keyed_problems(WorkerNotFound, InvalidState))
async def drain_worker(worker_id: str, caller: CanAdmin, workers: Workers) -> WorkerView:
    """Let a worker finish what it runs and take no more; safe to repeat. It hears it within seconds, and lives on:
    once `drained` is true, stopping it disturbs nobody."""
    return worker_view(await workers.order(caller, worker_id, drain=True))


@router.post("/{worker_id}/undrain", responses=keyed_problems(WorkerNotFound, InvalidState))
async def undrain_worker(worker_id: str, caller: CanAdmin, workers: Workers) -> WorkerView:
    """Let a worker take jobs again; safe to repeat."""
    return worker_view(await workers.order(caller, worker_id, drain=False))
