"""One private queue for the notices of everything that is watched in this process."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from pika.exceptions import AMQPError

from reelwork.broker.base import BrokerDown, Notice
from reelwork.broker.connection import Channel, reason_of
from reelwork.broker.message import NotANotice, decode_notice
from reelwork.broker.topology import LONGEST_NOTICE_QUEUE, Topology

log = structlog.get_logger(__name__)


class Subscription:
    """A queue that goes with its connection, and its bindings."""

    def __init__(self, channel: Channel, topology: Topology, dispatch: Callable[[Notice], None]) -> None:
        self._channel = channel
        self._exchange = topology.notices.name
        self._dispatch = dispatch
        self._queue = ""
        self._bound: set[str] = set()
        self._settling: asyncio.Future[Any] | None = None  # answered when the newest bindings are in place

    async def prepare(self, when_lost: Callable[[str], None]) -> None:
        """Declare the queue and begin to read it; `when_lost` is told why it has ended. Raises `BrokerDown`."""
        raw = self._channel.raw
        self._channel.when_closed(when_lost)
        raw.add_on_cancel_callback(lambda _frame: when_lost("the queue of notices was deleted"))
        declared = await self._channel.call(
            raw.queue_declare,
            queue="",
            exclusive=True,
            auto_delete=True,
            arguments={"x-max-length": LONGEST_NOTICE_QUEUE},
        )
        self._queue = declared.method.queue
        # acknowledged by the broker itself: what is lost here was transient anyway
        await self._channel.call(
            raw.basic_consume, queue=self._queue, on_message_callback=self._on_message, auto_ack=True, exclusive=True
        )

    async def follow(self, wanted: set[str]) -> None:
        """Have exactly these routing keys bound, from the return on. Raises `BrokerDown`.

        Bindings are sent without asking for answers; one question behind them tells when all are in place, since a
        channel is served in order.
        """
        if self.send_changes(wanted):
            self._settling = self._channel.ask(self._channel.raw.queue_declare, queue=self._queue, passive=True)
        if self._settling is not None:
            await self._channel.answer(self._settling)

    def send_changes(self, wanted: set[str]) -> bool:
        """Send what has to change without waiting for it; whether a key was added. Raises `BrokerDown`."""
        added = wanted - self._bound
        raw = self._channel.raw
        try:
            for key in added:
                raw.queue_bind(self._queue, self._exchange, key)
            for key in self._bound - wanted:
                raw.queue_unbind(self._queue, self._exchange, key)
        except AMQPError as error:
            raise BrokerDown(reason_of(error)) from error
        self._bound = wanted
        return bool(added)

    def _on_message(self, _channel: Any, _method: Any, _properties: Any, body: bytes) -> None:
        try:
            notice = decode_notice(body)
        except NotANotice as error:
            log.warning("notice.unreadable", reason=str(error), size_bytes=len(body))
            return
        self._dispatch(notice)
