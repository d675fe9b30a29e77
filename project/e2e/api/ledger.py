"""What must be true of jobs that have ended, whatever happened on the way: read from the stores, not from answers."""

from collections.abc import Iterable

from testkit.caller import Json
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
        types = [event["type"] for event in job["events"]]
        assert [event["seq"] for event in job["events"]] == list(range(1, len(types) + 1)), types
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
