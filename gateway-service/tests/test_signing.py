"""The signing key at rest: sealed, bound to its name, and replaced when it cannot be opened."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.sealing import Seal, SealBroken
from gateway.signing import Signer
from reelwork.store.client import MongoOptions, open_database
from reelwork.store.indexes import ensure_indexes
from reelwork.store.signing_keys import SigningKeys
from testkit.services import fresh_database

pytestmark = pytest.mark.security

SECRET, OTHER = "0f" * 32, "f0" * 32


@pytest.fixture
async def keys(mongo_url: str) -> AsyncIterator[SigningKeys]:
    with fresh_database(mongo_url) as name:
        async with open_database(MongoOptions(url=mongo_url, database=name)) as database:
            await ensure_indexes(database)
            yield SigningKeys(database)


def test_what_is_sealed_opens_under_its_secret_and_name_only():
    sealed = Seal(SECRET).seal(b"private", "sig_1")

    assert Seal(SECRET).open(sealed, "sig_1") == b"private"
    assert b"private" not in sealed
    for wrong in ((Seal(OTHER), sealed, "sig_1"), (Seal(SECRET), sealed, "sig_2"), (Seal(SECRET), b"", "sig_1")):
        with pytest.raises(SealBroken):
            wrong[0].open(wrong[1], wrong[2])
    with pytest.raises(SealBroken):
        Seal(SECRET).open(sealed[:-1] + bytes([sealed[-1] ^ 1]), "sig_1")


async def test_all_gateways_sign_with_one_key_which_lies_sealed(keys: SigningKeys):
    found = await asyncio.gather(*(Signer(keys, SECRET).current() for _ in range(8)))

    (stored,) = await keys.published()
    assert {one.kid for one in found} == {stored.id}
    assert stored.sealed
    assert found[0].private.private_bytes_raw() not in stored.private


async def test_another_secret_makes_another_key_and_the_old_one_is_still_published(keys: SigningKeys):
    first = await Signer(keys, SECRET).current()

    second = await Signer(keys, OTHER).current()

    assert second.kid != first.kid
    assert [key.id for key in await keys.published()] == [second.kid, first.kid]
    assert (await Signer(keys, OTHER).current()).kid == second.kid


async def test_without_a_secret_a_sealed_key_is_not_used(keys: SigningKeys):
    first = await Signer(keys, SECRET).current()

    assert (await Signer(keys, None).current()).kid != first.kid


async def test_a_retired_key_signs_no_more(keys: SigningKeys):
    signer = Signer(keys, SECRET)
    first = await signer.current()

    await keys.retire()

    assert (await signer.current()).kid != first.kid
