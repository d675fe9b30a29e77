"""The object store: any S3, through boto3, which is imported here and nowhere else.

boto3 blocks, so every call runs in a thread of our own limiter; presigning is pure CPU and does not.
"""

import base64
import functools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

import anyio
import anyio.to_thread
import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from reelwork.objects.cors import allow_browsers
from reelwork.objects.direct import DirectUploads, ObjectReader
from reelwork.objects.disposition import Disposition, content_disposition
from reelwork.objects.errors import ObjectMissing, ObjectStoreDown, RangeOutside
from reelwork.objects.measuring import measured
from reelwork.objects.stream import CHUNK_BYTES, Body, Extent, ObjectStream
from reelwork.tls import TlsFiles

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 16  # calls at once in one process; the connection pool is as large
SINGLE_PUT_BYTES = (
    64 * 1024 * 1024
)  # below this one PUT costs half the CPU of a multipart upload (measured with boto3 1.44)
PART_BYTES = 16 * 1024 * 1024  # 10,000 parts of it are 156 GB, far above any output
DELETE_BATCH = 1000  # the most that one DeleteObjects takes
LONGEST_PRESIGN = timedelta(days=7)  # the most that Signature Version 4 allows

_TRANSFER = TransferConfig(
    multipart_threshold=SINGLE_PUT_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=2, num_download_attempts=3
)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Options:
    """Where the objects are. `public_endpoint_url` is what browsers reach; the host is part of a signature."""

    endpoint_url: str
    public_endpoint_url: str
    region: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    connect_timeout: timedelta = timedelta(seconds=2)
    read_timeout: timedelta = timedelta(seconds=15)
    attempts: int = 3  # the first one included
    tls: TlsFiles = field(default_factory=TlsFiles)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFacts:
    """What the store knows about an object. `sha256` (hex) is known if whoever stored it said so."""

    key: str
    size_bytes: int
    content_type: str
    etag: str
    sha256: str | None
    modified_at: datetime


class ObjectStore:
    """One bucket. Made by `open`; every method raises `ObjectStoreDown` when the store cannot be used."""

    def __init__(self, options: S3Options, internal: "S3Client", public: "S3Client") -> None:
        self._bucket = options.bucket
        self._region = options.region
        self._client = internal
        self._public = public
        self._threads = anyio.CapacityLimiter(THREADS)
        self.direct = DirectUploads(options.bucket, internal, public, self._run)

    @classmethod
    @asynccontextmanager
    async def open(cls, options: S3Options) -> AsyncIterator[Self]:
        """A store for the length of the context. Talks to nobody yet, so it also opens while the store is away."""
        internal = await anyio.to_thread.run_sync(_client, options, options.endpoint_url)
        public = internal
        if options.public_endpoint_url != options.endpoint_url:
            public = await anyio.to_thread.run_sync(_client, options, options.public_endpoint_url)
        try:
            yield cls(options, internal, public)
        finally:
            internal.close()
            public.close()

    async def ping(self) -> None:
        """One round trip that needs the bucket and our credentials."""
        await self._run("", self._client.head_bucket, Bucket=self._bucket)

    async def ensure_bucket(self) -> None:
        """Make the bucket if it is not there, for browsers too; safe to call from many processes at once."""
        await self._run("", self._make_bucket)
        await self._run("", allow_browsers, self._client, self._bucket)

    async def put_file(self, key: str, path: Path, content_type: str, *, sha256: str | None = None) -> None:
        """Store a file, streamed from disk; an object under the same key is replaced, whole or not at all.

        With `sha256` (hex) the store refuses bytes that differ (single PUT) and `head` tells it later.
        """
        await self._run(key, self._put, key, path, content_type, sha256)

    async def get_file(self, key: str, path: Path) -> None:
        """Fetch an object into a file, streamed; the file appears whole or not at all. Raises `ObjectMissing`."""
        await self._run(key, self._client.download_file, self._bucket, key, str(path), Config=_TRANSFER)

    async def head(self, key: str) -> ObjectFacts:
        """What the store knows about an object. Raises `ObjectMissing`."""
        answer = await self._run(key, self._client.head_object, Bucket=self._bucket, Key=key)
        return ObjectFacts(
            key=key,
            size_bytes=answer["ContentLength"],
            content_type=answer.get("ContentType", "application/octet-stream"),
            etag=answer["ETag"].strip('"'),
            sha256=answer.get("Metadata", {}).get("sha256"),
            modified_at=answer["LastModified"],
        )

    async def open_range(self, key: str, start: int = 0, end: int | None = None) -> ObjectStream:
        """Bytes `start` to `end` (both included, as in HTTP; None: to the last), cut at the object's end.

        Raises `ObjectMissing`, and `RangeOutside` when `start` is not within the object. An empty object has no
        byte 0 either, but is given as an empty stream when all of it is wanted.
        """
        if start < 0 or (end is not None and end < start):
            raise ValueError(f"not a range: {start}-{end}")
        wanted: dict[str, Any] = {"Bucket": self._bucket, "Key": key}
        if (start, end) != (0, None):
            wanted["Range"] = f"bytes={start}-{'' if end is None else end}"
        with _translated(key, start=start):
            answer = await self._in_thread(self._client.get_object, **wanted)
        length = answer["ContentLength"]
        _, _, size = answer.get("ContentRange", f"/{length}").rpartition("/")
        extent = Extent(start=start, length=length, size_bytes=int(size), content_type=answer["ContentType"])
        return ObjectStream(extent, answer["Body"], functools.partial(self._read_chunk, key))

    async def reading(
        self, key: str, size_bytes: int, work: Callable[[ObjectReader], T], limit: anyio.CapacityLimiter
    ) -> T:
        """What `work` makes of an object, in a thread of `limit`; cancelled, it stops at its next read."""
        reader = self.direct.reader(key, size_bytes)
        with _translated(key):
            try:
                return await anyio.to_thread.run_sync(work, reader, limiter=limit, abandon_on_cancel=True)
            finally:
                reader.stop.set()

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are not there are fine. In batches, so an error may leave a part undone."""
        for first in range(0, len(keys), DELETE_BATCH):
            await self._run("", self._delete_batch, keys[first : first + DELETE_BATCH])

    async def list_keys(self, prefix: str, *, before: datetime | None = None) -> AsyncIterator[str]:
        """Keys under a prefix in the store's order, page by page; with `before` only those last changed before it."""
        wanted: dict[str, Any] = {"Bucket": self._bucket, "Prefix": prefix}
        while True:
            page = await self._run("", self._client.list_objects_v2, **wanted)
            for entry in page.get("Contents", ()):
                if before is None or entry["LastModified"] < before:
                    yield entry["Key"]
            if not page.get("IsTruncated"):
                return
            wanted["ContinuationToken"] = page["NextContinuationToken"]

    async def abort_uploads(self, before: datetime) -> int:
        """End multipart uploads that began before this moment and were never completed; how many."""
        wanted: dict[str, Any] = {"Bucket": self._bucket}
        aborted = 0
        while True:
            page = await self._run("", self._client.list_multipart_uploads, **wanted)
            stale = [upload for upload in page.get("Uploads", ()) if upload["Initiated"] < before]
            for upload in stale:
                key, upload_id = upload["Key"], upload["UploadId"]
                with suppress(ObjectMissing):  # it was completed, or aborted by another process, meanwhile
                    await self._run(
                        key, self._client.abort_multipart_upload, Bucket=self._bucket, Key=key, UploadId=upload_id
                    )
                aborted += 1
            if not page.get("IsTruncated"):
                return aborted
            wanted |= {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    def presign_get(
        self, key: str, *, expires: timedelta, filename: str, content_type: str, disposition: Disposition
    ) -> str:
        """An address that serves the object to anyone until it expires, under our name and type. No I/O.

        It is signed for the public endpoint; its host cannot be rewritten afterwards.
        """
        if not timedelta(seconds=1) <= expires <= LONGEST_PRESIGN:
            raise ValueError(f"an address can live from one second to seven days, not {expires}")
        wanted = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentType": content_type,
            "ResponseContentDisposition": content_disposition(disposition, filename),
        }
        return self._public.generate_presigned_url("get_object", Params=wanted, ExpiresIn=int(expires.total_seconds()))

    async def _run(self, key: str, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        with _translated(key):
            return await self._in_thread(call, *args, **kwargs)

    async def _in_thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await anyio.to_thread.run_sync(functools.partial(measured, call, *args, **kwargs), limiter=self._threads)

    async def _read_chunk(self, key: str, body: Body) -> bytes:
        return await self._run(key, body.read, CHUNK_BYTES)

    def _make_bucket(self) -> None:
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except ClientError as error:
            if _code(error) not in {"404", "NoSuchBucket"}:
                raise
        else:
            return
        wanted: dict[str, Any] = {"Bucket": self._bucket}
        if self._region != "us-east-1":  # the one region that must not be named here
            wanted["CreateBucketConfiguration"] = {"LocationConstraint": self._region}
        try:
            self._client.create_bucket(**wanted)
        except ClientError as error:
            if _code(error) not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                raise

    def _put(self, key: str, path: Path, content_type: str, sha256: str | None) -> None:
        kept: Any = {"ContentType": content_type}
        if sha256 is not None:
            kept["Metadata"] = {"sha256": sha256}
        if path.stat().st_size >= SINGLE_PUT_BYTES:
            self._client.upload_file(str(path), self._bucket, key, ExtraArgs=kept, Config=_TRANSFER)
            return
        if sha256 is not None:
            kept["ChecksumSHA256"] = base64.b64encode(bytes.fromhex(sha256)).decode()
        with path.open("rb") as file:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=file, **kept)

    def _delete_batch(self, keys: Sequence[str]) -> None:
        wanted: Any = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        answer = self._client.delete_objects(Bucket=self._bucket, Delete=wanted)
        if refused := answer.get("Errors"):
            raise ObjectStoreDown(f"{len(refused)} of {len(keys)} objects not deleted, first: {refused[0]}")


def _client(options: S3Options, endpoint_url: str) -> "S3Client":
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},  # works with a bare host and port, as every emulator has it
        connect_timeout=options.connect_timeout.total_seconds(),
        read_timeout=options.read_timeout.total_seconds(),
        retries={"mode": "standard", "total_max_attempts": options.attempts},
        max_pool_connections=THREADS,
        # the newer default, a checksum trailer on every body, is not understood by every S3 that is not Amazon's
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        client_cert=str(options.tls.cert_file) if options.tls.cert_file is not None else None,
    )
    session = boto3.session.Session(
        aws_access_key_id=options.access_key, aws_secret_access_key=options.secret_key, region_name=options.region
    )
    trusted = str(options.tls.ca_file) if options.tls.ca_file is not None else None
    return session.client("s3", endpoint_url=endpoint_url, config=config, verify=trusted)


@contextmanager
def _translated(key: str, *, start: int = 0) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        match _code(error):
            case "404" | "NoSuchKey" | "NoSuchUpload" if key:
                raise ObjectMissing(key) from error
            case "416" | "InvalidRange":
                raise RangeOutside(key, start) from error
            case code:
                raise ObjectStoreDown(f"the object store refused {error.operation_name}: {code}") from error
    except (BotoCoreError, Boto3Error, HTTPError) as error:
        raise ObjectStoreDown(f"the object store does not answer: {type(error).__name__}") from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
