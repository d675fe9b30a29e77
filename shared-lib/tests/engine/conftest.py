"""An engine on a fresh database, and how long random tests look.

In CI the examples are the same in every run; at home they are new each time, and a failure prints how to repeat it.
"""

import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, NoReturn

import pytest
import structlog
from hypothesis import settings

from reelwork.objects.s3 import ObjectStore
from testkit.services import S3Service, fresh_bucket, fresh_database
from testkit.storage import Storeroom
from testkit.world import World, open_world, options_of

settings.register_profile("ci", derandomize=True, print_blob=True)
settings.register_profile("home", print_blob=True)
settings.load_profile("ci" if os.environ.get("CI", "").lower() == "true" else "home")


@pytest.fixture
def examples() -> Callable[[int], int]:
    """Half as many examples, or as many times REELWORK_TEST_EFFORT: `make soak` takes a long look."""
    effort = float(os.environ.get("REELWORK_TEST_EFFORT", "0.5"))
    return lambda usual: max(1, round(usual * effort))


@pytest.fixture
def quiet() -> Iterator[None]:
    """Thousands of jobs need no line each, and none of them may make a part of the engine report an error."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR), processors=[_refused])
    yield
    structlog.configure(**before)


def _refused(_logger: object, _method: str, event: MutableMapping[str, Any]) -> NoReturn:
    raise AssertionError(f"the engine reported {event}")


@pytest.fixture(scope="session")
async def opened(mongo_url: str) -> AsyncIterator[World]:
    with fresh_database(mongo_url) as name:
        async with open_world(mongo_url, name) as world:
            yield world


@pytest.fixture
async def world(opened: World) -> World:
    """Emptied before the test: making a database with its indexes takes longer than most tests."""
    await opened.clear()
    return World.over(opened.database, opened.objects)


@pytest.fixture(scope="session")
async def bucket(s3: S3Service) -> AsyncIterator[ObjectStore]:
    with fresh_bucket(s3) as made:
        async with ObjectStore.open(options_of(made)) as objects:
            yield objects


@pytest.fixture
async def storeroom(opened: World, bucket: ObjectStore, tmp_path: Path) -> Storeroom:
    """A world with a bucket; every test has accounts of its own, and so its own objects."""
    await opened.clear()
    return Storeroom(world=World.over(opened.database, bucket), folder=tmp_path)
