"""Making, replacing and revoking keys, whatever dies in between and whoever is at it at the same time."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.access import MOST_KEYS, Powers
from reelwork.domain.account import Scope
from reelwork.domain.audit import THE_INSTALLATION, Action
from reelwork.domain.errors import InvalidState
from reelwork.domain.ids import new_account_id
from reelwork.engine.keys import NewKey, change_key, create_key, revoke_key, rotate_key
from reelwork.store.stores import Stores
from testkit.steps import Died, Mortality, stepped
from testkit.world import World

READING = Powers(name="reader", scopes=frozenset({Scope.READ}))
HOUR = timedelta(hours=1)


async def made(world: World) -> NewKey:
    return await create_key(world.stores, new_account_id(), THE_INSTALLATION, READING)


@pytest.mark.parametrize("step", range(8))
async def test_a_crash_while_a_key_is_replaced_takes_it_from_nobody(world: World, step: int) -> None:
    key = (await made(world)).key
    mortality = Mortality()
    mortal = Stores.of(stepped(world.database, mortality))
    mortality.die_before(step)

    try:
        await rotate_key(mortal, key, THE_INSTALLATION, overlap=HOUR)
        died = False
    except Died:
        died = True

    active = await world.stores.keys.page(key.account_id, "active", before=None, limit=10)
    old = next(one for one in active if one.id == key.id)
    assert died or old.replaced_by is not None
    assert old.replaced_by is None or old.replaced_by in {one.id for one in active}
    recorded = [entry.action for entry in await world.stores.audit.page(key.account_id, before=None, limit=10)]
    assert Action.KEY_ROTATED in recorded or len(active) == 1


async def test_the_steps_above_reach_to_the_end(world: World) -> None:
    key = (await made(world)).key
    mortality = Mortality()
    mortality.die_before(8)

    new, old = await rotate_key(Stores.of(stepped(world.database, mortality)), key, THE_INSTALLATION, overlap=HOUR)

    assert old.replaced_by == new.key.id


async def test_a_key_ends_when_it_would_anyway_if_that_is_sooner(world: World) -> None:
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
    powers = Powers(name="short", scopes=frozenset({Scope.READ}), expires_at=soon)
    key = (await create_key(world.stores, new_account_id(), THE_INSTALLATION, powers)).key

    _, old = await rotate_key(world.stores, key, THE_INSTALLATION, overlap=HOUR)

    assert old.expires_at == soon


async def test_many_at_once_make_no_more_keys_than_there_may_be(world: World) -> None:
    account = new_account_id()

    answers = await asyncio.gather(
        *(create_key(world.stores, account, THE_INSTALLATION, READING) for _ in range(MOST_KEYS + 5)),
        return_exceptions=True,
    )

    assert sum(isinstance(answer, NewKey) for answer in answers) == MOST_KEYS
    assert sum(isinstance(answer, InvalidState) for answer in answers) == 5


async def test_an_expired_key_makes_room(world: World) -> None:
    account = new_account_id()
    keys = [(await create_key(world.stores, account, THE_INSTALLATION, READING)).key for _ in range(MOST_KEYS)]
    with pytest.raises(InvalidState):
        await create_key(world.stores, account, THE_INSTALLATION, READING)

    await world.database["keys"].update_one({"_id": keys[3].id}, {"$set": {"expires_at": datetime.now(UTC)}})

    await create_key(world.stores, account, THE_INSTALLATION, READING)
    with pytest.raises(InvalidState):
        await create_key(world.stores, account, THE_INSTALLATION, READING)


async def test_a_change_of_what_was_changed_meanwhile_is_refused(world: World) -> None:
    key = (await made(world)).key
    await change_key(world.stores, key, THE_INSTALLATION, Powers(name="other", scopes=key.scopes))

    with pytest.raises(InvalidState):
        await change_key(world.stores, key, THE_INSTALLATION, Powers(name="reader", scopes=frozenset(Scope)))

    stored = await world.stores.keys.get(key.account_id, key.id)
    assert stored is not None
    assert (stored.name, stored.scopes) == ("other", key.scopes)


async def test_a_key_from_before_there_were_names_can_be_changed(world: World) -> None:
    key = (await made(world)).key
    fresh = dict.fromkeys(("name", "models", "allowed_ips", "spend_cap", "expires_at", "replaced_by", "place"), "")
    await world.database["keys"].update_one({"_id": key.id}, {"$unset": fresh})
    old = await world.stores.keys.get(key.account_id, key.id)
    assert old is not None

    changed = await change_key(world.stores, old, THE_INSTALLATION, READING)

    assert (old.name, changed.name) == ("", "reader")


async def test_revoking_again_is_recorded_once(world: World) -> None:
    key = (await made(world)).key

    await revoke_key(world.stores, key, THE_INSTALLATION)
    stored = await world.stores.keys.get(key.account_id, key.id)
    assert stored is not None
    await revoke_key(world.stores, stored, THE_INSTALLATION)

    recorded = [entry.action for entry in await world.stores.audit.page(key.account_id, before=None, limit=10)]
    assert recorded == [Action.KEY_REVOKED, Action.KEY_CREATED]


async def test_a_new_key_does_not_show_itself_in_a_log_by_accident(world: World) -> None:
    new = await made(world)

    assert new.text not in repr(new)
    assert new.key.digest not in str(await world.stores.audit.page(new.key.account_id, before=None, limit=1))
