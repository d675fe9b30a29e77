"""What RabbitMQ adds to the port: confirms, returns, refusals, dead letters, and messages that are not ours."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import kombu
import pytest

from reelwork.broker import topology
from reelwork.broker.base import BrokerDown, Notice
from reelwork.broker.confirms import Confirms, Sent
from reelwork.broker.message import LARGEST_NOTICE_BYTES
from reelwork.broker.rabbitmq import RabbitMQBroker
from reelwork.broker.topology import Topology
from reelwork.domain.ids import AccountId, JobId

Eventually = Callable[[Callable[[], bool | Awaitable[bool]]], Awaitable[None]]
ANNA, JOB = AccountId("acct_anna"), JobId("job_1")


@pytest.fixture
def channel(amqp_url: str) -> Iterator[Any]:
    """The server seen by somebody else: a channel of kombu's, whose types leave out half of its methods."""
    with kombu.Connection(amqp_url) as connection, connection.channel() as opened:
        yield opened


def progress(number: int) -> Notice:
    return Notice(kind="progress", account_id=ANNA, job_id=JOB, data={"number": number})


async def test_a_ticket_is_small_persistent_json_for_one_task(
    rabbit: RabbitMQBroker, channel: Any, queue_prefix: str, eventually: Eventually
) -> None:
    rabbit.publish("cpu")
    await eventually(lambda: rabbit.tally.confirmed == 1)

    ticket = channel.basic_get(Topology(prefix=queue_prefix).ticket_queue("cpu").name, no_ack=True)

    assert json.loads(ticket.body)[:2] == [[], {"pool": "cpu"}]
    assert (ticket.headers["task"], ticket.headers["id"]) == ("reelwork.work", ticket.properties["correlation_id"])
    assert (ticket.properties["delivery_mode"], ticket.content_type) == (2, "application/json")
    assert len(ticket.body) + len(json.dumps(ticket.headers)) < 400


async def test_confirms_arrive_singly_and_in_ranges_and_every_one_counts(
    rabbit: RabbitMQBroker, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[bool] = set()
    resolve = Confirms.resolve

    def noting(confirms: Confirms, tag: int, *, multiple: bool) -> list[Sent]:
        seen.add(multiple)
        return resolve(confirms, tag, multiple=multiple)

    monkeypatch.setattr(Confirms, "resolve", noting)
    published = 0
    while seen != {True, False}:
        for burst in (1, 200):
            rabbit.publish("cpu", burst)
            published += burst
            await eventually(lambda: rabbit.tally.confirmed == published)  # noqa: B023  (awaited within the turn)

    assert await rabbit.depth("cpu") == published == rabbit.tally.sent


async def test_a_ticket_for_a_pool_without_a_queue_comes_back_and_is_counted(
    rabbit: RabbitMQBroker, eventually: Eventually
) -> None:
    rabbit.publish("nowhere", 3)
    rabbit.publish("cpu")

    await eventually(lambda: rabbit.tally.confirmed == 4)

    assert rabbit.tally.returned == 3
    assert await rabbit.depth("nowhere") is None
    assert await rabbit.depth("cpu") == 1


async def test_a_full_queue_refuses_tickets_and_they_are_not_tried_again(
    amqp_url: str, queue_prefix: str, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topology, "LONGEST_QUEUE", 5)
    async with RabbitMQBroker.open(amqp_url, prefix=queue_prefix) as small:
        small.publish("cpu", 500)

        await eventually(lambda: small.tally.refused > 0 and small.tally.refused + small.tally.confirmed == 500)

        assert small.tally.sent == 500
        await small.ping()


async def test_rejected_tickets_end_in_the_dead_letter_queue(
    rabbit: RabbitMQBroker, channel: Any, queue_prefix: str, eventually: Eventually
) -> None:
    names = Topology(prefix=queue_prefix)
    rabbit.publish("gpu")
    await eventually(lambda: rabbit.tally.confirmed == 1)

    ticket = channel.basic_get(names.ticket_queue("gpu").name)
    channel.basic_reject(ticket.delivery_info["delivery_tag"], requeue=False)

    await eventually(lambda: channel.queue_declare(names.dead_queue.name, passive=True).message_count == 1)
    dead = channel.basic_get(names.dead_queue.name, no_ack=True)
    assert dead.headers["x-death"][0]["reason"] == "rejected"


async def test_queues_with_other_arguments_keep_the_broker_down_and_it_says_why(
    rabbit: RabbitMQBroker, amqp_url: str, queue_prefix: str, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topology, "DELIVERY_LIMIT", 7)

    async def says_why() -> bool:
        with pytest.raises(BrokerDown) as down:
            await other.ping()
        return "PRECONDITION_FAILED" in str(down.value)

    async with RabbitMQBroker.open(amqp_url, prefix=queue_prefix) as other:
        await eventually(says_why)


async def test_a_wrong_password_is_told_and_nothing_raises(amqp_url: str, eventually: Eventually) -> None:
    wrong = amqp_url.replace("@", "x@", 1)

    async def says_why() -> bool:
        with pytest.raises(BrokerDown) as down:
            await broker.ping()
        return "uthentication" in str(down.value) or "ACCESS_REFUSED" in str(down.value)

    async with RabbitMQBroker.open(wrong) as broker:
        broker.publish("cpu")
        await eventually(says_why)


async def test_a_malformed_address_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="not an AMQP address"):
        async with RabbitMQBroker.open("http://127.0.0.1:5672"):
            pass


async def test_messages_that_are_no_notices_are_passed_over(
    rabbit: RabbitMQBroker, channel: Any, queue_prefix: str
) -> None:
    exchange = Topology(prefix=queue_prefix).notices.name
    async with rabbit.watch(ANNA, JOB) as notices:
        for body in (b"", b"\x80\x04\x95", b"{}", b"[" * 5000, b"x" * 100_000):
            channel.basic_publish(channel.prepare_message(body), exchange=exchange, routing_key=f"{ANNA}.{JOB}")
        rabbit.announce(progress(1))

        async with asyncio.timeout(30):
            assert await anext(notices) == progress(1)


async def test_a_notice_that_cannot_be_sent_holds_up_nothing(rabbit: RabbitMQBroker) -> None:
    async with rabbit.watch(ANNA, JOB) as notices:
        rabbit.announce(Notice(kind="changed", account_id=ANNA, job_id=JOB, data={"x": "y" * LARGEST_NOTICE_BYTES}))
        rabbit.announce(Notice(kind="changed", account_id=ANNA, job_id=JobId("j" * 300)))
        rabbit.announce(progress(1))

        async with asyncio.timeout(30):
            assert await anext(notices) == progress(1)
    await rabbit.ping()


async def test_watching_leaves_no_binding_behind(rabbit: RabbitMQBroker) -> None:
    async with rabbit.watch(ANNA, JOB), rabbit.watch(ANNA):
        pass

    assert rabbit._session is not None
    assert rabbit._session.subscription._bound == set()


@pytest.mark.parametrize("fate", ["its queue is deleted", "its channel is closed"])
async def test_losing_the_queue_of_notices_alone_is_repaired(rabbit: RabbitMQBroker, fate: str) -> None:
    async with rabbit.watch(ANNA, JOB) as notices:
        assert rabbit._session is not None
        lost = rabbit._session.subscription
        if fate == "its queue is deleted":
            lost._channel.raw.queue_delete(lost._queue)
        else:
            lost._channel.raw.queue_bind("no such queue", lost._exchange, "x")

        async with asyncio.timeout(60):
            reminder = await anext(notices)  # comes with the next connection
            rabbit.announce(progress(1))

            assert reminder.kind == "changed"
            assert await anext(notices) == progress(1)


async def test_closing_sends_what_waits(amqp_url: str, queue_prefix: str, rabbit: RabbitMQBroker) -> None:
    async with RabbitMQBroker.open(amqp_url, prefix=queue_prefix) as other:
        await asyncio.wait_for(other._up.wait(), 30)
        other.publish("cpu", 300)

    assert other.tally.confirmed == 300
    assert await rabbit.depth("cpu") == 300
