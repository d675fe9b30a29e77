"""One Reelwork, gateway and worker in one process, that is asked everything."""

from collections.abc import Iterator

import pytest

from reelwork.domain.account import Scope
from testkit.possessions import Possessions
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack


@pytest.fixture(scope="session")
def stack(mongo_url: str, s3: S3Service) -> Iterator[Stack]:
    # What the addresses of replaced systems make must not stand in the way of what the others wait for.
    quick = {"luma_model": "testkit/clip", "luma_page_model": "testkit/page", "fleek_model": "testkit/clip"}
    quick |= {"model_modules": "testkit.models,testkit.clips"}
    with running_stack(Servers(mongo_url=mongo_url, s3=s3), **quick) as running:
        yield running


@pytest.fixture(scope="module")
def estate(stack: Stack) -> Possessions:
    """What an account has that others do not. Its caller may do everything, and is an administrator too."""
    almighty = stack.caller("landlord", scopes=frozenset(Scope))
    return Possessions(almighty, almighty)
