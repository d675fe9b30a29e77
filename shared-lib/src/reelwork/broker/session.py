"""Everything that lives as long as one connection: topology, publisher, subscription, probe."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reelwork.broker.base import BrokerDown, Notice
from reelwork.broker.connection import Channel, Connection
from reelwork.broker.outbox import Outbox
from reelwork.broker.publisher import Publisher, Tally
from reelwork.broker.subscription import Subscription
from reelwork.broker.topology import Topology


async def declare(channel: Channel, topology: Topology) -> None:
    """Make what is not there yet. Raises `BrokerDown`, also when something is there with other arguments."""
    raw = channel.raw
    for exchange in topology.exchanges:
        await channel.call(raw.exchange_declare, exchange=exchange.name, exchange_type=exchange.kind, durable=True)
    for queue in topology.queues:
        await channel.call(raw.queue_declare, queue=queue.name, durable=True, arguments=dict(queue.arguments))
        await channel.call(
            raw.queue_bind, queue=queue.name, exchange=queue.exchange.name, routing_key=queue.routing_key
        )


class Probe:
    """Questions about queues and exchanges on a channel of their own, which a wrong question may cost.

    Each question is under way at most once: those who ask it again while the broker is silent wait for the same
    answer, so that nothing piles up.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channel: Channel | None = None
        self._opening = asyncio.Lock()
        self._asked: dict[str, asyncio.Future[Any]] = {}

    async def depth(self, queue: str) -> int:
        """How many messages are ready in a queue. Raises `BrokerDown`, also for a queue that does not exist."""
        channel = await self._open()
        if queue not in self._asked:
            self._note(queue, channel.ask(channel.raw.queue_declare, queue=queue, passive=True))
        answer = await channel.answer(self._asked[queue])
        return int(answer.method.message_count)

    async def check(self, exchange: str) -> None:
        """One round trip. Raises `BrokerDown`."""
        channel = await self._open()
        if exchange not in self._asked:
            self._note(exchange, channel.ask(channel.raw.exchange_declare, exchange=exchange, passive=True))
        await channel.answer(self._asked[exchange])

    def _note(self, question: str, asked: asyncio.Future[Any]) -> None:
        self._asked[question] = asked
        asked.add_done_callback(lambda _: self._asked.pop(question, None))

    async def _open(self) -> Channel:
        async with self._opening:
            if self._channel is None or not self._channel.is_open:
                try:
                    self._channel = await self._connection.channel()
                except BrokerDown:
                    # a broker that opens no channel will not do so for the next one who asks either
                    await self._connection.abort("no channel could be opened")
                    raise
            return self._channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What works over one connection; all of it ends with it."""

    publisher: Publisher
    subscription: Subscription
    probe: Probe

    @classmethod
    async def open(
        cls,
        connection: Connection,
        topology: Topology,
        outbox: Outbox,
        dispatch: Callable[[Notice], None],
        tally: Tally,
    ) -> "Session":
        """Declare what has to be there and make everything ready. Raises `BrokerDown`."""
        sending = await connection.channel()
        await declare(sending, topology)
        session = cls(
            publisher=Publisher(connection, sending, outbox, topology, tally),
            subscription=Subscription(await connection.channel(), topology, dispatch),
            probe=Probe(connection),
        )
        await session.publisher.prepare()
        await session.subscription.prepare(session.publisher.give_up)
        return session
