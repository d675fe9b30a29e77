"""The audit log: who did what to your keys and your account."""

from typing import Annotated

from fastapi import APIRouter, Query

from gateway.deps import Audit, CanManage
from gateway.problems import keyed_problems
from reelwork.contract.audit import AuditPage
from reelwork.domain.errors import InvalidCursor

router = APIRouter(prefix="/v1/audit", tags=["account"])


@router.get("", responses=keyed_problems(InvalidCursor))
async def list_audit_entries(
    caller: CanManage,
    audit: Audit,
    installation: Annotated[
        bool, Query(description="true: what was done to the whole installation; wants the scope `admin`.")
    ] = False,
    verify: Annotated[bool, Query(description="true: also check every entry of the chain.")] = False,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> AuditPage:
    """Every event of your account and its keys, newest first, in a chain of hashes that shows if one was altered."""
    return await audit.page(caller, of_installation=installation, verify=verify, cursor=cursor, limit=limit)
