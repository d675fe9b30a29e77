"""What the command line can do to keys: list an account's, revoke and replace them, and renew what tokens are signed
with. Gateways that have seen a key lately follow within five seconds."""

import argparse
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from reelwork.domain.account import ApiKey
from reelwork.domain.audit import THE_INSTALLATION, Action
from reelwork.domain.ids import AccountId, KeyId
from reelwork.engine.keys import LONGEST_OVERLAP, key_not_found, revoke_key, rotate_key
from reelwork.store.stores import Stores

COMMANDS = frozenset({"keys", "revoke-key", "rotate-key", "rotate-signing-key"})
_DAY_SECONDS = 86400
# Keys that are read at once.
_PORTION = 500


def add_commands(commands: Any) -> None:  # argparse's own type has no public name
    """`keys`, `revoke-key`, `rotate-key` and `rotate-signing-key`, beside those that are there."""
    listed = commands.add_parser("keys", help="list keys", description="One a line: id, state, last use, scopes, name.")
    listed.add_argument("--account", required=True, help="the account's id, acct_…")
    revoke = commands.add_parser("revoke-key", help="let a key open nothing any more")
    rotate = commands.add_parser("rotate-key", help="print a new key that may do what this one may")
    for one in (revoke, rotate):
        one.add_argument("--key", required=True, help="the key's id, key_…, or the part of it after rw_")
    rotate.add_argument(
        "--overlap-seconds", type=_overlap, default=_DAY_SECONDS, help="how long the old one still works"
    )
    signing = commands.add_parser("rotate-signing-key", help="sign the next access token with a new key")
    signing.add_argument("--revoke", action="store_true", help="and let every token that is out be worthless")


async def carry_out(arguments: argparse.Namespace, stores: Stores) -> str:
    """What to tell the person. Raises KeyNotFound, InvalidState, StoreUnavailable."""
    match arguments.command:
        case "keys":
            lines = [line async for line in _lines(stores, AccountId(arguments.account))]
            return "\n".join(lines) or "There are no such keys."
        case "rotate-signing-key":
            return await _renew(stores, revoke=arguments.revoke)
        case "revoke-key":
            key = await _find(stores, arguments.key)
            await revoke_key(stores, key, THE_INSTALLATION)
            return f"{key.id} opens nothing any more."
        case _:
            key = await _find(stores, arguments.key)
            overlap = timedelta(seconds=arguments.overlap_seconds)
            new, _ = await rotate_key(stores, key, THE_INSTALLATION, overlap=overlap)
            return new.text


async def _renew(stores: Stores, *, revoke: bool) -> str:
    told = {"tokens": "revoked" if revoke else "kept"}
    await stores.audit.record(None, THE_INSTALLATION, Action.SIGNING_KEY_ROTATED, "signing_keys", told)
    await (stores.signing_keys.remove() if revoke else stores.signing_keys.retire())
    return f"The next access token is signed with a new key; those that are out are {told['tokens']}."


async def _find(stores: Stores, text: str) -> ApiKey:
    """By the id, or by the part of the key that is its id. Raises KeyNotFound."""
    key = await stores.accounts.key(KeyId(f"key_{text.removeprefix('rw_').removeprefix('key_')}"))
    if key is None:
        raise key_not_found(text)
    return key


async def _lines(stores: Stores, account: AccountId) -> AsyncIterator[str]:
    now, before = datetime.now(UTC), None
    while found := await stores.keys.page(account, None, before=before, limit=_PORTION):
        for key in found:
            yield _line(key, now)
        before = found[-1].id


def _line(key: ApiKey, now: datetime) -> str:
    expired = key.expires_at is not None and key.expires_at <= now
    state = "revoked" if key.revoked else "expired" if expired else "active"
    used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at is not None else "-"
    return f"{key.id}  {state:<7}  {used:<16}  {','.join(sorted(key.scopes))}  {key.name}".rstrip()


def _overlap(text: str) -> int:
    seconds = int(text)
    if not 0 <= seconds <= LONGEST_OVERLAP.total_seconds():
        raise argparse.ArgumentTypeError(f"from 0 to {LONGEST_OVERLAP.total_seconds():.0f}")
    return seconds
