"""One change made to many jobs in a few writes; each job is still changed by a compare-and-set of its own."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType

from reelwork.domain.ids import AccountId, JobId
from reelwork.domain.job import WAITING, Bill, Status
from reelwork.store.books import bill_in
from reelwork.store.client import Database, Document, adapter
from reelwork.store.jobs import MAY_BE_REQUEUED, cancelling_running, cancelling_waiting, requeuing
from reelwork.store.pipeline import Expression
from reelwork.store.selection import Candidate

# A job may be handed back between the two updates; it cannot be for ever, since attempts are bounded.
_RACES = 8


@adapter
class BulkChanges:
    """Writes the `jobs` collection."""

    def __init__(self, database: Database) -> None:
        self._jobs = database["jobs"]

    async def cancel(self, account: AccountId, jobs: Sequence[JobId], *, by: str) -> set[JobId]:
        """pending, queued -> cancelled, processing -> cancelling; which of them a cancel was asked for afterwards."""
        mine: Document = {"_id": {"$in": list(jobs)}, "account_id": account}
        for _ in range(_RACES):
            await self._jobs.update_many(mine | {"status": {"$in": list(WAITING)}}, cancelling_waiting(by))
            await self._jobs.update_many(mine | {"status": Status.PROCESSING}, cancelling_running(by))
            if not await self._jobs.find_one(mine | {"status": {"$in": [*WAITING, Status.PROCESSING]}}, {"_id": 1}):
                break
        return await self._ids(mine | {"cancel": {"$ne": None}})

    async def requeue(
        self,
        account: AccountId,
        jobs: Sequence[Candidate],
        *,
        mark: str,
        bills: Mapping[JobId, Bill] = MappingProxyType({}),
        instead_of: Collection[Bill] | None = None,
    ) -> set[JobId]:
        """failed, cancelled, expired -> queued, if they stand as they were seen (status and attempt): of several who
        saw the same one queues it; in the order of their ids. `mark` names this very change, which is made to a job
        once; the answer is which jobs it changed. `bills`: what is reserved for which of them. `instead_of`: only jobs
        whose last bill is one of these, or that have none."""
        every = sorted(job.id for job in jobs)
        number: Expression = {"$indexOfArray": [every, "$_id"]}
        seen_bills: Document = {}
        if instead_of is not None:
            seen_bills["bill.hold"] = {"$in": [None, *(bill.hold for bill in instead_of)]}
        await self._jobs.update_many(
            _as_seen(account, jobs, mark) | seen_bills,
            requeuing(mark, None, number=number, bills=_in_order(every, bills) if bills else None),
        )
        return await self._ids({"_id": {"$in": every}, "account_id": account, "retried_by": mark})

    async def requeueable(
        self, account: AccountId, jobs: Sequence[Candidate], *, mark: str
    ) -> dict[JobId, Bill | None]:
        """Which of these jobs such a change would take at this moment, with their last bills."""
        found = self._jobs.find(_as_seen(account, jobs, mark), {"bill": 1})
        return {job["_id"]: bill_in(job) async for job in found}

    async def _ids(self, query: Document) -> set[JobId]:
        return {job["_id"] async for job in self._jobs.find(query, {"_id": 1})}


def _in_order(jobs: Sequence[JobId], bills: Mapping[JobId, Bill]) -> list[Document | None]:
    return [asdict(bills[job]) if job in bills else None for job in jobs]


def _as_seen(account: AccountId, jobs: Sequence[Candidate], mark: str) -> Document:
    """Those that stand as they were seen and were not queued again by this change."""
    seen: dict[tuple[Status, int], list[JobId]] = {}
    for job in jobs:
        seen.setdefault((job.status, job.attempt), []).append(job.id)
    still = [
        {"_id": {"$in": ids}, "account_id": account, "status": status, "attempt": attempt}
        for (status, attempt), ids in seen.items()
    ]
    return {"$or": still, **MAY_BE_REQUEUED, "retried_by": {"$ne": mark}}
