"""A large CSV is read beside the event loop: whoever else asks is served before it is through."""

import asyncio
import io
import threading

from gateway.account import new_key
from gateway.auth import Authenticator
from gateway.last_use import LastUse
from gateway.services.series import SeriesService
from gateway.tokens import TokenVerifier
from reelwork.domain.ids import new_series_id
from reelwork.domain.tier import Tier
from reelwork.store.client import DatabaseClock, MongoOptions, open_database
from reelwork.store.stores import Stores
from testkit.services import fresh_database

PATIENCE_SECONDS = 20


class Held(io.BytesIO):
    """Gives nothing before `others` were served; `begun`: somebody reads."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.begun, self.others = threading.Event(), threading.Event()

    def read1(self, size: int | None = -1, /) -> bytes:
        self.begun.set()
        assert self.others.wait(PATIENCE_SECONDS), "the reader held up everybody else"
        return super().read1(size)


async def test_others_are_served_while_a_csv_is_read(mongo_url: str):
    with fresh_database(mongo_url) as name:
        async with open_database(MongoOptions(url=mongo_url, database=name)) as database:
            stores, clock, file = Stores.of(database), DatabaseClock(database), Held(b"value\n1.0\n2.0\n")
            keys = Authenticator(
                stores.accounts, clock, TokenVerifier(stores.signing_keys, clock), LastUse(stores.keys)
            )
            caller = await keys.caller(await new_key(stores.accounts, name="csv", tier=Tier.PRO), address=None)
            service = SeriesService(stores.series, clock)

            making = asyncio.create_task(
                service.create_of_csv(caller, "x", file, series_id=new_series_id(), first=True)
            )
            assert await asyncio.to_thread(file.begun.wait, PATIENCE_SECONDS)
            before = await service.page(caller, cursor=None, limit=10)
            file.others.set()

            assert before.items == []
            assert (await making).length == 2
