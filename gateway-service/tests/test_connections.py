"""Connections that are slow or greedy, against the guarded protocol alone: real sockets, a small app."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from gateway.connection import LEFTOVER_BYTES, Bounds
from testkit.guarded import GET, HOST, PATIENT, Site, post, problem, served, to_the_end
from testkit.waiting import until

pytestmark = pytest.mark.security

HURRIED = Bounds(connections=1000, head_seconds=0.3, silence_seconds=0.3, keep_alive_seconds=60, unread_seconds=0.3)
MORE = 2_000_000  # bytes


@pytest.fixture(scope="module")
def patient() -> Iterator[Site]:
    with served(PATIENT) as site:
        yield site


@pytest.fixture(scope="module")
def hurried() -> Iterator[Site]:
    with served(HURRIED) as site:
        yield site


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


def test_who_never_reads_what_a_websocket_says_is_cut_off(hurried: Site):
    with hurried.connect() as connection:
        connection.sendall(
            GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )

        until(lambda: "socket" in hurried.gone)

        assert b" 101 " in to_the_end(connection)


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

        assert any(sent() for _ in range(2 * LEFTOVER_BYTES // 65_535))


def test_who_sends_a_little_more_after_the_answer_keeps_the_connection(patient: Site):
    with patient.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % MORE)
        assert connection.recv(12) == b"HTTP/1.1 200"
        connection.sendall(b"x" * MORE + GET + b"Connection: close\r\n\r\n")

        assert to_the_end(connection).count(b"HTTP/1.1 200") == 1
