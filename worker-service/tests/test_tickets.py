"""A ticket keeps a worker going until nothing is left, or until its time is over."""

import gc
from datetime import timedelta

import anyio.from_thread
import pytest

from reelwork.broker.inprocess import InProcessBroker
from reelwork.engine.engine import Engine, Rules
from reelwork.store.client import MongoOptions, open_database
from reelwork.store.stores import Stores
from testkit.world import terms
from worker import runner
from worker.runner import Runner

NOOP = "testkit/noop"


@pytest.fixture
def hurried(monkeypatch):
    """Every ticket's time is over after the first claim."""
    monkeypatch.setattr(runner, "TICKET_SECONDS", 0)


@pytest.fixture
def unhurried(monkeypatch):
    """However slow this machine is, a ticket's time is not over."""
    monkeypatch.setattr(runner, "TICKET_SECONDS", 3600)


async def submitted(workshop, count, *, estimate=1.0, **fields):
    """So many jobs in one lane, with all their tickets taken already."""
    lane = terms(limit=16)
    jobs = [await workshop.submit(lane, model=NOOP, **fields) for _ in range(count)]
    await workshop.world.database["lanes"].update_one({"_id": lane.id}, {"$set": {"estimate": estimate}})
    for _ in range(await workshop.world.tickets()):
        await workshop.world.broker.take("cpu")
    return jobs


@pytest.mark.usefixtures("unhurried")
async def test_one_ticket_is_enough_for_all_short_jobs_that_wait(workshop):
    jobs = await submitted(workshop, 5)

    assert await workshop.runner().answer_ticket("cpu") == 5

    assert all([(await workshop.world.read(job)).status.is_terminal for job in jobs])


@pytest.mark.usefixtures("unhurried")
async def test_jobs_that_are_submitted_meanwhile_are_done_under_the_same_ticket(workshop, scripted):
    lane, more = terms(), [True, True]

    def generate(_params, _ctx):
        if more:
            more.pop()
            anyio.from_thread.run(workshop.submit, lane)
        return ()

    await workshop.submit(lane)

    assert await workshop.runner(scripted(generate)).answer_ticket("cpu") == 3


async def test_a_ticket_that_finds_nothing_is_answered_and_forgotten(workshop):
    assert await workshop.runner().answer_ticket("cpu") == 0

    assert await workshop.world.tickets() == 0


async def test_a_ticket_of_another_pool_runs_nothing_of_this_one(workshop):
    await submitted(workshop, 1)

    assert await workshop.runner().answer_ticket("gpu") == 0


@pytest.mark.usefixtures("hurried")
async def test_a_worker_that_stops_among_short_jobs_hands_the_ticket_on(workshop):
    await submitted(workshop, 20, estimate=0.001)

    done = await workshop.runner().answer_ticket("cpu")

    assert 1 < done < 20
    assert await workshop.world.tickets() == 1


@pytest.mark.usefixtures("hurried")
async def test_the_ticket_of_one_long_job_is_used_up_by_it(workshop):
    """The others have tickets of their own."""
    await submitted(workshop, 3)

    assert await workshop.runner().answer_ticket("cpu") == 1

    assert await workshop.world.tickets() == 0


@pytest.fixture
def collected():
    """The driver leaves sockets of connections that it gave up to the garbage collector: here, not in another test."""
    yield
    gc.collect()


@pytest.mark.usefixtures("collected")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
async def test_without_mongodb_a_ticket_is_dropped_and_the_worker_lives_on(workshop):
    nowhere = MongoOptions(url="mongodb://127.0.0.1:9/?directConnection=true", database="none")
    async with open_database(nowhere) as database:
        world = workshop.world
        engine = Engine(stores=Stores.of(database), broker=InProcessBroker(), rules=Rules(lease=timedelta(seconds=30)))
        worker = workshop.runner()
        cut_off = Runner(engine, worker._models, world.objects, world.sweeper, worker._options)

        assert await cut_off.answer_ticket("cpu") == 0
