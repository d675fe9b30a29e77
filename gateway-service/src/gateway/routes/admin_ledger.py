"""Credit for accounts, and charges given back."""

from typing import Any

from fastapi import APIRouter, Response

from gateway.costs import entry_view
from gateway.deps import CanAdmin, Ledgers
from gateway.once import KEY_REFUSALS, REPLAYED, Once
from gateway.problems import keyed_problems
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from gateway.services.idempotency import json_answer
from reelwork.contract.ledger import EntryView, GrantBody, RefundBody
from reelwork.domain.errors import AccountNotFound, InvalidState, JobNotFound
from reelwork.domain.ids import new_request_id
from reelwork.store.idempotency import Ours, StoredAnswer

router = APIRouter(prefix="/v1/admin/accounts", tags=["admin"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)

_ENTERED: dict[int | str, dict[str, Any]] = {  # FastAPI's own type for an OpenAPI part
    201: {"description": "Entered in the account's books.", "headers": REPLAYED}
}


@router.post(
    "/{account_id}/grants",
    status_code=201,
    response_model=EntryView,
    responses=_ENTERED | keyed_problems(AccountNotFound, *BODY_REFUSALS, *KEY_REFUSALS),
)
async def grant_credit(
    account_id: str,
    body: GrantBody,
    caller: CanAdmin,
    ledgers: Ledgers,
    once: Once,
) -> Response:
    """Add credit to an account. Send an `Idempotency-Key` to be able to repeat this."""

    async def act(ours: Ours) -> StoredAnswer:
        return json_answer(201, entry_view(await ledgers.grant(caller, account_id, body, name=ours.subject)), {})

    return await once.answer(new_request_id, act)


@router.post(
    "/{account_id}/refunds",
    status_code=201,
    response_model=EntryView,
    responses=_ENTERED | keyed_problems(AccountNotFound, JobNotFound, InvalidState, *BODY_REFUSALS, *KEY_REFUSALS),
)
async def refund_job(
    account_id: str,
    body: RefundBody,
    caller: CanAdmin,
    ledgers: Ledgers,
    once: Once,
) -> Response:
    """Give back what a job of the account was charged, or a part of it; all in all at most its charge."""

    async def act(ours: Ours) -> StoredAnswer:
        return json_answer(201, entry_view(await ledgers.refund(caller, account_id, body, name=ours.subject)), {})

    return await once.answer(new_request_id, act)
