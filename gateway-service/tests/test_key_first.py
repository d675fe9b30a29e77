"""Who may not come in cannot make us read: the key is checked before the body, on every route that takes one."""

import gzip
import json
import re
import socket
from pathlib import Path

import pytest

from reelwork.domain.account import Scope
from testkit.caller import Caller, expect
from testkit.stack import Stack

pytestmark = pytest.mark.security

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
WITH_BODY = [
    (method.upper(), path, next(iter(operation["requestBody"]["content"])))
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if "requestBody" in operation and operation.get("security")
]
JSON_ROUTES = [(method, path) for method, path, content_type in WITH_BODY if content_type == "application/json"]


def head(method: str, path: str, *fields: str) -> bytes:
    address = re.sub(r"{\w+}", "x", path)
    return "\r\n".join([f"{method} {address} HTTP/1.1", "Host: x", *fields, "", ""]).encode()


def first_line(stack: Stack, request: bytes) -> bytes:
    """Of the answer to so much of a request."""
    with socket.create_connection(("127.0.0.1", stack.port), timeout=20) as connection:
        connection.sendall(request)
        return connection.recv(65_536).partition(b"\r\n")[0]


@pytest.mark.parametrize(("method", "path", "content_type"), WITH_BODY, ids=[" ".join(one[:2]) for one in WITH_BODY])
@pytest.mark.parametrize("length", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
def test_without_a_key_no_body_is_waited_for(stack: Stack, method: str, path: str, content_type: str, length: str):
    fields = (f"Content-Type: {content_type}; boundary=x", length)

    assert first_line(stack, head(method, path, *fields)) == b"HTTP/1.1 401 Unauthorized"
    assert first_line(stack, head(method, path, *fields, "X-API-Key: rw_x_y")) == b"HTTP/1.1 401 Unauthorized"


@pytest.mark.parametrize(("method", "path", "content_type"), WITH_BODY, ids=[" ".join(one[:2]) for one in WITH_BODY])
def test_without_the_scope_no_body_is_waited_for(stack: Stack, method: str, path: str, content_type: str):
    key = stack.caller("unscoped", scopes=frozenset[Scope]()).key
    fields = (f"Content-Type: {content_type}; boundary=x", "Content-Length: 100000", f"X-API-Key: {key}")

    assert first_line(stack, head(method, path, *fields)) == b"HTTP/1.1 403 Forbidden"


@pytest.mark.parametrize(("method", "path"), JSON_ROUTES, ids=[" ".join(one) for one in JSON_ROUTES])
def test_a_body_without_an_announced_length_is_read_to_the_limit_and_no_further(
    almighty: Caller, stack: Stack, method: str, path: str
):
    before = stack.stored()
    limit = 8 * 1024 * 1024 if path.endswith("/batches") else 1024 * 1024
    request = head(
        method, path, f"X-API-Key: {almighty.key}", "Content-Type: application/json", "Transfer-Encoding: chunked"
    )
    with socket.create_connection(("127.0.0.1", stack.port), timeout=20) as connection:
        connection.sendall(request)
        for _ in range(limit // 65_535 + 1):
            connection.sendall(b"ffff\r\n" + b" " * 65_535 + b"\r\n")

        assert connection.recv(12) == b"HTTP/1.1 413"
    assert not stack.added_since(before)


@pytest.mark.parametrize(("method", "path", "content_type"), WITH_BODY, ids=[" ".join(one[:2]) for one in WITH_BODY])
@pytest.mark.parametrize("coding", ["gzip", "deflate, gzip", "br", "x"])
def test_a_packed_body_is_not_unpacked(almighty: Caller, method: str, path: str, content_type: str, coding: str):
    headers = {"Content-Type": f"{content_type}; boundary=x", "Content-Encoding": coding}

    answer = almighty.http.request(
        method, re.sub(r"{\w+}", "x", path), content=gzip.compress(b"{}" + b" " * 1_000_000), headers=headers
    )

    refused = expect(415, answer)
    if "application/problem+json" in str(DOCUMENT["paths"][path]):
        assert refused["errors"][0]["pointer"] == "header:content-encoding"
    else:  # in the words of a replaced system
        assert "Packed bodies are not taken" in answer.text


@pytest.mark.parametrize("content_type", ["application/json, application/json", "application/json; charset=utf-16"])
def test_content_that_is_said_to_be_two_things_is_neither(owner: Caller, content_type: str):
    answer = owner.http.post("/v1/jobs", content=b"{}", headers={"Content-Type": content_type})

    assert expect(415, answer)["errors"][0]["pointer"] == "header:content-type"


def test_two_content_types_are_none(owner: Caller, stack: Stack):
    fields = [f"X-API-Key: {owner.key}", *["Content-Type: application/json"] * 2, "Content-Length: 2"]

    assert first_line(stack, head("POST", "/v1/jobs", *fields) + b"{}") == b"HTTP/1.1 415 Unsupported Media Type"
