"""Below what an HTTP client would send: bytes on a socket. Whatever comes, the gateway refuses it and goes on."""

import socket

import pytest

from testkit import pictures
from testkit.caller import Caller, expect
from testkit.stack import Stack
from testkit.waiting import until

pytestmark = pytest.mark.security

REQUESTS = {
    "two lengths": "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    "a negative length": "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n{}",
    "a length in words": "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: two\r\n\r\n{}",
    "a chunk size in words": "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "a chunk size of 20 digits": (
        "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffffff\r\n{}"
    ),
    "a NUL in a header": "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Key: a\x00b\r\n\r\n",
    "a space before the colon": "GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n",
    "an unknown method": "FOO /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "an unknown version": "GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
    "no HTTP at all": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "nothing but line ends and a word": "\r\n\r\nhello\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", REQUESTS.values(), ids=REQUESTS.keys())
def test_what_is_not_http_is_refused_and_harms_nobody(stack: Stack, nobody: Caller, request_bytes: str):
    before = stack.stored()

    answer = _send(stack, request_bytes.encode("latin-1"))

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert expect(200, nobody.http.get("/healthz"))["status"] == "ok"
    assert not stack.added_since(before)


def test_a_smuggled_second_request_is_not_answered(stack: Stack, owner: Caller):
    before = stack.stored()
    hidden = f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nX-API-Key: {owner.key}\r\nContent-Length: 2\r\n\r\n{{}}"
    both = "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"

    answer = _send(stack, (both + hidden).encode())

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert not stack.added_since(before)


def test_a_header_of_100_kilobytes_is_refused(stack: Stack, nobody: Caller):
    answer = _send(stack, f"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: {'a' * 100_000}\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert nobody.http.get("/healthz").status_code == 200


def test_who_hangs_up_in_the_middle_of_an_upload_leaves_nothing_behind(stack: Stack, owner: Caller):
    before = stack.stored()
    head = (
        f"POST /v1/assets HTTP/1.1\r\nHost: x\r\nX-API-Key: {owner.key}\r\nContent-Length: 5000000\r\n"
        "Content-Type: multipart/form-data; boundary=abc\r\n\r\n"
        '--abc\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    )

    for share in (0, 100, 1_000_000):
        with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as connection:
            connection.sendall(head.encode() + pictures.padded(2_000_000)[:share])

    owner.upload(pictures.picture(size=(8, 8)))  # comes after them on the same loop
    until(lambda: len(stack.stored().assets - before.assets) == 1)
    assert stack.stored().jobs == before.jobs


def test_who_hangs_up_right_after_a_submit_has_submitted(stack: Stack, owner: Caller):
    before = stack.stored()
    body = '{"model":"testkit/noop"}'
    head = (
        f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nX-API-Key: {owner.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )

    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as connection:
        connection.sendall((head + body).encode())
        assert connection.recv(12) == b"HTTP/1.1 202"

    (job_id,) = stack.stored().jobs - before.jobs
    assert owner.wait(job_id)["status"] == "completed"


def _send(stack: Stack, request: bytes) -> bytes:
    """Everything that comes back until the gateway hangs up, or says nothing more."""
    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
        return answer
