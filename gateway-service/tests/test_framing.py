"""Heads that could be read in two ways, or are too large: refused, and the connection closed."""

from collections.abc import Iterator

import pytest

from gateway.connection import HEAD_BYTES, HEAD_FIELDS
from testkit.guarded import GET, HOST, PATIENT, Site, post, problem, served

pytestmark = pytest.mark.security


@pytest.fixture(scope="module")
def patient() -> Iterator[Site]:
    with served(PATIENT) as site:
        yield site


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
