"""Jobs that a real provider works on, over HTTP: paid for once, and nobody waits for it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.job import Status
from reelwork.engine.calls import take_up
from reelwork.engine.cancel import cancel
from testkit.acme import PICTURE
from testkit.acme_models import Instant, Picture, Traced
from testkit.world import terms
from worker import runner, turn
from worker.board import Board

pytestmark = pytest.mark.usefixtures("quick_beats")

POOL = "remote"


async def test_a_job_is_asked_for_once_waited_for_by_nobody_and_fetched(crew, acme):
    acme.instant = 2
    job, worker = await crew.submit(), crew.worker()

    assert await worker.work(POOL) == 1
    waiting = await crew.world.read(job)
    assert (waiting.status, waiting.call.handle, waiting.progress.stage) == (Status.PROCESSING, "task-1", "submitted")
    assert not worker.jobs
    await crew.due()
    await worker.work(POOL)
    assert (await crew.world.read(job)).progress.stage == "generating"
    after = await crew.until_it_ends(job)

    assert (after.status, after.attempt, acme.paid) == (Status.COMPLETED, 1, 1)
    (output,) = after.outputs
    assert (output.name, output.content_type, output.width, output.height) == ("picture.jpg", "image/jpeg", 64, 48)
    assert await crew.workshop.content((await crew.workshop.keys(job))[0]) == PICTURE
    assert await crew.place(job) == []


async def test_a_waiting_job_keeps_its_place_in_the_lane_and_no_worker(crew, acme):
    acme.instant = None
    lane = terms(pool=POOL, limit=1)
    first, second = [await crew.workshop.submit(lane, model=Picture.id, input={}) for _ in range(2)]
    worker = crew.worker()

    assert await worker.work(POOL) == 1
    assert await worker.work(POOL) == 0  # the second has no place, and the first is not due

    assert (await crew.world.read(second)).status is Status.QUEUED
    acme.finish()
    assert (await crew.until_it_ends(first)).status is Status.COMPLETED


async def test_a_failure_at_the_provider_is_the_jobs(crew, acme):
    acme.instant = None
    job, worker = await crew.submit(), crew.worker()
    await worker.work(POOL)
    acme.finish("failed")

    after = await crew.until_it_ends(job, worker)

    assert (after.status, after.error.code, acme.paid) == (Status.FAILED, "content_policy_violation", 1)


async def test_what_was_not_begun_is_begun_again_in_another_attempt(crew, acme):
    acme.at("POST /v1/tasks", status=503)
    job = await crew.submit()

    after = await crew.until_it_ends(job)

    assert (after.status, after.attempt, acme.paid) == (Status.COMPLETED, 2, 1)
    assert [attempt.outcome for attempt in after.attempts] == ["failed", "completed"]


async def test_a_provider_that_cannot_be_asked_for_a_while_is_asked_later(crew, acme):
    job, worker = await crew.submit(), crew.worker()
    await worker.work(POOL)
    acme.at("GET /v1/tasks/", status=500)
    acme.at("GET /v1/tasks/", status=429, headers={"Retry-After": "30"})
    acme.at("GET /v1/tasks/", cut=True)
    for _ in range(3):
        await crew.due()
        await worker.work(POOL)

    waiting = await crew.world.read(job)
    assert (waiting.status, waiting.call.faults) == (Status.PROCESSING, 3)
    after = await crew.until_it_ends(job, worker)
    assert (after.status, after.attempt, acme.paid) == (Status.COMPLETED, 1, 1)


async def test_a_provider_that_asks_for_time_is_given_it(crew, acme):
    job, worker = await crew.submit(), crew.worker()
    await worker.work(POOL)
    acme.at("GET /v1/tasks/", status=429, headers={"Retry-After": "300"})
    await crew.due()
    await worker.work(POOL)

    waiting = await crew.world.read(job)
    assert waiting.call.due_at - waiting.call.turn_at > timedelta(seconds=290)


@pytest.mark.parametrize("reply", [{"cut": True, "after": True}, {"status": 504, "after": True}])
async def test_a_submission_of_unknown_fate_is_not_made_again(crew, acme, reply):
    acme.at("POST /v1/tasks", **reply)
    job = await crew.submit()

    after = await crew.until_it_ends(job)

    assert (after.status, after.error.code, after.error.retryable) == (Status.FAILED, "submission_unknown", False)
    assert (after.attempt, acme.paid) == (1, 1)


@pytest.mark.parametrize("reply", [{"cut": True, "after": True}, {"cut": True}])
async def test_a_provider_that_knows_what_it_has_is_asked_for_it(crew, acme, reply):
    acme.at("POST /v1/tasks", **reply)
    job = await crew.submit(Traced)

    after = await crew.until_it_ends(job)

    assert (after.status, after.attempt, acme.paid) == (Status.COMPLETED, 1, 1)


async def test_cancelling_a_waiting_job_reaches_the_provider(crew, acme):
    acme.instant = None
    job, worker = await crew.submit(), crew.worker()
    await worker.work(POOL)
    await cancel(crew.world.engine, job.account_id, job.id, by="owner")

    await worker.work(POOL)

    assert (await crew.world.read(job)).status is Status.CANCELLED
    assert acme.cancelled == ["task-1"]
    assert await crew.place(job) == []


async def test_a_job_ends_cancelled_even_if_the_provider_does_not_hear(crew, acme):
    acme.instant = None
    job, worker = await crew.submit(), crew.worker()
    await worker.work(POOL)
    acme.at("POST /v1/tasks/", times=5, status=500)
    await cancel(crew.world.engine, job.account_id, job.id, by="owner")

    after = await crew.until_it_ends(job, worker, turns=4)

    assert (after.status, acme.asked("POST /v1/tasks/task-1/cancel")) == (Status.CANCELLED, turn.MOST_CANCELS)


async def test_a_cancel_in_mid_submission_waits_for_the_handle_and_then_reaches_the_provider(crew, acme):
    acme.instant = None
    acme.gate.clear()
    job, worker = await crew.submit(), crew.worker()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.work(POOL))
        await crew.eventually(lambda: asyncio.sleep(0, acme.paid))
        await cancel(crew.world.engine, job.account_id, job.id, by="owner")
        acme.gate.set()

    after = await crew.until_it_ends(job, worker)

    assert (after.status, acme.cancelled, acme.paid) == (Status.CANCELLED, ["task-1"], 1)


async def test_the_time_limit_counts_from_the_first_turn_and_stops_the_provider(crew, acme):
    acme.instant = None
    job, worker = await crew.submit(run_timeout_seconds=60), crew.worker()
    await worker.work(POOL)
    earlier = datetime.now(UTC) - timedelta(seconds=61)
    await crew.world.database["jobs"].update_one({"_id": job.id}, {"$set": {"started_at": earlier}})

    after = await crew.until_it_ends(job, worker, turns=1)

    assert (after.status, after.error.code, acme.cancelled) == (Status.FAILED, "run_timeout", ["task-1"])


async def test_the_deadline_stops_the_provider_too(crew, acme):
    acme.instant = None
    job, worker = await crew.submit(deadline_at=datetime.now(UTC) + timedelta(minutes=1)), crew.worker()
    await worker.work(POOL)
    past = datetime.now(UTC) - timedelta(seconds=1)
    await crew.world.database["jobs"].update_one({"_id": job.id}, {"$set": {"deadline_at": past}})

    after = await crew.until_it_ends(job, worker, turns=1)

    assert (after.status, after.error.code, acme.cancelled) == (Status.FAILED, "deadline_exceeded", ["task-1"])


async def test_a_result_that_is_there_counts_even_after_the_time_limit(crew, acme):
    job, worker = await crew.submit(run_timeout_seconds=60), crew.worker()
    await worker.work(POOL)
    earlier = datetime.now(UTC) - timedelta(seconds=61)
    await crew.world.database["jobs"].update_one({"_id": job.id}, {"$set": {"started_at": earlier}})

    assert (await crew.until_it_ends(job, worker, turns=1)).status is Status.COMPLETED


async def test_a_provider_that_answers_at_once_needs_one_turn(crew, acme):
    job = await crew.submit(Instant)

    await crew.worker().work(POOL)

    after = await crew.world.read(job)
    assert (after.status, acme.paid, after.outputs[0].name) == (Status.COMPLETED, 1, "answer.jpg")


async def test_a_worker_that_leaves_in_mid_submission_leaves_the_handle(crew, acme):
    acme.gate.clear()
    board = Board(patience=timedelta())
    job, worker = await crew.submit(), crew.worker(board=board)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.work(POOL))
        await crew.eventually(lambda: asyncio.sleep(0, acme.paid))
        leaving = tasks.create_task(worker.leave())
        acme.gate.set()
    assert leaving.done()

    after = await crew.until_it_ends(job, crew.worker("other"))

    assert (after.status, after.attempt, acme.paid) == (Status.COMPLETED, 1, 1)


async def test_a_due_job_that_a_worker_took_just_before_it_drained_goes_to_another_at_once(crew, acme, monkeypatch):
    job = await crew.submit()
    await crew.worker().work(POOL)
    await crew.due()
    board = Board(patience=timedelta(hours=1))
    draining = crew.worker(board=board)

    async def take_up_and_drain(*arguments, **options):
        board.draining = True
        return await take_up(*arguments, **options)

    monkeypatch.setattr(runner, "take_up", take_up_and_drain)
    assert await draining.work(POOL) == 0
    monkeypatch.undo()

    after = await crew.world.read(job)
    assert (after.call.due_at is not None, after.call.lost) == (True, 0)
    assert acme.asked("GET /v1/tasks/") == 0
