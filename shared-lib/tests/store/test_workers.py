"""The list of workers: who lives, who is to drain, who has none of its jobs left, who was lost."""

from datetime import timedelta
from typing import Any, get_args

import pytest

from reelwork.contract.workers import WorkerStateName
from reelwork.domain.ids import JobId, WorkerId, new_worker_id
from reelwork.domain.worker import ModelOffered, Worker, WorkerCard, WorkerState
from reelwork.store.workers import SILENCE, Beat
from testkit.world import World

JOBS = [JobId("job_1"), JobId("job_2")]


def card(name: str = "studio", **fields: Any) -> WorkerCard:  # Any: a card's own fields
    defaults: dict[str, Any] = {
        "id": new_worker_id(),
        "name": name,
        "pool": "cpu",
        "models": [ModelOffered(name="$vendor/model", version="1")],
        "concurrency": 2,
        "host": "$host",
        "pid": 7,
    }
    return WorkerCard(**(defaults | fields))


async def beat(world: World, of: WorkerCard, *, pid: int = 8, **fields: Any) -> bool:
    said: dict[str, Any] = {"jobs": [], "done": 0, "idle": False, "stopping": False}
    return await world.stores.workers.beat(of, Beat(pid=pid, **(said | fields)))


async def seen_ago(world: World, of: WorkerCard, age: timedelta, *, pid: int | None = None) -> None:
    """The whole worker, or one process of it."""
    earlier = {"$subtract": ["$$NOW", int(age.total_seconds() * 1000)]}
    old = {"$mergeObjects": ["$$this", {"seen_at": earlier}]}
    one = old if pid is None else {"$cond": [{"$eq": ["$$this.pid", pid]}, old, "$$this"]}
    sets: dict[str, Any] = {"processes": {"$map": {"input": "$processes", "in": one}}}
    await world.database["workers"].update_one(
        {"_id": of.id}, [{"$set": sets | ({"seen_at": earlier} if pid is None else {})}]
    )


async def read(world: World, of: WorkerCard) -> Worker:
    found = await world.stores.workers.get(of.id)
    assert found is not None
    return found


async def test_a_worker_is_listed_as_it_is_with_its_first_heartbeat(world: World) -> None:
    worker = card()

    told_to_drain = await beat(world, worker, jobs=JOBS, done=3)

    found = await read(world, worker)
    assert told_to_drain is False
    assert found.card == worker
    assert (found.state, found.jobs, found.jobs_done, found.drained) == (WorkerState.READY, JOBS, 3, False)


async def test_the_processes_of_a_worker_are_one_entry(world: World) -> None:
    worker = card()
    for pid, jobs in ((8, JOBS[:1]), (9, JOBS[1:]), (8, JOBS[:1])):
        await beat(world, worker, pid=pid, jobs=jobs, done=1)

    found = await read(world, worker)
    assert (sorted(found.jobs), found.jobs_done) == (JOBS, 3)


async def test_a_process_that_fell_silent_runs_nothing_any_more(world: World) -> None:
    worker = card()
    await beat(world, worker, pid=8, jobs=JOBS[:1])
    await beat(world, worker, pid=9, jobs=JOBS[1:])
    await seen_ago(world, worker, SILENCE * 2, pid=8)

    assert (await read(world, worker)).jobs == JOBS[1:]
    await beat(world, worker, pid=9)
    document = await world.database["workers"].find_one({"_id": worker.id})
    assert document is not None
    assert [process["pid"] for process in document["processes"]] == [9], "and it is forgotten"


async def test_a_worker_learns_by_its_heartbeat_that_it_is_to_drain_and_that_it_is_not(world: World) -> None:
    worker, workers = card(), world.stores.workers
    await beat(world, worker)

    assert await workers.order(worker.id, drain=True)
    assert await workers.order(worker.id, drain=True), "safe to repeat"
    assert (await read(world, worker)).state is WorkerState.DRAINING
    assert await beat(world, worker) is True
    assert await workers.order(worker.id, drain=False)
    assert await beat(world, worker) is False
    assert (await read(world, worker)).state is WorkerState.READY


async def test_a_worker_is_drained_when_all_its_processes_know_and_none_has_a_job(world: World) -> None:
    worker = card()
    for pid in (8, 9):
        await beat(world, worker, pid=pid, idle=True)
    assert not (await read(world, worker)).drained, "nobody told it to drain"

    await world.stores.workers.order(worker.id, drain=True)
    await beat(world, worker, pid=8, idle=False)
    half = await read(world, worker)
    await beat(world, worker, pid=8, idle=True)

    assert (half.drained, (await read(world, worker)).drained) == (False, True)


async def test_a_worker_that_is_being_stopped_is_not_called_back(world: World) -> None:
    worker = card()
    await beat(world, worker, pid=8, stopping=True)
    await beat(world, worker, pid=9)

    assert (await read(world, worker)).state is WorkerState.DRAINING
    assert await world.stores.workers.order(worker.id, drain=False) is False
    assert await world.stores.workers.order(worker.id, drain=True) is True


async def test_a_worker_that_said_good_bye_is_gone_and_takes_no_orders(world: World) -> None:
    worker = card()
    await beat(world, worker, jobs=JOBS)

    await world.stores.workers.leave(worker.id)

    found = await read(world, worker)
    assert (found.state, found.jobs) == (WorkerState.GONE, [])
    for drain in (True, False):
        assert await world.stores.workers.order(worker.id, drain=drain) is False


async def test_a_worker_that_is_silent_for_long_is_lost_until_it_beats_again(world: World) -> None:
    worker = card()
    await beat(world, worker, jobs=JOBS)
    await seen_ago(world, worker, SILENCE * 2)
    silent = await read(world, worker)

    await beat(world, worker, jobs=JOBS)

    assert (silent.state, silent.jobs) == (WorkerState.LOST, [])
    assert (await read(world, worker)).state is WorkerState.READY


async def test_nobody_is_found_or_told_under_an_unknown_id(world: World) -> None:
    assert await world.stores.workers.get(WorkerId("wrk_none")) is None
    assert await world.stores.workers.order(WorkerId("wrk_none"), drain=True) is False


async def test_workers_are_listed_newest_first_in_pages_and_by_state(world: World) -> None:
    ids = sorted(new_worker_id() for _ in range(5))  # several in one millisecond have no order of birth
    crew = [card(str(number), id=worker_id) for number, worker_id in enumerate(ids)]
    for worker in crew:
        await beat(world, worker)
    await world.stores.workers.leave(crew[1].id)
    await seen_ago(world, crew[2], SILENCE * 2)
    await world.stores.workers.order(crew[3].id, drain=True)

    page = world.stores.workers.page
    first = await page([], before=None, limit=3)
    rest = await page([], before=first[-1].id, limit=3)
    assert [worker.card.name for worker in first + rest] == ["4", "3", "2", "1", "0"]
    for state, names in (("ready", ["4", "0"]), ("gone", ["1"]), ("lost", ["2"]), ("draining", ["3"])):
        listed = await page([WorkerState(state)], before=None, limit=9)
        assert [worker.card.name for worker in listed] == names
    both = await page([WorkerState.GONE, WorkerState.LOST], before=None, limit=9)
    assert [worker.card.name for worker in both] == ["2", "1"]


async def test_old_entries_are_removed_by_the_database_itself(world: World) -> None:
    indexes = await world.database["workers"].index_information()

    (kept,) = [index for index in indexes.values() if "expireAfterSeconds" in index]
    assert (kept["key"], kept["expireAfterSeconds"]) == ([("seen_at", 1)], 24 * 60 * 60)


@pytest.mark.parametrize("state", WorkerState)
def test_every_state_has_a_name_on_the_wire(state: WorkerState) -> None:
    assert state.value in get_args(WorkerStateName)
