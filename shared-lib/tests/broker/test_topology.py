"""Both sides declare the same things."""

import kombu
import pytest

from reelwork.broker.celery_topology import celery_queues
from reelwork.broker.rabbitmq import RabbitMQBroker
from reelwork.broker.topology import POOLS, Topology, notice_key
from reelwork.domain.ids import AccountId, JobId


def test_every_name_carries_the_prefix() -> None:
    topology = Topology(prefix="x.")

    names = [exchange.name for exchange in topology.exchanges] + [queue.name for queue in topology.queues]

    assert all(name.startswith("x.reelwork.") for name in names)
    assert topology.ticket_queue("cpu").name == "x.reelwork.tickets.cpu"


def test_tickets_survive_a_node_and_end_in_the_dead_letter_queue() -> None:
    arguments = Topology().ticket_queue("cpu").arguments

    assert (arguments["x-queue-type"], arguments["x-dead-letter-exchange"]) == ("quorum", "reelwork.dead")
    assert arguments["x-overflow"] == "reject-publish"


@pytest.mark.parametrize(("job", "key"), [(JobId("job_1"), "acct_a.job_1"), (None, "acct_a.*")])
def test_notices_are_addressed_by_account_and_job(job: JobId | None, key: str) -> None:
    assert notice_key(AccountId("acct_a"), job) == key


def test_the_worker_may_declare_what_the_gateway_has_declared(
    rabbit: RabbitMQBroker, amqp_url: str, queue_prefix: str
) -> None:
    with kombu.Connection(amqp_url) as connection, connection.channel() as channel:
        for queue in celery_queues(Topology(prefix=queue_prefix), POOLS):
            queue(channel).declare()  # raises PreconditionFailed if a single argument differs
