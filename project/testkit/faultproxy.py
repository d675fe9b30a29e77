"""A TCP proxy that fails on command, to put between a client and any server."""

import asyncio
import contextlib
import itertools
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self, TypeAlias

_CHUNK = 64 * 1024
_RST_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds: close() sends a reset instead of a farewell


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Bytes on their way through one connection (`link`), `upstream` to the target or back to the client."""

    link: int
    upstream: bool
    data: bytes


Watch: TypeAlias = Callable[[Chunk], Awaitable[None]]
Pause: TypeAlias = Callable[[float], Awaitable[None]]


class FaultProxy:
    """Passes bytes between its own port and a target on 127.0.0.1, until told otherwise.

    The faults, each in force until `resume`:

    - `latency`: seconds that every chunk waits, each way;
    - `blackhole()`: connections stay open and new ones are accepted, but no byte passes any more;
    - `reset()`: every present connection is reset, once; new ones work;
    - `down()`: every present connection is reset, and new ones are refused.

    A `watch` is told of every chunk before it passes, and holds it back until it returns. With `tls` the proxy's own
    side is encrypted, so that a plain server is reached as one with TLS. `pause` is what takes the time of `latency`.

    Lives in the event loop that entered `FaultProxy.to`.
    """

    def __init__(self, target_port: int, watch: Watch | None, tls: ssl.SSLContext | None, pause: Pause) -> None:
        self.latency = 0.0
        self.port = 0
        self._watch = watch
        self._tls = tls
        self._pause = pause
        self._target_port = target_port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._links: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._numbers = itertools.count()

    @classmethod
    @asynccontextmanager
    async def to(
        cls,
        target_port: int,
        *,
        watch: Watch | None = None,
        tls: ssl.SSLContext | None = None,
        pause: Pause = asyncio.sleep,
    ) -> AsyncIterator[Self]:
        """A proxy in front of 127.0.0.1:target_port; all its connections end with the context."""
        proxy = cls(target_port, watch, tls, pause)
        await proxy._listen()
        try:
            yield proxy
        finally:
            await proxy.down()

    def blackhole(self) -> None:
        """Let no byte pass; nobody is told."""
        self._flowing.clear()

    async def reset(self) -> None:
        """Reset every connection; returns when all are gone."""
        links = list(self._links.items())
        for task, writers in links:
            for writer in writers:
                _reset(writer)
            task.cancel()
        await asyncio.gather(*(task for task, _ in links), return_exceptions=True)

    async def down(self) -> None:
        """Refuse new connections and reset the present ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.reset()

    async def resume(self) -> None:
        """Be a faithful proxy again, on the same port."""
        self.latency = 0.0
        self._flowing.set()
        if self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._link(reader, writer))
        self._links[task] = [writer]
        task.add_done_callback(lambda done: self._links.pop(done, None))

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward_reader, onward = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:  # the target is away: its client must see that as without a proxy
            _reset(writer)
            return
        writers, link = [writer, onward], next(self._numbers)
        self._links[_this_task()] = writers
        try:
            await asyncio.gather(
                self._pump(reader, onward, link=link, upstream=True),
                self._pump(onward_reader, writer, link=link, upstream=False),
            )
        except OSError:  # one end broke off: so does the other
            for end in writers:
                _reset(end)
        finally:
            for end in writers:
                end.close()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, link: int, upstream: bool
    ) -> None:
        while chunk := await source.read(_CHUNK):
            if self._watch is not None:
                await self._watch(Chunk(link=link, upstream=upstream, data=chunk))
            if self.latency:
                await self._pause(self.latency)
            await self._flowing.wait()
            sink.write(chunk)
            await sink.drain()
        with contextlib.suppress(OSError):  # the other side may have closed first
            sink.write_eof()


def _this_task() -> asyncio.Task[None]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a link lives in a task")
    return task


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):  # it may be closed already
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
    writer.transport.abort()
