"""One action on many jobs."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Response

from gateway.deps import Bulk, CanManage
from gateway.once import KEY_REFUSALS, REPLAYED, Once
from gateway.problems import keyed_problems
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from gateway.routes.refusals import PAYMENT_REFUSALS
from gateway.services.bulk import BulkOutcome
from gateway.services.idempotency import json_answer
from reelwork.contract.batches import BulkBody, BulkFailure, BulkResult, BulkSkip
from reelwork.domain.errors import InsufficientTier, JobNotFound
from reelwork.domain.ids import new_request_id
from reelwork.domain.job import Status
from reelwork.store.idempotency import Ours, StoredAnswer

_SHOWN = 100

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)

_EXAMPLES = {
    "tagged": {
        "summary": "Cancel whatever has this tag and has not ended",
        "value": {"action": "cancel", "filter": {"tag": "campaign:autumn"}, "dry_run": True},
    },
    "erased": {
        "summary": "Erase input and files of what was made before a moment",
        "value": {"action": "erase", "filter": {"created_before": "2026-01-01T00:00:00Z"}, "dry_run": True},
    },
    "failed": {"summary": "Queue failed jobs again", "value": {"action": "retry", "filter": {"status": ["failed"]}}},
}


@router.post(
    "/bulk",
    response_model=BulkResult,
    responses={
        200: {"description": "What was done, or would be.", "headers": REPLAYED},
        **keyed_problems(InsufficientTier, *PAYMENT_REFUSALS, *BODY_REFUSALS, *KEY_REFUSALS),
    },
)
async def bulk_action(
    body: Annotated[BulkBody, Body(openapi_examples=_EXAMPLES)], caller: CanManage, bulk: Bulk, once: Once
) -> Response:
    """Cancel, retry or erase up to 1,000 jobs; `dry_run` tells what would be changed. To cancel or erase is safe to
    repeat; a retry is under an `Idempotency-Key`."""

    async def act(ours: Ours) -> StoredAnswer:
        return json_answer(200, _result(body, await bulk.apply(caller, body, mark=ours.subject)), {})

    return await once.answer(new_request_id, act)


def _result(body: BulkBody, done: BulkOutcome) -> BulkResult:
    fit, unfit, unknown = done.selected.fit, done.selected.unfit, done.selected.unknown
    return BulkResult(
        action=body.action,
        dry_run=body.dry_run,
        matched=len(fit) + len(unfit),
        changed=len(done.changed),
        skipped=len(unfit) + len(fit) - len(done.changed),
        failed=len(unknown),
        has_more=done.selected.more,
        ids=list(done.changed[:_SHOWN]),
        errors=[BulkFailure(id=job, code=JobNotFound.code) for job in unknown[:_SHOWN]],
        skipped_jobs=_skipped(done)[:_SHOWN],
    )


def _skipped(done: BulkOutcome) -> list[BulkSkip]:
    changed = frozenset(done.changed)
    unfit = [BulkSkip(id=job.id, status=job.status.value, reason=_why(job.status, done)) for job in done.selected.unfit]
    moved = [job for job in done.selected.fit if job.id not in changed]
    return unfit + [BulkSkip(id=job.id, status=job.status.value, reason="changed_meanwhile") for job in moved]


def _why(status: Status, done: BulkOutcome) -> Literal["status", "data_removed"]:
    return "data_removed" if status in done.takes else "status"
