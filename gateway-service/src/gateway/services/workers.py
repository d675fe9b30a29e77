"""Workers, as those who run the installation deal with them."""

from collections.abc import Sequence

from gateway.auth import Caller
from gateway.services.pages import Page, check_cursor
from reelwork.domain.audit import Action
from reelwork.domain.errors import InvalidState, WorkerNotFound
from reelwork.domain.ids import WorkerId
from reelwork.domain.worker import Worker, WorkerState
from reelwork.store.stores import Stores


class WorkerService:
    """List workers, and tell them to drain. They are nobody's: every caller sees all."""

    def __init__(self, stores: Stores) -> None:
        self._workers = stores.workers
        self._audit = stores.audit

    async def get(self, worker_id: str) -> Worker:
        """Raises WorkerNotFound."""
        worker = await self._workers.get(WorkerId(worker_id))
        if worker is None:
            raise WorkerNotFound(
                f"There is no worker {worker_id[:100]!r}.", hint="Check the id; GET /v1/admin/workers lists them."
            )
        return worker

    async def page(self, states: Sequence[WorkerState], *, cursor: str | None, limit: int) -> Page[Worker]:
        """Raises InvalidCursor."""
        before = check_cursor(cursor, "wrk_")
        found = await self._workers.page(states, before=WorkerId(before) if before else None, limit=limit + 1)
        return Page.cut(found, limit)

    async def order(self, caller: Caller, worker_id: str, *, drain: bool) -> Worker:
        """Tell a worker to drain, or to take jobs again. Raises WorkerNotFound, and InvalidState for one that has
        ended or, where it is to take jobs, is being stopped."""
        await self.get(worker_id)
        action = Action.WORKER_DRAINED if drain else Action.WORKER_UNDRAINED
        await self._audit.record(None, caller.actor, action, worker_id)
        obeyed = await self._workers.order(WorkerId(worker_id), drain=drain)
        worker = await self.get(worker_id)
        if obeyed:
            return worker
        if worker.state is WorkerState.GONE:
            raise InvalidState("This worker has ended.", hint="Start another one.")
        raise InvalidState("This worker is being stopped and cannot be called back.", hint="Start another one.")
