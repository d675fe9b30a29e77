"""The address that providers are told: it takes their messages for a worker, and tells nobody anything."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reelwork.domain.job import Attempt, Job, Lease, Status
from reelwork.domain.remote import RemoteCall
from reelwork.store.stores import Stores
from testkit.stack import Stack
from testkit.world import new_job, terms

TOKEN = "the-token-of-this-call"
NOW = datetime.now(UTC)


def waiting_job() -> Job:
    """As a worker leaves it that has asked a provider; the next look is an hour away."""
    call = RemoteCall(
        attempt=1,
        model="acme/picture",
        token=TOKEN,
        asked_at=NOW - timedelta(minutes=2),
        turn_at=NOW - timedelta(minutes=1),
        handle="task-1",
        due_at=NOW + timedelta(hours=1),
    )
    return replace(
        new_job(terms(pool="remote")),
        status=Status.PROCESSING,
        attempt=1,
        started_at=NOW,
        lease=Lease(worker="w", slot="s", expires_at=None, turn=1),
        attempts=(Attempt(n=1, worker="w", slot="s", started_at=NOW),),
        remote=call,
    )


@pytest.fixture
def job(stack: Stack) -> Iterator[Job]:
    waiting = waiting_job()
    stack.on_database(lambda database: Stores.of(database).jobs.insert(waiting))
    yield waiting
    with stack.documents() as database:
        database["jobs"].delete_one({"_id": waiting.id})


def say(stack: Stack, job_id: str, token: str = TOKEN, **request: Any) -> Any:
    return stack.with_key(None).http.post(f"/v1/providers/acme/webhook/{job_id}/{token}", **request)


def stored(stack: Stack, job: Job) -> dict[str, Any]:
    with stack.documents() as database:
        found: dict[str, Any] = database["jobs"].find_one({"_id": job.id})["remote"]
    return found


def test_a_message_is_kept_for_a_worker_and_the_job_is_due(stack: Stack, job: Job):
    headers = {"Webhook-Signature": "v1,abc", "X-Api-Key": "not for workers", "Authorization": "Bearer neither"}

    assert say(stack, job.id, content=b'{"id": "task-1"}', headers=headers).status_code == 204

    call = stored(stack, job)
    assert call["due_at"] <= datetime.now(UTC)
    assert call["note"]["body"] == b'{"id": "task-1"}'
    assert call["note"]["headers"]["webhook-signature"] == "v1,abc"
    assert not {"authorization", "x-api-key"} & set(call["note"]["headers"])


def test_whoever_does_not_know_the_token_is_answered_the_same_and_changes_nothing(stack: Stack, job: Job):
    before = stored(stack, job)

    answers = [say(stack, job.id, "guessed"), say(stack, "job_nobody"), say(stack, "$where", "{}")]

    assert {(answer.status_code, answer.content) for answer in answers} == {(204, b"")}
    assert stored(stack, job) == before


def test_a_message_that_is_too_long_is_not_read(stack: Stack, job: Job):
    answer = say(stack, job.id, content=b"x" * 70_000)

    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
    assert stored(stack, job)["note"] is None
