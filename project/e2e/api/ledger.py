"""What must be true of jobs that have ended, whatever happened on the way: read from the stores, not from answers."""

from collections.abc import Collection, Iterable
from contextlib import suppress

from reelwork.domain.ids import AssetId
from testkit.caller import Json
from testkit.invariants import DATA_REMOVED, check_holdings, check_storage, steady
from testkit.stack import Stack
from testkit.waiting import until

TERMINAL = {"job.completed", "job.failed", "job.cancelled", "job.expired"}


def check_ended_once(stack: Stack, job_ids: Iterable[str]) -> list[Json]:
    """The jobs' documents. Raises AssertionError unless each has ended once, with one set of outputs.

    One terminal event, as the last of a history without gaps; every output is a ready asset with its object; and the
    object store holds nothing else of the job.
    """
    found = []
    for job_id in job_ids:
        with stack.documents() as database:
            job = database["jobs"].find_one({"_id": job_id})
        assert [event["seq"] for event in job["events"]] == list(range(1, len(job["events"]) + 1)), job["events"]
        types = [event["type"] for event in job["events"] if event["type"] != DATA_REMOVED]
        assert [kind for kind in types if kind in TERMINAL] == types[-1:], types
        assert len(job["attempts"]) == job["attempt"]
        assert job["lease"] is None
        until(lambda job=job: _objects_of(stack, job) == _keys_of(stack, job))
        found.append(job)
    return found


def check_no_slot_is_held(stack: Stack) -> None:
    """Every place in every lane is free again, now or as soon as the reconciler has looked."""

    def all_free() -> bool:
        with stack.documents() as database:
            return all(not lane["slots"] for lane in database["lanes"].find())

    until(all_free)


def check_storage_agrees(
    stack: Stack, *, account: str | None = None, settled: bool = False, deleted: Collection[str] = ()
) -> None:
    """S3 and MongoDB tell the same, of one account or of all, and every job has what it holds. While nothing runs.

    `settled`: S3 holds the ready assets and nothing else, now or as soon as the sweeper has looked. What a worker that
    died had announced counts for nothing only after a quarter of an hour. `deleted`: assets that their owners removed.
    """
    mine = {"account_id": account} if account else {}
    prefix = f"accounts/{account}/" if account else ""

    def look(*, exactly: bool) -> None:
        with stack.documents() as database:
            before = list(database["assets"].find(mine))
            keys = {key for key in stack.stored().objects if key.startswith(prefix)}
            assets, jobs = steady(before, database["assets"].find(mine)), list(database["jobs"].find(mine))
        check_storage(assets, keys, settled=exactly)
        check_holdings(jobs, assets, deleted=[AssetId(asset) for asset in deleted])

    def agrees() -> bool:
        with suppress(AssertionError):
            look(exactly=True)
            return True
        return False

    if settled:
        until(agrees)
    look(exactly=settled)


def account_of(stack: Stack, job_id: str) -> str:
    """Whose job it is."""
    with stack.documents() as database:
        return str(database["jobs"].find_one({"_id": job_id})["account_id"])


def _objects_of(stack: Stack, job: Json) -> set[str]:
    return {key for key in stack.stored().objects if f"/{job['_id']}/" in key}


def _keys_of(stack: Stack, job: Json) -> set[str]:
    """The keys that the job's outputs have, all of them ready."""
    wanted = [output["asset_id"] for output in job["outputs"]]
    with stack.documents() as database:
        ready = database["assets"].find({"_id": {"$in": wanted}, "state": "ready"})
        keys = {asset["key"] for asset in ready}
    assert len(keys) == len(wanted), f"{job['_id']}: outputs that are not ready assets"
    return keys
