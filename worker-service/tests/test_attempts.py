"""One job, one worker: what a model does decides how its attempt ends."""

import asyncio
import sys

import pytest

from reelwork.domain.job import Status
from reelwork.generator import ProviderUnavailable

pytestmark = pytest.mark.usefixtures("quick_beats")

NOOP = "testkit/noop"


async def test_a_model_is_given_the_seed_and_the_input_of_its_job(workshop, scripted):
    seen = []

    def generate(params, ctx):
        seen.append((params.model_extra, ctx.seed, ctx.job_id))
        return ()

    job = await workshop.submit(seed=4711, input={"prompt": "$name"})
    await workshop.runner(scripted(generate)).work("cpu")

    assert seen == [({"prompt": "$name"}, 4711, job.id)]


@pytest.mark.parametrize(
    ("fail", "status", "code", "retryable"),
    [
        ("retryable", Status.QUEUED, "provider_unavailable", True),
        ("bug", Status.QUEUED, "internal_error", True),
        ("fatal", Status.FAILED, "generation_failed", False),
        ("invalid", Status.FAILED, "invalid_input", False),
    ],
)
async def test_a_failure_is_tried_again_only_where_that_may_help(workshop, fail, status, code, retryable):
    job = await workshop.submit(model=NOOP, input={"fail": fail})
    await workshop.runner().work("cpu")

    after = await workshop.world.read(job)
    assert (after.status, after.error.code, after.error.retryable) == (status, code, retryable)
    assert (after.not_before is not None) == retryable
    assert (await workshop.world.lane(job.lane))["slots"] == []


async def test_a_fault_of_a_model_is_not_shown_to_the_caller(workshop):
    job = await workshop.submit(model=NOOP, input={"fail": "bug"})
    await workshop.runner().work("cpu")

    assert (await workshop.world.read(job)).error.message == "The model failed unexpectedly."


async def test_a_failed_job_runs_again_when_its_time_has_come(workshop, scripted, text):
    runs = []

    def generate(_params, ctx):
        runs.append(ctx.job_id)
        if len(runs) == 1:
            raise ProviderUnavailable("Busy.")
        yield text(ctx)

    job = await workshop.submit(await workshop.world.joined())
    runner = workshop.runner(scripted(generate))
    await runner.work("cpu")
    assert await runner.work("cpu") == 0
    await workshop.world.come_due()
    await workshop.world.reconciler.run_once()
    await runner.work("cpu")

    done = await workshop.world.read(job)
    assert (done.status, done.attempt, runs) == (Status.COMPLETED, 2, [job.id, job.id])


async def test_input_that_the_model_refuses_fails_with_the_name_of_the_field(workshop):
    job = await workshop.submit(model=NOOP, input={"seconds": -1})
    await workshop.runner().work("cpu")

    failed = await workshop.world.read(job)
    assert (failed.status, failed.error.code) == (Status.FAILED, "invalid_input")
    assert failed.error.message.startswith("seconds: ")


async def test_what_a_model_fails_to_read_is_not_blamed_on_the_caller(workshop, scripted):
    def generate(params, _ctx):
        type(params).model_validate("an answer of a provider that is no JSON object")
        return ()

    job = await workshop.submit()
    await workshop.runner(scripted(generate)).work("cpu")

    assert (await workshop.world.read(job)).error.code == "internal_error"


async def test_a_model_that_this_worker_lacks_is_left_to_another_worker(workshop):
    job = await workshop.submit(model="test/elsewhere")
    await workshop.runner().work("cpu")

    after = await workshop.world.read(job)
    assert (after.status, after.error.code) == (Status.QUEUED, "model_unavailable")


async def test_progress_reaches_the_job_and_whoever_watches(workshop, scripted, gate, eventually):
    def generate(_params, ctx):
        ctx.progress(0.25, "Painting the sky", stage="painting", step=1, steps=4)
        gate.wait()
        return ()

    job = await workshop.submit()
    async with workshop.world.broker.watch(job.account_id, job.id) as notices, asyncio.TaskGroup() as tasks:
        tasks.create_task(workshop.runner(scripted(generate)).work("cpu"))
        notice = await eventually(lambda: anext_of(notices, "progress"))
        stored = await workshop.world.read(job)
        gate.set()

    assert notice.data == {
        "fraction": 0.25,
        "stage": "painting",
        "message": "Painting the sky",
        "step": 1,
        "steps": 4,
    }
    assert (stored.progress.fraction, stored.progress.stage, stored.progress.step) == (0.25, "painting", 1)
    assert (await workshop.world.read(job)).progress.fraction == 1.0


async def anext_of(notices, kind):
    notice = await anext(notices)
    return notice if notice.kind == kind else None


async def test_a_time_out_inside_a_model_is_a_failure_like_any_other(workshop, scripted):
    def generate(_params, _ctx):
        raise TimeoutError("a provider's socket")

    job = await workshop.submit()
    await workshop.runner(scripted(generate)).work("cpu")

    after = await workshop.world.read(job)
    assert (after.status, after.error.code) == (Status.QUEUED, "internal_error")
    assert workshop.abandoned == [], "its thread has ended: the process may go on"


async def test_a_model_that_calls_exit_ends_its_attempt_and_nothing_else(workshop, scripted):
    def generate(_params, _ctx):
        sys.exit("a library that thinks it is a program")

    job = await workshop.submit()
    await workshop.runner(scripted(generate)).work("cpu")

    after = await workshop.world.read(job)
    assert (after.status, after.error.code) == (Status.QUEUED, "internal_error")


async def test_a_model_is_set_up_once_for_all_its_jobs(workshop, scripted):
    setups = []
    model = scripted(lambda _params, _ctx: (), setup=lambda _self: setups.append(1))
    runner = workshop.runner(model)
    for _ in range(3):
        await workshop.submit()

    assert await runner.answer_ticket("cpu") == 3

    assert setups == [1]


async def test_a_setup_that_failed_is_tried_again_with_the_next_attempt(workshop, scripted):
    setups = []

    def setup(_self):
        setups.append(1)
        if len(setups) == 1:
            raise OSError("the weights are not there yet")

    job, runner = await workshop.submit(), workshop.runner(scripted(lambda _params, _ctx: (), setup=setup))
    await runner.work("cpu")
    await workshop.world.come_due()
    await workshop.world.reconciler.run_once()
    await runner.work("cpu")

    done = await workshop.world.read(job)
    assert (done.status, len(setups)) == (Status.COMPLETED, 2)
    assert outcomes(done) == ["failed", "completed"]


def outcomes(job):
    return [attempt.outcome for attempt in job.attempts]
