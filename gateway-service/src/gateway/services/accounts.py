"""Accounts, as those who run the installation deal with them. Keys are no part of it: none is ever in an answer."""

from dataclasses import replace

from gateway.auth import Authenticator, Caller
from gateway.services.pages import Page, check_cursor
from reelwork.contract.admin import AccountBody, AccountPatch
from reelwork.domain.account import Account
from reelwork.domain.errors import InvalidState
from reelwork.domain.ids import AccountId
from reelwork.domain.tier import Tier
from reelwork.engine.accounts import create, no_such_account
from reelwork.engine.engine import Engine
from reelwork.engine.plan import change
from reelwork.store.directory import AccountFilter
from reelwork.store.plans import AccountTerms


class AccountService:
    """Make, list and change accounts. They are everybody's: only operators may come here."""

    def __init__(self, engine: Engine, authenticator: Authenticator) -> None:
        self._engine = engine
        self._authenticator = authenticator

    async def create(self, caller: Caller, body: AccountBody) -> Account:
        """Raises InvalidState where another account has the name."""
        tier = Tier(body.tier)
        return await create(self._engine.stores, by=caller.actor, name=body.name, tier=tier, weight=body.weight)

    async def get(self, account_id: str) -> Account:
        """Raises AccountNotFound."""
        account = await self._engine.stores.accounts.get(AccountId(account_id))
        if account is None:
            raise no_such_account(account_id)
        return account

    async def page(self, where: AccountFilter, *, cursor: str | None, limit: int) -> Page[Account]:
        """Raises InvalidCursor."""
        before = check_cursor(cursor, "acct_")
        found = await self._engine.stores.directory.page(
            where, before=AccountId(before) if before else None, limit=limit + 1
        )
        return Page.cut(found, limit)

    async def change(self, caller: Caller, account_id: str, body: AccountPatch) -> Account:
        """Its lanes follow at once. Raises AccountNotFound, and InvalidState where another account has the name or
        operators would shut themselves out."""
        if body.suspended and account_id == caller.account.id:
            raise InvalidState(
                "This would suspend the account of the key that asks.", hint="Use a key of another account."
            )
        changed = await change(
            self._engine, AccountId(account_id), lambda terms: _decided(terms, body), by=caller.actor
        )
        self._authenticator.forget_account(changed.after.id)  # other gateways know the old one for some seconds
        return changed.after


def _decided(terms: AccountTerms, body: AccountPatch) -> AccountTerms:
    """What was left out stays; only of the weight is null a value."""
    return replace(
        terms,
        name=body.name if body.name is not None else terms.name,
        tier=Tier(body.tier) if body.tier is not None else terms.tier,
        weight=body.weight if "weight" in body.model_fields_set else terms.weight,
        suspended=body.suspended if body.suspended is not None else terms.suspended,
    )
