"""What a worker says of its models when it starts."""

import asyncio

from structlog.testing import capture_logs

from reelwork.generator import Catalogue
from reelwork.runtime.tasks import running
from testkit.services import fresh_database
from testkit.world import open_world
from worker.catalogue import Models


async def test_models_that_cannot_run_here_are_told_in_one_line(mongo_url: str):
    absent = {"acme/picture": "Set ACME_API_KEY.", "acme/film": "Install acme."}
    models = Models(Catalogue(absent=absent), pool="cpu")

    with fresh_database(mongo_url) as name, capture_logs() as logs:
        async with open_world(mongo_url, name) as world, running(lambda: models.vouch(world.stores.models)):
            await asyncio.sleep(0)

    (line,) = [line for line in logs if line["event"] != "models.published"]
    assert (line["event"], line["reasons"]) == ("models.absent", absent)
