"""A provider that cannot do a job leaves it to the next one; one that fails again and again is left alone."""

from datetime import UTC, datetime

import pytest

from reelwork.domain.job import Status
from reelwork.generator import ModelCard
from reelwork.store.circuits import FAULTS
from testkit.acme_models import Backed, Picture, Spare

pytestmark = pytest.mark.usefixtures("quick_beats")

POOL = "remote"
ROUTE = {"model": Backed, "fallbacks": (Spare.id,)}


async def open_circuit(crew, provider="acme"):
    for _ in range(FAULTS):
        await crew.world.stores.circuits.failed(provider)


@pytest.mark.parametrize("status", [503, 401, 402, 429])
async def test_the_next_provider_does_what_the_first_one_cannot(crew, acme, spare, status):
    acme.at("POST /v1/tasks", times=9, status=status)
    job = await crew.submit(**ROUTE, max_attempts=1)

    after = await crew.until_it_ends(job)

    assert (after.status, acme.paid, spare.paid) == (Status.COMPLETED, 0, 1)
    assert [(attempt.model, attempt.outcome) for attempt in after.attempts] == [
        (Backed.id, "failed"),
        (Spare.id, "completed"),
    ]


async def test_the_owner_alone_decides_whether_another_model_may_do_it(crew, acme, spare):
    acme.at("POST /v1/tasks", times=9, status=401)
    job = await crew.submit(Backed)

    after = await crew.until_it_ends(job)

    assert (after.status, after.error.code, spare.paid) == (Status.FAILED, "provider_refused", 0)


async def test_a_refused_input_is_refused_once(crew, acme, spare):
    acme.at("POST /v1/tasks", times=9, status=422)
    job = await crew.submit(**ROUTE)

    after = await crew.until_it_ends(job)

    assert (after.status, after.error.code, spare.paid) == (Status.FAILED, "invalid_input", 0)


async def test_what_may_have_been_paid_is_not_given_to_another_provider(crew, acme, spare):
    acme.at("POST /v1/tasks", cut=True, after=True)
    job = await crew.submit(**ROUTE)

    after = await crew.until_it_ends(job)

    assert (after.status, after.error.code, acme.paid, spare.paid) == (Status.FAILED, "submission_unknown", 1, 0)


async def test_when_all_are_down_the_attempts_are_used_up(crew, acme, spare):
    for provider in (acme, spare):
        provider.at("POST /v1/tasks", times=9, status=503)
    job = await crew.submit(**ROUTE, max_attempts=2)

    after = await crew.until_it_ends(job)

    assert (after.status, after.error.code) == (Status.FAILED, "provider_unavailable")
    assert [attempt.model for attempt in after.attempts] == [Backed.id, Spare.id, Backed.id]


async def test_a_provider_whose_circuit_is_open_is_not_asked(crew, acme, spare):
    await open_circuit(crew)
    job = await crew.submit(**ROUTE)

    after = await crew.until_it_ends(job)

    assert (after.status, [attempt.model for attempt in after.attempts]) == (Status.COMPLETED, [Spare.id])
    assert acme.requests == []


async def test_without_another_provider_a_job_waits_for_the_circuit_and_loses_no_attempt(crew, acme):
    await open_circuit(crew)
    job = await crew.submit(Picture, max_attempts=1)

    await crew.worker().work(POOL)
    waiting = await crew.world.read(job)
    await crew.world.database["circuits"].update_many({}, [{"$set": {"open_until": "$$NOW"}}])
    after = await crew.until_it_ends(job)

    assert (waiting.status, waiting.error.code) == (Status.QUEUED, "provider_circuit_open")
    assert waiting.not_before is not None
    assert (after.status, acme.paid) == (Status.COMPLETED, 1)


async def test_failures_open_the_circuit_and_a_job_that_is_taken_closes_it(crew, acme):
    acme.at("POST /v1/tasks", times=FAULTS, status=503)
    jobs = [await crew.submit(Picture, max_attempts=1) for _ in range(FAULTS)]
    worker = crew.worker()
    for _ in jobs:
        await worker.work(POOL)
    circuits = crew.world.stores.circuits

    assert await circuits.admit("acme") is not None
    await crew.world.database["circuits"].update_many({}, [{"$set": {"open_until": "$$NOW"}}])
    assert (await crew.until_it_ends(await crew.submit(Picture))).status is Status.COMPLETED
    assert await circuits.admit("acme") is None


def without_own(crew, *models, **options):
    """A worker that has the second model of the route and not the first."""
    return crew.workshop.runner(*(models or (Spare,)), outside=crew.outside(), pool=POOL, **options)


async def test_a_worker_without_the_jobs_own_model_does_it_by_one_that_may_stand_in(crew, spare):
    job = await crew.submit(**ROUTE)

    after = await crew.until_it_ends(job, without_own(crew))

    assert (after.status, spare.paid) == (Status.COMPLETED, 1)
    assert [attempt.model for attempt in after.attempts] == [Spare.id]


async def test_while_a_worker_with_the_jobs_own_model_lives_nobody_else_takes_it(crew, acme, spare):
    await crew.world.stores.models.publish(ModelCard.of(Backed))
    job, worker = await crew.submit(**ROUTE), without_own(crew)

    assert await worker.work(POOL) == 0
    assert await worker.work(POOL) == 0
    await crew.until_it_ends(job)

    assert (acme.paid, spare.paid) == (1, 0)


async def test_jobs_left_to_a_worker_are_taken_when_that_one_is_gone(crew, spare):
    await crew.world.stores.models.publish(ModelCard.of(Backed))
    job, worker = await crew.submit(**ROUTE), without_own(crew)
    assert await worker.work(POOL) == 0

    await crew.world.database["models"].update_many({}, {"$set": {"seen_at": datetime(2020, 1, 1, tzinfo=UTC)}})
    worker = without_own(crew)  # a worker asks again after some seconds; one that starts, at once
    after = await crew.until_it_ends(job, worker)

    assert (after.status, spare.paid) == (Status.COMPLETED, 1)


async def test_another_version_of_the_jobs_model_does_not_stand_in_for_it(crew, acme, spare):
    """The version is the job's; another model that its owner named may do it."""
    job = await crew.submit(**ROUTE, model_version="0")

    after = await crew.until_it_ends(job)

    assert (after.status, acme.paid, spare.paid) == (Status.COMPLETED, 0, 1)


class Unready(Spare):
    """Cannot be set up here."""

    id = "spare/unready"

    def setup(self):
        raise OSError("no room for it")


async def test_what_may_stand_in_is_not_set_up_before_it_is_needed(crew, acme):
    job = await crew.submit(model=Backed, fallbacks=(Unready.id,), max_attempts=1)

    after = await crew.until_it_ends(job, without_own(crew, Backed, Unready))

    assert (after.status, [attempt.model for attempt in after.attempts]) == (Status.COMPLETED, [Backed.id])


async def test_one_that_cannot_be_set_up_is_left_out(crew, acme, spare):
    acme.at("POST /v1/tasks", times=9, status=503)
    job = await crew.submit(model=Backed, fallbacks=(Unready.id, Spare.id), max_attempts=1)

    after = await crew.until_it_ends(job, without_own(crew, Backed, Unready, Spare))

    assert (after.status, spare.paid) == (Status.COMPLETED, 1)
    assert [attempt.model for attempt in after.attempts] == [Backed.id, Spare.id]
