"""A series is deleted while points come for it as CSV: told as what it is, so that nobody sends them once more."""

import io

import pytest

from gateway.account import new_key
from gateway.auth import Authenticator
from gateway.last_use import LastUse
from gateway.services.series import SeriesService
from gateway.tokens import TokenVerifier
from reelwork.contract.series import SeriesBody
from reelwork.domain.errors import SeriesNotFound
from reelwork.domain.ids import new_series_id
from reelwork.domain.series import MOST_ADDED
from reelwork.domain.tier import Tier
from reelwork.store.client import DatabaseClock, MongoOptions, open_database
from reelwork.store.stores import Stores
from testkit.services import fresh_database
from testkit.steps import stepped

LONG = b"value\n" + b"1.0\n" * (MOST_ADDED + 1)


async def test_points_for_a_series_that_is_deleted_meanwhile_find_none(mongo_url: str):
    with fresh_database(mongo_url) as name:
        async with open_database(MongoOptions(url=mongo_url, database=name)) as database:

            async def deleted_when_points_are_stored() -> None:
                if await database["series_points"].count_documents({}):
                    await stores.series.delete(caller.account.id, series_id)

            stores, clock, series_id = Stores.of(database), DatabaseClock(database), new_series_id()
            keys = Authenticator(
                stores.accounts, clock, TokenVerifier(stores.signing_keys, clock), LastUse(stores.keys)
            )
            caller = await keys.caller(await new_key(stores.accounts, name="csv", tier=Tier.PRO), address=None)
            service = SeriesService(Stores.of(stepped(database, deleted_when_points_are_stored)).series, clock)
            await service.create(caller, SeriesBody(name="x"), series_id=series_id, first=True)

            with pytest.raises(SeriesNotFound):
                await service.append_csv(caller, series_id, io.BytesIO(LONG), mark=None)
