"""Keys are made by whoever runs the installation; only those that are meant to may look after it."""

import argparse
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from gateway import account_orders, key_orders
from gateway.account import NotAKey, ensure_key, key_works, new_key
from gateway.signing import Signer
from reelwork.domain.account import Scope, format_key, new_secret, parse_key
from reelwork.domain.audit import THE_INSTALLATION, Action
from reelwork.domain.errors import KeyNotFound
from reelwork.domain.ids import KeyId, new_key_id
from reelwork.domain.tier import Tier
from reelwork.store.accounts import Accounts
from reelwork.store.client import MongoOptions, open_database
from reelwork.store.indexes import ensure_indexes
from reelwork.store.stores import Stores
from testkit.services import fresh_database

OWNERS = {Scope.SUBMIT, Scope.READ, Scope.MANAGE}


@pytest.fixture
async def stores(mongo_url: str) -> AsyncIterator[Stores]:
    with fresh_database(mongo_url) as name:
        async with open_database(MongoOptions(url=mongo_url, database=name)) as database:
            await ensure_indexes(database)
            yield Stores.of(database)


@pytest.fixture
def accounts(stores: Stores) -> Accounts:
    return stores.accounts


async def scopes(accounts: Accounts, key: str) -> set[Scope]:
    credentials = parse_key(key)
    assert credentials is not None
    stored = await accounts.key(credentials.key_id)
    assert stored is not None
    return set(stored.scopes)


@pytest.mark.parametrize(("admin", "may"), [(False, OWNERS), (True, OWNERS | {Scope.ADMIN})])
async def test_a_new_key_may_look_after_the_installation_only_if_it_is_meant_to(
    accounts: Accounts, admin: bool, may: set[Scope]
):
    key = await new_key(accounts, name="studio", tier=Tier.PRO, admin=admin)

    assert await key_works(accounts, key)
    assert await scopes(accounts, key) == may


async def test_a_key_that_is_there_is_given_the_scope_later_and_keeps_it(accounts: Accounts):
    key = format_key(new_key_id(), new_secret())
    seen = []
    for admin in (False, False, True, False):
        await ensure_key(accounts, key, name="studio", tier=Tier.PRO, admin=admin)
        seen.append(await scopes(accounts, key))

    assert seen == [OWNERS, OWNERS, OWNERS | {Scope.ADMIN}, OWNERS | {Scope.ADMIN}]


async def test_a_key_with_a_wrong_secret_is_given_nothing(accounts: Accounts):
    key_id = new_key_id()
    await ensure_key(accounts, format_key(key_id, new_secret()), name="studio", tier=Tier.PRO)

    with pytest.raises(NotAKey, match="wrong secret"):
        await ensure_key(accounts, format_key(key_id, new_secret()), name="studio", tier=Tier.PRO, admin=True)

    stored = await accounts.key(key_id)
    assert stored is not None
    assert stored.scopes == OWNERS


CREATE = ("create", "--name", "studio", "--tier", "pro")


def command(*order: str, **environment: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "gateway.account", *order]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  (ours)


def test_a_key_needs_the_documents_alone(mongo_url: str):
    with fresh_database(mongo_url) as name:
        made = command(*CREATE, REELWORK_MONGO_URL=mongo_url, REELWORK_MONGO_DATABASE=name)

    assert parse_key(made.stdout.strip()) is not None, made.stderr


async def order(stores: Stores, *line: str) -> str:
    """What the command line prints for these words."""
    parser = argparse.ArgumentParser()
    key_orders.add_commands(parser.add_subparsers(dest="command"))
    return await key_orders.carry_out(parser.parse_args(line), stores)


async def test_keys_are_listed_replaced_and_revoked_from_the_command_line(stores: Stores):
    key = await new_key(stores.accounts, name="studio", tier=Tier.PRO)
    prefix = key.rsplit("_", 1)[0]
    stored = await stores.accounts.key(KeyId(prefix.replace("rw_", "key_")))
    assert stored is not None

    new = await order(stores, "rotate-key", "--key", prefix, "--overlap-seconds", "0")
    await order(stores, "revoke-key", "--key", new.rsplit("_", 1)[0].replace("rw_", "key_"))
    listed = await order(stores, "keys", "--account", stored.account_id)

    assert not await key_works(stores.accounts, new)
    assert [line.split()[1] for line in listed.splitlines()] == ["revoked", "expired"]
    with pytest.raises(KeyNotFound):
        await order(stores, "revoke-key", "--key", "key_nobody")


@pytest.mark.parametrize(("options", "published"), [([], 1), (["--revoke"], 0)])
async def test_the_signing_key_is_renewed_from_the_command_line(stores: Stores, options: list[str], published: int):
    await Signer(stores.signing_keys, None).current()

    await order(stores, "rotate-signing-key", *options)

    (entry,) = await stores.audit.page(None, before=None, limit=10)
    assert entry.action == Action.SIGNING_KEY_ROTATED
    assert len(await stores.signing_keys.published()) == published


async def test_a_key_made_by_whoever_runs_the_installation_is_in_the_audit_log(stores: Stores):
    key = await new_key(stores.accounts, name="studio", tier=Tier.PRO, audit=stores.audit)

    stored = await stores.accounts.key(KeyId(key.rsplit("_", 1)[0].replace("rw_", "key_")))
    assert stored is not None
    entry, account = await stores.audit.page(stored.account_id, before=None, limit=10)
    (told,) = await stores.audit.page(None, before=None, limit=10)
    assert (account.action, account.target) == (told.action, told.target)
    assert (told.action, told.target) == (Action.ACCOUNT_CREATED, stored.account_id)
    assert (entry.action, entry.target, entry.actor) == (Action.KEY_CREATED, stored.id, THE_INSTALLATION)


@pytest.mark.parametrize(
    ("amount", "status", "told"),
    [
        ("10.5", 0, "studio was given 10.5000 USD; 10.5000 are available."),
        ("0", 2, "more than 0"),
        ("-1", 2, "is no amount such as 0.50"),
    ],
)
def test_credit_is_given_by_the_accounts_name(mongo_url: str, amount: str, status: int, told: str):
    with fresh_database(mongo_url) as name:
        where = {"REELWORK_MONGO_URL": mongo_url, "REELWORK_MONGO_DATABASE": name}
        command(*CREATE, **where)
        given = command("grant", "--name", "studio", "--amount", amount, **where)

    assert given.returncode == status
    assert told in given.stdout + given.stderr


def test_a_setting_that_is_missing_is_named_in_one_line():
    refused = command(*CREATE)

    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert refused.stderr.startswith("REELWORK_MONGO_URL is not set")


@pytest.mark.parametrize("secret", ["0" * 64, "ab" * 32])
def test_a_placeholder_does_not_become_a_key_in_production(mongo_url: str, mongo_database: str, secret: str):
    settings = {
        "REELWORK_ENV": "production",
        "REELWORK_MONGO_URL": mongo_url,
        "REELWORK_MONGO_DATABASE": mongo_database,
        "REELWORK_DEVELOPMENT_KEY": format_key(new_key_id(), secret),
    }

    made = subprocess.run(
        [sys.executable, "-m", "gateway.account", "ensure", "--name", "development"],
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )

    assert made.returncode == 1
    assert "REELWORK_DEVELOPMENT_KEY is a placeholder" in made.stderr
    assert secret not in made.stderr


async def told(stores: Stores, *arguments: str) -> str:
    parser = argparse.ArgumentParser()
    account_orders.add_commands(parser.add_subparsers(dest="command"))
    return await account_orders.carry_out(parser.parse_args(arguments), stores)


async def test_accounts_are_listed_and_changed_from_the_command_line_and_it_is_in_the_audit_log(
    stores: Stores, accounts: Accounts
):
    for name, tier in (("studio", Tier.DEVELOPER), ("lab", Tier.PRO)):
        await new_key(accounts, name=name, tier=tier)

    assert "pro" in await told(stores, "tier", "--name", "studio", "--tier", "pro", "--weight", "7")
    assert "suspended" in await told(stores, "suspend", "--name", "studio")
    assert len((await told(stores, "list")).splitlines()) == 2
    assert len((await told(stores, "list", "--tier", "developer")).splitlines()) == 1
    assert "active" in await told(stores, "resume", "--name", "studio")

    account = await stores.directory.named("studio")
    assert account is not None
    assert (account.tier, account.weight, account.suspended_at) == (Tier.PRO, 7, None)
    acts = [entry.action.value for entry in await stores.audit.page(account.id, before=None, limit=10)]
    assert acts[::-1] == ["account.tier_changed", "account.changed", "account.suspended", "account.resumed"]
    with pytest.raises(account_orders.NoSuchAccount):
        await told(stores, "suspend", "--name", "nobody")


@pytest.mark.parametrize("foreign", ["dev_test_key", "4a5d8a0e-9d2f-4a61-8f4c-0d4f6a1f7b11", "0123456789abcdef" * 4])
async def test_a_key_of_a_replaced_system_is_adopted_and_nowhere_in_the_database(accounts: Accounts, foreign: str):
    await ensure_key(accounts, foreign, name="adopted", tier=Tier.DEVELOPER)
    await ensure_key(accounts, foreign, name="adopted", tier=Tier.DEVELOPER)

    assert await key_works(accounts, foreign)
    assert not await key_works(accounts, foreign + "x")
    assert not await key_works(accounts, foreign.upper() if foreign != foreign.upper() else foreign.lower())


@pytest.mark.parametrize("text", ["short", "has blanks in it", "ümläute-und-so", "a" * 201, "rw_dev_test_key"])
async def test_what_can_be_no_key_is_not_adopted(accounts: Accounts, text: str):
    with pytest.raises(NotAKey):
        await ensure_key(accounts, text, name="adopted", tier=Tier.DEVELOPER)
