"""The whole installation: its numbers at a glance, and the jobs of all accounts."""

from typing import Annotated

from fastapi import APIRouter, Query

from gateway.admin_views import admin_job
from gateway.deps import CanAdmin, Whole
from gateway.job_filter import METADATA_PARAMETER, ActiveJobs
from gateway.problems import keyed_problems
from reelwork.contract.admin import AdminJobPage, Dashboard
from reelwork.domain.errors import InvalidCursor

router = APIRouter(prefix="/v1/admin", tags=["admin"])


@router.get("/dashboard", responses=keyed_problems())
async def get_dashboard(caller: CanAdmin, whole: Whole) -> Dashboard:  # noqa: ARG001  (the permission)
    """What waits by weight, what runs, who works, what came last."""
    return await whole.dashboard()


@router.get("/jobs", responses=keyed_problems(InvalidCursor), openapi_extra={"parameters": [METADATA_PARAMETER]})
async def list_active_jobs(
    caller: CanAdmin,  # noqa: ARG001  (the permission)
    whole: Whole,
    where: ActiveJobs,
    account_id: Annotated[str | None, Query(max_length=64, description="Of this account alone.")] = None,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> AdminJobPage:
    """Jobs of all accounts, newest first: those that have not ended, unless `status` asks for others."""
    page, names = await whole.jobs(where, account_id=account_id, cursor=cursor, limit=limit)
    items = [admin_job(job, names) for job in page.items]
    return AdminJobPage(items=items, next_cursor=page.next_cursor, has_more=page.next_cursor is not None)
