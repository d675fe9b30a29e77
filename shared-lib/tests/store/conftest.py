"""The stores on an empty database, once by each driver."""

from collections.abc import AsyncIterator

import pytest

from reelwork.store.client import Driver
from testkit.services import fresh_database
from testkit.world import World, open_world


@pytest.fixture(params=["pymongo", "motor"], scope="session")
def driver(request: pytest.FixtureRequest) -> Driver:
    return request.param


@pytest.fixture(scope="session")
async def opened(mongo_url: str, driver: Driver) -> AsyncIterator[World]:
    with fresh_database(mongo_url) as name:
        async with open_world(mongo_url, name, driver=driver) as world:
            yield world


@pytest.fixture
async def world(opened: World) -> World:
    """Emptied before the test: making a database with its indexes takes longer than most tests."""
    await opened.clear()
    return World.over(opened.database, opened.objects)
