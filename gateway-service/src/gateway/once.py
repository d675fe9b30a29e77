"""`Idempotency-Key` in a route's signature: a request that has one effect and one answer, however often it is sent."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Annotated, BinaryIO

from fastapi import Depends, File, Header, Request, Response, UploadFile

from gateway.auth import Caller
from gateway.deps import Anyone, Keyed, SavedSeries
from gateway.headers import bad_header, documented
from gateway.services.idempotency import Act, KeyedRequests, Reserve
from reelwork.domain.errors import IdempotencyInProgress, IdempotencyKeyMismatch
from reelwork.store.idempotency import KeyedRequest, Ours

# What a route that takes a key documents: how it refuses one, and what its answers carry.
KEY_REFUSALS = (IdempotencyInProgress, IdempotencyKeyMismatch)
REPLAYED = documented({"Idempotency-Replayed": "`true`: the answer to an earlier request of this key."})

# What is no larger is not worth a file.
_SPOOLED_BYTES = 256 * 1024


class _Once:
    def __init__(self, keyed: KeyedRequests, request: KeyedRequest | None) -> None:
        self._keyed = keyed
        self._request = request

    async def answer(self, reserve: Reserve, act: Act) -> Response:
        """What `act` answers, or answered the first time: see `KeyedRequests.answer`. Without a key it just acts."""
        if self._request is None:
            answer, replayed = await act(Ours(subject=reserve(), holder="", first=True)), False
        else:
            answer, replayed = await self._keyed.answer(self._request, reserve, act)
        headers = answer.headers | ({"Idempotency-Replayed": "true"} if replayed else {})
        return Response(answer.body, answer.status, headers, media_type="application/json")


_Key = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        description="Any text of your own, kept for 24 hours: the same request sent again with the same key gets "
        "the first one's answer, and nothing is done twice. A request that is refused does not use it up.",
        examples=["order-42"],
    ),
]


async def _once(request: Request, keyed: Keyed, caller: Anyone, idempotency_key: _Key = None) -> _Once:
    if idempotency_key is None:
        return _Once(keyed, None)
    return _Once(keyed, _keyed(request, caller, idempotency_key, hashlib.sha256(await request.body())))


async def _once_of_file(
    request: Request,
    keyed: Keyed,
    caller: Anyone,
    file: Annotated[UploadFile, File()],
    idempotency_key: _Key = None,
) -> _Once:
    """Of a form: what its boundaries look like makes no difference, what is in its file does. Leaves the file read."""
    if idempotency_key is None:
        return _Once(keyed, None)
    digest = await asyncio.to_thread(hashlib.file_digest, file.file, "sha256")  # type: ignore[arg-type]  # a spooled file fills buffers
    return _Once(keyed, _keyed(request, caller, idempotency_key, digest))


async def _spooled(request: Request, caller: Anyone, series: SavedSeries) -> AsyncIterator[BinaryIO]:
    """Raises RateLimited, Unavailable for a body that has to go to the disk while too many others are there."""
    with tempfile.SpooledTemporaryFile(max_size=_SPOOLED_BYTES) as file, ExitStack() as berth:
        body, received = UploadFile(file), 0  # type: ignore[arg-type]  # what it is given by forms, too
        async for chunk in request.stream():
            if received <= _SPOOLED_BYTES < received + len(chunk):
                berth.enter_context(series.files.taken(caller.account.id))
            received += len(chunk)
            await body.write(chunk)
        yield file  # type: ignore[misc]  # a file in all that is asked of it


async def _once_of_body(
    request: Request,
    keyed: Keyed,
    caller: Anyone,
    body: "SpooledBody",
    idempotency_key: _Key = None,
) -> _Once:
    if idempotency_key is None:
        return _Once(keyed, None)
    return _Once(keyed, _keyed(request, caller, idempotency_key, await asyncio.to_thread(_digest, body)))


def _digest(file: BinaryIO) -> "hashlib._Hash":
    file.seek(0)
    return hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]  # a spooled file fills buffers


def _keyed(request: Request, caller: Caller, key: str, body: "hashlib._Hash") -> KeyedRequest:
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise bad_header("idempotency-key", "Send one key.")
    return KeyedRequest(
        account=caller.account.id,
        route=f"{request.method} {request.url.path}",
        key=key,
        fingerprint=_fingerprint(request, body),
    )


def _fingerprint(request: Request, digest: "hashlib._Hash") -> str:
    """Tells two requests to one address apart by whatever changes their effect. `digest`: of the body."""
    for name, value in (("query", request.url.query), ("cancel-after", request.headers.get("cancel-after", ""))):
        if value:
            digest.update(f"\0{name}={value}".encode())
    return digest.hexdigest()


Once = Annotated[_Once, Depends(_once)]
# A body that is too large to be held: in a file, which may be anywhere in it, and goes with the request.
SpooledBody = Annotated[BinaryIO, Depends(_spooled)]
# For routes that take one.
OnceOfBody = Annotated[_Once, Depends(_once_of_body)]
# For routes whose body is a form with a `file`.
OnceOfFile = Annotated[_Once, Depends(_once_of_file)]
