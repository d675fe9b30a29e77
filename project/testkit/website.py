"""A web site that answers as a test says, byte by byte: good pages, endless ones, slow ones, and no HTTP at all."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

# The bytes of a whole answer, status line and headers included, in the pieces in which they are sent.
Page: TypeAlias = Callable[[], AsyncIterator[bytes]]


class Website:
    """Made by `running_website`. Serves on a port of its own, from a thread of its own."""

    def __init__(self, pages: Mapping[str, Page], host: str, tls: ssl.SSLContext | None) -> None:
        self.host = host
        self.port = 0
        self.connections = 0  # that were made, whatever became of them
        self.requests: list[str] = []  # head of each, as it came
        self._pages = dict(pages)
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stopped: asyncio.Event | None = None

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self._tls else ''}://{host}:{self.port}"

    def run(self) -> None:
        """Serve until `stop`; for the thread."""
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    def wait_ready(self) -> None:
        assert self._ready.wait(10), "the web site did not come up"

    def stop(self) -> None:
        if self._stopped is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        links: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = self._loop.create_task(self._answer(reader, writer))
            links.add(task)
            task.add_done_callback(links.discard)

        # Not asyncio's TLS: a client that breaks the handshake off counts as a connection too.
        server = await asyncio.start_server(accept, self.host, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()
        server.close()
        for task in list(links):
            task.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            if self._tls is not None:
                await writer.start_tls(self._tls)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.requests.append(head)
            page = self._pages.get(head.split(" ", 2)[1].partition("?")[0], _missing)
            async for piece in page():
                writer.write(piece)
                await writer.drain()
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
            pass  # the client has had enough
        finally:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()


@contextmanager
def running_website(
    pages: Mapping[str, Page] | None = None, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> Iterator[Website]:
    """A site for the length of the context; what it has no page for is answered 404."""
    site = Website(pages or {}, host, tls)
    thread = threading.Thread(target=site.run, name="website")
    thread.start()
    try:
        site.wait_ready()
        yield site
    finally:
        site.stop()
        thread.join(10)


def page(body: bytes = b"", *, status: str = "200 OK", length: int | None = None, **headers: str) -> Page:
    """A whole answer; `Content_Type=…` becomes a header. `length`: what Content-Length says, if not the truth."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = {"Content-Length": str(len(body) if length is None else length), **named}
    head = f"HTTP/1.1 {status}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    return pieces(head.encode() + body)


def redirect(location: str, status: str = "302 Found") -> Page:
    return page(status=status, Location=location)


def pieces(*sent: bytes) -> Page:
    """These very bytes."""

    async def send() -> AsyncIterator[bytes]:
        for piece in sent:
            yield piece

    return send


def endless(head: bytes, piece: bytes, *, pause_seconds: float = 0) -> Page:
    """`head`, and then `piece` for ever."""

    async def send() -> AsyncIterator[bytes]:
        yield head
        while True:
            yield piece
            await asyncio.sleep(pause_seconds)

    return send


def silent(*sent: bytes) -> Page:
    """These bytes, and then nothing, on a connection that stays open."""

    async def send() -> AsyncIterator[bytes]:
        for piece in sent:
            yield piece
        await asyncio.Event().wait()

    return send


_missing = page(b"nothing here", status="404 Not Found")
