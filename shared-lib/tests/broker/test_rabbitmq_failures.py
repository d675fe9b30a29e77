"""A RabbitMQ that is not there, dies, freezes and comes back. Nothing here may ever hold up a caller."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from reelwork.broker.base import BrokerDown, Notice
from reelwork.broker.outbox import TICKETS_KEPT
from reelwork.broker.rabbitmq import LONGEST_PAUSE_SECONDS, RabbitMQBroker, pause_seconds
from reelwork.domain.ids import AccountId, JobId
from testkit.services import UrlService

Eventually = Callable[[Callable[[], bool | Awaitable[bool]]], Awaitable[None]]
ANNA, JOB = AccountId("acct_anna"), JobId("job_1")
CHANGED = Notice(kind="changed", account_id=ANNA, job_id=JOB)
BACK = timedelta(seconds=90)  # for RabbitMQ to start on a busy machine


async def start(server: UrlService) -> None:
    await asyncio.to_thread(server.start)


async def is_down(broker: RabbitMQBroker) -> bool:
    try:
        await broker.ping()
    except BrokerDown:
        return True
    return False


async def next_of(notices: AsyncIterator[Notice]) -> Notice:
    async with asyncio.timeout(60):
        return await anext(notices)


def progress(number: int) -> Notice:
    return Notice(kind="progress", account_id=ANNA, job_id=JOB, data={"number": number})


async def test_without_a_broker_nothing_fails_and_tickets_are_sent_when_it_is_there(
    own_rabbitmq: UrlService, eventually: Eventually
) -> None:
    own_rabbitmq.kill()

    async with RabbitMQBroker.open(own_rabbitmq.url) as broker, broker.watch(ANNA, JOB) as notices:
        broker.publish("cpu", 3)
        broker.publish("gpu", TICKETS_KEPT + 100)
        broker.announce(progress(1))
        assert await broker.depth("cpu") is None
        assert await is_down(broker)
        await start(own_rabbitmq)
        await broker.wait_connected(BACK)

        await eventually(lambda: broker.tally.confirmed == TICKETS_KEPT + 3)
        assert (await broker.depth("cpu"), await broker.depth("gpu")) == (3, TICKETS_KEPT)
        assert broker.dropped == 101
        assert await next_of(notices) == CHANGED


async def test_after_a_crash_tickets_and_watchers_go_on(own_rabbitmq: UrlService, eventually: Eventually) -> None:
    async with RabbitMQBroker.open(own_rabbitmq.url) as broker, broker.watch(ANNA, JOB) as notices:
        await broker.wait_connected(BACK)
        broker.publish("cpu", 5)
        await eventually(lambda: broker.tally.confirmed == 5)
        own_rabbitmq.kill()
        await eventually(lambda: is_down(broker))
        broker.publish("cpu", 2)

        await start(own_rabbitmq)
        await broker.wait_connected(BACK)

        async def all_there() -> bool:
            return await broker.depth("cpu") == 7

        await eventually(all_there)
        while await next_of(notices) != CHANGED:  # one may have come at the first connection, one came now
            pass
        broker.announce(progress(2))
        while await next_of(notices) != progress(2):
            pass


async def test_a_frozen_broker_holds_up_nobody_and_loses_no_ticket(
    own_rabbitmq: UrlService, eventually: Eventually
) -> None:
    async with RabbitMQBroker.open(own_rabbitmq.url) as broker:
        await broker.wait_connected(BACK)
        await broker.ping()
        own_rabbitmq.pause()
        try:
            for _ in range(100):
                broker.publish("cpu", 5)
            async with asyncio.timeout(30):
                assert await asyncio.gather(*(broker.depth("cpu") for _ in range(20))) == [None] * 20
                assert await is_down(broker)
                async with broker.watch(ANNA, JOB):
                    pass
            await eventually(lambda: broker.tally.resent > 0)  # no confirm came: the connection is given up
        finally:
            own_rabbitmq.resume()
        await broker.wait_connected(BACK)

        async def all_there() -> bool:
            return (await broker.depth("cpu") or 0) >= 500  # some twice, which is allowed

        await eventually(all_there)


async def test_a_frozen_broker_does_not_hold_up_closing(own_rabbitmq: UrlService) -> None:
    try:
        async with asyncio.timeout(60), RabbitMQBroker.open(own_rabbitmq.url) as broker:
            await broker.wait_connected(BACK)
            own_rabbitmq.pause()
            broker.publish("cpu", 5)
    finally:
        own_rabbitmq.resume()

    assert broker.tally.confirmed == 0


async def test_a_server_that_accepts_and_says_nothing_is_no_broker() -> None:
    open_ends: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: open_ends.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]

    async with asyncio.timeout(30), silent:
        async with RabbitMQBroker.open(f"amqp://a:b@127.0.0.1:{port}/") as broker:
            broker.publish("cpu")

            with pytest.raises(BrokerDown, match="not connected yet"):
                await broker.wait_connected(timedelta(seconds=0.2))
        for end in open_ends:
            end.close()
    assert open_ends


def test_pauses_grow_are_spread_and_end_at_five_seconds() -> None:
    longest = [max(pause_seconds(attempt) for _ in range(200)) for attempt in range(8)]

    assert longest[0] <= 0.2
    assert all(pause <= LONGEST_PAUSE_SECONDS for pause in longest)
    assert longest[7] > 1.0
    assert len({pause_seconds(7) for _ in range(50)}) == 50
    assert pause_seconds(100_000) <= LONGEST_PAUSE_SECONDS
