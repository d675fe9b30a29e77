"""An account, as its owner sees and changes it."""

import dataclasses

from gateway.aliases import luma_account_names
from gateway.auth import Authenticator, Caller
from reelwork.contract.account import OwnAccount, OwnAccountPatch, OwnPlan, RetentionView
from reelwork.domain.account import Account
from reelwork.domain.errors import AccountNotFound, PermissionDenied
from reelwork.domain.money import dollars, ten_thousandths
from reelwork.domain.tier import Plans
from reelwork.engine.accounts import set_defaults
from reelwork.store.stores import Stores


class OwnAccountService:
    """The caller's own account, as it is stored, not as this gateway remembers the caller."""

    def __init__(self, stores: Stores, authenticator: Authenticator, plans: Plans) -> None:
        self._stores = stores
        self._authenticator = authenticator
        self._plans = plans

    async def get(self, caller: Caller) -> OwnAccount:
        """Raises AccountNotFound."""
        return self._view(await self._stores.accounts.get(caller.account.id))

    async def edit(self, caller: Caller, body: OwnAccountPatch) -> OwnAccount:
        """Change what the body names. Raises AccountNotFound, and PermissionDenied for a key with a cap of its own that
        would change the account's."""
        named = body.retention.model_dump(exclude_unset=True)
        changes: dict[str, int | None] = {f"retention.{name}": seconds for name, seconds in named.items()}
        if "spend_cap" in body.model_fields_set:
            if caller.key.spend_cap is not None:
                raise PermissionDenied(
                    "A key with a spend cap may not change the account's.", hint="Use a key without a cap."
                )
            changes["spend_cap"] = ten_thousandths(body.spend_cap) if body.spend_cap is not None else None
        account = await set_defaults(self._stores, caller.account.id, changes, by=caller.actor)
        self._authenticator.forget_account(account.id)  # other gateways know the old one for some seconds
        return self._view(account)

    def _view(self, account: Account | None) -> OwnAccount:
        if account is None:
            raise AccountNotFound("The account of this key is gone.", hint="Ask those who run this installation.")
        plan = self._plans[account.tier]
        plan = dataclasses.replace(plan, weight=account.weight or plan.weight)
        return OwnAccount(
            id=account.id,
            name=account.name,
            tier=account.tier.value,
            plan=OwnPlan(**dataclasses.asdict(plan)),
            spend_cap=dollars(account.spend_cap) if account.spend_cap is not None else None,
            retention=RetentionView(**dataclasses.asdict(account.retention)),
            created_at=account.created_at,
            suspended=account.suspended_at is not None,
            **luma_account_names(account),
        )
