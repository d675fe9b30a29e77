"""Every change of a running job is fenced: another attempt, slot or state, and nothing changes."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from reelwork.domain.job import Job, JobError, Priority, Progress, Status
from reelwork.engine.engine import claimed
from reelwork.store.attempts import Attempts, Claimed
from testkit.world import LEASE, World, an_output, new_job, terms

ERROR = JobError(code="provider_unavailable", message="Busy.", retryable=True, attempt=1)
DELAY = timedelta(seconds=8)
Change = Callable[[Attempts, Claimed], Awaitable[object]]

CHANGES: dict[str, Change] = {
    "put back": lambda attempts, fence: attempts.put_back(fence),
    "renew": lambda attempts, fence: attempts.renew(fence, lease=LEASE, progress=Progress(fraction=0.5)),
    "complete": lambda attempts, fence: attempts.complete(fence, [an_output()]),
    "complete many": lambda attempts, fence: attempts.complete_many([(fence, [an_output()])]),
    "fail": lambda attempts, fence: attempts.fail(fence, ERROR),
    "retry": lambda attempts, fence: attempts.retry(fence, ERROR, delay=DELAY),
    "confirm cancel": lambda attempts, fence: attempts.confirm_cancel(fence),
}
FROM_PROCESSING = set(CHANGES) - {"confirm cancel"}
FROM_CANCELLING = {"confirm cancel", "renew"}


async def running(world: World, *, cancelling: bool = False) -> Job:
    job = new_job(terms())
    await world.stores.jobs.insert(job)
    (taken,) = (await world.stores.attempts.take(job.lane, worker="w", slots=["s1"], lease=LEASE)).jobs
    if cancelling:
        await world.stores.jobs.cancel_running(job.account_id, job.id, by="owner")
    return taken


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("wrong", [{"slot": "s2"}, {"attempt": 2}, {"attempt": 0}, {"job": "job_0"}], ids=str)
async def test_nothing_changes_for_whoever_does_not_hold_the_fence(
    world: World, change: str, wrong: dict[str, object]
) -> None:
    job = await running(world, cancelling=change not in FROM_PROCESSING)
    before = await world.raw(job.id)

    answer = await CHANGES[change](world.stores.attempts, replace(claimed(job), **wrong))

    assert not answer
    assert await world.raw(job.id) == before


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("status", list(Status))
async def test_nothing_changes_in_a_state_from_which_it_may_not(world: World, change: str, status: Status) -> None:
    allowed = {Status.PROCESSING: FROM_PROCESSING, Status.CANCELLING: FROM_CANCELLING}.get(status, set())
    job = await running(world)
    await world.database["jobs"].update_one({"_id": job.id}, {"$set": {"status": status}})
    before = await world.raw(job.id)

    answer = await CHANGES[change](world.stores.attempts, claimed(job))

    assert bool(answer) == (change in allowed)
    assert (await world.raw(job.id) != before) == (change in allowed)


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("change", ["fail", "retry", "confirm cancel"])
async def test_a_lapsed_attempt_is_ended_only_if_its_lease_is_really_over(
    world: World, change: str, ended: bool
) -> None:
    job = await running(world, cancelling=change == "confirm cancel")
    if ended:
        await world.lapse(job)
    attempts, fence = world.stores.attempts, claimed(job)

    match change:
        case "fail":
            moved = await attempts.fail(fence, ERROR, lapsed=True)
        case "retry":
            moved = await attempts.retry(fence, ERROR, delay=timedelta(), lapsed=True)
        case _:
            moved = await attempts.confirm_cancel(fence, lapsed=True)

    assert moved is ended
    assert ((await world.read(job)).lease is None) is ended


async def test_a_job_is_taken_with_a_lease_of_database_time(world: World) -> None:
    job = await running(world)

    assert (job.status, job.attempt, job.lease.worker, job.lease.slot) == (Status.PROCESSING, 1, "w", "s1")
    assert job.lease.expires_at - job.started_at == LEASE
    assert [(one.n, one.worker, one.slot, one.outcome) for one in job.attempts] == [(1, "w", "s1", None)]


async def test_jobs_are_taken_in_their_order_one_for_each_slot(world: World) -> None:
    lane = terms()
    for name, priority, order in (("c", 0, 2.0), ("b", 0, 1.0), ("d", -1, 0.0), ("a", 1, 3.0)):
        await world.stores.jobs.insert(new_job(lane, request_id=name, priority=Priority(priority), order=order))

    taken = (await world.stores.attempts.take(lane.id, worker="w", slots=["s1", "s2", "s3"], lease=LEASE)).jobs
    rest = (await world.stores.attempts.take(lane.id, worker="w", slots=["s4", "s5"], lease=LEASE)).jobs

    assert [(job.request_id, job.lease.slot) for job in taken] == [("a", "s1"), ("b", "s2"), ("c", "s3")]
    assert [(job.request_id, job.lease.slot) for job in rest] == [("d", "s4")]


@pytest.mark.parametrize("slots", [["s1"], ["s1", "s2"]])
async def test_only_due_jobs_of_the_lane_are_taken(world: World, slots: list[str]) -> None:
    lane = terms()
    await world.stores.jobs.insert(new_job(lane, not_before=new_job(lane).created_at + timedelta(days=1)))
    await world.stores.jobs.insert(new_job(lane, status=Status.PENDING))
    await world.stores.jobs.insert(new_job(terms()))

    assert (await world.stores.attempts.take(lane.id, worker="w", slots=slots, lease=LEASE)).jobs == []


async def test_a_retry_waits_for_its_delay_in_database_time(world: World) -> None:
    job = await running(world)

    await world.stores.attempts.retry(claimed(job), ERROR, delay=DELAY)

    waiting = await world.read(job)
    assert (waiting.status, waiting.lease, waiting.error) == (Status.QUEUED, None, ERROR)
    assert waiting.not_before - waiting.queued_at == DELAY
    assert (waiting.attempts[0].outcome, waiting.attempts[0].error) == ("failed", ERROR)
    assert waiting.events[-1].error == ERROR
    assert (await world.raw(job.id))["due"] is False


@pytest.mark.parametrize("change", ["put back", "retry"])
async def test_a_job_that_waits_again_shows_no_progress(world: World, change: str) -> None:
    job = await running(world)
    halfway = Progress(fraction=0.5, stage="Filming", step=60, steps=120)
    await world.stores.attempts.renew(claimed(job), lease=LEASE, progress=halfway)

    await CHANGES[change](world.stores.attempts, claimed(job))

    assert (await world.read(job)).progress == Progress()


@pytest.mark.parametrize("change", ["complete", "complete many"])
async def test_the_last_report_does_not_outlive_the_work(world: World, change: str) -> None:
    job = await running(world)
    late = Progress(fraction=0.9, stage="Filming", step=105, steps=120)
    await world.stores.attempts.renew(claimed(job), lease=LEASE, progress=late)

    await CHANGES[change](world.stores.attempts, claimed(job))

    assert (await world.read(job)).progress == Progress(fraction=1.0)


async def test_completing_many_tells_which_of_them_were_completed_by_their_attempts(world: World) -> None:
    ours, lost, again = await running(world), await running(world), await running(world)
    await world.stores.attempts.complete(claimed(again), [an_output(1)])  # written, but the answer was not heard
    wanted = [claimed(ours), replace(claimed(lost), slot="zombie"), claimed(again)]

    won = await world.stores.attempts.complete_many([(fence, [an_output()]) for fence in wanted])

    assert won == {ours.id, again.id}
    assert (await world.read(again)).outputs == (an_output(1),)
    assert (await world.read(lost)).status is Status.PROCESSING


@pytest.mark.parametrize(
    ("change", "outcome"),
    [("complete", "completed"), ("fail", "failed"), ("retry", "failed"), ("renew", None), ("put back", None)],
)
async def test_how_an_attempt_ended_can_be_asked_for(world: World, change: str, outcome: str | None) -> None:
    job = await running(world)
    await CHANGES[change](world.stores.attempts, claimed(job))

    assert await world.stores.attempts.outcome(claimed(job)) == outcome
    assert await world.stores.attempts.outcome(replace(claimed(job), slot="zombie")) is None


async def test_every_change_but_a_silent_heartbeat_makes_the_version_grow(world: World) -> None:
    job = await running(world)
    attempts, fence = world.stores.attempts, claimed(job)
    versions = [job.version]
    for change in (
        attempts.renew(fence, lease=LEASE, progress=None),
        attempts.renew(fence, lease=LEASE, progress=Progress(fraction=0.1)),
        attempts.complete(fence, []),
    ):
        await change
        versions.append((await world.read(job)).version)

    assert [version - versions[0] for version in versions] == [0, 0, 1, 2]
