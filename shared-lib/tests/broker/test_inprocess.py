"""What the in-process broker adds: its worker waits on it."""

import asyncio

import pytest

from reelwork.broker.inprocess import InProcessBroker


async def test_a_ticket_wakes_the_one_who_waits_longest() -> None:
    broker = InProcessBroker()
    woken: list[str] = []

    async def worker(name: str) -> None:
        await broker.take("cpu")
        woken.append(name)

    async with asyncio.TaskGroup() as workers:
        for name in ("first", "second", "third"):
            workers.create_task(worker(name))
            await asyncio.sleep(0)
        broker.publish("cpu", 3)

    assert woken == ["first", "second", "third"]


async def test_a_worker_that_gives_up_waiting_takes_no_ticket_with_it() -> None:
    broker = InProcessBroker()
    waiting = asyncio.create_task(broker.take("cpu"))
    await asyncio.sleep(0)
    broker.publish("cpu")
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert await broker.depth("cpu") == 1
    await broker.take("cpu")


async def test_tickets_above_the_capacity_are_dropped() -> None:
    broker = InProcessBroker(pool_capacity=5)

    broker.publish("cpu", 7)

    assert await broker.depth("cpu") == 5
