"""One action on many jobs."""

from typing import Annotated

from fastapi import APIRouter, Body

from gateway.deps import Bulk, CanManage
from gateway.problems import keyed_problems
from gateway.routes.json_body import JsonRoute
from reelwork.contract.batches import BulkBody, BulkFailure, BulkResult
from reelwork.domain.errors import InsufficientTier, InvalidInput, JobNotFound, UnsupportedMediaType, UploadTooLarge

JSON_LIMIT_BYTES = 1024 * 1024
_SHOWN = 100

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)

_EXAMPLES = {
    "tagged": {
        "summary": "Cancel whatever has this tag and has not ended",
        "value": {"action": "cancel", "filter": {"tag": "campaign:autumn"}, "dry_run": True},
    },
    "failed": {"summary": "Queue failed jobs again", "value": {"action": "retry", "filter": {"status": ["failed"]}}},
}


@router.post("/bulk", responses=keyed_problems(InsufficientTier, UploadTooLarge, UnsupportedMediaType, InvalidInput))
async def bulk_action(
    body: Annotated[BulkBody, Body(openapi_examples=_EXAMPLES)], caller: CanManage, bulk: Bulk
) -> BulkResult:
    """Cancel or retry up to 1,000 jobs; `dry_run` tells what would be changed. Safe to repeat."""
    done = await bulk.apply(caller, body)
    fit, unfit, unknown = done.selected.fit, done.selected.unfit, done.selected.unknown
    return BulkResult(
        action=body.action,
        dry_run=body.dry_run,
        matched=len(fit) + unfit,
        changed=len(done.changed),
        skipped=unfit + len(fit) - len(done.changed),
        failed=len(unknown),
        has_more=done.selected.more,
        ids=list(done.changed[:_SHOWN]),
        errors=[BulkFailure(id=job, code=JobNotFound.code) for job in unknown[:_SHOWN]],
    )
