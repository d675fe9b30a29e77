"""What callers and models write stays text, whatever it looks like to MongoDB."""

from typing import Any

import pytest

from reelwork.domain.job import JobError, Progress
from reelwork.engine.engine import claimed
from reelwork.store.job_filter import JobFilter
from testkit.world import LEASE, World, an_output, new_job, terms

pytestmark = pytest.mark.security

TEXTS = ["$status", "$$NOW", "$$ROOT", "$_id", '{"$gt": 1}', "a.b", "$", "", "nul\x00inside", "Ünïcode 🌅"]
VALUES: list[dict[str, Any]] = [
    {"prompt": {"$gt": 1}},
    {"prompt": {"$literal": "x"}},
    {"$where": "sleep(1000)"},
    {"a.b": {"c.d": ["$status", {"$set": {"status": "completed"}}]}},
]


@pytest.mark.parametrize("value", VALUES, ids=str)
async def test_the_input_of_a_job_stays_as_it_is_through_its_whole_life(world: World, value: dict[str, Any]) -> None:
    job = new_job(terms(), input=value)
    await world.stores.jobs.insert(job)
    (running,) = (await world.stores.attempts.take(job.lane, worker="w", slots=["s"], lease=LEASE)).jobs
    await world.stores.attempts.renew(claimed(running), lease=LEASE, progress=Progress(fraction=0.5))
    await world.stores.attempts.complete(claimed(running), [an_output()])

    assert (await world.read(job)).input == value


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
async def test_what_a_model_says_is_stored_as_it_was_said(world: World, text: str) -> None:
    job = new_job(terms(), max_attempts=9)
    await world.stores.jobs.insert(job)
    attempts = world.stores.attempts
    (running,) = (await attempts.take(job.lane, worker=text, slots=["s"], lease=LEASE)).jobs
    progress = Progress(fraction=0.5, stage=text, message=text)
    error = JobError(code=text, message=text, retryable=True, attempt=1)

    await attempts.renew(claimed(running), lease=LEASE, progress=progress)
    reported = await world.read(job)
    await attempts.fail(claimed(running), error)
    failed = await world.read(job)

    assert (reported.progress.stage, reported.progress.message) == (text, text)
    assert (reported.lease.worker, failed.attempts[0].worker) == (text, text)
    assert (failed.error, failed.attempts[0].error, failed.events[-1].error) == (error, error, error)


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
async def test_names_of_outputs_and_of_those_who_cancel_are_stored_as_they_are(world: World, text: str) -> None:
    lane = terms()
    done, waiting, running = (new_job(lane, order=float(order)) for order in (0, 2, 1))
    for job in (done, waiting, running):
        await world.stores.jobs.insert(job)
    taken = (await world.stores.attempts.take(lane.id, worker="w", slots=["s1", "s2"], lease=LEASE)).jobs
    output = an_output(asset=text)

    await world.stores.attempts.complete_many([(claimed(taken[0]), [output])])
    await world.stores.jobs.cancel_waiting(lane.account_id, waiting.id, by=text)
    await world.stores.jobs.cancel_running(lane.account_id, running.id, by=text)

    assert (await world.read(done)).outputs == (output,)
    assert [(await world.read(job)).cancel.by for job in (waiting, running)] == [text, text]


@pytest.mark.parametrize("text", [*TEXTS, "red"], ids=ascii)
async def test_a_filter_finds_only_what_is_literally_so(world: World, text: str) -> None:
    lane = terms()
    for tags in ((text,), ("red",), ()):
        await world.stores.jobs.insert(new_job(lane, tags=tags, model=text or "vendor/none"))

    by_tag = await world.stores.jobs.page(lane.account_id, JobFilter(tag=text), before=None, limit=10)

    assert len(by_tag) == (2 if text == "red" else 1)
    assert all(text in job.tags for job in by_tag)


@pytest.mark.parametrize("text", ["$status", "x:$$NOW"])
async def test_a_lane_of_an_odd_account_is_just_a_lane(world: World, text: str) -> None:
    lane = terms(text)

    await world.stores.lanes.open(lane)

    assert (await world.lane(lane.id))["account_id"] == text
