"""The caller's own books and quotas."""

from typing import Annotated

from fastapi import APIRouter, Query

from gateway.costs import entry_view
from gateway.deps import CanList, CanRead, Ledgers
from gateway.problems import keyed_problems
from reelwork.contract.ledger import EntryKindName, EntryPage, QuotaView
from reelwork.domain.errors import InvalidCursor
from reelwork.domain.ledger import EntryKind

router = APIRouter(prefix="/v1/account", tags=["account"])


@router.get("/ledger", responses=keyed_problems(InvalidCursor))
async def list_ledger(
    caller: CanList,
    ledgers: Ledgers,
    kind: Annotated[list[EntryKindName] | None, Query(description="Repeat for several.")] = None,
    job: Annotated[str | None, Query(max_length=64, description="Entries about this job alone.")] = None,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> EntryPage:
    """What was added to your account, put aside, charged and given back, newest first. The last second of it may be
    missing: the balance in `/v1/account/quota` has it."""
    page = await ledgers.page(caller, [EntryKind(name) for name in kind or []], job, cursor=cursor, limit=limit)
    items = [entry_view(entry) for entry in page.items]
    return EntryPage(items=items, next_cursor=page.next_cursor, has_more=page.next_cursor is not None)


@router.get("/quota", responses=keyed_problems())
async def get_quota(caller: CanRead, ledgers: Ledgers) -> QuotaView:
    """How much more you may do: jobs today and at once, longest film, credit, the cap of this key."""
    return await ledgers.quota(caller)
