"""The caller's own account."""

from typing import Annotated

from fastapi import APIRouter, Body

from gateway.deps import CanManage, CanRead, OwnAccounts
from gateway.problems import keyed_problems
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from reelwork.contract.account import OwnAccount, OwnAccountPatch
from reelwork.domain.errors import AccountNotFound

router = APIRouter(prefix="/v1/account", tags=["account"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)

_EXAMPLES = {
    "week": {"summary": "Keep outputs for a week", "value": {"retention": {"output_seconds": 604800}}},
    "cap": {"summary": "Spend at most ten dollars, ever", "value": {"spend_cap": "10.00"}},
    "default": {"summary": "As the installation has it", "value": {"retention": {"output_seconds": None}}},
}


@router.get("", responses=keyed_problems(AccountNotFound))
async def get_account(caller: CanRead, accounts: OwnAccounts) -> OwnAccount:
    """Your account: its plan, and what its new jobs have as defaults."""
    return await accounts.get(caller)


@router.patch("", responses=keyed_problems(AccountNotFound, *BODY_REFUSALS))
async def edit_account(
    body: Annotated[OwnAccountPatch, Body(openapi_examples=_EXAMPLES)], caller: CanManage, accounts: OwnAccounts
) -> OwnAccount:
    """Change defaults of your new jobs, and what they may cost in all; they follow within five seconds. Jobs that are
    there keep what they have."""
    return await accounts.edit(caller, body)
