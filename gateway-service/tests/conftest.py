"""One Reelwork for the tests of the gateway, gateway and worker in one process; real HTTP, MongoDB and S3."""

from collections.abc import Iterator

import pytest

from testkit.caller import Caller
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack


@pytest.fixture(scope="session")
def stack(mongo_url: str, s3: S3Service) -> Iterator[Stack]:
    policy = {"prohibited_terms": '["unspeakable"]', "input_policies": '["testkit.policies.no_unlucky_seed"]'}
    with running_stack(Servers(mongo_url=mongo_url, s3=s3), **policy) as running:
        yield running


@pytest.fixture(scope="session")
def owner(stack: Stack) -> Caller:
    """The owner of an account, with a key that may do everything."""
    return stack.owner


@pytest.fixture(scope="session")
def stranger(stack: Stack) -> Caller:
    """The owner of another account."""
    return stack.caller("stranger")


@pytest.fixture(scope="session")
def nobody(stack: Stack) -> Caller:
    """Somebody without a key."""
    return stack.with_key(None)
