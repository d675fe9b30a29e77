"""A message of a provider makes us look sooner, if it is the provider's; by itself it says nothing that is believed."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.job import Status
from reelwork.engine.calls import hear
from testkit.acme_models import Picture, signature

pytestmark = pytest.mark.usefixtures("quick_beats")

POOL = "remote"
BODY = json.dumps({"id": "task-1", "state": "failed"}).encode()
SIGNED = {"acme-signature": signature("secret", BODY)}


@pytest.fixture
async def waiting(crew, acme):
    """A job whose provider is done, but which is not due for long."""
    job = await crew.submit(max_attempts=1)
    await crew.worker().work(POOL)
    moments = {
        "remote.turn_at": datetime.now(UTC) - timedelta(minutes=1),
        "remote.due_at": datetime.now(UTC) + timedelta(hours=1),
    }
    await crew.world.database["jobs"].update_one({"_id": job.id}, {"$set": moments})
    return await crew.world.read(job)


async def say(crew, job, headers=SIGNED, body=BODY, token=None):
    return await hear(crew.world.engine, job.id, token or job.call.token, headers=headers, body=body)


async def test_the_provider_is_told_where_to_say_it(crew, acme):
    job = await crew.submit()

    await crew.worker(public_url="https://reelwork.example").work(POOL)

    call = (await crew.world.read(job)).call
    webhook = f"https://reelwork.example/v1/providers/acme/webhook/{job.id}/{call.token}"
    assert acme.tasks["task-1"].input["webhook"] == webhook


async def test_a_signed_message_makes_us_ask_the_provider_whose_word_alone_counts(crew, acme, waiting):
    assert await say(crew, waiting)

    await crew.worker().work(POOL)

    assert (await crew.world.read(waiting)).status is Status.COMPLETED  # whatever the message said


@pytest.mark.parametrize("headers", [{}, {"acme-signature": "0" * 64}])
async def test_a_forged_message_costs_the_provider_no_question(crew, acme, waiting, headers):
    assert await say(crew, waiting, headers=headers)

    await crew.worker().work(POOL)

    after = await crew.world.read(waiting)
    assert (after.status, acme.asked("GET /v1/tasks/")) == (Status.PROCESSING, 0)
    assert abs(after.call.due_at - waiting.call.due_at) < timedelta(seconds=1)


async def test_without_the_token_of_the_call_nobody_is_heard(crew, acme, waiting):
    assert not await say(crew, waiting, token="x" * 32)
    assert (await crew.world.read(waiting)).call.due_at == waiting.call.due_at


async def test_whoever_repeats_himself_is_heard_once(crew, acme, waiting):
    assert [await say(crew, waiting) for _ in range(3)] == [True, False, False]


async def test_a_message_names_the_task_of_a_submission_whose_answer_was_lost(crew, acme):
    acme.at("POST /v1/tasks", cut=True, after=True)
    job = await crew.submit(Picture)
    await crew.worker().work(POOL)
    earlier = datetime.now(UTC) - timedelta(minutes=1)
    await crew.world.database["jobs"].update_one({"_id": job.id}, {"$set": {"remote.turn_at": earlier}})
    await say(crew, await crew.world.read(job))
    await crew.worker().work(POOL)

    after = await crew.until_it_ends(job)

    assert (after.status, acme.paid) == (Status.COMPLETED, 1)


async def test_what_has_ended_hears_nothing(crew, acme, waiting):
    await say(crew, waiting)
    await crew.worker().work(POOL)

    assert not await say(crew, waiting)
