"""Letting go: which jobs hold an asset, and which of them let theirs go, by retention or because their owner says so.

What a job let go is written down in the job (`let_go`) by the very update that takes it from the job's fields, until
somebody has seen to the assets: a crash in between forgets nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pymongo import ASCENDING, IndexModel, ReturnDocument

from reelwork.domain.asset import Asset
from reelwork.domain.ids import AccountId, AssetId, JobId
from reelwork.domain.job import TERMINAL, Job, Status
from reelwork.store.client import Database, Document, adapter
from reelwork.store.job_filter import SOMETHING
from reelwork.store.jobs import JOB_CODEC
from reelwork.store.pipeline import Expression, happening

Part = Literal["inputs", "outputs"]

_EVER = datetime.fromtimestamp(0, UTC)
_ENDED = {"$in": list(TERMINAL)}
_ACTIVE = {"$in": [status for status in Status if not status.is_terminal]}
_LET_GO: Expression = {"$ifNull": ["$let_go", []]}
_INPUTS_GONE: dict[str, Expression] = {
    "input": {"$literal": {}},  # its values too: a prompt is data
    "input_assets": [],
    "inputs_removed": True,
    "inputs_due_at": None,
}
_OUTPUTS_GONE: dict[str, Expression] = {
    "outputs": [],
    "outputs_due_at": None,
    "data_removed": True,
    "cache_key": None,  # it answers nobody any more
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LetGo:
    """Assets that a job let go and that nobody has seen to yet."""

    job: JobId
    account_id: AccountId
    assets: tuple[AssetId, ...]


@adapter
class Removals:
    """The `jobs` collection, as far as it keeps assets alive."""

    # Partial ones: jobs without retention, inputs, a source or something let go cost none of these a write.
    INDEXES = (
        IndexModel(
            [("inputs_due_at", ASCENDING)], name="inputs_due", partialFilterExpression={"inputs_due_at": {"$gt": _EVER}}
        ),
        IndexModel(
            [("outputs_due_at", ASCENDING)],
            name="outputs_due",
            partialFilterExpression={"outputs_due_at": {"$gt": _EVER}},
        ),
        IndexModel([("let_go", ASCENDING)], name="let_go", partialFilterExpression={"let_go": {"$gt": ""}}),
        IndexModel(
            [("input_assets", ASCENDING), ("status", ASCENDING)],
            name="inputs",
            partialFilterExpression={"input_assets": {"$gt": ""}},
        ),
        IndexModel(
            [("source_job_id", ASCENDING)], name="sources", partialFilterExpression={"source_job_id": {"$gt": ""}}
        ),
    )

    def __init__(self, database: Database) -> None:
        self._jobs = database["jobs"]

    async def erase(self, account: AccountId, job: JobId) -> Job | None:
        """Blank the input of a job that has ended and let go of its files. None: unknown, not ended, or erased."""
        stage = happening(
            "job.data_removed",
            let_go={"$setUnion": [_LET_GO, "$input_assets", "$outputs.asset_id"]},
            **_INPUTS_GONE,
            **_OUTPUTS_GONE,
        )
        document = await self._jobs.find_one_and_update(
            {"_id": job, "account_id": account, "status": _ENDED} | SOMETHING,
            [stage],
            return_document=ReturnDocument.AFTER,
        )
        return JOB_CODEC.decode(document) if document is not None else None

    async def due(self, part: Part, now: datetime, *, limit: int) -> list[JobId]:
        """Jobs whose files are due at `now` (database time), longest overdue first."""
        field = f"{part}_due_at"
        found = self._jobs.find({field: {"$gt": _EVER, "$lte": now}}, {"_id": 1}).sort(field, ASCENDING).limit(limit)
        return [job["_id"] async for job in found]

    async def let_go(self, part: Part, job: JobId, now: datetime) -> bool:
        """Take what is due from a job that has ended. False when it was retried or erased meanwhile."""
        stage = without_outputs() if part == "outputs" else _without_inputs()
        query = {"_id": job, "status": _ENDED, f"{part}_due_at": {"$gt": _EVER, "$lte": now}}
        return bool((await self._jobs.update_one(query, [stage])).modified_count)

    async def unsettled(self, *, limit: int) -> list[LetGo]:
        """Jobs that let go of assets which nobody has seen to."""
        found = self._jobs.find({"let_go": {"$gt": ""}}, {"account_id": 1, "let_go": 1}).limit(limit)
        return [LetGo(job=job["_id"], account_id=job["account_id"], assets=tuple(job["let_go"])) async for job in found]

    async def of_job(self, job: JobId) -> Sequence[AssetId]:
        """What this job let go and nobody has seen to."""
        found = await self._jobs.find_one({"_id": job}, {"let_go": 1})
        return tuple((found or {}).get("let_go") or ())

    async def settled(self, job: JobId, asset: AssetId) -> None:
        """Somebody has seen to this asset."""
        await self._jobs.update_one({"_id": job}, {"$pull": {"let_go": asset}})

    async def is_held(self, asset: Asset) -> bool:
        """Whether any job still holds it: as an input, as an output of its own, or as one that the cache gave it."""
        if await self._exists({"input_assets": asset.id}):
            return True
        if asset.job_id is None:
            return False
        mine: Document = {"outputs.asset_id": asset.id}
        return await self._exists({"_id": asset.job_id, **mine}) or await self._exists(
            {"source_job_id": asset.job_id, **mine}
        )

    async def is_needed(self, asset: AssetId) -> bool:
        """Whether a job that waits or runs names it."""
        return await self._exists({"input_assets": asset, "status": _ACTIVE})

    async def known(self, jobs: Sequence[JobId]) -> set[JobId]:
        """Those of `jobs` that are stored."""
        return {job["_id"] async for job in self._jobs.find({"_id": {"$in": list(jobs)}}, {"_id": 1})}

    async def _exists(self, query: Document) -> bool:
        return await self._jobs.find_one(query, {"_id": 1}) is not None


def without_outputs() -> Document:
    """The stage that lets go of a job's outputs, for whoever sees to what was let go."""
    kept: Expression = {"$setUnion": [_LET_GO, "$outputs.asset_id"]}
    return happening("job.data_removed", let_go=kept, **_OUTPUTS_GONE)


def _without_inputs() -> Document:
    return {
        "$set": {
            "let_go": {"$setUnion": [_LET_GO, "$input_assets"]},
            **_INPUTS_GONE,
            "version": {"$add": ["$version", 1]},
        }
    }
