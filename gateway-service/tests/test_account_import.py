"""An import while the database fails: all of it is there in the end, or nothing."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from pymongo.errors import AutoReconnect

from gateway.account import new_key
from gateway.auth import Authenticator, Caller
from gateway.last_use import LastUse
from gateway.services.account_import import AccountImports
from gateway.services.own_account import OwnAccountService
from gateway.tokens import TokenVerifier
from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.ids import new_request_id
from reelwork.domain.tier import PLANS, Tier
from reelwork.store.client import Database, DatabaseClock, MongoOptions, open_database
from reelwork.store.stores import Stores
from testkit.services import fresh_database
from testkit.steps import stepped

_MOST_OPERATIONS = 60


@dataclass
class Failing:
    """One operation fails, as if the connection had broken before it."""

    left: int

    async def __call__(self) -> None:
        self.left -= 1
        if self.left == -1:
            raise AutoReconnect


@pytest.fixture
async def database(mongo_url: str) -> AsyncIterator[Database]:
    with fresh_database(mongo_url) as name:
        async with open_database(MongoOptions(url=mongo_url, database=name)) as opened:
            yield opened


def account_services(database: Database) -> tuple[Authenticator, AccountImports]:
    stores, clock = Stores.of(database), DatabaseClock(database)
    authenticator = Authenticator(
        stores.accounts, clock, TokenVerifier(stores.signing_keys, clock), LastUse(stores.keys)
    )
    account = OwnAccountService(stores, authenticator, PLANS)
    return authenticator, AccountImports(stores.series, account, clock)


def archive() -> io.BytesIO:
    moment = "2026-11-22T12:00:00.000Z"
    urls = dict.fromkeys(("self", "points", "export"), "/")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as written:
        lines = []
        for number in range(2):
            file = f"series/{number}.csv"
            written.writestr(file, "value\n1.0\n\n2.5\n")
            line = {"id": "ser_x", "name": f"{number}", "observables": 1, "length": 3, "file": file, "urls": urls}
            lines.append(json.dumps(line | {"created_at": moment, "updated_at": moment}))
        written.writestr("series.jsonl", "\n".join(lines))
        manifest = {"format": "reelwork-account", "version": 1, "account_id": "acct_x", "created_at": moment}
        written.writestr("manifest.json", json.dumps(manifest | {"counts": {}}))
    return made


async def test_whichever_operation_fails_nothing_half_done_stays(database: Database):
    text = await new_key(Stores.of(database).accounts, name="studio", tier=Tier.PRO)
    caller: Caller = await account_services(database)[0].caller(text, address=None)

    for operation in range(_MOST_OPERATIONS):
        imports = account_services(stepped(database, Failing(operation)))[1]
        try:
            taken = await imports.take(caller, archive(), existing="refuse", subject=new_request_id())
        except StoreUnavailable:
            assert await Stores.of(database).series.page(caller.account.id, before=None, limit=10) == []
        else:
            break

    assert operation > 8
    assert [one.length for one in taken.series] == [3, 3]
