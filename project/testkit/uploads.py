"""Uploads straight into the object store, as a client does them."""

import hashlib
from typing import Any

import httpx2 as httpx

from testkit.caller import Caller, Json, expect

MIB = 1024 * 1024
# What the tests' gateway cuts large files into.
PART = 5 * MIB


def declared(content: bytes, content_type: str = "video/mp4", **fields: object) -> Json:
    """What POST /v1/uploads wants of these bytes."""
    digest = hashlib.sha256(content).hexdigest()
    return {
        "filename": "holiday.mp4",
        "content_type": content_type,
        "bytes": len(content),
        "sha256": digest,
        **fields,
    }


def begin(caller: Caller, content: bytes, content_type: str = "video/mp4", **fields: object) -> Json:
    """A new upload, or the unfinished one."""
    return expect(201, caller.http.post("/v1/uploads", json=declared(content, content_type, **fields)))


def piece(content: bytes, number: int) -> bytes:
    """A part's bytes."""
    return content[(number - 1) * PART : number * PART]


def send(web: httpx.Client, upload: Json, content: bytes, *numbers: int) -> dict[int, str]:
    """PUT these parts; their ETags."""
    urls = {part["n"]: part["url"] for part in upload["part_urls"]}
    answers = {n: web.put(urls[n], content=piece(content, n)) for n in numbers}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {n: answer.headers["etag"] for n, answer in answers.items()}


def complete(caller: Caller, upload: Json, **body: Any) -> httpx.Response:
    """The answer to its end."""
    return caller.http.post(upload["urls"]["complete"], json=body)
