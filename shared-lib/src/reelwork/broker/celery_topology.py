"""The ticket queues as kombu's objects, for Celery's `task_queues`. Only the worker has kombu: import it only there."""

from collections.abc import Sequence

import kombu

from reelwork.broker.topology import Topology


def celery_queues(topology: Topology, pools: Sequence[str]) -> list[kombu.Queue]:
    """The queues of some pools, with exactly the arguments with which the gateway declares them."""
    exchange = kombu.Exchange(topology.tickets.name, type=topology.tickets.kind, durable=True)
    return [
        kombu.Queue(
            queue.name,
            exchange=exchange,
            routing_key=queue.routing_key,
            durable=True,
            queue_arguments=dict(queue.arguments),
        )
        for queue in map(topology.ticket_queue, pools)
    ]
