"""Keys are made by whoever runs the installation; only those that are meant to may look after it."""

import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from gateway.account import NotAKey, ensure_key, key_works, new_key
from reelwork.domain.account import Scope, format_key, new_secret, parse_key
from reelwork.domain.ids import new_key_id
from reelwork.domain.tier import Tier
from reelwork.store.accounts import Accounts
from reelwork.store.client import MongoOptions, open_database
from testkit.services import fresh_database

OWNERS = {Scope.SUBMIT, Scope.READ, Scope.MANAGE}


@pytest.fixture
async def accounts(mongo_url: str) -> AsyncIterator[Accounts]:
    with fresh_database(mongo_url) as name:
        async with open_database(MongoOptions(url=mongo_url, database=name)) as database:
            yield Accounts(database)


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


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    wanted = words or ("create", "--name", "studio", "--tier", "pro")
    argv = [sys.executable, "-m", "gateway.account", *wanted]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  (ours)


def test_a_key_needs_the_documents_alone(mongo_url: str):
    with fresh_database(mongo_url) as name:
        made = command(REELWORK_MONGO_URL=mongo_url, REELWORK_MONGO_DATABASE=name)

    assert parse_key(made.stdout.strip()) is not None, made.stderr


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
        command(**where)
        given = command("grant", "--name", "studio", "--amount", amount, **where)

    assert given.returncode == status
    assert told in given.stdout + given.stderr


def test_a_setting_that_is_missing_is_named_in_one_line():
    refused = command()

    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert refused.stderr.startswith("REELWORK_MONGO_URL is not set")
