"""What operators do to accounts: make them, and decide about them. Every act is in the audit log before it is done.

The account's own chain tells its owner what the installation did; the installation's chain tells by whom.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from reelwork.domain.account import Account
from reelwork.domain.audit import THE_INSTALLATION, Action, Actor
from reelwork.domain.errors import AccountNotFound, InvalidState, StoreUnavailable
from reelwork.domain.ids import AccountId, new_account_id
from reelwork.domain.money import dollars
from reelwork.domain.tier import Tier
from reelwork.store.plans import AccountTerms
from reelwork.store.stores import Stores

# Two operators who change one account at the same time; more tries than this are not expected outside of a loop.
TRIES = 5

Decide = Callable[[AccountTerms], AccountTerms]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """An account before and after. `starting`: places whose claim was under way, see `engine.plan`."""

    before: Account
    after: Account
    starting: int = 0

    @property
    def is_change(self) -> bool:
        return self.before.plan_version != self.after.plan_version


async def create(stores: Stores, *, by: Actor, name: str, tier: Tier, weight: int | None) -> Account:
    """A new account; it has no key yet. Raises InvalidState where another one has the name, StoreUnavailable."""
    if await stores.directory.named(name) is not None:
        raise _taken(name)
    account = Account(id=new_account_id(), name=name, tier=tier, weight=weight, created_at=datetime.now(UTC))
    await record_act(stores, by, account.id, Action.ACCOUNT_CREATED, {"name": name, "tier": tier.value})
    stored = await stores.accounts.add(account)
    if stored.id != account.id:  # somebody else was faster
        raise _taken(name)
    return stored


async def amend(stores: Stores, account_id: AccountId, decide: Decide, *, by: Actor) -> Changed:
    """Write down what an operator decides about an account, by what it is now; its lanes are yet to follow (see
    `engine.plan`, or the reconciler within about a second). What is so already changes nothing.

    Durable when this returns. Raises AccountNotFound, InvalidState (the name is taken), StoreUnavailable; then it may
    be changed or not: ask, or say it again.
    """
    for _ in range(TRIES):
        before = await stores.accounts.get(account_id)
        if before is None:
            raise no_such_account(account_id)
        is_now = AccountTerms.of(before)
        wanted = decide(is_now)
        if wanted == is_now:
            return Changed(before=before, after=before)
        for action, details in _acts(is_now, wanted):
            await record_act(stores, by, account_id, action, details)
        after = await stores.plans.change(before, wanted)
        if after is not None:
            return Changed(before=before, after=after)
    raise StoreUnavailable("The account is being changed by others.", hint="Try again.", retry_after_seconds=1)


async def set_defaults(
    stores: Stores, account_id: AccountId, changes: Mapping[str, int | None], *, by: Actor
) -> Account:
    """What the owner of an account decides about it: `spend_cap`, `retention.input_seconds`,
    `retention.output_seconds`.

    Only what changes something is recorded, in the account's own chain. Raises AccountNotFound, StoreUnavailable.
    """
    before = await stores.accounts.get(account_id)
    if before is None:
        raise no_such_account(account_id)
    were = {
        "spend_cap": before.spend_cap,
        "retention.input_seconds": before.retention.input_seconds,
        "retention.output_seconds": before.retention.output_seconds,
    }
    wanted = {name: value for name, value in changes.items() if were[name] != value}
    if not wanted:
        return before
    told = {name: f"{_written(name, were[name])} -> {_written(name, value)}" for name, value in wanted.items()}
    await stores.audit.record(account_id, by, Action.ACCOUNT_CHANGED, account_id, told)
    after = await stores.accounts.keep(account_id, wanted)
    if after is None:
        raise no_such_account(account_id)
    return after


def _written(name: str, value: int | None) -> str:
    if value is None:
        return "none"
    return dollars(value) if name == "spend_cap" else str(value)


def no_such_account(account_id: str) -> AccountNotFound:
    return AccountNotFound(
        f"There is no account {account_id[:100]!r}.", hint="Check the id; GET /v1/admin/accounts lists them."
    )


def _taken(name: str) -> InvalidState:
    return InvalidState(f"Another account is called {name!r}.", hint="Choose another name.")


def _acts(before: AccountTerms, after: AccountTerms) -> Iterator[tuple[Action, dict[str, str]]]:
    if after.tier is not before.tier:
        yield Action.ACCOUNT_TIER_CHANGED, {"from": before.tier.value, "to": after.tier.value}
    if after.suspended != before.suspended:
        yield Action.ACCOUNT_SUSPENDED if after.suspended else Action.ACCOUNT_RESUMED, {}
    changes = {
        name: f"{was} -> {now}"
        for name, was, now in (("name", before.name, after.name), ("weight", before.weight, after.weight))
        if was != now
    }
    if changes:
        yield Action.ACCOUNT_CHANGED, changes


async def record_act(
    stores: Stores, by: Actor, account_id: AccountId, action: Action, details: Mapping[str, str]
) -> None:
    """What an operator is about to do to an account, in both chains. Raises StoreUnavailable."""
    await stores.audit.record(None, by, action, account_id, details)
    await stores.audit.record(account_id, THE_INSTALLATION, action, account_id, details)
