"""Jobs as their owners see them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.ids import AssetId, new_account_id, new_job_id
from reelwork.domain.job import Attempt, Event, JobError, Priority, Progress, Status
from reelwork.store.job_filter import JobFilter
from testkit.world import World, an_output, new_job, terms

MOMENT = datetime(2026, 11, 21, 12, 30, 15, 250_000, tzinfo=UTC)  # the store keeps milliseconds
EVERYTHING = JobFilter()


async def test_a_job_is_read_back_as_it_was_stored(world: World) -> None:
    error = JobError(code="worker_lost", message="Gone.", retryable=True, attempt=1)
    job = new_job(
        terms(),
        created_at=MOMENT,
        queued_at=MOMENT,
        started_at=MOMENT,
        not_before=MOMENT,
        due=False,
        attempt=1,
        priority=Priority.HIGH,
        input={"prompt": "Ünïcode 🌅", "nested": {"list": [1, 2.5, None, True]}},
        progress=Progress(fraction=0.5, stage="encoding", message="Half", step=1, steps=2, updated_at=MOMENT),
        outputs=(an_output(), an_output(1)),
        error=error,
        attempts=(Attempt(n=1, worker="w", slot="s", started_at=MOMENT, ended_at=MOMENT, outcome="lost", error=error),),
        events=(Event(seq=1, at=MOMENT, type="job.queued", status=Status.QUEUED, attempt=0, error=error),),
        input_assets=(AssetId("asset_1"),),
        tags=("a", "b"),
        metadata={"key": "value"},
        request_id="req_1",
    )

    await world.stores.jobs.insert(job)

    assert await world.stores.jobs.get(job.account_id, job.id) == job


async def test_a_job_is_stored_once(world: World) -> None:
    job = new_job(terms())
    await world.stores.jobs.insert(job)

    twin, other = replace(job, input={"prompt": "another"}), new_job(terms())
    known = [await world.stores.jobs.insert(twin), await world.stores.jobs.insert(other, twin)]

    assert known == [{job.id}, {job.id}]
    assert (await world.read(job)).input == {}
    assert await world.read(other) is not None


async def test_a_write_that_fails_for_another_reason_is_not_taken_for_a_twin(world: World) -> None:
    job, refused = new_job(terms()), new_job(terms(), seed=13)
    await world.stores.jobs.insert(job)
    await world.database.command("collMod", "jobs", validator={"seed": {"$ne": 13}})

    try:
        with pytest.raises(StoreUnavailable):
            await world.stores.jobs.insert(job, refused)
    finally:
        await world.database.command("collMod", "jobs", validator={})


async def test_a_job_with_a_delay_is_not_due(world: World) -> None:
    now, later = new_job(terms()), new_job(terms(), not_before=MOMENT + timedelta(days=900))
    for job in (now, later):
        await world.stores.jobs.insert(job)

    assert [(await world.raw(job.id))["due"] for job in (now, later)] == [True, False]


async def test_versions_are_told_of_the_jobs_that_exist(world: World) -> None:
    changed, unchanged, unknown = (new_job(terms()) for _ in range(3))
    await world.stores.jobs.insert(changed, unchanged)
    await world.stores.jobs.cancel_waiting(changed.account_id, changed.id, by="owner")

    found = await world.stores.jobs.versions([changed.id, unchanged.id, unknown.id])

    assert found == {changed.id: 2, unchanged.id: 1}


async def test_other_accounts_jobs_look_like_unknown_ones(world: World) -> None:
    job = new_job(terms())
    await world.stores.jobs.insert(job)

    assert await world.stores.jobs.get(new_account_id(), job.id) is None
    assert await world.stores.jobs.get(job.account_id, new_job_id()) is None
    assert await world.stores.jobs.cancel_waiting(new_account_id(), job.id, by="owner") is None
    assert (await world.read(job)).status is Status.QUEUED


async def test_pages_are_newest_first_and_meet_without_gap_or_overlap(world: World) -> None:
    lane = terms()
    jobs = [new_job(lane, id=f"job_{number:026}") for number in range(7)]
    for job in [*jobs, new_job(terms())]:
        await world.stores.jobs.insert(job)
    pages, before = [], None

    while page := await world.stores.jobs.page(lane.account_id, EVERYTHING, before=before, limit=3):
        pages.append([job.id for job in page])
        before = page[-1].id

    ids = [job.id for job in reversed(jobs)]
    assert pages == [ids[0:3], ids[3:6], ids[6:]]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (EVERYTHING, {"tagged", "other", "done"}),
        (JobFilter(statuses=[Status.QUEUED]), {"tagged", "other"}),
        (JobFilter(statuses=[Status.QUEUED, Status.COMPLETED]), {"tagged", "other", "done"}),
        (JobFilter(statuses=[Status.FAILED]), set()),
        (JobFilter(model="vendor/other"), {"other"}),
        (JobFilter(tag="red"), {"tagged"}),
        (JobFilter(tag="blue"), {"tagged", "done"}),
        (JobFilter(statuses=[Status.COMPLETED], tag="blue", model="testkit/noop"), {"done"}),
    ],
)
async def test_pages_hold_what_was_asked_for(world: World, where: JobFilter, expected: set[str]) -> None:
    lane = terms()
    for job in (
        new_job(lane, request_id="tagged", tags=("red", "blue")),
        new_job(lane, request_id="other", model="vendor/other"),
        new_job(lane, request_id="done", status=Status.COMPLETED, tags=("blue",)),
    ):
        await world.stores.jobs.insert(job)

    page = await world.stores.jobs.page(lane.account_id, where, before=None, limit=10)

    assert {job.request_id for job in page} == expected


@pytest.mark.parametrize("status", list(Status))
async def test_only_jobs_that_wait_are_cancelled_at_once(world: World, status: Status) -> None:
    job = new_job(terms(), status=status)
    await world.stores.jobs.insert(job)

    answer = await world.stores.jobs.cancel_waiting(job.account_id, job.id, by="owner")

    after = await world.read(job)
    if status in {Status.PENDING, Status.QUEUED}:
        assert (answer, after.status, after.version) == (after, Status.CANCELLED, 2)
        assert after.cancel.confirmed_at == after.completed_at
        assert (after.events[-1].seq, after.events[-1].type) == (2, "job.cancelled")
    else:
        assert (answer, after.status, after.version) == (None, status, 1)


@pytest.mark.parametrize("status", list(Status))
async def test_only_jobs_that_run_are_asked_to_stop(world: World, status: Status) -> None:
    job = new_job(terms(), status=status)
    await world.stores.jobs.insert(job)

    answer = await world.stores.jobs.cancel_running(job.account_id, job.id, by="owner")

    after = await world.read(job)
    if status is Status.PROCESSING:
        assert (answer, after.status, after.cancel.confirmed_at) == (after, Status.CANCELLING, None)
        assert after.completed_at is None
    else:
        assert (answer, after.status, after.version) == (None, status, 1)
