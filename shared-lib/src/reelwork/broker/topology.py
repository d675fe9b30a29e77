"""Names and arguments of everything that is declared on RabbitMQ, as plain data.

    reelwork.tickets (topic)  --<pool>-->  reelwork.tickets.<pool>  --dead letters-->  reelwork.dead (fanout and queue)
    reelwork.notices (topic)  --<account>.<job>-->  one private queue per process that watches
    reelwork.usage (topic)    --counted-->  reelwork.usage  --dead letters-->  reelwork.dead

The gateway declares it with pika, the worker with kombu (`celery_topology`): both read it here, since a queue that is
declared twice with different arguments is an error on RabbitMQ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from reelwork.domain.ids import AccountId, JobId

Argument: TypeAlias = str | int

POOLS = ("cpu", "gpu", "remote", "browser")
TASK_NAME = "reelwork.work"

DELIVERY_LIMIT = 100  # the default of 20 drops tickets in a crash loop; a job's attempts are counted in its document
LONGEST_QUEUE = 200_000  # tickets; above it publishing is refused, and the reconciler tops up later
TICKET_TTL_MS = 60 * 60 * 1000  # tickets can be made again at any time, so old ones are worth nothing
CONSUMER_TIMEOUT_MS = 4 * 60 * 60 * 1000  # twice the longest job: a ticket stays unacknowledged while its job runs
LONGEST_DEAD_QUEUE = 10_000  # dead tickets are kept to be looked at, not to be used
LONGEST_KEY_BYTES = 255  # of a routing key or a name, in AMQP 0-9-1
DEAD_TTL_MS = 7 * 24 * 60 * 60 * 1000
LONGEST_USAGE_QUEUE = 100_000  # messages of one second of one gateway each; above it they wait with their senders
USAGE_DELIVERY_LIMIT = 1000  # gateways that ended one after the other in the middle of the same message
LONGEST_NOTICE_QUEUE = 20_000  # of one process that has stopped reading; the oldest go first


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A durable exchange."""

    name: str
    kind: Literal["topic", "fanout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A durable queue, bound once."""

    name: str
    exchange: Exchange
    routing_key: str
    arguments: Mapping[str, Argument]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Everything under one prefix; installations (and tests) that share a broker differ in theirs."""

    prefix: str = ""
    pools: Sequence[str] = field(default=POOLS)

    @property
    def tickets(self) -> Exchange:
        return Exchange(name=f"{self.prefix}reelwork.tickets", kind="topic")

    @property
    def notices(self) -> Exchange:
        return Exchange(name=f"{self.prefix}reelwork.notices", kind="topic")

    @property
    def dead(self) -> Exchange:
        return Exchange(name=f"{self.prefix}reelwork.dead", kind="fanout")

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        return (self.tickets, self.notices, self.dead)

    @property
    def queues(self) -> tuple[Queue, ...]:
        """The dead-letter queue first, so that nothing can be lost between two declarations."""
        return (self.dead_queue, *map(self.ticket_queue, self.pools))

    def ticket_queue(self, pool: str) -> Queue:
        """Where the tickets of a pool wait: a quorum queue, replicated where there is more than one node."""
        return Queue(
            name=f"{self.tickets.name}.{pool}",
            exchange=self.tickets,
            routing_key=pool,
            arguments={
                "x-queue-type": "quorum",
                "x-delivery-limit": DELIVERY_LIMIT,
                "x-max-length": LONGEST_QUEUE,
                "x-overflow": "reject-publish",
                "x-message-ttl": TICKET_TTL_MS,
                "x-consumer-timeout": CONSUMER_TIMEOUT_MS,
                "x-dead-letter-exchange": self.dead.name,
            },
        )

    @property
    def usage_queue(self) -> Queue:
        """Where usage events wait to be written down; declared by gateways that count by events alone."""
        name = f"{self.prefix}reelwork.usage"
        return Queue(
            name=name,
            exchange=Exchange(name=name, kind="topic"),
            routing_key="counted",
            arguments={
                "x-queue-type": "quorum",
                "x-delivery-limit": USAGE_DELIVERY_LIMIT,
                "x-max-length": LONGEST_USAGE_QUEUE,
                "x-overflow": "reject-publish",
                "x-dead-letter-exchange": self.dead.name,
            },
        )

    @property
    def dead_queue(self) -> Queue:
        return Queue(
            name=self.dead.name,
            exchange=self.dead,
            routing_key="",
            arguments={
                "x-queue-type": "quorum",
                "x-max-length": LONGEST_DEAD_QUEUE,
                "x-overflow": "drop-head",
                "x-message-ttl": DEAD_TTL_MS,
            },
        )


def notice_key(account_id: AccountId, job_id: JobId | None) -> str:
    """The routing key of a job's notices; without a job the pattern for all of an account."""
    return f"{account_id}.{job_id or '*'}"


def check_key(key: str) -> None:
    """Raises ValueError for a routing key that AMQP cannot carry."""
    if len(key.encode()) > LONGEST_KEY_BYTES:
        raise ValueError(f"{key[:40]!r}... is longer than a routing key may be")
