"""A worker is stopped or told to drain: it takes no more jobs, and none is lost or pays for it with an attempt."""

import asyncio
import threading
from datetime import timedelta

import pytest

from reelwork.domain.job import Status
from reelwork.engine.cancel import cancel
from reelwork.runtime.tasks import running
from testkit.world import terms
from worker import attempt, runner
from worker.board import Board

pytestmark = pytest.mark.usefixtures("quick_beats")

NOOP = "testkit/noop"
FOREVER, AT_ONCE = timedelta(hours=1), timedelta()


@pytest.fixture
def held(scripted, gate):
    """A model that says when it has started, and ends when the gate is opened or it is told to stop."""

    def make(started):
        def generate(_params, ctx):
            started.set()
            while not gate.wait(0.005):
                ctx.check()
            return ()

        return scripted(generate)

    return make


async def test_a_worker_that_may_take_no_jobs_claims_none(workshop):
    board, job = Board(patience=FOREVER), await workshop.submit(model=NOOP)
    worker = workshop.runner(board=board)

    board.draining = True
    assert await worker.answer_ticket("cpu") == 0
    board.draining = False
    assert await worker.answer_ticket("cpu") == 1

    assert (await workshop.world.read(job)).status is Status.COMPLETED


async def test_a_worker_that_is_stopped_ends_its_job_and_leaves_the_next(workshop, held, gate, eventually):
    board, started = Board(patience=FOREVER), threading.Event()
    worker = workshop.runner(held(started), board=board)
    jobs = [await workshop.submit(terms()) for _ in range(2)]
    async with running(worker.keep_time), asyncio.TaskGroup() as tasks:
        answer = tasks.create_task(worker.answer_ticket("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        board.stop()
        gate.set()

    assert answer.result() == 1
    states = {(await workshop.world.read(job)).status for job in jobs}
    assert states == {Status.COMPLETED, Status.QUEUED}
    assert worker.done == 1


async def test_a_job_that_does_not_end_in_time_goes_back_and_costs_no_attempt(workshop, held, eventually):
    board, started = Board(patience=AT_ONCE), threading.Event()
    worker, job = workshop.runner(held(started), board=board), await workshop.submit()
    async with running(worker.keep_time), asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.answer_ticket("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        assert worker.jobs == [job.id]
        board.stop()

    after = await workshop.world.read(job)
    assert (after.status, after.attempt, after.attempts) == (Status.QUEUED, 0, ())
    assert (await workshop.world.lane(job.lane))["slots"] == []
    assert await workshop.world.tickets() == 2, "whoever makes a job claimable publishes a ticket"
    assert (worker.jobs, worker.done, worker.is_busy, workshop.abandoned) == ([], 0, False, [])


async def test_a_model_that_does_not_listen_does_not_keep_its_job(workshop, scripted, gate, eventually, monkeypatch):
    monkeypatch.setattr(attempt, "LEAVING_GRACE", timedelta(milliseconds=50))
    board, started = Board(patience=AT_ONCE), threading.Event()

    def generate(_params, _ctx):
        started.set()
        gate.wait()
        return ()

    worker, job = workshop.runner(scripted(generate), board=board), await workshop.submit()
    async with running(worker.keep_time), asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.answer_ticket("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        board.stop()

    after = await workshop.world.read(job)
    assert (after.status, after.attempt) == (Status.QUEUED, 0)
    assert workshop.abandoned == [], "its thread runs on until its process ends, which it does by itself now"


async def test_of_two_runs_of_a_job_in_one_process_the_one_that_lasts_is_known_to_the_end(
    workshop, scripted, gate, eventually
):
    """The first lost its lease, and its model does not listen; meanwhile the job came back to the same process."""
    board, job = Board(patience=FOREVER), await workshop.submit()
    first_may_end, starts = threading.Event(), iter([threading.Event(), threading.Event()])
    begun = list[threading.Event]()

    def generate(_params, _ctx):
        begun.append(next(starts))
        (first_may_end if len(begun) == 1 else gate).wait()
        return ()

    worker = workshop.runner(scripted(generate), board=board)

    async def runs(count):
        return len(begun) == count

    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(worker.answer_ticket("cpu"))
        await eventually(lambda: runs(1))
        await workshop.world.lapse()
        await workshop.world.reconciler.run_once()
        second = tasks.create_task(worker.answer_ticket("cpu"))
        await eventually(lambda: runs(2))
        first_may_end.set()
        await first
        known = worker.jobs
        gate.set()
        await second

    assert known == [job.id]
    assert (await workshop.world.read(job)).status is Status.COMPLETED


async def test_what_was_stored_before_a_job_went_back_is_removed(workshop, scripted, text, eventually):
    board, started = Board(patience=AT_ONCE), threading.Event()

    def generate(_params, ctx):
        yield text(ctx)
        started.set()
        while True:
            ctx.check()

    worker, job = workshop.runner(scripted(generate), board=board), await workshop.submit()
    async with running(worker.keep_time), asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.answer_ticket("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        board.stop()

    assert await workshop.keys(job) == []


async def test_a_job_that_was_cancelled_meanwhile_ends_cancelled_and_does_not_go_back(
    workshop, held, eventually, monkeypatch
):
    monkeypatch.setattr("worker.lifeline.BEAT_SECONDS", 3600)  # the worker does not hear of it
    board, started = Board(patience=AT_ONCE), threading.Event()
    worker, job = workshop.runner(held(started), board=board), await workshop.submit()
    async with running(worker.keep_time), asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.answer_ticket("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        await cancel(workshop.world.engine, job.account_id, job.id, by="user")
        board.stop()

    assert (await workshop.world.read(job)).status is Status.CANCELLED


async def test_jobs_that_were_claimed_in_a_row_go_back_while_the_first_still_runs(
    workshop, held, gate, eventually, monkeypatch
):
    monkeypatch.setattr(runner, "PATIENCE_SECONDS", 3600)
    board, started, lane = Board(patience=FOREVER), threading.Event(), terms(limit=16)
    jobs = [await workshop.submit(lane, order=float(number)) for number in range(4)]
    await workshop.world.learn(timedelta(milliseconds=1))

    async def others_wait_again():
        found = [await workshop.world.read(job) for job in jobs[1:]]
        return {(job.status, job.attempt) for job in found} == {(Status.QUEUED, 0)}

    worker = workshop.runner(held(started), board=board)
    async with running(worker.keep_time), asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.answer_ticket("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        board.stop()
        await eventually(others_wait_again)
        assert (await workshop.world.read(jobs[0])).status is Status.PROCESSING
        gate.set()

    assert (await workshop.world.read(jobs[0])).status is Status.COMPLETED


async def test_jobs_that_were_claimed_in_the_moment_of_the_stop_are_not_begun(workshop, monkeypatch):
    board, claim = Board(patience=FOREVER), runner.claim_batch

    async def claim_and_stop(*arguments, **options):
        jobs = await claim(*arguments, **options)
        board.stop()
        return jobs

    monkeypatch.setattr(runner, "claim_batch", claim_and_stop)
    job = await workshop.submit(model=NOOP)

    assert await workshop.runner(board=board).answer_ticket("cpu") == 0

    after = await workshop.world.read(job)
    assert (after.status, after.attempt) == (Status.QUEUED, 0)


async def test_a_process_that_ends_alone_hands_back_what_it_runs(workshop, held, eventually):
    """The others of its worker go on."""
    board, started = Board(patience=FOREVER), threading.Event()
    worker, job = workshop.runner(held(started), board=board), await workshop.submit()
    async with running(worker.keep_time), asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.answer_ticket("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        await worker.leave()

    after = await workshop.world.read(job)
    assert (after.status, after.attempt, board.takes_jobs) == (Status.QUEUED, 0, True)


def test_the_time_to_end_begins_with_the_first_word_and_can_be_cut_short():
    board = Board(patience=FOREVER)
    assert (board.takes_jobs, board.time_is_up) == (True, False)

    board.stop()
    assert (board.takes_jobs, board.time_is_up) == (False, False)
    board.hurry()
    board.stop()

    assert (board.stopping, board.time_is_up) == (True, True)
