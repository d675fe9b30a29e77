"""The queue of usage events, on each of its adapters, and what RabbitMQ adds to it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime

import pika
import pytest

from reelwork.broker.base import BrokerDown
from reelwork.broker.topology import Topology
from reelwork.broker.usage import InProcessUsageQueue, NotUsage, UsageQueue, decode_usage, encode_usage
from reelwork.broker.usage_rabbitmq import RabbitMQUsageQueue
from reelwork.domain.ids import AccountId, JobId
from reelwork.domain.usage import Metric, UsageEvent
from reelwork.runtime.tasks import running
from testkit.services import UrlService

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
Eventually = Callable[[Callable[[], object]], object]


def event(number: int) -> UsageEvent:
    return UsageEvent(id=f"gw.{number}", account_id=AccountId("acct_a"), at=AT, counts={Metric.REQUESTS: number})


class Reader:
    """Whoever writes down what arrives."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def __call__(self, events: Sequence[UsageEvent]) -> None:
        self.read += [event.id for event in events]
        await self.may_go_on.wait()


async def send(queue: UsageQueue, *events: UsageEvent) -> None:
    """As soon as there is a connection."""
    async with asyncio.timeout(60):
        while True:
            try:
                await queue.send(events)
            except BrokerDown:
                await asyncio.sleep(0.01)
            else:
                return


@pytest.fixture(params=["in process", "RabbitMQ"])
async def queue(request: pytest.FixtureRequest, queue_prefix: str) -> AsyncIterator[UsageQueue]:
    if request.param == "in process":
        yield InProcessUsageQueue()
    else:
        async with RabbitMQUsageQueue.open(request.getfixturevalue("amqp_url"), prefix=queue_prefix) as rabbit:
            yield rabbit


async def test_what_was_sent_is_handed_over(queue: UsageQueue, eventually: Eventually) -> None:
    reader = Reader()

    async with running(lambda: queue.receive(reader)):
        await send(queue, event(1), event(2))
        await send(queue, event(3))
        await eventually(lambda: len(reader.read) == 3)

    assert reader.read == ["gw.1", "gw.2", "gw.3"]


async def test_what_was_not_handled_to_the_end_is_handed_to_another(
    amqp_url: str, queue_prefix: str, eventually: Eventually
) -> None:
    stuck, other = Reader(), Reader()
    stuck.may_go_on.clear()
    async with RabbitMQUsageQueue.open(amqp_url, prefix=queue_prefix) as first, running(lambda: first.receive(stuck)):
        await send(first, event(1))
        await eventually(lambda: stuck.read == ["gw.1"])

    async with RabbitMQUsageQueue.open(amqp_url, prefix=queue_prefix) as second, running(lambda: second.receive(other)):
        await eventually(lambda: other.read == ["gw.1"])


async def test_without_a_broker_nothing_is_sent_and_it_is_said_so() -> None:
    async with RabbitMQUsageQueue.open("amqp://nobody:nothing@127.0.0.1:9") as queue:
        with pytest.raises(BrokerDown):
            await queue.send([event(1)])


async def test_in_process_too_nobody_takes_what_nobody_writes_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelwork.broker.usage.HANDLED_SECONDS", 0.01)

    with pytest.raises(BrokerDown):
        await InProcessUsageQueue().send([event(1)])


async def test_a_broker_that_comes_back_is_used_again(
    own_rabbitmq: UrlService, queue_prefix: str, eventually: Eventually
) -> None:
    reader = Reader()
    async with (
        RabbitMQUsageQueue.open(own_rabbitmq.url, prefix=queue_prefix) as queue,
        running(lambda: queue.receive(reader)),
    ):
        await send(queue, event(1))
        await asyncio.to_thread(own_rabbitmq.restart)
        await send(queue, event(2))
        await eventually(lambda: "gw.2" in reader.read)


async def test_what_is_no_usage_ends_among_the_dead_letters(
    amqp_url: str, queue_prefix: str, eventually: Eventually
) -> None:
    reader, topology = Reader(), Topology(prefix=queue_prefix)
    async with (
        RabbitMQUsageQueue.open(amqp_url, prefix=queue_prefix) as queue,
        running(lambda: queue.receive(reader)),
    ):
        await send(queue, event(1))
        await asyncio.to_thread(publish, amqp_url, topology.usage_queue.name, b"{}")
        await send(queue, event(2))
        await eventually(lambda: reader.read == ["gw.1", "gw.2"])

    assert await asyncio.to_thread(pop, amqp_url, topology.dead_queue.name) == b"{}"


def publish(url: str, queue: str, body: bytes) -> None:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        connection.channel().basic_publish("", queue, body)


def pop(url: str, queue: str) -> bytes:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        while True:  # it is on its way: the broker moves it when it hears of the refusal
            _, _, body = channel.basic_get(queue, auto_ack=True)
            if body is not None:
                return bytes(body)
            connection.sleep(0.01)


def test_a_message_says_what_the_events_say() -> None:
    of_job = UsageEvent(
        id="job_a.2",
        account_id=AccountId("acct_a"),
        at=AT,
        counts={Metric.JOBS_COMPLETED: 1, Metric.RUN_MILLISECONDS: 12},
        job_id=JobId("job_a"),
        upto=3,
    )

    assert decode_usage(encode_usage([event(1), of_job])) == [event(1), of_job]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[1]",
        b'[{"id": "a"}]',
        b'[{"id": "a", "account_id": "b", "at": "2026-11-21T12:00:00", "counts": {}}]',
        b'[{"id": "a", "account_id": "b", "at": "2026-11-21T12:00:00Z", "counts": {"requests": -1}}]',
        b'[{"id": "a", "account_id": "b", "at": "2026-11-21T12:00:00Z", "counts": {"else": 1}}]',
    ],
)
def test_what_is_no_usage_is_refused(body: bytes) -> None:
    with pytest.raises(NotUsage):
        decode_usage(body)


def test_a_message_has_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelwork.broker.usage.LARGEST_MESSAGE_BYTES", 300)

    with pytest.raises(ValueError, match="too large"):
        encode_usage([event(number) for number in range(10)])
