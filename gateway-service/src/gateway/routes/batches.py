"""Batches: many jobs accepted together, followed, cancelled, retried and fetched together."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Query, Response

from gateway.content import download
from gateway.costs import cost_view
from gateway.deps import Batches, CanExport, CanList, CanManage, CanRead, CanSubmit, Exports, RequestId
from gateway.headers import RETRY_AFTER, documented, retry_after
from gateway.once import KEY_REFUSALS, REPLAYED, Once
from gateway.problems import keyed_problems
from gateway.routes.json_body import BODY_REFUSALS, JsonRoute
from gateway.routes.refusals import PAYMENT_REFUSALS, SUBMIT_REFUSALS
from gateway.services.batch_items import Rejection
from gateway.services.batches import Change
from gateway.services.idempotency import json_answer
from gateway.views import batch_view
from reelwork.contract.batches import (
    BatchAccepted,
    BatchBody,
    BatchChange,
    BatchDetail,
    BatchPage,
    RejectedItem,
)
from reelwork.contract.problem import FieldProblem
from reelwork.domain.errors import (
    AssetNotFound,
    BatchNotFound,
    InsufficientTier,
    InvalidCursor,
    StorageUnavailable,
)
from reelwork.domain.ids import new_request_id
from reelwork.store.idempotency import Ours, StoredAnswer

BATCH_LIMIT_BYTES = 8 * 1024 * 1024

router = APIRouter(prefix="/v1/batches", tags=["batches"], max_body_size=BATCH_LIMIT_BYTES, route_class=JsonRoute)

_STORED = documented({"Location": "The batch."}) | REPLAYED | RETRY_AFTER
_EXAMPLES = {
    "pictures": {
        "summary": "Three pictures",
        "value": {
            "name": "Seasons",
            "defaults": {"model": "builtin/landscape", "priority": "low"},
            "items": [
                {"input": {"prompt": "Mountains in spring"}},
                {"input": {"prompt": "Mountains in summer"}, "metadata": {"page": "2"}},
                {"input": {"prompt": "Mountains in autumn"}},
            ],
        },
    }
}


@router.post(
    "",
    status_code=202,
    response_model=BatchAccepted,
    responses={
        202: {"description": "Accepted.", "headers": _STORED},
        **keyed_problems(*SUBMIT_REFUSALS, *BODY_REFUSALS, *KEY_REFUSALS),
    },
)
async def create_batch(
    body: Annotated[BatchBody, Body(openapi_examples=_EXAMPLES)],
    caller: CanSubmit,
    batches: Batches,
    once: Once,
    request_id: RequestId,
) -> Response:
    """Accept up to 1,000 jobs, stored durably before this answers: all of them, or with `mode: partial` the valid."""

    async def act(ours: Ours) -> StoredAnswer:
        made, rejected = await batches.submit(caller, body, request_id=request_id, mark=ours.subject, first=ours.first)
        view = BatchAccepted(
            **dict(batch_view(made.batch, made.tally)),
            job_ids=list(made.batch.job_ids),
            cost=cost_view(await batches.cost(made)),
            rejected=[_rejected(item) for item in rejected],
        )
        return json_answer(202, view, {"Location": view.urls.self, **retry_after(view.poll_after_ms)})

    return await once.answer(new_request_id, act)


@router.get("", responses=keyed_problems(InvalidCursor))
async def list_batches(
    caller: CanList,
    batches: Batches,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> BatchPage:
    """Your batches, newest first."""
    page = await batches.page(caller, cursor=cursor, limit=limit)
    items = [batch_view(found.batch, found.tally) for found in page.items]
    return BatchPage(items=items, next_cursor=page.next_cursor, has_more=page.next_cursor is not None)


@router.get("/{batch_id}", responses=keyed_problems(BatchNotFound))
async def get_batch(batch_id: str, caller: CanRead, batches: Batches) -> BatchDetail:
    """One batch, its jobs counted now. Page through them by `GET /v1/jobs?batch_id=`."""
    found = await batches.get(caller, batch_id)
    cost = cost_view(await batches.cost(found))
    return BatchDetail(**dict(batch_view(found.batch, found.tally)), job_ids=list(found.batch.job_ids), cost=cost)


@router.post("/{batch_id}/cancel", responses=keyed_problems(BatchNotFound))
async def cancel_batch(batch_id: str, caller: CanManage, batches: Batches) -> BatchChange:
    """Cancel every job that has not ended; safe to repeat."""
    return _change(await batches.cancel(caller, batch_id))


@router.post(
    "/{batch_id}/retry-failed",
    response_model=BatchChange,
    responses={
        200: {"description": "Queued again.", "headers": REPLAYED},
        **keyed_problems(BatchNotFound, InsufficientTier, *PAYMENT_REFUSALS, *KEY_REFUSALS),
    },
)
async def retry_failed(
    batch_id: str,
    caller: CanManage,
    batches: Batches,
    once: Once,
    only: Annotated[
        Literal["retryable"] | None,
        Query(description="`retryable`: leave out jobs whose error says that trying again is no use."),
    ] = None,
) -> Response:
    """Queue every failed job again, under its id. Asked twice at the same time, each job is queued once; sent again
    under an `Idempotency-Key`, also when some have failed anew by then."""

    async def act(ours: Ours) -> StoredAnswer:
        change = await batches.retry_failed(caller, batch_id, mark=ours.subject, only_retryable=only is not None)
        return json_answer(200, _change(change), {})

    return await once.answer(new_request_id, act)


@router.get(
    "/{batch_id}/outputs",
    response_class=Response,
    responses={
        200: {
            "description": "Lines of JSON, one for each job in the order of the items; or the files in a ZIP.",
            "content": {"application/x-ndjson": {}, "application/zip": {}},
        },
        **keyed_problems(BatchNotFound, AssetNotFound, StorageUnavailable),
    },
)
async def batch_outputs(
    batch_id: str,
    caller: CanExport,
    batches: Batches,
    exports: Exports,
    form: Annotated[Literal["jsonl", "zip"], Query(alias="format")] = "jsonl",
) -> Response:
    """What came of the batch so far, streamed. A download that breaks off was not complete: ask again."""
    batch = await batches.find(caller, batch_id)
    pieces = exports.zip(caller, batch) if form == "zip" else exports.jsonl(batch)
    media_type = "application/zip" if form == "zip" else "application/x-ndjson"
    return await download(pieces, media_type=media_type, filename=f"{batch.id}.{form}")


def _change(change: Change) -> BatchChange:
    return BatchChange(
        matched=change.matched,
        changed=change.changed,
        skipped=change.matched - change.changed,
        batch=batch_view(change.after.batch, change.after.tally),
    )


def _rejected(item: Rejection) -> RejectedItem:
    errors = [FieldProblem(pointer=fault.pointer, code=fault.code, detail=fault.detail) for fault in item.errors]
    return RejectedItem(index=item.index, code=item.code, detail=item.detail, errors=errors)
