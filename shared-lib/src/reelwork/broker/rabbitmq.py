"""The broker on RabbitMQ: one connection on the running loop that comes back by itself, and nothing that blocks."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any, Self

import structlog

from reelwork.broker.base import BrokerDown, Notice
from reelwork.broker.connection import Connection, connection_parameters
from reelwork.broker.outbox import Outbox
from reelwork.broker.publisher import Tally
from reelwork.broker.session import Session
from reelwork.broker.topology import POOLS, Topology, notice_key
from reelwork.broker.watchers import Watchers
from reelwork.domain.ids import AccountId, JobId
from reelwork.tls import TlsFiles

log = structlog.get_logger(__name__)

_SYSTEMS_AUTHORITIES = TlsFiles()
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
DRAIN_SECONDS = 2.0  # for what waits when we close; tickets that miss it are made again by the reconciler


class RabbitMQBroker:
    """Implements `Broker` on RabbitMQ. Made by `open`; to be called from the loop on which it was opened.

    While there is no connection, tickets are kept (a thousand of each pool) and notices dropped. After a connection
    came back, every watcher of a job gets a `changed` notice, since it may have missed some.
    """

    def __init__(self, parameters: Any, topology: Topology) -> None:  # parameters: pika's, untyped
        self.tally = Tally()
        self._parameters = parameters
        self._topology = topology
        self._outbox = Outbox()
        self._watchers = Watchers()
        self._session: Session | None = None
        self._up = asyncio.Event()
        self._down_because = "not connected yet"

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        prefix: str = "",
        pools: Sequence[str] = POOLS,
        name: str = "reelwork",
        tls: TlsFiles = _SYSTEMS_AUTHORITIES,
    ) -> AsyncIterator[Self]:
        """A broker for the length of the context; `name` is what the connection is called on the broker.

        Neither waits for a connection nor fails without one. At the end it sends what waits, for two seconds at most.
        Raises ValueError for a malformed address.
        """
        broker = cls(connection_parameters(url, name, tls), Topology(prefix=prefix, pools=pools))
        keeper = asyncio.create_task(broker._stay_connected(), name="broker")
        keeper.add_done_callback(broker._on_keeper_done)
        try:
            yield broker
        finally:
            await broker._drain()
            keeper.cancel()
            await asyncio.wait({keeper})

    @property
    def dropped(self) -> int:
        """Tickets and notices that were given up because there was no room or no connection."""
        return self._outbox.dropped

    def publish(self, pool: str, count: int = 1) -> None:
        """Hand over tickets; they are sent in the background, now or when there is a connection."""
        self._outbox.add_tickets(pool, count)

    async def depth(self, pool: str) -> int | None:
        """How many tickets wait, or None when the broker does not tell within some seconds."""
        if self._session is None:
            return None
        try:
            return await self._session.probe.depth(self._topology.ticket_queue(pool).name)
        except BrokerDown as down:
            log.warning("tickets.depth_unknown", pool=pool, reason=str(down))
            return None

    def announce(self, notice: Notice) -> None:
        """Hand over a notice; without a connection it is dropped."""
        if self._session is None:
            self._outbox.dropped += 1
        else:
            self._outbox.add_notice(notice)

    @asynccontextmanager
    async def watch(self, account_id: AccountId, job_id: JobId | None = None) -> AsyncIterator[AsyncIterator[Notice]]:
        """Notices of a job, or of all jobs of an account. Entering waits two seconds at most and never fails."""
        with self._unbound_afterwards(), self._watchers.joined((account_id, job_id)) as watcher:
            if self._session is not None:
                with contextlib.suppress(BrokerDown):  # then it begins to hear when the connection is back
                    await self._session.subscription.follow(self._watched())
            yield watcher

    async def ping(self) -> None:
        """One round trip. Raises `BrokerDown`, after two seconds at most."""
        if self._session is None:
            raise BrokerDown(self._down_because)
        await self._session.probe.check(self._topology.tickets.name)

    async def wait_connected(self, within: timedelta) -> None:
        """Wait until there is a connection. Raises `BrokerDown` when there is none in time."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self._up.wait()
        except TimeoutError:
            raise BrokerDown(self._down_because) from None

    async def _stay_connected(self) -> None:
        clock = asyncio.get_running_loop().time
        attempt = 0
        while True:
            began = clock()
            try:
                await self._serve_connection()
            except BrokerDown as down:
                self._down_because = str(down)
            lived = clock() - began
            attempt = 0 if lived > 2 * LONGEST_PAUSE_SECONDS else attempt + 1
            pause = pause_seconds(attempt)
            log.warning("broker.down", reason=self._down_because, attempt=attempt, pause_seconds=round(pause, 2))
            await asyncio.sleep(pause)

    async def _serve_connection(self) -> None:
        """One connection from its opening to its loss. Raises `BrokerDown` at the latest then."""
        connection = await Connection.open(self._parameters)
        try:
            session = await Session.open(connection, self._topology, self._outbox, self._watchers.dispatch, self.tally)
            self._session = session  # from here on watchers that come bind for themselves
            await session.subscription.follow(self._watched())
            log.info("broker.up")
            self._up.set()
            self._remind_watchers()
            await session.publisher.send_for_ever()
        except asyncio.CancelledError:
            await connection.close()
            raise
        finally:
            self._up.clear()
            if self._session is not None:
                self._session.publisher.give_back()
                self._session = None
            self._outbox.drop_notices()
            await connection.abort("given up")

    @contextmanager
    def _unbound_afterwards(self) -> Iterator[None]:
        try:
            yield
        finally:
            if self._session is not None:
                with contextlib.suppress(BrokerDown):  # then the binding is gone with its queue
                    self._session.subscription.send_changes(self._watched())

    def _watched(self) -> set[str]:
        return {notice_key(account_id, job_id) for account_id, job_id in self._watchers.watched()}

    def _remind_watchers(self) -> None:
        for account_id, job_id in self._watchers.watched():
            if job_id is not None:
                self._watchers.dispatch(Notice(kind="changed", account_id=account_id, job_id=job_id))

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                if self._session is not None:
                    await self._session.publisher.drained()
        except TimeoutError:
            log.warning("broker.closed_undrained", reason="not everything was confirmed in time")
        if self._session is None and self._outbox:
            log.warning("broker.closed_undrained", reason=self._down_because)

    def _on_keeper_done(self, keeper: asyncio.Task[None]) -> None:
        if not keeper.cancelled() and (error := keeper.exception()) is not None:
            self._down_because = f"the connection keeper ended: {error!r}"
            log.critical("broker.keeper_ended", exc_info=error)


def pause_seconds(attempt: int) -> float:
    """How long to wait before the next connection: exponential with full jitter, five seconds at most.

    Full jitter: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    ceiling = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(attempt, 10))
    return random.uniform(0, ceiling)  # noqa: S311  (spreads reconnections, guards nothing)
