"""The accounts of the installation. No answer has a key in it, and none is made here."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from gateway.admin_views import account_view
from gateway.deps import Accounts, CanAdmin, WholeGateway
from gateway.problems import keyed_problems
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from reelwork.contract.admin import AccountBody, AccountPatch, AdminAccount, AdminAccountPage, TierName
from reelwork.domain.errors import AccountNotFound, InvalidCursor, InvalidState
from reelwork.domain.tier import Tier
from reelwork.store.directory import AccountFilter

router = APIRouter(prefix="/v1/admin/accounts", tags=["admin"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)


@router.get("", responses=keyed_problems(InvalidCursor))
async def list_accounts(
    caller: CanAdmin,  # noqa: ARG001  (the permission)
    accounts: Accounts,
    gateway: WholeGateway,
    tier: Annotated[list[TierName] | None, Query(description="Repeat for several.")] = None,
    suspended: Annotated[bool | None, Query(description="true: only those that are; false: only others.")] = None,
    name: Annotated[str, Query(max_length=100, description="How their names begin.")] = "",
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> AdminAccountPage:
    """All accounts, newest first."""
    where = AccountFilter(tiers=[Tier(one) for one in tier or []], suspended=suspended, name_prefix=name)
    page = await accounts.page(where, cursor=cursor, limit=limit)
    items = [account_view(account, gateway.settings.plans()) for account in page.items]
    return AdminAccountPage(items=items, next_cursor=page.next_cursor, has_more=page.next_cursor is not None)


@router.post("", status_code=201, responses=keyed_problems(InvalidState, *BODY_REFUSALS))
async def create_account(
    body: AccountBody, caller: CanAdmin, accounts: Accounts, gateway: WholeGateway, response: Response
) -> AdminAccount:
    """A new account, without a key: `python -m gateway.account create --name …` prints one for it."""
    account = await accounts.create(caller, body)
    response.headers["Location"] = f"{router.prefix}/{account.id}"
    return account_view(account, gateway.settings.plans())


@router.get("/{account_id}", responses=keyed_problems(AccountNotFound))
async def get_account_of(
    account_id: str,
    caller: CanAdmin,  # noqa: ARG001  (the permission)
    accounts: Accounts,
    gateway: WholeGateway,
) -> AdminAccount:
    """One account."""
    return account_view(await accounts.get(account_id), gateway.settings.plans())


@router.patch("/{account_id}", responses=keyed_problems(AccountNotFound, InvalidState, *BODY_REFUSALS))
async def change_account(
    account_id: str, body: AccountPatch, caller: CanAdmin, accounts: Accounts, gateway: WholeGateway
) -> AdminAccount:
    """Change its tier, weight or name, suspend it or let it go on; safe to repeat. The next claim goes by it, what runs
    goes on, and what waits keeps waiting. Requests to other gateways go by it within five seconds."""
    return account_view(await accounts.change(caller, account_id, body), gateway.settings.plans())
