"""Circuit breakers: open after faults in a row, one probe at a time, closed by an answer."""

import asyncio

from pymongo.read_concern import ReadConcern

from reelwork.store.circuits import FAULTS, LONGEST, SHORTEST, Circuits
from testkit.world import World


async def tripped(world: World, faults: int = FAULTS) -> Circuits:
    for _ in range(faults):
        await world.stores.circuits.failed("acme")
    return world.stores.circuits


async def test_some_faults_are_no_reason_to_leave_a_provider_alone(world: World) -> None:
    circuits = await tripped(world, FAULTS - 1)

    assert await circuits.admit("acme") is None
    assert await circuits.failed("acme")
    assert await circuits.admit("acme") is not None
    assert await circuits.admit("other") is None


async def test_an_answer_in_between_forgets_the_faults(world: World) -> None:
    circuits = await tripped(world, FAULTS - 1)

    await circuits.succeeded("acme")

    assert not await circuits.failed("acme")


async def test_each_failed_probe_doubles_the_time_up_to_a_bound(world: World) -> None:
    circuits, waits = await tripped(world, FAULTS - 1), []
    stored = world.database.get_collection("circuits", read_concern=ReadConcern("local"))
    for _ in range(8):
        await circuits.failed("acme")
        found = await stored.find_one({"_id": "acme"})
        assert found is not None
        waits.append(found["open_until"] - found["failed_at"])

    assert waits == [min(SHORTEST * 2**n, LONGEST) for n in range(8)]


async def test_when_its_time_is_over_one_worker_probes(world: World) -> None:
    circuits = await tripped(world)
    await world.database["circuits"].update_many({}, [{"$set": {"open_until": "$$NOW"}}])

    answers = await asyncio.gather(*(circuits.admit("acme") for _ in range(6)))

    assert answers.count(None) == 1
