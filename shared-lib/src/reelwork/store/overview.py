"""The whole installation at a glance, for operators: what waits, what runs. Nothing here decides anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from reelwork.domain.ids import AccountId, JobId, LaneId
from reelwork.domain.job import RUNNING, Job, Status
from reelwork.store.client import Database, Document, adapter
from reelwork.store.job_filter import JobFilter, of_kind
from reelwork.store.jobs import JOB_CODEC, NEWEST_FIRST, numbered

# Lanes with waiting jobs that are looked at; in the order of their ids, and far more than accounts that are at work.
MOST_LANES = 20_000
# Jobs that are counted by their models: some tenths of a second, however long the queues are.
MOST_COUNTED = 100_000
MOST_MODELS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneBacklog:
    """What waits in one lane: `queued` jobs that could be claimed, `delayed` ones that could not yet. `oldest`: since
    when the one waits that has come into the queue first, by its place there; None where all are delayed."""

    lane: LaneId
    pool: str
    account_id: AccountId
    queued: int
    delayed: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningJob:
    id: JobId
    pool: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCount:
    """`oldest`: when the first of those that wait came into the queue."""

    model: str
    queued: int
    running: int
    oldest: datetime | None


@adapter
class Overview:
    """Reads `jobs`, of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._jobs = database["jobs"]

    async def backlog(self) -> list[LaneBacklog]:
        """Lanes in which anything waits. Answered by the index `queue` alone, with one step for each waiting job."""
        waits = {"$match": {"status": Status.QUEUED.value}}
        by_lane = {
            "_id": "$lane",
            "queued": {"$sum": {"$cond": ["$due", 1, 0]}},
            "delayed": {"$sum": {"$cond": ["$due", 0, 1]}},
            "oldest": {"$min": {"$cond": ["$due", "$order", None]}},
        }
        pipeline = [waits, {"$project": {"_id": 0, "lane": 1, "due": 1, "order": 1}}, {"$group": by_lane}]
        pipeline += [{"$sort": {"_id": 1}}, {"$limit": MOST_LANES}]
        # As a command: the one call for it that both drivers have in common.
        answer = await self._database.command(
            {"aggregate": "jobs", "pipeline": pipeline, "cursor": {"batchSize": MOST_LANES + 1}, "hint": "queue"}
        )
        return [_backlog(lane) for lane in answer["cursor"]["firstBatch"]]

    async def running(self) -> list[RunningJob]:
        """Jobs that run now."""
        cursor = self._jobs.find({"status": {"$in": list(RUNNING)}}, {"pool": 1})
        return [RunningJob(id=job["_id"], pool=job["pool"]) async for job in cursor]

    async def by_model(self) -> list[ModelCount]:
        """Models of which anything may start or runs, among the first `MOST_COUNTED` such jobs."""
        active = {"status": {"$in": [Status.QUEUED.value, *(status.value for status in RUNNING)]}}
        waits = {"$and": [{"$eq": ["$status", Status.QUEUED.value]}, "$due"]}
        by_model = {
            "_id": "$model",
            "queued": {"$sum": {"$cond": [waits, 1, 0]}},
            "running": {"$sum": {"$cond": [{"$eq": ["$status", Status.QUEUED.value]}, 0, 1]}},
            "oldest": {"$min": {"$cond": [waits, "$queued_at", None]}},
        }
        stages: list[Document] = [{"$match": active}, {"$limit": MOST_COUNTED}, {"$group": by_model}]
        # As a command: the one call for it that both drivers have in common.
        answer = await self._database.command(
            {"aggregate": "jobs", "pipeline": [*stages, {"$sort": {"_id": 1}}], "cursor": {"batchSize": MOST_MODELS}}
        )
        found = answer["cursor"]["firstBatch"]
        return [_model_count(model) for model in found if model["queued"] or model["running"]]

    async def jobs(self, where: JobFilter, *, account: AccountId | None, before: JobId | None, limit: int) -> list[Job]:
        """Up to `limit` jobs, newest first, older than `before`; `account` None: of all accounts."""
        query: Document = of_kind(where) | ({"account_id": account} if account is not None else {})
        if before is not None:
            query = {"$and": [query, {"_id": {"$lt": before}}]}
        cursor = self._jobs.find(query).sort(NEWEST_FIRST).limit(limit)
        return [JOB_CODEC.decode(document) async for document in cursor]

    async def numbered(self, where: JobFilter, *, skip: int, limit: int, most: int) -> tuple[list[Job], int]:
        """As `Jobs.numbered`, of all accounts."""
        return await numbered(self._database, of_kind(where), skip=skip, limit=limit, most=most)

    async def heads(self, lanes: Sequence[LaneId], *, most: int) -> list[Job]:
        """The jobs that come first in these lanes, up to `most` of each."""
        found: list[Job] = []
        for lane in lanes:
            line = {"status": Status.QUEUED, "due": True, "lane": lane}
            cursor = self._jobs.find(line).sort([("priority", -1), ("order", 1)]).limit(most)
            found += [JOB_CODEC.decode(document) async for document in cursor]
        return found


def _backlog(lane: Document) -> LaneBacklog:
    pool, _, account = lane["_id"].partition(":")
    oldest = lane["oldest"]
    return LaneBacklog(
        lane=LaneId(lane["_id"]),
        pool=pool,
        account_id=AccountId(account),
        queued=lane["queued"],
        delayed=lane["delayed"],
        oldest=datetime.fromtimestamp(oldest, UTC) if oldest is not None else None,
    )


def _model_count(model: Document) -> ModelCount:
    oldest: datetime | None = model["oldest"]
    return ModelCount(
        model=model["_id"],
        queued=model["queued"],
        running=model["running"],
        oldest=oldest.replace(tzinfo=UTC) if oldest is not None else None,  # commands answer without time zones
    )
