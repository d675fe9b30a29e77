"""The keys of your account: make, change, replace and revoke them."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from gateway.deps import ApiKeys, CanManage
from gateway.problems import keyed_problems
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from reelwork.contract.keys import (
    KeyBody,
    KeyChanges,
    KeyPage,
    KeyStateName,
    KeyView,
    NewKeyView,
    RotateBody,
    RotatedKeyView,
)
from reelwork.domain.errors import InvalidCursor, InvalidState, KeyNotFound

router = APIRouter(prefix="/v1/keys", tags=["account"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)

_CHANGES = keyed_problems(*BODY_REFUSALS, KeyNotFound, InvalidState)
_SECRET = {"Cache-Control": "no-store"}


@router.get("", responses=keyed_problems(InvalidCursor))
async def list_keys(
    caller: CanManage,
    keys: ApiKeys,
    state: Annotated[KeyStateName | None, Query(description="Leave it out for all.")] = None,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> KeyPage:
    """The keys of your account, newest first, without what opens the door."""
    return await keys.page(caller, state, cursor=cursor, limit=limit)


@router.post("", status_code=201, responses=keyed_problems(*BODY_REFUSALS, InvalidState))
async def create_key(body: KeyBody, caller: CanManage, keys: ApiKeys, response: Response) -> NewKeyView:
    """Make a key. It is shown in this answer and never again; only a hash of it is kept."""
    new = await keys.create(caller, body)
    response.headers.update({"Location": f"/v1/keys/{new.id}", **_SECRET})
    return new


@router.get("/{key_id}", responses=keyed_problems(KeyNotFound))
async def get_key(key_id: str, caller: CanManage, keys: ApiKeys) -> KeyView:
    """One key."""
    return await keys.get(caller, key_id)


@router.patch("/{key_id}", responses=_CHANGES)
async def change_key(key_id: str, body: KeyChanges, caller: CanManage, keys: ApiKeys) -> KeyView:
    """Change what a key may do. Other gateways follow within five seconds."""
    return await keys.change(caller, key_id, body)


@router.delete("/{key_id}", status_code=204, responses=keyed_problems(KeyNotFound))
async def revoke_key(key_id: str, caller: CanManage, keys: ApiKeys) -> None:
    """Let a key open nothing any more, nor the tokens that were made with it; safe to repeat. It cannot be undone.
    Other gateways follow within five seconds."""
    await keys.revoke(caller, key_id)


@router.post("/{key_id}/rotate", responses=_CHANGES)
async def rotate_key(
    key_id: str,
    caller: CanManage,
    keys: ApiKeys,
    response: Response,
    body: Annotated[RotateBody | None, Body()] = None,
) -> RotatedKeyView:
    """A new key that may do the same; the old one goes on working for `overlap_seconds`. What a spend cap counts begins
    anew."""
    response.headers.update(_SECRET)
    wanted = body or RotateBody()
    return await keys.rotate(caller, key_id, overlap=timedelta(seconds=wanted.overlap_seconds))
