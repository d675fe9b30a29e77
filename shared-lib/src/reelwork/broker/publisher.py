"""Sends what is in the outbox over one channel, confirmed, with a bounded number of messages under way."""

import asyncio
from dataclasses import dataclass
from typing import Any, Literal

import pika
import structlog
from pika.exceptions import AMQPError

from reelwork.broker.base import BrokerDown, Notice
from reelwork.broker.confirms import Confirms, Sent
from reelwork.broker.connection import Channel, Connection, reason_of
from reelwork.broker.message import CONTENT_ENCODING, CONTENT_TYPE, encode_notice, ticket_message
from reelwork.broker.outbox import Outbox
from reelwork.broker.topology import Topology, check_key, notice_key
from reelwork.metrics import BROKER_MESSAGES

log = structlog.get_logger(__name__)

WINDOW = 256  # messages under way: 100 kB or so in pika's buffer when the broker stops reading
BATCH = 32  # messages between two turns of the loop, about a millisecond
CONFIRM_SECONDS = 5.0  # "a few hundred milliseconds" is what RabbitMQ's manual calls slow
_PERSISTENT, _TRANSIENT = 2, 1
Outcome = Literal["sent", "confirmed", "returned", "refused", "resent"]


@dataclass(slots=True)
class Tally:
    """What became of messages since the broker was opened; only ever counts up."""

    sent: int = 0
    confirmed: int = 0
    returned: int = 0  # tickets for a pool that has no queue
    refused: int = 0  # tickets for a queue that is full
    resent: int = 0  # tickets that were under way when the connection was lost

    def note(self, outcome: Outcome, count: int = 1) -> None:
        """So many more of one outcome; Prometheus hears of them too."""
        setattr(self, outcome, getattr(self, outcome) + count)
        BROKER_MESSAGES.labels(outcome).inc(count)


class Publisher:
    """One channel in confirm mode, from its opening to its loss."""

    def __init__(
        self, connection: Connection, channel: Channel, outbox: Outbox, topology: Topology, tally: Tally
    ) -> None:
        self._connection = connection
        self._channel = channel
        self._outbox = outbox
        self._topology = topology
        self._tally = tally
        self._confirms = Confirms()
        self._clock = asyncio.get_running_loop().time
        self._answered = asyncio.Event()
        self._lost: str | None = None
        self._patient_from = 0.0  # waiting for confirms is counted from here: a blocked broker owes none

    async def prepare(self) -> None:
        """Ask for confirms and returns. Raises `BrokerDown`."""
        raw = self._channel.raw
        raw.add_on_return_callback(self._on_return)
        self._channel.when_closed(self.give_up)
        self._connection.when_unblocked(self._on_unblocked)
        await self._channel.call(raw.confirm_delivery, ack_nack_callback=self._on_answer)

    async def send_for_ever(self) -> None:
        """Send whatever arrives. Raises `BrokerDown` when the channel is lost or confirms stay out for five seconds."""
        while self._lost is None:
            self._outbox.filled.clear()
            await self._rest(more=self._send_batch())
            if (deadline := self._deadline()) is not None and self._clock() >= deadline:
                raise BrokerDown(f"no confirm within {CONFIRM_SECONDS:g} s")
        raise BrokerDown(self._lost)

    async def drained(self) -> None:
        """Wait until everything is sent and confirmed; has no deadline of its own."""
        while self._outbox or self._confirms:
            self._answered.clear()
            await self._answered.wait()

    def give_up(self, reason: str) -> None:
        """Make `send_for_ever` end, because something that belongs to the same connection does not work any more."""
        self._lost = reason
        self._outbox.filled.set()

    def give_back(self) -> None:
        """Put tickets that were under way into the outbox again; some may then arrive twice, which harms nobody."""
        for sent in self._confirms.abandon():
            if sent.pool is not None:
                self._tally.note("resent")
                self._outbox.add_tickets(sent.pool, 1)

    def _send_batch(self) -> bool:
        """Send until the batch is full (True), or the outbox is empty or may not be sent now (False)."""
        for _ in range(BATCH):
            if len(self._confirms) >= WINDOW or self._connection.blocked:
                return False
            if (pool := self._outbox.take_ticket()) is not None:
                self._send_ticket(pool)
            elif (notice := self._outbox.take_notice()) is not None:
                self._send_notice(notice)
            else:
                return False
        return True

    async def _rest(self, *, more: bool) -> None:
        """One turn of the loop if there is more to send, else until something happens or a confirm is overdue."""
        if more:
            await asyncio.sleep(0)
            return
        deadline = self._deadline()
        try:
            async with asyncio.timeout_at(deadline):
                await self._outbox.filled.wait()
        except TimeoutError:
            return

    def _deadline(self) -> float | None:
        """When the oldest message under way must be confirmed, by the loop's clock. A blocked connection has none."""
        oldest = self._confirms.oldest_at()
        if oldest is None or self._connection.blocked:
            return None
        return max(oldest, self._patient_from) + CONFIRM_SECONDS

    def _send_ticket(self, pool: str) -> None:
        try:
            check_key(pool)
        except ValueError as error:
            log.warning("ticket.unsendable", reason=str(error))
            return
        ticket = ticket_message(pool)
        properties = pika.BasicProperties(
            content_type=CONTENT_TYPE,
            content_encoding=CONTENT_ENCODING,
            delivery_mode=_PERSISTENT,
            correlation_id=ticket.correlation_id,
            headers=dict(ticket.headers),
        )
        # noted first: if publishing fails, the ticket is under way and comes back by `give_back`
        self._confirms.sent(Sent(pool=pool, at=self._clock()))
        self._publish(self._topology.tickets.name, pool, ticket.body, properties, mandatory=True)

    def _send_notice(self, notice: Notice) -> None:
        key = notice_key(notice.account_id, notice.job_id)
        try:
            body = encode_notice(notice)
            check_key(key)
        except ValueError as error:
            log.warning("notice.unsendable", job_id=notice.job_id, reason=str(error))
            return
        properties = pika.BasicProperties(content_type=CONTENT_TYPE, delivery_mode=_TRANSIENT)
        self._confirms.sent(Sent(pool=None, at=self._clock()))
        self._publish(self._topology.notices.name, key, body, properties, mandatory=False)

    def _publish(self, exchange: str, key: str, body: bytes, properties: Any, *, mandatory: bool) -> None:
        try:
            self._channel.raw.basic_publish(exchange, key, body, properties, mandatory=mandatory)
        except AMQPError as error:
            raise BrokerDown(reason_of(error)) from error
        self._tally.note("sent")

    def _on_answer(self, frame: Any) -> None:
        settled = self._confirms.resolve(frame.method.delivery_tag, multiple=frame.method.multiple)
        if frame.method.NAME == "Basic.Nack":
            self._tally.note("refused", len(settled))
            log.warning("tickets.refused", count=len(settled))
        else:
            self._tally.note("confirmed", len(settled))
        self._answered.set()
        self._outbox.filled.set()

    def _on_unblocked(self) -> None:
        self._patient_from = self._clock()
        self._outbox.filled.set()

    def _on_return(self, _channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        self._tally.note("returned")
        log.error("ticket.returned", pool=method.routing_key, reason=method.reply_text)
