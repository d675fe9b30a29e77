"""One AMQP connection and its channels, with pika's callbacks turned into things that can be awaited.

pika 1.4 carries no type information for its users, so what it hands out is Any here and in the modules that use this.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pika
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.adapters.utils.connection_workflow import (
    AMQPConnectionWorkflowAborted,
    AMQPConnectionWorkflowFailed,
    AMQPConnectorException,
)
from pika.exceptions import AMQPError, StreamLostError

from reelwork.broker.base import BrokerDown
from reelwork.tls import TlsFiles, is_encrypted

CONNECT_SECONDS = 5.0  # name, TCP, TLS and AMQP together
CALL_SECONDS = 2.0  # an answer to one question; also the longest that a health check or a new watcher is held up
HEARTBEAT_SECONDS = 10
BLOCKED_SECONDS = 60.0  # how long we stay with a broker that has stopped reading because of a resource alarm


class _Stack(AsyncioConnection):  # type: ignore[misc]  # pika is untyped
    """pika's connection with a way to end it at once."""

    def abort(self, reason: Exception) -> None:
        """Drop the socket without the closing handshake, for which a frozen broker would let us wait."""
        self._terminate_stream(reason)


class Connection:
    """A connection from its opening to its loss. It is not mended: whoever owns it opens another."""

    def __init__(self, stack: Any) -> None:
        self.blocked = False  # the broker has stopped reading, because of an alarm of memory or disk
        self._when_unblocked: list[Callable[[], None]] = []
        self._stack = stack
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        stack.add_on_close_callback(lambda _stack, error: _settle(self._lost, reason_of(error)))
        stack.add_on_connection_blocked_callback(self._on_blocked)
        stack.add_on_connection_unblocked_callback(self._on_unblocked)

    @classmethod
    async def open(cls, parameters: Any) -> "Connection":
        """Connect. Raises `BrokerDown`, after five seconds at most."""
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[Any] = loop.create_future()
        # not by the constructor: pika 1.4 fails an assertion of its own when such a connection is given up half open
        attempt = _Stack.create_connection([parameters], lambda result: _settle(opened, result), custom_ioloop=loop)
        try:
            await asyncio.wait({opened}, timeout=CONNECT_SECONDS)
        finally:
            if not opened.done():
                attempt.abort()
                await asyncio.wait({opened}, timeout=CALL_SECONDS)
        match opened.result():
            case _Stack() as stack:
                return cls(stack)
            case error:
                raise BrokerDown(reason_of(error))

    def when_unblocked(self, call: Callable[[], None]) -> None:
        """Call back each time the broker reads again."""
        self._when_unblocked.append(call)

    async def channel(self) -> "Channel":
        """A new channel. Raises `BrokerDown`."""
        opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._lost.done():
            raise BrokerDown(self._lost.result())
        try:
            raw = self._stack.channel(on_open_callback=lambda channel: _settle(opened, channel))
        except AMQPError as error:
            raise BrokerDown(reason_of(error)) from error
        channel = Channel(raw)
        channel.adopt(opened)
        await channel.answer(opened)
        return channel

    async def close(self) -> None:
        """Say good-bye, or drop the socket if the broker does not answer within two seconds."""
        if self._stack.is_open:
            self._stack.close()
            await asyncio.wait({self._lost}, timeout=CALL_SECONDS)
        await self.abort("closed")

    async def abort(self, reason: str) -> None:
        """Drop the socket and wait until pika has let go of it, which takes a turn or two of the loop."""
        if self._lost.done():
            return
        self._stack.abort(StreamLostError(reason))
        await asyncio.wait({self._lost}, timeout=CALL_SECONDS)

    def _on_blocked(self, _stack: Any, _frame: Any) -> None:
        self.blocked = True

    def _on_unblocked(self, _stack: Any, _frame: Any) -> None:
        self.blocked = False
        for call in self._when_unblocked:
            call()


class Channel:
    """A channel whose questions can be awaited. One that the broker closes answers nothing any more."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self._waiting: set[asyncio.Future[Any]] = set()
        self._closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        raw.add_on_close_callback(self._on_close)

    @property
    def is_open(self) -> bool:
        return bool(self.raw.is_open)

    def when_closed(self, call: Callable[[str], None]) -> None:
        """Call back with the reason, once, when the channel is gone, alone or with its connection."""
        self._closed.add_done_callback(lambda closed: call(closed.result()))

    def ask(self, method: Callable[..., Any], **arguments: Any) -> asyncio.Future[Any]:
        """Send a question, `method` of `raw`; its answer arrives in the future. Raises `BrokerDown`."""
        asked: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            method(callback=lambda frame: _settle(asked, frame), **arguments)
        except AMQPError as error:
            raise BrokerDown(reason_of(error)) from error
        self.adopt(asked)
        return asked

    def adopt(self, future: asyncio.Future[Any]) -> None:
        """Let the loss of the channel fail this future too."""
        self._waiting.add(future)
        future.add_done_callback(self._forget)

    async def answer(self, asked: asyncio.Future[Any]) -> Any:
        """Wait for an answer. Raises `BrokerDown` after two seconds; the question then still stands."""
        await asyncio.wait({asked}, timeout=CALL_SECONDS)
        if not asked.done():
            raise BrokerDown(f"no answer within {CALL_SECONDS:g} s")
        return asked.result()

    async def call(self, method: Callable[..., Any], **arguments: Any) -> Any:
        """Ask and wait for the answer. Raises `BrokerDown`."""
        return await self.answer(self.ask(method, **arguments))

    def _forget(self, future: asyncio.Future[Any]) -> None:
        self._waiting.discard(future)
        if not future.cancelled():
            future.exception()  # nobody may be waiting any more: that is no error

    def _on_close(self, _raw: Any, error: BaseException) -> None:
        reason = reason_of(error)
        for future in list(self._waiting):
            if not future.done():
                future.set_exception(BrokerDown(reason))
        _settle(self._closed, reason)


def reason_of(error: object) -> str:
    """pika's errors in one line: the innermost, since its wrappers have nothing to say."""
    match error:
        case AMQPConnectionWorkflowAborted():
            return f"no AMQP connection within {CONNECT_SECONDS:g} s"
        case AMQPConnectionWorkflowFailed(exceptions=[*_, last]):
            return reason_of(last)
        case AMQPConnectorException(exception=BaseException() as inner):
            return reason_of(inner)
        case _:
            return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def connection_parameters(url: str, name: str, tls: TlsFiles) -> Any:
    """pika's parameters for an AMQP address, with our deadlines. Raises ValueError for a malformed address, OSError for
    files of TLS that cannot be read."""
    if not url.startswith(("amqp://", "amqps://")):
        raise ValueError("not an AMQP address: it has to begin with amqp:// or amqps://")
    parameters = pika.URLParameters(url)
    if is_encrypted(url):
        parameters.ssl_options = pika.SSLOptions(tls.context(), server_hostname=parameters.host)
    parameters.heartbeat = HEARTBEAT_SECONDS
    parameters.blocked_connection_timeout = BLOCKED_SECONDS
    parameters.connection_attempts = 1  # we come back ourselves, with jitter
    parameters.socket_timeout = CONNECT_SECONDS
    parameters.stack_timeout = CONNECT_SECONDS
    parameters.client_properties = {"connection_name": name}
    return parameters


def _settle(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)
