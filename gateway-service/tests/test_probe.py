"""A probe that reaches nobody says how far it came."""

from collections.abc import AsyncIterator

import pytest

from gateway.services.probe import ProbeService
from reelwork.broker.inprocess import InProcessBroker
from reelwork.broker.rabbitmq import RabbitMQBroker
from reelwork.contract.admin import ProbeBody
from reelwork.domain.errors import BrokerUnavailable, NobodyAnswered
from reelwork.store.client import MongoOptions, open_database
from reelwork.store.workers import Workers
from run.servers.ports import free_port

SOON = ProbeBody(timeout_seconds=0.2)


@pytest.fixture
async def workers(mongo_url: str, mongo_database: str) -> AsyncIterator[Workers]:
    async with open_database(MongoOptions(url=mongo_url, database=mongo_database)) as database:
        yield Workers(database)


async def test_a_broker_that_is_away_is_said_to_be_away(workers: Workers):
    async with RabbitMQBroker.open(f"amqp://guest:guest@127.0.0.1:{free_port()}/") as away:
        with pytest.raises(BrokerUnavailable):
            await ProbeService(workers, away).round_trip(SOON)


async def test_where_nobody_listens_nobody_answers(workers: Workers):
    with pytest.raises(NobodyAnswered, match=r"within 0\.2 s; 0 are listed"):
        await ProbeService(workers, InProcessBroker()).round_trip(SOON)
