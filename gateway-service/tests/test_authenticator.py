"""What the gateway remembers of keys: one look-up for many requests, and nothing that was told to be forgotten."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from gateway.account import new_key
from gateway.auth import Authenticator
from gateway.last_use import LastUse
from gateway.tokens import TokenVerifier
from reelwork.domain.account import parse_key
from reelwork.domain.audit import THE_INSTALLATION
from reelwork.domain.errors import InvalidApiKey
from reelwork.domain.tier import Tier
from reelwork.engine.keys import revoke_key
from reelwork.store.client import Database, DatabaseClock, MongoOptions, open_database
from reelwork.store.stores import Stores
from testkit.services import fresh_database
from testkit.steps import stepped


@dataclass
class Door:
    """Counts operations; while it is shut they wait."""

    passed: int = 0
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> None:
        self.passed += 1
        self.waiting.set()
        await self.opened.wait()


@pytest.fixture
async def database(mongo_url: str) -> AsyncIterator[Database]:
    with fresh_database(mongo_url) as name:
        async with open_database(MongoOptions(url=mongo_url, database=name)) as opened:
            yield opened


def authenticator(database: Database) -> Authenticator:
    stores = Stores.of(database)
    verifier = TokenVerifier(stores.signing_keys, DatabaseClock(database))
    return Authenticator(stores.accounts, DatabaseClock(database), verifier, LastUse(stores.keys))


async def test_many_requests_at_once_cost_one_look_up(database: Database):
    text = await new_key(Stores.of(database).accounts, name="studio", tier=Tier.PRO)
    door = Door()
    doorman = authenticator(stepped(database, door))
    asking = [asyncio.create_task(doorman.caller(text, address=None)) for _ in range(50)]
    await door.waiting.wait()

    asking[0].cancel()
    door.opened.set()

    callers = await asyncio.gather(*asking[1:])
    assert {caller.account.name for caller in callers} == {"studio"}
    assert door.passed == 2, "one for the key, one for its account"
    await doorman.caller(text, address=None)
    assert door.passed == 2


async def test_what_was_read_before_a_key_was_revoked_is_not_remembered(database: Database):
    stores = Stores.of(database)
    text = await new_key(stores.accounts, name="studio", tier=Tier.PRO)
    credentials = parse_key(text)
    assert credentials is not None
    key = await stores.accounts.key(credentials.key_id)
    assert key is not None
    door = Door()
    doorman = authenticator(stepped(database, door))
    door.opened.set()
    await doorman.caller(text, address=None)
    door.opened.clear()
    door.waiting.clear()
    doorman.forget(key.id)
    before = asyncio.create_task(doorman.caller(text, address=None))
    await door.waiting.wait()

    await revoke_key(stores, key, THE_INSTALLATION)
    doorman.forget(key.id)
    door.opened.set()

    await asyncio.gather(before, return_exceptions=True)
    with pytest.raises(InvalidApiKey):
        await doorman.caller(text, address=None)
