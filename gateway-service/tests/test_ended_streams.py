"""A stream that is open ends soon after its key does, also where that happened behind the back of its gateway."""

from datetime import UTC, datetime

import pytest

from testkit.caller import Caller, Json, expect
from testkit.stack import Stack
from testkit.waiting import until

LONG = 60  # seconds that the job would run


@pytest.fixture(scope="module")
def owner(stack: Stack) -> Caller:
    return stack.caller("owner of streams")


@pytest.fixture
def watcher(stack: Stack, owner: Caller) -> tuple[Caller, str]:
    """Somebody with a key of their own, and its id."""
    made = expect(201, owner.http.post("/v1/keys", json={"name": "watcher", "preset": "operator"}))
    return stack.with_key(made["key"]), made["id"]


@pytest.fixture
def job(owner: Caller) -> str:
    return str(owner.submit(seconds=LONG)["id"])


@pytest.mark.parametrize(
    "end",
    [
        {"revoked": True},
        {"expires_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"scopes": ["submit"]},
        {"allowed_ips": ["192.0.2.1"]},
    ],
)
def test_a_stream_ends_soon_after_its_key(
    stack: Stack, owner: Caller, watcher: tuple[Caller, str], job: str, end: Json
) -> None:
    caller, key_id = watcher
    with caller.stream(job) as told:
        assert next(told).event == "snapshot"

        with stack.documents() as database:
            database["keys"].update_one({"_id": key_id}, {"$set": end})
        rest = [frame.event for frame in told]

    assert "job.completed" not in rest
    assert not owner.job(job)["is_terminal"], "else it ended with its job"
    owner.cancel(job)


def test_a_stream_that_a_ticket_opened_ends_with_the_key_behind_it(
    owner: Caller, nobody: Caller, watcher: tuple[Caller, str], job: str
) -> None:
    caller, key_id = watcher
    ticket = expect(201, caller.http.post("/v1/stream-tickets"))["ticket"]
    with nobody.stream(job, params={"ticket": ticket}) as told:
        assert next(told).event == "snapshot"

        assert owner.http.delete(f"/v1/keys/{key_id}").status_code == 204
        rest = [frame.event for frame in told]

    assert "job.completed" not in rest
    assert not owner.job(job)["is_terminal"], "else it ended with its job"
    owner.cancel(job)


def test_the_streams_of_other_keys_go_on(owner: Caller, watcher: tuple[Caller, str]) -> None:
    _, key_id = watcher
    with owner.stream(owner.submit(seconds=6)["id"]) as told:
        assert next(told).event == "snapshot"

        assert owner.http.delete(f"/v1/keys/{key_id}").status_code == 204
        rest = [frame.event for frame in told]

    assert rest[-1] == "job.completed"


def test_the_streams_of_a_suspended_account_end(stack: Stack) -> None:
    caller = stack.caller("suspended while watching")
    job_id = caller.submit(seconds=LONG)["id"]
    with caller.stream(job_id) as told:
        assert next(told).event == "snapshot"

        with stack.documents() as database:
            account = {"name": "suspended while watching"}
            database["accounts"].update_one(account, {"$set": {"suspended_at": datetime.now(UTC)}})
        rest = [frame.event for frame in told]

    assert "job.completed" not in rest
    with stack.documents() as database:
        assert database["jobs"].find_one({"_id": job_id})["status"] in {"queued", "processing"}
        database["accounts"].update_one(account, {"$set": {"suspended_at": None}})
    until(lambda: caller.http.post(f"/v1/jobs/{job_id}/cancel").status_code == 200)
