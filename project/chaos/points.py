"""Fault points: the exact moment at which a gateway is to die, told from the bytes that it sends and gets.

Nothing in a gateway knows of this. Three proxies stand around it (clients, MongoDB, RabbitMQ) and show every chunk to
its `Points`, which look for one job by its tag. At the wanted moment the bytes are held, so that the gateway is
there for as long as it takes to kill it:

- stored: MongoDB has acknowledged the insert; the acknowledgement is held. The gateway knows nothing, the client has no
  answer, no lane is open, no ticket is out.
- unannounced: the client has its 202; the opening of the lane is held, and the ticket that would follow it.
- unanswered: RabbitMQ has confirmed the ticket; the 202 is held.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from chaos.plan import Kind
from reelwork.broker.topology import TASK_NAME
from testkit.faultproxy import Chunk

# OP_MSG carries BSON: an element of type string (2) named by the command, its length, and the collection's name.
INSERT_JOB = b"\x02insert\x00\x05\x00\x00\x00jobs\x00"
CHANGE_LANE = b"\x02findAndModify\x00\x06\x00\x00\x00lanes\x00"
TICKET = TASK_NAME.encode()


@dataclass(slots=True)
class _Lured:
    """What was seen of the job that a point waits for; links are numbered by their proxies."""

    kind: Kind
    tag: bytes
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    http: int | None = None
    mongo: int | None = None
    amqp: int | None = None
    stored: bool = False
    answered: bool = False
    opening: bool = False


class Points:
    """The watchers of one gateway's three proxies. At most one point is armed at a time."""

    def __init__(self) -> None:
        self._lured: _Lured | None = None

    @asynccontextmanager
    async def armed(self, kind: Kind, tag: str) -> AsyncIterator[asyncio.Event]:
        """The event is set when the job with this tag has brought the gateway to the point; what is held there is let
        go at the end of the context, by when nobody should be left to get it."""
        lured = self._lured = _Lured(kind=kind, tag=tag.encode())
        try:
            yield lured.reached
        finally:
            self._lured = None
            lured.over.set()

    async def on_client(self, chunk: Chunk) -> None:
        """Between a client and the gateway; `upstream` is a request."""
        if (lured := self._lured) is None:
            return
        if chunk.upstream:
            if lured.tag in chunk.data:
                lured.http = chunk.link
        elif chunk.link == lured.http:
            lured.answered = True
            if lured.kind is Kind.GATEWAY_UNANSWERED:
                await lured.over.wait()
            elif lured.opening:
                lured.reached.set()

    async def on_mongod(self, chunk: Chunk) -> None:
        """Between the gateway and MongoDB: one command at a time on a connection, then its answer."""
        if (lured := self._lured) is None:
            return
        if chunk.upstream:
            if INSERT_JOB in chunk.data and lured.tag in chunk.data:
                lured.mongo = chunk.link
            elif lured.stored and lured.kind is Kind.GATEWAY_UNANNOUNCED and CHANGE_LANE in chunk.data:
                lured.opening = True
                if lured.answered:
                    lured.reached.set()
                await lured.over.wait()
        elif chunk.link == lured.mongo:
            lured.stored = True
            if lured.kind is Kind.GATEWAY_STORED:
                lured.reached.set()
                await lured.over.wait()

    async def on_broker(self, chunk: Chunk) -> None:
        """Between the gateway and RabbitMQ: a published ticket, then its confirmation."""
        if (lured := self._lured) is None or lured.kind is not Kind.GATEWAY_UNANSWERED:
            return
        if chunk.upstream:
            if lured.stored and TICKET in chunk.data:
                lured.amqp = chunk.link
        elif chunk.link == lured.amqp:
            lured.reached.set()
