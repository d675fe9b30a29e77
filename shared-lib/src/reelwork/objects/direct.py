"""Bytes straight from a client into the bucket: signed addresses that take exactly what was declared, in one piece or
in parts, and reading back what came."""

import base64
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from botocore.response import StreamingBody
from urllib3.exceptions import HTTPError

from reelwork.objects.errors import ObjectMissing
from reelwork.objects.measuring import measured

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

READ_BYTES = 1024 * 1024


class Run(Protocol):
    """Runs a blocking call of the store in a thread, with its errors translated; `key` is what the call is about."""

    def __call__(self, key: str, call: Callable[..., Any], *arguments: Any, **options: Any) -> Awaitable[Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPart:
    """What the store has of one part; the last that was sent, where it was sent more than once."""

    number: int
    size_bytes: int
    etag: str


class DirectUploads:
    """The part of an `ObjectStore` that clients write to. Raises `ObjectStoreDown` as it does."""

    def __init__(self, bucket: str, internal: "S3Client", public: "S3Client", run: Run) -> None:
        self._bucket = bucket
        self._client = internal
        self._public = public
        self._run = run

    def presign_put(
        self, key: str, *, expires: timedelta, size_bytes: int, content_type: str, sha256: str
    ) -> tuple[str, Mapping[str, str]]:
        """An address that takes one object, and the headers to send with it. No I/O.

        Length, type and digest are signed: the store refuses any other request, and bytes of another digest.
        """
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        wanted = {
            "Bucket": self._bucket,
            "Key": key,
            "ContentLength": size_bytes,
            "ContentType": content_type,
            "ChecksumSHA256": checksum,
        }
        url = self._public.generate_presigned_url("put_object", Params=wanted, ExpiresIn=int(expires.total_seconds()))
        return url, {"Content-Type": content_type, "x-amz-checksum-sha256": checksum}

    async def begin(self, key: str, content_type: str) -> str:
        """Begin an upload in parts; the store's name for it."""
        wanted = {"Bucket": self._bucket, "Key": key, "ContentType": content_type}
        answer = await self._run(key, self._client.create_multipart_upload, **wanted)
        return str(answer["UploadId"])

    def presign_part(self, key: str, multipart: str, number: int, *, expires: timedelta, size_bytes: int) -> str:
        """An address that takes one part of exactly this length. No I/O."""
        wanted = {
            "Bucket": self._bucket,
            "Key": key,
            "UploadId": multipart,
            "PartNumber": number,
            "ContentLength": size_bytes,
        }
        return self._public.generate_presigned_url("upload_part", Params=wanted, ExpiresIn=int(expires.total_seconds()))

    async def parts(self, key: str, multipart: str) -> list[StoredPart]:
        """What the store has, by number. Raises `ObjectMissing` for an upload that was put together or ended."""
        found: dict[int, StoredPart] = {}
        wanted: dict[str, Any] = {"Bucket": self._bucket, "Key": key, "UploadId": multipart}
        while True:
            page = await self._run(key, self._client.list_parts, **wanted)
            for part in page.get("Parts", ()):
                # SeaweedFS tells of each sending of a part, the newest first; others of the newest alone.
                stored = StoredPart(number=part["PartNumber"], size_bytes=part["Size"], etag=part["ETag"].strip('"'))
                found.setdefault(stored.number, stored)
            if not page.get("IsTruncated"):
                return [found[number] for number in sorted(found)]
            wanted["PartNumberMarker"] = page["NextPartNumberMarker"]

    async def join(self, key: str, multipart: str, parts: Sequence[StoredPart]) -> None:
        """Put the parts together to the object. Raises `ObjectMissing` where that was done before, or ended."""
        named: Any = {"Parts": [{"PartNumber": part.number, "ETag": part.etag} for part in parts]}
        wanted = {"Bucket": self._bucket, "Key": key, "UploadId": multipart, "MultipartUpload": named}
        await self._run(key, self._client.complete_multipart_upload, **wanted)

    async def abort(self, key: str, multipart: str) -> None:
        """Let go of the parts; fine where there are none any more."""
        wanted = {"Bucket": self._bucket, "Key": key, "UploadId": multipart}
        try:
            await self._run(key, self._client.abort_multipart_upload, **wanted)
        except ObjectMissing:
            return

    def reader(self, key: str, size_bytes: int) -> "ObjectReader":
        """The object, for whoever is in a thread already. No I/O yet."""
        return ObjectReader(self._client, self._bucket, key, size_bytes)


class Stopped(Exception):
    """Nobody waits for the reader's work any more."""


# What ends a reading from outside of the bytes that are read.
Trouble = BotoCoreError | ClientError | HTTPError | Stopped


class ObjectReader:
    """Reads one object, blocking, never more than what is asked for at once. Raises the vendor's errors: run it by
    `ObjectStore.reading`. `trouble` is what ended it, for whoever calls a library that raises something else then."""

    def __init__(self, client: "S3Client", bucket: str, key: str, size_bytes: int) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key
        self.size_bytes = size_bytes
        self.stop = Event()
        self.trouble: Trouble | None = None

    def chunks(self) -> Iterator[bytes]:
        """All of it, in one stream, by pieces of at most `READ_BYTES`. Raises Stopped."""
        with self._noted(), closing(self._opened()) as body:
            while chunk := measured(body.read, READ_BYTES):
                self._go_on()
                yield chunk

    def at(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` on, or what there is of them. Raises Stopped."""
        last = min(offset + length, self.size_bytes) - 1
        if last < offset:
            return b""
        with self._noted():
            self._go_on()
            with closing(self._opened(Range=f"bytes={offset}-{last}")) as body:
                return measured(body.read)

    def _opened(self, **wanted: Any) -> StreamingBody:
        """All of it, or what is `wanted`: options of the request. `Any`: the types that boto3 gives them."""
        return measured(self._client.get_object, Bucket=self._bucket, Key=self._key, **wanted)["Body"]

    def _go_on(self) -> None:
        if self.stop.is_set():
            raise Stopped

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError, HTTPError, Stopped) as error:
            self.trouble = error
            raise
