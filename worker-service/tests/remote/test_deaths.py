"""A worker may die before any operation on our servers: the provider is paid at most once, and the job completes."""

from contextlib import asynccontextmanager

import pytest

from reelwork.domain.job import Status
from testkit.acme_models import Traced
from testkit.steps import Died, Mortality, stepped, stepped_objects
from testkit.world import World

pytestmark = pytest.mark.usefixtures("quick_beats")

POOL = "remote"
# Operations on the servers from the claim of a job to the end of it, with one look in between.
DEATHS = 16


@asynccontextmanager
async def mortal(crew, operations):
    """A worker whose process ends before one of its operations on the database."""
    mortality = Mortality()
    mortality.die_before(operations)
    world = World.over(stepped(crew.world.database, mortality), stepped_objects(crew.world.objects, mortality))
    alive, crew.workshop = crew.workshop, type(crew.workshop)(world=world, scratch=crew.workshop.scratch)
    worker = crew.worker("mortal")
    crew.workshop = alive
    yield worker


async def until_it_dies(crew, worker):
    try:
        for _ in range(3):
            await worker.work(POOL)
            await crew.due()
    except BaseExceptionGroup as group:
        died, others = group.split(Died)
        raise (others or Died()) from died


@pytest.mark.parametrize("operations", range(DEATHS))
async def test_wherever_a_worker_dies_the_provider_is_paid_at_most_once(crew, acme, operations):
    job = await crew.submit(Traced)
    async with mortal(crew, operations) as worker:
        with pytest.raises(Died):
            await until_it_dies(crew, worker)
    await crew.world.lapse()
    await crew.world.age_slots()

    after = await crew.until_it_ends(job, crew.worker("next"))

    assert (after.status, acme.paid) == (Status.COMPLETED, 1)
    assert len(after.outputs) == 1
    assert await crew.place(job) == []
