"""An open object store on a fresh bucket."""

from collections.abc import AsyncIterator

import pytest

from reelwork.objects.s3 import ObjectStore, S3Options
from testkit.services import Bucket


@pytest.fixture
def options(s3_bucket: Bucket) -> S3Options:
    return S3Options(
        endpoint_url=s3_bucket.endpoint_url,
        public_endpoint_url=s3_bucket.endpoint_url,
        region=s3_bucket.region,
        bucket=s3_bucket.name,
        access_key=s3_bucket.access_key,
        secret_key=s3_bucket.secret_key,
    )


@pytest.fixture
async def store(options: S3Options) -> AsyncIterator[ObjectStore]:
    async with ObjectStore.open(options) as opened:
        yield opened
