"""What the command line can do to accounts that are there: list them, and decide what they are entitled to.

The orders are written down; the lanes follow within about a second, by the reconciler of any gateway or worker that
runs. For them to follow at once there is `PATCH /v1/admin/accounts/{id}`.
"""

import argparse
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from reelwork.domain.account import Account
from reelwork.domain.audit import THE_INSTALLATION
from reelwork.domain.tier import Tier
from reelwork.engine.accounts import amend
from reelwork.store.directory import AccountFilter
from reelwork.store.plans import AccountTerms
from reelwork.store.stores import Stores

COMMANDS = frozenset({"list", "tier", "suspend", "resume"})
# Accounts that are read at once.
_PORTION = 500


class NoSuchAccount(LookupError):
    """There is no account of this name."""


def add_commands(commands: Any) -> None:  # argparse's own type has no public name
    """`list`, `tier`, `suspend` and `resume`, beside those that are there."""
    listed = commands.add_parser("list", help="list accounts", description="One a line: id, tier, weight, state, name.")
    listed.add_argument("--tier", type=Tier, choices=list(Tier), help="those of this tier alone")
    tier = commands.add_parser("tier", help="change an account's tier", description="What runs goes on.")
    tier.add_argument("--name", required=True, help="the account")
    tier.add_argument("--tier", required=True, type=Tier, choices=list(Tier), help="from now on")
    tier.add_argument("--weight", type=_weight, help="a share of its own; without it that of the tier")
    for command, what in (("suspend", "its keys open nothing, its jobs wait"), ("resume", "let it go on")):
        one = commands.add_parser(command, help=what, description=f"{what.capitalize()}; what runs goes on.")
        one.add_argument("--name", required=True, help="the account")


async def carry_out(arguments: argparse.Namespace, stores: Stores) -> str:
    """What to tell the person. Raises NoSuchAccount, StoreUnavailable."""
    if arguments.command == "list":
        return "\n".join([line async for line in _lines(stores, arguments.tier)]) or "There are no such accounts."
    account = await stores.directory.named(arguments.name)
    if account is None:
        raise NoSuchAccount(f"There is no account {arguments.name}; `create` makes one.")
    changed = await amend(stores, account.id, _decision(arguments), by=THE_INSTALLATION)
    return _line(changed.after)


def _decision(arguments: argparse.Namespace) -> Callable[[AccountTerms], AccountTerms]:
    if arguments.command == "tier":
        return lambda terms: replace(terms, tier=arguments.tier, weight=arguments.weight)
    return lambda terms: replace(terms, suspended=arguments.command == "suspend")


async def _lines(stores: Stores, tier: Tier | None) -> AsyncIterator[str]:
    where, before = AccountFilter(tiers=[tier] if tier is not None else []), None
    while found := await stores.directory.page(where, before=before, limit=_PORTION):
        for account in found:
            yield _line(account)
        before = found[-1].id


def _line(account: Account) -> str:
    state = "suspended" if account.suspended_at is not None else "active"
    weight = str(account.weight) if account.weight is not None else "-"
    return f"{account.id}  {account.tier.value:<10}  {weight:>4}  {state:<9}  {account.name}"


def _weight(text: str) -> int:
    weight = int(text)
    if not 1 <= weight <= 1000:
        raise argparse.ArgumentTypeError("from 1 to 1000")
    return weight
