"""`python -m gateway.account`: accounts and keys, made by whoever runs the installation.

python -m gateway.account create --name studio --tier pro     prints a new key of that account
python -m gateway.account create --name operators --admin     the same, and it may look after the installation as well
python -m gateway.account ensure --name development           makes the key in REELWORK_DEVELOPMENT_KEY work
python -m gateway.account list --tier pro                      all accounts, or those of one tier
python -m gateway.account tier --name studio --tier pro        change what it is entitled to; also --weight 7
python -m gateway.account suspend --name studio                its keys open nothing and its jobs wait; resume undoes it
python -m gateway.account keys --account acct_…                its keys; rotate-key and revoke-key take --key key_…
python -m gateway.account rotate-signing-key                   sign access tokens with a new key
python -m gateway.account retain --name studio --output-seconds 604800   how long files of its new jobs are kept
python -m gateway.account grant --name studio --amount 10.00   credit in US dollars
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import ValidationError
from pydantic_settings import SettingsError

from gateway import account_orders, key_orders
from gateway.account_orders import NoSuchAccount
from reelwork.domain.account import (
    OWNERS_SCOPES,
    SHORTEST_ADOPTED,
    Account,
    ApiKey,
    Credentials,
    Scope,
    credentials_of,
    digest,
    format_key,
    new_secret,
    opens,
)
from reelwork.domain.audit import THE_INSTALLATION, Action
from reelwork.domain.errors import InvalidState, KeyNotFound, StoreUnavailable
from reelwork.domain.ids import KeyId, new_account_id, new_key_id, new_request_id
from reelwork.domain.money import CURRENCY, dollars, ten_thousandths
from reelwork.domain.tier import Tier
from reelwork.engine.accounts import set_defaults
from reelwork.engine.grants import Grant, grant
from reelwork.runtime.misset import said_of
from reelwork.runtime.placeholders import is_placeholder
from reelwork.runtime.settings import MongoSettings
from reelwork.store.accounts import Accounts
from reelwork.store.audit import AuditLog
from reelwork.store.client import open_database
from reelwork.store.indexes import ensure_indexes
from reelwork.store.stores import Stores

KEY_VARIABLE = "REELWORK_DEVELOPMENT_KEY"
BESIDE_MAKE_RUN = (
    "Beside `make run` it is `python -m run.account`, in project/ (see docs/operations.md); with your own MongoDB set "
    "REELWORK_MONGO_URL to mongodb://…"
)
LEAST_SECONDS = 60


class NotAKey(ValueError):
    """The text does not have the form of a key, or names a key that has another secret or was revoked."""


async def new_key(
    accounts: Accounts, *, name: str, tier: Tier, admin: bool = False, audit: AuditLog | None = None
) -> str:
    """A new key with its owner's scopes for the account of this name, which is made if it is not there.

    `admin`: it may look after the installation as well. The key is in the answer and nowhere else: only its digest is
    stored. `audit`: where that is recorded.
    """
    credentials = Credentials(key_id=new_key_id(), secret=new_secret())
    await _add(accounts, credentials, name=name, tier=tier, admin=admin, audit=audit)
    return format_key(credentials.key_id, credentials.secret)


async def ensure_key(
    accounts: Accounts, text: str, *, name: str, tier: Tier, admin: bool = False, audit: AuditLog | None = None
) -> None:
    """See to it that this very key opens the account of this name; safe to repeat. Raises NotAKey.

    `admin`: and that it may look after the installation. `audit`: where a key that
    was made is recorded.
    """
    credentials = credentials_of(text)
    if credentials is None:
        raise NotAKey(
            f"{KEY_VARIABLE} is not a key: it has to look like rw_<letters and digits>_<64 hex digits>, or be one of a "
            "system that Reelwork replaces: 8 to 200 letters, digits, '.', '_' and '-'."
        )
    if await accounts.key(credentials.key_id) is None:
        await _add(accounts, credentials, name=name, tier=tier, admin=admin, audit=audit)
    elif not await key_works(accounts, text):
        raise NotAKey(f"{KEY_VARIABLE} was revoked or has a wrong secret; choose another one.")
    elif admin:
        await _let_administer(accounts, credentials.key_id, audit)


async def _let_administer(accounts: Accounts, key_id: KeyId, audit: AuditLog | None) -> None:
    key = await accounts.key(key_id)
    if key is None or Scope.ADMIN in key.scopes:
        return
    if audit is not None:
        told = {"scopes": " ".join(sorted(key.scopes | {Scope.ADMIN}))}
        await audit.record(key.account_id, THE_INSTALLATION, Action.KEY_CHANGED, key_id, told)
    await accounts.grant(key_id, Scope.ADMIN)


async def key_works(accounts: Accounts, text: str) -> bool:
    """Whether a request with this key would be let in."""
    credentials = credentials_of(text)
    key = await accounts.key(credentials.key_id) if credentials is not None else None
    return credentials is not None and key is not None and opens(key, credentials)


async def _add(
    accounts: Accounts, credentials: Credentials, *, name: str, tier: Tier, admin: bool, audit: AuditLog | None
) -> None:
    now = datetime.now(UTC)
    account = Account(id=new_account_id(), name=name, tier=tier, created_at=now)
    if audit is not None and await accounts.named(name) is None:
        for chain in (None, account.id):
            told = {"name": name, "tier": tier.value}
            await audit.record(chain, THE_INSTALLATION, Action.ACCOUNT_CREATED, account.id, told)
    account = await accounts.add(account)
    key = ApiKey(
        id=credentials.key_id,
        account_id=account.id,
        digest=digest(credentials.secret),
        scopes=frozenset(Scope) if admin else OWNERS_SCOPES,
        created_at=now,
    )
    if audit is not None:
        told = {"scopes": " ".join(sorted(key.scopes))}
        await audit.record(account.id, THE_INSTALLATION, Action.KEY_CREATED, key.id, told)
    await accounts.add_key(key)


async def keep_files(stores: Stores, name: str, kept: Mapping[str, int | None]) -> str:
    """Set how long files of new jobs are kept. Raises NoSuchAccount."""
    account = await stores.accounts.named(name)
    if account is None:
        raise NoSuchAccount(f"There is no account {name}; `create` makes one.")
    await set_defaults(stores, account.id, kept, by=THE_INSTALLATION)
    return f"New jobs of {name} keep their files as told, if they do not ask for something else."


async def give_credit(stores: Stores, name: str, amount: int) -> str:
    """What was added to the account of this name, and what it has now. Raises NoSuchAccount."""
    account = await stores.accounts.named(name)
    if account is None:
        raise NoSuchAccount(f"There is no account {name}; `create` makes one.")
    order = Grant(account_id=account.id, amount=amount, name=new_request_id(), note="command line")
    await grant(stores, order, by=THE_INSTALLATION)
    balance = await stores.balances.now(account.id)
    available = balance.available if balance is not None else 0
    return f"{name} was given {dollars(amount)} {CURRENCY}; {dollars(available)} are available."


def _amount(text: str) -> int:
    try:
        amount = ten_thousandths(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if amount == 0:
        raise argparse.ArgumentTypeError("more than 0")
    return amount


def _seconds(text: str) -> int:
    seconds = int(text)
    if seconds < LEAST_SECONDS:
        raise argparse.ArgumentTypeError(f"at least {LEAST_SECONDS}")
    return seconds


async def _run(arguments: argparse.Namespace) -> str:
    """What to tell the person; settings come from the environment."""
    settings = MongoSettings()  # type: ignore[call-arg]  # from the environment
    async with open_database(settings.mongo()) as database:
        await ensure_indexes(database)
        if arguments.command in account_orders.COMMANDS:
            return await account_orders.carry_out(arguments, Stores.of(database))
        if arguments.command in key_orders.COMMANDS:
            return await key_orders.carry_out(arguments, Stores.of(database))
        accounts = Accounts(database)
        if arguments.command == "create":
            terms = {"name": arguments.name, "tier": arguments.tier, "admin": arguments.admin}
            return await new_key(accounts, **terms, audit=AuditLog(database))
        if arguments.command == "retain":
            kept = {f"retention.{part}_seconds": vars(arguments)[f"{part}_seconds"] for part in ("input", "output")}
            return await keep_files(Stores.of(database), arguments.name, kept)
        if arguments.command == "grant":
            return await give_credit(Stores.of(database), arguments.name, arguments.amount)
        key = os.environ.get(KEY_VARIABLE, "")
        if settings.env == "production" and not key.startswith("rw_") and len(key) < SHORTEST_ADOPTED:
            raise NotAKey(
                f"{KEY_VARIABLE} can be guessed; in production a key has {SHORTEST_ADOPTED} characters or more."
            )
        if settings.env == "production" and is_placeholder(key.rpartition("_")[2]):
            raise NotAKey(f"{KEY_VARIABLE} is a placeholder; set a real secret in production.")
        terms = {"name": arguments.name, "tier": arguments.tier, "admin": arguments.admin}
        await ensure_key(accounts, key, **terms, audit=AuditLog(database))
        return f"The key in {KEY_VARIABLE} opens the account {arguments.name}."


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m gateway.account", description="Make accounts and keys.")
    commands = parser.add_subparsers(dest="command", required=True)
    for command, what in (("create", "print a new key"), ("ensure", f"make the key in {KEY_VARIABLE} work")):
        one = commands.add_parser(command, help=what, description=what)
        one.add_argument("--name", required=True, help="the account, made if it is not there")
        one.add_argument("--tier", type=Tier, choices=list(Tier), default=Tier.ENTERPRISE, help="of a new account")
        one.add_argument("--admin", action="store_true", help="the key may look after the installation: list workers …")
    account_orders.add_commands(commands)
    key_orders.add_commands(commands)
    retain = commands.add_parser(
        "retain", help="say how long files are kept", description="Without seconds: as the installation has it."
    )
    retain.add_argument("--name", required=True, help="the account")
    for part in ("input", "output"):
        retain.add_argument(f"--{part}-seconds", type=_seconds, help=f"{part} files, counted from the end of their job")
    credit = commands.add_parser("grant", help="add credit", description="Adds credit to an account.")
    credit.add_argument("--name", required=True, help="the account")
    credit.add_argument("--amount", type=_amount, required=True, help="US dollars, such as 10.00")
    try:
        sys.stdout.write(asyncio.run(_run(parser.parse_args())) + "\n")
    except (ValidationError, SettingsError) as error:
        said = said_of(error).replace("\n", "; ")
        sys.stderr.write(f"{said}. {BESIDE_MAKE_RUN}\n")
        return 2
    except (NotAKey, NoSuchAccount, KeyNotFound, InvalidState, StoreUnavailable) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
