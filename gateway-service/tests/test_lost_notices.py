"""A stream tells what is stored, also where nobody told the gateway that something was."""

from datetime import UTC, datetime
from typing import Any

from reelwork.domain.job import Status
from reelwork.store.jobs import JOB_CODEC
from testkit.caller import Caller
from testkit.sse import Frame
from testkit.stack import Stack
from testkit.world import new_job, terms


def test_a_change_whose_notice_was_lost_is_told_all_the_same(stack: Stack, owner: Caller):
    jobs = [_stored(stack) for _ in range(3)]

    told: list[Frame] = []
    for job_id in jobs:
        with owner.stream(job_id) as frames:
            next(frames)
            _end_behind_the_gateways_back(stack, job_id)
            told += [frame for frame in frames if frame.event == "job.cancelled"]

    assert [frame.data["status"] for frame in told] == ["cancelled"] * 3


def _stored(stack: Stack) -> str:
    """A job in a pool that nobody serves, so that only this test changes it."""
    with stack.documents() as database:
        account = database["accounts"].find_one({"name": "owner"})
        job = new_job(terms(account["_id"], pool="nowhere"))
        database["jobs"].insert_one(JOB_CODEC.encode(job) | {"due": True})
    return str(job.id)


def _end_behind_the_gateways_back(stack: Stack, job_id: str) -> None:
    event: dict[str, Any] = {
        "seq": 2,
        "at": datetime.now(UTC),
        "type": "job.cancelled",
        "status": "cancelled",
        "attempt": 0,
        "error": None,
    }
    with stack.documents() as database:
        changed = {"$set": {"status": Status.CANCELLED.value}, "$push": {"events": event}, "$inc": {"version": 1}}
        database["jobs"].update_one({"_id": job_id}, changed)
