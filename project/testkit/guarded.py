"""The gateway's guarded connections around a small app, inside the test's own process: for bytes on a socket."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

from gateway.connection import Bounds
from gateway.serving import ServerConfig
from testkit.waiting import until

HOST = b"Host: x\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST
PATIENT = Bounds(connections=1000, head_seconds=60, silence_seconds=60, keep_alive_seconds=60)


@dataclass
class Site:
    """A server whose app reads a body at /read, ignores it elsewhere; floods /flood and WebSockets."""

    port: int = 0
    server: uvicorn.Server | None = None
    gone: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        if scope["type"] == "websocket":
            await self._talk(receive, send)
            return
        body = b""
        while scope["path"] == "/read":
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone.append("read")
                return
            body += message["body"]
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/flood":
            await receive()
            hung_up = asyncio.ensure_future(receive())
            while not hung_up.done():
                await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
                await asyncio.sleep(0)
            self.gone.append("flood")
        await send({"type": "http.response.body", "body": b"%d bytes" % len(body)})

    async def _talk(self, receive: Receive, send: Send) -> None:
        """Say more and more over a WebSocket."""
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while True:
                await send({"type": "websocket.send", "text": "x" * 100_000})
                await asyncio.sleep(0)
        finally:
            self.gone.append("socket")

    @property
    def open(self) -> int:
        assert self.server is not None
        return len(self.server.server_state.connections)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, request: bytes) -> bytes:
        """All that comes until the server hangs up."""
        with self.connect() as connection:
            connection.sendall(request)
            return to_the_end(connection)


@contextmanager
def served(bounds: Bounds) -> Iterator[Site]:
    site = Site()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        site.port = listener.getsockname()[1]
        config = ServerConfig(site, host="127.0.0.1", port=site.port, bounds=bounds)
        config.lifespan = "off"
        server = site.server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        until(lambda: server.started)
        yield site
        server.should_exit = server.force_exit = True
        thread.join()


def to_the_end(connection: socket.socket) -> bytes:
    answer = b""
    try:
        while chunk := connection.recv(65_536):
            answer += chunk
    except ConnectionResetError:
        pass
    return answer


def problem(answer: bytes) -> dict[str, Any]:
    """The problem document of an answer after which the connection is closed."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    found: dict[str, Any] = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {found['status']} ".encode())
    return found


def post(*fields: bytes, body: bytes = b"") -> bytes:
    """A request to /read with these fields."""
    return b"POST /read HTTP/1.1\r\n" + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body
