"""Usage events on RabbitMQ: a connection of its own, so that they neither hold up tickets nor are held up by them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import pika
import structlog
from pika.exceptions import AMQPError

from reelwork.broker.base import BrokerDown
from reelwork.broker.connection import Channel, Connection, connection_parameters, reason_of
from reelwork.broker.message import CONTENT_TYPE
from reelwork.broker.publisher import CONFIRM_SECONDS
from reelwork.broker.rabbitmq import pause_seconds
from reelwork.broker.topology import Topology
from reelwork.broker.usage import Handle, NotUsage, decode_usage, encode_usage
from reelwork.domain.usage import UsageEvent
from reelwork.tls import NO_FILES, TlsFiles

log = structlog.get_logger(__name__)

PREFETCH = 10  # messages that one gateway holds while it writes them down
_PERSISTENT = 2


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A message, and the channel on which alone it can be answered."""

    channel: Channel
    tag: int
    body: bytes


class RabbitMQUsageQueue:
    """Implements `UsageQueue` on RabbitMQ. Made by `open`; to be called from the loop on which it was opened."""

    def __init__(self, parameters: Any, topology: Topology) -> None:  # parameters: pika's, untyped
        self._parameters = parameters
        self._topology = topology
        self._sending: _Sending | None = None
        self._arrived: asyncio.Queue[_Delivery] = asyncio.Queue()  # bounded by PREFETCH
        self._down_because = "not connected yet"

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, *, prefix: str = "", name: str = "reelwork-usage", tls: TlsFiles = NO_FILES
    ) -> AsyncIterator[Self]:
        """A queue for the length of the context. Neither waits for a connection nor fails without one.

        Raises ValueError for a malformed address.
        """
        queue = cls(connection_parameters(url, name, tls), Topology(prefix=prefix))
        keeper = asyncio.create_task(queue._stay_connected(), name="usage-queue")
        try:
            yield queue
        finally:
            keeper.cancel()
            await asyncio.wait({keeper})

    async def send(self, events: Sequence[UsageEvent]) -> None:
        """On the broker's disk, in as many nodes as its quorum wants, when this returns."""
        if self._sending is None:
            raise BrokerDown(self._down_because)
        await self._sending.send(encode_usage(events))

    async def receive(self, handle: Handle) -> None:
        """What cannot be read as usage events goes to the dead letters."""
        while True:
            delivery = await self._arrived.get()
            try:
                events = decode_usage(delivery.body)
            except NotUsage as error:
                log.error("usage.unreadable", reason=str(error), size_bytes=len(delivery.body))  # noqa: TRY400
                _answer(delivery, "basic_reject", requeue=False)
            else:
                await handle(events)
                _answer(delivery, "basic_ack")

    async def _stay_connected(self) -> None:
        attempt = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._serve_connection()
            except BrokerDown as down:
                self._down_because = str(down)
            lived = asyncio.get_running_loop().time() - began
            attempt = 0 if lived > CONFIRM_SECONDS else attempt + 1
            log.warning("usage.queue_down", reason=self._down_because, attempt=attempt)
            await asyncio.sleep(pause_seconds(attempt))

    async def _serve_connection(self) -> None:
        """One connection from its opening to its loss. Raises `BrokerDown` at the latest then."""
        connection = await Connection.open(self._parameters)
        try:
            channel = await connection.channel()
            lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

            def lose(reason: str) -> None:
                if not lost.done():
                    lost.set_result(reason)

            channel.when_closed(lose)
            channel.raw.add_on_cancel_callback(lambda _frame: lose("the queue was deleted"))
            await self._prepare(channel)
            self._sending = await _Sending.on(connection, channel, self._topology)
            log.info("usage.queue_up")
            raise BrokerDown(await lost)
        except asyncio.CancelledError:
            await connection.close()
            raise
        finally:
            self._sending = None
            await connection.abort("given up")

    async def _prepare(self, channel: Channel) -> None:
        raw, queue, dead = channel.raw, self._topology.usage_queue, self._topology.dead_queue
        for needed in (dead, queue):
            exchange = needed.exchange
            await channel.call(raw.exchange_declare, exchange=exchange.name, exchange_type=exchange.kind, durable=True)
            arguments = dict(needed.arguments)
            await channel.call(raw.queue_declare, queue=needed.name, durable=True, arguments=arguments)
            await channel.call(
                raw.queue_bind, queue=needed.name, exchange=exchange.name, routing_key=needed.routing_key
            )
        await channel.call(raw.basic_qos, prefetch_count=PREFETCH)

        def arrived(_raw: Any, method: Any, _properties: Any, body: bytes) -> None:
            self._arrived.put_nowait(_Delivery(channel, method.delivery_tag, body))

        await channel.call(raw.basic_consume, queue=queue.name, on_message_callback=arrived)


class _Sending:
    """Confirmed publishing, one message at a time: what is sent here is sent about once a second."""

    def __init__(self, connection: Connection, channel: Channel, topology: Topology) -> None:
        self._connection = connection
        self._channel = channel
        self._queue = topology.usage_queue
        self._one_at_a_time = asyncio.Lock()
        self._answer: asyncio.Future[bool] | None = None
        self._returned = False
        self._tag = 0

    @classmethod
    async def on(cls, connection: Connection, channel: Channel, topology: Topology) -> Self:
        """Ask for confirms and returns. Raises `BrokerDown`."""
        sending = cls(connection, channel, topology)
        channel.raw.add_on_return_callback(sending._on_return)
        await channel.call(channel.raw.confirm_delivery, ack_nack_callback=sending._on_answer)
        return sending

    async def send(self, body: bytes) -> None:
        async with self._one_at_a_time:
            if self._connection.blocked:
                raise BrokerDown("the broker takes nothing at the moment")
            self._returned = False
            self._tag += 1  # tags count what is published on a channel, from 1
            answer = self._answer = asyncio.get_running_loop().create_future()
            self._channel.adopt(answer)
            properties = pika.BasicProperties(content_type=CONTENT_TYPE, delivery_mode=_PERSISTENT)
            exchange, key = self._queue.exchange.name, self._queue.routing_key
            try:
                self._channel.raw.basic_publish(exchange, key, body, properties, mandatory=True)
            except AMQPError as error:
                raise BrokerDown(reason_of(error)) from error
            await asyncio.wait({answer}, timeout=CONFIRM_SECONDS)
            if not answer.done():
                await self._connection.abort("a confirm stayed out")
                raise BrokerDown(f"no confirm within {CONFIRM_SECONDS:g} s")
            if not answer.result() or self._returned:
                raise BrokerDown("the queue of usage events is full, or gone")

    def _on_answer(self, frame: Any) -> None:
        of_this = frame.method.delivery_tag >= self._tag  # else of one that nobody waited for any more
        if of_this and self._answer is not None and not self._answer.done():
            self._answer.set_result(frame.method.NAME != "Basic.Nack")

    def _on_return(self, _channel: Any, _method: Any, _properties: Any, _body: bytes) -> None:
        self._returned = True


def _answer(delivery: _Delivery, method: str, **arguments: Any) -> None:
    """Nothing when the channel is gone: then the broker hands the message over again."""
    if delivery.channel.is_open:
        try:
            getattr(delivery.channel.raw, method)(delivery.tag, **arguments)
        except AMQPError as error:
            log.warning("usage.unanswered", reason=reason_of(error))
