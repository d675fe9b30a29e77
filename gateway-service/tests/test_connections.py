"""Connections that are slow, greedy or badly framed, against the guarded protocol alone: real sockets, a small app."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from gateway.connection import HEAD_BYTES, HEAD_FIELDS, LEFTOVER_BYTES, Bounds
from gateway.serving import ServerConfig
from testkit.waiting import until

PATIENT = Bounds(connections=1000, head_seconds=60, silence_seconds=60, keep_alive_seconds=60)
HURRIED = Bounds(connections=1000, head_seconds=0.3, silence_seconds=0.3, keep_alive_seconds=60, unread_seconds=0.3)
HOST = b"Host: x\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST


@dataclass
class Site:
    """A server whose app reads a body at /read, ignores it elsewhere, and sends without end at /flood."""

    port: int = 0
    server: uvicorn.Server | None = None
    gone: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
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


@pytest.fixture(scope="module")
def patient() -> Iterator[Site]:
    with served(PATIENT) as site:
        yield site


@pytest.fixture(scope="module")
def hurried() -> Iterator[Site]:
    with served(HURRIED) as site:
        yield site


def to_the_end(connection: socket.socket) -> bytes:
    answer = b""
    try:
        while chunk := connection.recv(65_536):
            answer += chunk
    except ConnectionResetError:
        pass
    return answer


def problem(answer: bytes) -> dict[str, object]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    found: dict[str, object] = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {found['status']} ".encode())
    return found


def post(*fields: bytes, body: bytes = b"") -> bytes:
    return b"POST /read HTTP/1.1\r\n" + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


UNCLEAR = {
    "a length beside chunks": post(b"Host: x", b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "chunks beside a length": post(b"Host: x", b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n"),
    "two lengths": post(b"Host: x", b"Content-Length: 2", b"Content-Length: 3", body=b"{}x"),
    "the same length twice": post(b"Host: x", b"Content-Length: 2", b"Content-Length: 2", body=b"{}"),
    "a list of lengths": post(b"Host: x", b"Content-Length: 2, 2", body=b"{}"),
    "a negative length": post(b"Host: x", b"Content-Length: -2", body=b"{}"),
    "a length with a sign": post(b"Host: x", b"Content-Length: +2", body=b"{}"),
    "an unknown coding": post(b"Host: x", b"Transfer-Encoding: gzip"),
    "nearly chunked": post(b"Host: x", b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "chunked twice": post(b"Host: x", b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "chunks of HTTP/1.0": b"POST /read HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk with bare line feeds": post(b"Host: x", b"Transfer-Encoding: chunked", body=b"2\n{}\r\n0\r\n\r\n"),
    "a length in the trailers": post(
        b"Host: x", b"Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\nContent-Length: 7\r\n\r\n"
    ),
    "bare line feeds": b"GET / HTTP/1.1\nHost: x\n\n",
    "one bare line feed": b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n",
    "a bare carriage return": GET + b"A: b\rC: d\r\n\r\n",
    "a folded field": GET + b"A: b\r\n c\r\n\r\n",
    "no name of a field": GET + b": v\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: y\r\n\r\n",
    "the same host twice": GET + HOST + b"\r\n",
    "a host with a user": b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "a host with a path": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "two hosts in one": b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "a port in words": b"GET / HTTP/1.1\r\nHost: a:http\r\n\r\n",
    "an address elsewhere": b"GET http://y/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tunnel": b"CONNECT y:443 HTTP/1.1\r\nHost: y:443\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a path with a space": b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path that is not ASCII": b"GET /\xe9 HTTP/1.1\r\nHost: x\r\n\r\n",
}
SOUND = {
    "a host with a port": b"GET / HTTP/1.1\r\nHost: Example.com:8000\r\n",
    "an IPv6 host": b"GET / HTTP/1.1\r\nHost: [::1]:8000\r\n",
    "an empty host": b"GET / HTTP/1.1\r\nHost:\r\n",
    "HTTP/1.0 without a host": b"GET / HTTP/1.0\r\n",
    "an absolute address": b"GET http://x:81/ HTTP/1.1\r\nHost: X:81\r\n",
    "an absolute IPv6 address": b"GET http://[::1]:81/ HTTP/1.1\r\nHost: [::1]:81\r\n",
    "the server itself": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n",
}
LARGE = {
    "one long field": GET + b"X-Long: " + b"a" * HEAD_BYTES + b"\r\n\r\n",
    "a long address": b"GET /" + b"a" * HEAD_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a field without an end": GET + b"X-Long: " + b"a" * (HEAD_BYTES + 300_000),
    "many fields": GET + b"".join(b"X-%d: y\r\n" % number for number in range(HEAD_FIELDS)) + b"\r\n",
    "5,000 fields": GET + b"".join(b"X-%d: y\r\n" % number for number in range(5000)) + b"\r\n",
}


@pytest.mark.parametrize("request_bytes", UNCLEAR.values(), ids=UNCLEAR.keys())
def test_what_could_be_read_in_two_ways_is_refused_and_the_connection_closed(patient: Site, request_bytes: bytes):
    assert problem(patient.ask(request_bytes + GET + b"\r\n"))["code"] == "invalid_request"


@pytest.mark.parametrize("head", SOUND.values(), ids=SOUND.keys())
def test_what_is_sound_is_served(patient: Site, head: bytes):
    assert patient.ask(head + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("request_bytes", LARGE.values(), ids=LARGE.keys())
def test_a_head_that_is_too_large_is_refused_and_the_connection_closed(patient: Site, request_bytes: bytes):
    assert problem(patient.ask(request_bytes))["code"] == "headers_too_large"


def test_a_request_behind_a_refused_one_is_not_answered(patient: Site):
    refused = post(b"Host: x", b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n")

    assert patient.ask(refused + GET + b"\r\n").count(b"HTTP/1.1 ") == 1


def test_an_answer_that_is_owed_goes_out_before_the_connection_is_closed(patient: Site):
    answer = patient.ask(GET + b"\r\n" + b"GET / HTTP/1.1\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1


SLOW: dict[str, Callable[[], bytes]] = {
    "nothing at all": lambda: b"",
    "empty lines": lambda: b"\r\n\r\n",
    "half a first line": lambda: b"GET / HT",
    "half of the headers": lambda: GET + b"X-A: b\r\n",
    "half a body": lambda: post(b"Host: x", b"Content-Length: 10", body=b"1234"),
    "half a chunk": lambda: post(b"Host: x", b"Transfer-Encoding: chunked", body=b"a\r\n1234"),
    "no body after all": lambda: post(b"Host: x", b"Content-Length: 10", b"Expect: 100-continue"),
    "half of the headers of the second request": lambda: GET + b"\r\n" + GET + b"X-A: b\r\n",
}


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW.keys())
def test_who_stops_half_way_is_cut_off(hurried: Site, sent: Callable[[], bytes]):
    answer = hurried.ask(sent())

    assert b" 400 " not in answer
    assert b"bytes" not in answer or sent().count(b"Host") == 2


def test_a_body_that_crawls_is_cut_off(hurried: Site):
    gone = len(hurried.gone)
    with hurried.connect() as connection:
        connection.sendall(post(b"Host: x", b"Content-Length: 100000"))

        def crawled() -> bool:
            try:
                connection.sendall(b"x")
            except OSError:
                return True
            return False

        until(crawled)
    until(lambda: len(hurried.gone) > gone)


def test_a_body_that_comes_at_a_pace_is_read_however_long_it_takes():
    bounds = Bounds(connections=9, head_seconds=60, silence_seconds=1.5, keep_alive_seconds=60)
    with served(bounds) as site, site.connect() as connection:
        connection.sendall(post(b"Host: x", b"Content-Length: 40000", b"Connection: close"))
        for _ in range(40):
            connection.sendall(b"x" * 1000)
            threading.Event().wait(0.05)  # 2 s in all: longer than it may be silent
        assert b"40000 bytes" in to_the_end(connection)


def test_who_never_reads_the_answer_is_cut_off(hurried: Site):
    with hurried.connect() as connection:
        connection.sendall(b"GET /flood HTTP/1.1\r\n" + HOST + b"\r\n")

        until(lambda: "flood" in hurried.gone)


def test_hundreds_that_say_half_a_word_hold_up_nobody(patient: Site):
    with ExitStack() as held:
        for number in range(600):
            connection = held.enter_context(patient.connect())
            connection.sendall(GET if number % 3 else post(b"Host: x", b"Content-Length: 10", body=b"1234"))
        until(lambda: patient.open >= 600)

        for _ in range(20):
            assert b"0 bytes" in patient.ask(GET + b"Connection: close\r\n\r\n")

    until(lambda: patient.open == 0)


def test_one_connection_more_than_allowed_is_answered_and_closed_and_the_others_go_on():
    with served(Bounds(connections=3, head_seconds=60, silence_seconds=60, keep_alive_seconds=60)) as site:
        with ExitStack() as held:
            three = [held.enter_context(site.connect()) for _ in range(3)]
            until(lambda: site.open == 3)
            assert problem(site.ask(b""))["code"] == "unavailable"

            three[0].sendall(GET + b"Connection: close\r\n\r\n")
            assert b" 200 " in to_the_end(three[0])
        until(lambda: site.open == 0)

        assert b" 200 " in site.ask(GET + b"Connection: close\r\n\r\n")


def test_who_goes_on_sending_after_the_answer_is_cut_off(patient: Site):
    with patient.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"

        def sent() -> bool:
            try:
                connection.sendall(b"ffff\r\n" + b"x" * 65_535 + b"\r\n")
            except OSError:
                return True
            return False

        until(sent)


def test_who_sends_a_little_more_after_the_answer_keeps_the_connection(patient: Site):
    with patient.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % (LEFTOVER_BYTES // 2))
        assert connection.recv(12) == b"HTTP/1.1 200"
        connection.sendall(b"x" * (LEFTOVER_BYTES // 2) + GET + b"Connection: close\r\n\r\n")

        assert to_the_end(connection).count(b"HTTP/1.1 200") == 1
