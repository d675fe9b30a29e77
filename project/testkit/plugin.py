"""Fixtures for tests that need real servers; loaded everywhere by `-p testkit.plugin`.

======================  =========  ==================================================================================
fixture                 lives for  is
======================  =========  ==================================================================================
`mongod`, `rabbitmq`    session    a running server with `.url`; shared, so do not stop it
`s3`                    session    a running S3 with `.endpoint_url`, `.region`, `.keys`, `.client()`; shared as well
`mongo_url`             session    `mongod.url`
`mongo_database`        test       name of a database of one's own, dropped afterwards
`s3_bucket`             test       a `Bucket`: `.name`, `.endpoint_url`, `.region`, `.access_key`, `.secret_key`
`amqp_url`              session    `rabbitmq.url`
`valkey_url`            session    address of a running Valkey (speaks Redis), with its password; shared
`queue_prefix`          test       put before every queue and exchange name, so that tests do not meet on the one node
`own_mongod`            test       a MongoDB of one's own, with `stop start kill restart pause resume`
`own_rabbitmq`          test       a RabbitMQ of one's own, likewise
`own_s3`                test       an S3 of one's own, likewise
`own_valkey`            test       a Valkey of one's own, likewise
======================  =========  ==================================================================================

A test that uses one of these is marked `service`.
"""

import gc
import secrets
from collections.abc import Iterator

import pytest

from testkit import services

_SERVICE_FIXTURES = frozenset(
    {"mongod", "rabbitmq", "s3", "own_mongod", "own_rabbitmq", "own_s3", "valkey", "own_valkey"}
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark whatever needs a server, so that `-m "not service"` is quick and complete, and whatever `make soak` looks at
    longer."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if _SERVICE_FIXTURES.intersection(fixtures):
            item.add_marker(pytest.mark.service)
        if "examples" in fixtures:
            item.add_marker(pytest.mark.soak)


def pytest_collection_finish() -> None:
    """Thousands of collected tests live to the end: the garbage collector need not look at them each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def mongod() -> Iterator[services.UrlService]:
    """MongoDB, shared by the session."""
    with services.running_mongod() as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[services.UrlService]:
    """RabbitMQ, shared by the session."""
    with services.running_rabbitmq() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[services.S3Service]:
    """S3, shared by the session."""
    with services.running_s3() as server:
        yield server


@pytest.fixture(scope="session")
def mongo_url(mongod: services.UrlService) -> str:
    """Connection string of the shared MongoDB, without a database."""
    return mongod.url


@pytest.fixture
def mongo_database(mongo_url: str) -> Iterator[str]:
    """Name of a fresh database on the shared MongoDB."""
    with services.fresh_database(mongo_url) as name:
        yield name


@pytest.fixture
def s3_bucket(s3: services.S3Service) -> Iterator[services.Bucket]:
    """A fresh bucket on the shared S3."""
    with services.fresh_bucket(s3) as bucket:
        yield bucket


@pytest.fixture(scope="session")
def amqp_url(rabbitmq: services.UrlService) -> str:
    """Address of the shared RabbitMQ, with user and password."""
    return rabbitmq.url


@pytest.fixture(scope="session")
def valkey() -> Iterator[services.UrlService]:
    """Valkey, shared by the session."""
    with services.running_valkey() as server:
        yield server


@pytest.fixture(scope="session")
def valkey_url(valkey: services.UrlService) -> str:
    """Address of the shared Valkey, with its password."""
    return valkey.url


@pytest.fixture
def queue_prefix() -> str:
    """Return a prefix for queue and exchange names that no other test has."""
    return f"t{secrets.token_hex(4)}."


@pytest.fixture
def own_mongod() -> Iterator[services.UrlService]:
    """A MongoDB that the test may disturb."""
    with services.running_mongod() as server:
        yield server


@pytest.fixture
def own_rabbitmq() -> Iterator[services.UrlService]:
    """A RabbitMQ that the test may disturb."""
    with services.running_rabbitmq() as server:
        yield server


@pytest.fixture
def own_s3() -> Iterator[services.S3Service]:
    """An S3 that the test may disturb; its objects outlive that."""
    with services.running_s3(durable=True) as server:
        yield server


@pytest.fixture
def own_valkey() -> Iterator[services.UrlService]:
    """A Valkey that the test may disturb."""
    with services.running_valkey() as server:
        yield server
