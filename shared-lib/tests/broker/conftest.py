"""Both brokers, and a way to wait for a fact."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from reelwork.broker.base import Broker
from reelwork.broker.inprocess import InProcessBroker
from reelwork.broker.rabbitmq import RabbitMQBroker

LONG_ENOUGH = timedelta(seconds=60)  # a bound for a busy machine, not an expectation

Fact = Callable[[], Awaitable[bool] | bool]
Eventually = Callable[[Fact], Awaitable[None]]


@pytest.fixture
async def rabbit(amqp_url: str, queue_prefix: str) -> AsyncIterator[RabbitMQBroker]:
    """A connected broker with queues of its own on the shared RabbitMQ."""
    async with RabbitMQBroker.open(amqp_url, prefix=queue_prefix) as broker:
        await broker.wait_connected(LONG_ENOUGH)
        yield broker


@pytest.fixture(params=["in process", "RabbitMQ"])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Each of the two adapters in turn."""
    if request.param == "in process":
        return InProcessBroker()
    rabbit: RabbitMQBroker = request.getfixturevalue("rabbit")
    return rabbit


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a fact holds that nothing announces, such as a number on the server; fails if it never does."""

    async def wait(fact: Fact) -> None:
        async with asyncio.timeout(LONG_ENOUGH.total_seconds()):
            while True:
                holds = fact()
                if holds if isinstance(holds, bool) else await holds:
                    return
                await asyncio.sleep(0.005)

    return wait
