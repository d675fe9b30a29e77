"""Luma's views for operators. There they were open to everybody and showed keys; here they want the scope `admin`."""

from typing import Annotated

from fastapi import APIRouter, Query

from gateway.deps import Accounts, CanAdmin, Whole
from gateway.envelopes import luma_responses
from gateway.routes.sources.luma_surface import TAG
from gateway.services.luma_dashboard import active_jobs, queues
from reelwork.contract.luma import ActiveJobs, LumaUser, LumaUsers, QueueStats
from reelwork.domain.errors import InvalidCursor
from reelwork.store.directory import AccountFilter

router = APIRouter(prefix="/v1/admin", tags=[TAG], deprecated=True)


@router.get("/queue-stats", responses=luma_responses())
async def queue_stats(caller: CanAdmin, whole: Whole) -> QueueStats:  # noqa: ARG001  (the permission)
    """What waits, by weight."""
    seen = await whole.dashboard()
    return QueueStats(queues=queues(seen), total_jobs=seen.total_queued)


@router.get("/active-jobs", responses=luma_responses())
async def list_luma_jobs(caller: CanAdmin, whole: Whole) -> ActiveJobs:  # noqa: ARG001  (the permission)
    """The newest of the jobs that run, of all accounts."""
    seen = await whole.dashboard()
    return ActiveJobs(items=active_jobs(seen), total=seen.total_running)


@router.get("/users", responses=luma_responses(InvalidCursor))
async def list_users(
    caller: CanAdmin,  # noqa: ARG001  (the permission)
    accounts: Accounts,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
) -> LumaUsers:
    """All accounts, newest first. No keys: nobody has them but their owners."""
    page = await accounts.page(AccountFilter(), cursor=cursor, limit=limit)
    items = [
        LumaUser(
            user_id=account.id,
            name=account.name,
            tier=account.tier.value,
            is_active=account.suspended_at is None,
            created_at=account.created_at,
        )
        for account in page.items
    ]
    return LumaUsers(items=items, next_cursor=page.next_cursor, has_more=page.next_cursor is not None)
