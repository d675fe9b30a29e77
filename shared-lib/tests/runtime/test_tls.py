"""TLS to each of our servers: with the authority that the settings name, and with no other; names are checked."""

import asyncio
import gc
import ssl
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis.asyncio
from celery import Celery

from reelwork.broker.connection import Connection, connection_parameters
from reelwork.objects.s3 import ObjectStore, S3Options
from reelwork.store.client import MongoOptions, open_database, ping
from reelwork.tls import TlsFiles, is_encrypted
from testkit.certificates import Authority
from testkit.faultproxy import FaultProxy
from testkit.services import Bucket


@dataclass(frozen=True, slots=True)
class Servers:
    """The plain addresses of the servers that the session runs."""

    mongo: str
    amqp: str
    redis: str
    bucket: Bucket


@pytest.fixture
def servers(mongo_url: str, amqp_url: str, valkey_url: str, s3_bucket: Bucket) -> Servers:
    return Servers(mongo_url, amqp_url, valkey_url, s3_bucket)


async def reach_mongo(servers: Servers, place: str, tls: TlsFiles) -> None:
    url = f"mongodb://{place}/?directConnection=true&tls=true"
    async with open_database(MongoOptions(url=url, database="test", tls=tls)) as database:
        await ping(database)


async def reach_broker(servers: Servers, place: str, tls: TlsFiles) -> None:
    connection = await Connection.open(connection_parameters(_at(servers.amqp, "amqps", place), "test", tls))
    await connection.close()


async def reach_broker_by_celery(servers: Servers, place: str, tls: TlsFiles) -> None:
    url = _at(servers.amqp, "amqps", place)
    app = Celery(broker=url, set_as_current=False)
    app.conf.update(broker_use_ssl=tls.of_celery(url), broker_connection_timeout=5)

    def reach() -> None:
        with app.connection_for_write() as connection:
            connection.connect()

    await asyncio.to_thread(reach)


async def reach_s3(servers: Servers, place: str, tls: TlsFiles) -> None:
    bucket = servers.bucket
    options = S3Options(
        endpoint_url=f"https://{place}",
        public_endpoint_url=f"https://{place}",
        region=bucket.region,
        bucket=bucket.name,
        access_key=bucket.access_key,
        secret_key=bucket.secret_key,
        attempts=1,
        tls=tls,
    )
    async with ObjectStore.open(options) as objects:
        await objects.ping()


async def reach_redis(servers: Servers, place: str, tls: TlsFiles) -> None:
    url = _at(servers.redis, "rediss", place)
    async with redis.asyncio.from_url(url, **tls.of_redis(url)) as client:
        assert await client.ping()


BACKENDS: dict[str, tuple[Callable[[Servers], str], Callable[[Servers, str, TlsFiles], Awaitable[None]]]] = {
    "mongodb": (lambda servers: servers.mongo, reach_mongo),
    "broker": (lambda servers: servers.amqp, reach_broker),
    "broker by celery": (lambda servers: servers.amqp, reach_broker_by_celery),
    "s3": (lambda servers: servers.bucket.endpoint_url, reach_s3),
    "redis": (lambda servers: servers.redis, reach_redis),
}
EACH = pytest.mark.parametrize("backend", BACKENDS)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.in_folder(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.in_folder(tmp_path_factory.mktemp("tls") / "theirs")


async def reach(
    backend: str, servers: Servers, serving: ssl.SSLContext, tls: TlsFiles, *, host: str = "127.0.0.1"
) -> None:
    """Go through TLS to the real server."""
    address, go = BACKENDS[backend]
    port = urlsplit(address(servers)).port
    assert port is not None
    async with FaultProxy.to(port, tls=serving) as proxy:
        await go(servers, f"{host}:{proxy.port}", tls)


async def words_of_refusal(*args: Any, **options: Any) -> str:
    """What `reach` fails with; empty where it does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            await reach(*args, **options)
        except Exception as error:  # noqa: BLE001  (each driver has errors of its own)
            return repr(error)
        finally:
            gc.collect()  # pika and amqp leave the socket of a failed handshake to it
    return ""


@EACH
async def test_it_is_reached_with_the_authority_that_signed_for_it(backend: str, servers: Servers, ours: Authority):
    await reach(backend, servers, ours.issue("127.0.0.1").serving(), TlsFiles(ca_file=ours.ca_file))


@EACH
async def test_another_authority_is_not_trusted(backend: str, servers: Servers, ours: Authority, theirs: Authority):
    for tls in (TlsFiles(ca_file=theirs.ca_file), TlsFiles()):
        assert await words_of_refusal(backend, servers, ours.issue("127.0.0.1").serving(), tls)


@EACH
async def test_a_certificate_for_another_name_is_not_trusted(backend: str, servers: Servers, ours: Authority):
    serving = ours.issue("other.example.com").serving()

    assert await words_of_refusal(backend, servers, serving, TlsFiles(ca_file=ours.ca_file))


@EACH
async def test_a_server_that_wants_our_certificate_gets_it(
    backend: str, servers: Servers, ours: Authority, tmp_path: Path
):
    serving = ours.issue("127.0.0.1").serving(clients_by=ours.ca_file)
    own = ours.issue("reelwork")
    both = tmp_path / "own.pem"
    both.write_bytes(own.cert_file.read_bytes() + own.key_file.read_bytes())

    await reach(backend, servers, serving, TlsFiles(ca_file=ours.ca_file, cert_file=both))
    assert await words_of_refusal(backend, servers, serving, TlsFiles(ca_file=ours.ca_file))


@pytest.mark.parametrize(
    ("url", "encrypted"),
    [
        ("mongodb://a/?tls=true", True),
        ("mongodb://a,b/?replicaSet=rs0&ssl=TRUE", True),
        ("mongodb://a/?tls=false", False),
        ("mongodb://a/", False),
        ("mongodb+srv://a/", True),
        ("mongodb+srv://a/?tls=false", False),
        ("amqps://a", True),
        ("amqp://a", False),
        ("https://a", True),
        ("http://a", False),
        ("rediss://a", True),
        ("redis://a", False),
        ("inprocess://", False),
    ],
)
def test_an_address_says_whether_it_is_encrypted(url: str, encrypted: bool):
    assert is_encrypted(url) is encrypted


@pytest.mark.parametrize("url", ["mongodb://a/", "redis://a", "amqp://a"])
def test_files_do_not_switch_encryption_on(url: str, ours: Authority):
    tls = TlsFiles(ca_file=ours.ca_file, cert_file=ours.ca_file)
    arguments: list[Any] = [tls.of_mongo(url), tls.of_redis(url), tls.of_celery(url)]

    assert not any(arguments)


def _at(url: str, scheme: str, place: str) -> str:
    parts = urlsplit(url)
    account, _, _ = parts.netloc.rpartition("@")
    return parts._replace(scheme=scheme, netloc=f"{account}@{place}").geturl()
