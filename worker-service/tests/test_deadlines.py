"""A running job has a deadline, or asks for a shorter run than its model may take."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.job import Status

pytestmark = pytest.mark.usefixtures("quick_beats")

GRACE = timedelta(milliseconds=100)
SOON = timedelta(milliseconds=300)


def in_a_moment() -> datetime:
    return datetime.now(UTC) + SOON


def until_told(_params, ctx):
    while True:
        ctx.check()
        time.sleep(0.005)


async def test_a_model_that_listens_is_stopped_at_the_deadline_and_the_job_fails(workshop, scripted, text):
    def generate(params, ctx):
        yield text(ctx)
        until_told(params, ctx)

    job = await workshop.submit(deadline_at=in_a_moment())
    await workshop.runner(scripted(generate)).work("cpu")

    after = await workshop.world.read(job)
    assert (after.status, after.error.code, after.outputs) == (Status.FAILED, "deadline_exceeded", ())
    assert [(one.outcome, one.error.code) for one in after.attempts] == [("failed", "deadline_exceeded")]
    assert after.completed_at >= after.deadline_at
    assert await workshop.keys(job) == []
    assert (await workshop.world.lane(job.lane))["slots"] == []
    assert workshop.abandoned == []


async def test_a_model_that_does_not_listen_is_left_behind_with_its_process(workshop, scripted, gate):
    def generate(_params, _ctx):
        gate.wait()
        return ()

    job = await workshop.submit(deadline_at=in_a_moment())
    await workshop.runner(scripted(generate), grace=GRACE).work("cpu")

    after = await workshop.world.read(job)
    assert (after.status, after.error.code) == (Status.FAILED, "deadline_exceeded")
    assert workshop.abandoned == ["w"]


async def test_a_model_whose_setup_hangs_is_left_behind_at_the_deadline(workshop, scripted, gate):
    job = await workshop.submit(deadline_at=in_a_moment())
    model = scripted(lambda _params, _ctx: (), setup=lambda _self: gate.wait())
    await workshop.runner(model, grace=GRACE).work("cpu")

    assert (await workshop.world.read(job)).error.code == "deadline_exceeded"
    assert workshop.abandoned == ["w"]


async def test_what_is_finished_all_the_same_counts(workshop, scripted, text):
    """The model was asked to stop, but had done by then."""

    def generate(_params, ctx):
        while not ctx._is_cancelled():
            time.sleep(0.005)
        return [text(ctx)]

    job = await workshop.submit(deadline_at=in_a_moment())
    done = threading.Event()

    def ended(params, ctx):
        artifacts = generate(params, ctx)
        ctx._is_cancelled = lambda: False
        done.set()
        return artifacts

    await workshop.runner(scripted(ended)).work("cpu")

    after = await workshop.world.read(job)
    assert done.is_set()
    assert (after.status, len(after.outputs)) == (Status.COMPLETED, 1)


async def test_a_job_that_ends_before_its_deadline_is_not_touched_by_it(workshop, scripted, text):
    job = await workshop.submit(deadline_at=datetime.now(UTC) + timedelta(hours=1))
    await workshop.runner(scripted(lambda _params, ctx: [text(ctx)])).work("cpu")

    assert (await workshop.world.read(job)).status is Status.COMPLETED


async def test_a_job_may_ask_for_less_time_than_its_model_has(workshop, scripted):
    job = await workshop.submit(run_timeout_seconds=0.05)
    await workshop.runner(scripted(until_told, seconds=60)).work("cpu")

    after = await workshop.world.read(job)
    assert (after.status, after.error.code, after.attempt) == (Status.FAILED, "run_timeout", 1)


async def test_a_job_cannot_ask_for_more_time_than_its_model_has(workshop, scripted):
    job = await workshop.submit(run_timeout_seconds=60)
    await workshop.runner(scripted(until_told, seconds=0.05)).work("cpu")

    assert (await workshop.world.read(job)).error.code == "run_timeout"


async def test_a_model_that_does_not_stop_at_the_jobs_limit_is_left_behind(workshop, scripted, gate):
    def generate(_params, _ctx):
        gate.wait()
        return ()

    job = await workshop.submit(run_timeout_seconds=0.05)
    await workshop.runner(scripted(generate, seconds=60), grace=GRACE).work("cpu")

    assert (await workshop.world.read(job)).error.code == "run_timeout"
    assert workshop.abandoned == ["w"]


async def test_deadlines_are_told_by_the_databases_clock_not_by_the_workers(workshop, scripted, monkeypatch):
    """A worker whose wall clock is a day off stops the model when its time has come, and not before."""
    yesterday = time.time() - 86400
    monkeypatch.setattr(time, "time", lambda: yesterday)
    job = await workshop.submit(deadline_at=in_a_moment())
    await workshop.runner(scripted(until_told)).work("cpu")

    after = await workshop.world.read(job)
    assert after.error.code == "deadline_exceeded"
    assert after.completed_at >= after.deadline_at
