"""Old workers and new ones in one fleet: a job is run by a worker that has the version it names."""

import pytest

from reelwork.domain.job import Status
from reelwork.generator import ProviderUnavailable

pytestmark = pytest.mark.usefixtures("quick_beats")


@pytest.fixture
def fleet(workshop, scripted, text):
    """A worker with version 1 of a model, and one with version 2 of it; their outputs tell which."""

    def worker(version):
        def generate(_params, ctx):
            yield text(ctx, version.encode())

        return workshop.runner(scripted(generate, version=version), name=f"v{version}")

    return worker("1"), worker("2")


async def test_a_job_is_left_to_a_worker_that_has_its_version(workshop, fleet):
    old, new = fleet
    job = await workshop.submit(model_version="2")

    assert await old.work("cpu") == 0
    assert await new.work("cpu") == 1

    done = await workshop.world.read(job)
    assert (done.status, done.attempt, done.attempts[0].worker) == (Status.COMPLETED, 1, "v2")
    assert await workshop.content((await workshop.keys(job))[0]) == b"2"


async def test_what_a_worker_once_left_to_others_it_does_not_claim_again(workshop, fleet):
    old, _new = fleet
    job = await workshop.submit(model_version="2")
    await old.work("cpu")
    version = (await workshop.world.read(job)).version

    for _ in range(3):
        assert await old.work("cpu") == 0

    assert (await workshop.world.read(job)).version == version


async def test_the_old_version_is_not_run_by_a_newer_worker(workshop, fleet):
    old, new = fleet
    job = await workshop.submit(model_version="1")

    assert (await new.work("cpu"), await old.work("cpu")) == (0, 1)
    assert (await workshop.world.read(job)).attempts[0].worker == "v1"


async def test_a_retry_keeps_the_version(workshop, scripted, text):
    def fails(_params, _ctx):
        raise ProviderUnavailable("Busy.")

    def works(_params, ctx):
        yield text(ctx)

    job = await workshop.submit(await workshop.world.joined(), model_version="1")
    await workshop.runner(scripted(fails, version="1"), name="v1").work("cpu")
    await workshop.world.come_due()
    await workshop.world.reconciler.run_once()

    assert await workshop.runner(scripted(works, version="2"), name="v2").work("cpu") == 0
    assert await workshop.runner(scripted(works, version="1"), name="v1").work("cpu") == 1
    assert (await workshop.world.read(job)).status is Status.COMPLETED


async def test_of_a_row_of_short_jobs_a_worker_runs_those_that_it_can(workshop, fleet):
    old, new = fleet
    lane = await workshop.world.joined()
    jobs = [await workshop.submit(lane, model_version=version) for version in ("1", "2", "1")]
    await workshop.world.database["lanes"].update_many({}, {"$set": {"estimate": 0.01}})

    assert await old.work("cpu") == 2
    assert await new.work("cpu") == 1
    assert {(await workshop.world.read(job)).status for job in jobs} == {Status.COMPLETED}
