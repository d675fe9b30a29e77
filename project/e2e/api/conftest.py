"""Whole Reelworks for stories: in one process, and spread over processes on RabbitMQ."""

from collections.abc import Iterator

import pytest

from testkit.services import S3Service, UrlService, running_rabbitmq
from testkit.stack import Servers, Stack, running_stack


@pytest.fixture(scope="session")
def distributed(mongo_url: str, s3: S3Service, amqp_url: str) -> Iterator[Stack]:
    """Gateway and worker as processes of their own, on RabbitMQ; leases are short, so that a crash is soon noticed."""
    with running_stack(Servers(mongo_url=mongo_url, s3=s3, amqp_url=amqp_url)) as stack:
        yield stack


@pytest.fixture(scope="session", params=["in-process", "rabbitmq"])
def stack(request: pytest.FixtureRequest, mongo_url: str, s3: S3Service) -> Iterator[Stack]:
    """Both ways to run, one after the other."""
    if request.param == "rabbitmq":
        yield request.getfixturevalue("distributed")
        return
    with running_stack(Servers(mongo_url=mongo_url, s3=s3)) as running:
        yield running


@pytest.fixture
def crew(distributed: Stack) -> Stack:
    """The distributed Reelwork with one worker that runs, whatever became of those before it."""
    distributed.workers[:] = [worker for worker in distributed.workers if worker.running]
    if not distributed.workers:
        distributed.start_worker()
    return distributed


@pytest.fixture(scope="module")
def broker() -> Iterator[UrlService]:
    """A RabbitMQ that stories may disturb."""
    with running_rabbitmq() as server:
        yield server
