"""An account, as its owner sees and changes it."""

import dataclasses

from gateway.auth import Caller
from reelwork.contract.account import OwnAccount, OwnAccountPatch, OwnPlan, RetentionView
from reelwork.domain.account import Account
from reelwork.domain.errors import AccountNotFound
from reelwork.domain.tier import Plans
from reelwork.store.accounts import Accounts


class OwnAccountService:
    """The caller's own account, as it is stored, not as this gateway remembers the caller."""

    def __init__(self, accounts: Accounts, plans: Plans) -> None:
        self._accounts = accounts
        self._plans = plans

    async def get(self, caller: Caller) -> OwnAccount:
        """Raises AccountNotFound."""
        return self._view(await self._accounts.get(caller.account.id))

    async def edit(self, caller: Caller, body: OwnAccountPatch) -> OwnAccount:
        """Change what the body names. Raises AccountNotFound."""
        changes = body.retention.model_dump(exclude_unset=True)
        if not changes:
            return await self.get(caller)
        return self._view(await self._accounts.keep(caller.account.id, changes))

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
            retention=RetentionView(**dataclasses.asdict(account.retention)),
            created_at=account.created_at,
            suspended=account.suspended_at is not None,
        )
