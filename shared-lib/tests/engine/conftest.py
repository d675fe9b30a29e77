"""An engine on a fresh database."""

from collections.abc import AsyncIterator

import pytest

from testkit.services import Bucket
from testkit.world import World, open_world


@pytest.fixture
async def world(mongo_url: str, mongo_database: str) -> AsyncIterator[World]:
    async with open_world(mongo_url, mongo_database) as opened:
        yield opened


@pytest.fixture
async def world_with_bucket(mongo_url: str, mongo_database: str, s3_bucket: Bucket) -> AsyncIterator[World]:
    async with open_world(mongo_url, mongo_database, bucket=s3_bucket) as opened:
        yield opened
