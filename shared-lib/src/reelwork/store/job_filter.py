"""Which jobs are meant: what a list, a bulk call or an operator asks for, as a query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reelwork.domain.ids import AccountId, BatchId, JobId, first_job_id
from reelwork.domain.job import Status
from reelwork.store.client import Document

# Ids lead by an index to the jobs of a time; one may be drawn a day before its job is stored (a keyed request that was
# repeated), and by another machine's clock.
_DRAWN_EARLY = timedelta(days=2)
HAS_DATA: Document = {"data_removed": {"$ne": True}, "inputs_removed": {"$ne": True}}
# What a job must have, any of it, so that there is something to erase.
SOMETHING: Document = {
    "$or": [{"data_removed": {"$ne": True}}, {"inputs_removed": {"$ne": True}}, {"input": {"$ne": {}}}]
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """All of it has to hold; what is empty or None is not asked for. Names in `metadata` are clean."""

    statuses: Sequence[Status] = ()
    model: str | None = None
    tag: str | None = None
    batch_id: BatchId | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    ids: Sequence[JobId] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    with_data: bool = False
    with_anything: bool = False


def matching(account: AccountId, where: JobFilter) -> Document:
    """The query for an account's jobs of this kind."""
    return {"account_id": account} | of_kind(where)


def of_kind(where: JobFilter) -> Document:
    """The query for everybody's jobs of this kind: for operators alone."""
    wanted: dict[str, object] = {"model": where.model, "tags": where.tag, "batch_id": where.batch_id}
    query: Document = {name: value for name, value in wanted.items() if value is not None}
    if where.statuses:
        query["status"] = {"$in": list(where.statuses)}
    if where.with_data:
        query |= HAS_DATA
    if where.with_anything:
        query |= SOMETHING
    query |= {f"metadata.{name}": value for name, value in where.metadata.items()}
    born: Document = {}
    near: Document = {"$in": list(where.ids)} if where.ids else {}
    if where.created_after is not None:
        born["$gte"], near["$gte"] = where.created_after, first_job_id(_moved(where.created_after, -_DRAWN_EARLY))
    if where.created_before is not None:
        born["$lt"], near["$lt"] = where.created_before, first_job_id(_moved(where.created_before, _DRAWN_EARLY))
    return query | ({"created_at": born} if born else {}) | ({"_id": near} if near else {})


def _moved(moment: datetime, by: timedelta) -> datetime:
    """Within what a datetime can tell."""
    try:
        return moment + by
    except OverflowError:
        return moment
