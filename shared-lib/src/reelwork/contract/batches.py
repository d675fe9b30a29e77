"""Batches and bulk actions on the wire."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints, WithJsonSchema

from reelwork.contract.base import JSON_MOMENT, Moment, Timestamp, Wire
from reelwork.contract.jobs import (
    JobBody,
    JobErrorView,
    JobWebhookBody,
    MetadataKey,
    MetadataValue,
    OutputView,
    StatusName,
    Tag,
)
from reelwork.contract.money import CostView
from reelwork.contract.problem import FieldProblem
from reelwork.domain.batch import MOST_ITEMS

MOST_IDS = 1000

BulkActionName = Literal["cancel", "retry", "erase"]


def _item_schema() -> dict[str, JsonValue]:
    """That of a job, but nothing is required: `defaults` may have it."""
    schema = JobBody.model_json_schema(ref_template="#/components/schemas/{model}")
    kept = {name: value for name, value in schema.items() if name not in {"$defs", "required"}}
    return kept | {"title": "BatchItem", "description": "A job; `model` may come from `defaults`."}


# Checked one by one by the gateway, so that one bad item need not spoil the others: here it may be anything.
_Item = Annotated[JsonValue, WithJsonSchema(_item_schema())]
_Defaults = Annotated[dict[str, JsonValue], WithJsonSchema({"type": "object", "additionalProperties": True})]


class BatchBody(Wire):
    """Up to 1,000 jobs that are accepted together."""

    items: Annotated[
        list[_Item],
        Field(
            min_length=1,
            max_length=MOST_ITEMS,
            description="Jobs, as `POST /v1/jobs` takes them; what `defaults` has may be left out.",
        ),
    ]
    defaults: Annotated[
        _Defaults,
        Field(
            description="Fields of a job for every item that does not have them; `input` is merged name by name.",
            examples=[{"model": "builtin/landscape", "priority": "low"}],
        ),
    ] = {}
    mode: Annotated[
        Literal["atomic", "partial"],
        Field(description="`atomic`: all or nothing. `partial`: what is valid is accepted, the rest is told."),
    ] = "atomic"
    name: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")] | None,
        Field(description="For people; need not be unique."),
    ] = None
    tags: Annotated[list[Tag], Field(max_length=16, description="Of the batch; its jobs have their own.")] = []
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=16)] = {}
    webhook: Annotated[
        JobWebhookBody | None,
        Field(description="Told when all its jobs have ended (`batch.completed`). Each job may have its own."),
    ] = None


class BatchCounts(Wire):
    """How many of the batch's jobs are in which state, at this moment. `rejected` items never became jobs."""

    total: int
    pending: int
    queued: int
    processing: int
    cancelling: int
    completed: int
    failed: int
    cancelled: int
    expired: int
    rejected: int


class BatchUrls(Wire):
    self: str
    jobs: str
    cancel: str
    retry_failed: str
    outputs: str


class BatchView(Wire):
    """A batch. It is `completed` once every job has ended, however; retrying jobs makes it `processing` again."""

    id: str
    object: Literal["batch"] = "batch"
    name: str | None
    status: Literal["processing", "completed"]
    is_terminal: bool
    is_success: Annotated[bool | None, Field(description="Whether every job completed; null until all have ended.")]
    counts: BatchCounts
    progress: Annotated[float, Field(description="The share of jobs that have ended, 0 to 1.")]
    created_at: Timestamp
    completed_at: Annotated[Timestamp | None, Field(description="When the last job ended; null until all have.")]
    tags: list[str]
    metadata: dict[str, str]
    urls: BatchUrls
    poll_after_ms: int


class BatchDetail(BatchView):
    """`job_ids[n]` is the job of `items[n]`; null if that item was rejected. `cost`: of all its jobs together."""

    job_ids: list[str | None]
    cost: CostView


class RejectedItem(Wire):
    """Why `items[index]` did not become a job: `code` and `detail` as `POST /v1/jobs` would have answered it."""

    index: int
    code: str
    detail: str
    errors: list[FieldProblem]


class BatchAccepted(BatchDetail):
    """`rejected` is empty in `atomic` mode."""

    rejected: list[RejectedItem]


class BatchPage(Wire):
    """`next_cursor` goes into `cursor` for the next page; null at the end. Newest first."""

    items: list[BatchView]
    next_cursor: str | None
    has_more: bool


class BatchChange(Wire):
    """What was done to the jobs of a batch, and the batch afterwards. `skipped`: something else moved them first."""

    matched: int
    changed: int
    skipped: int
    batch: BatchView


class BatchOutput(Wire):
    """One line of `outputs?format=jsonl`: the job of `items[index]`, and what came of it so far."""

    index: int
    id: str
    status: StatusName
    outputs: list[OutputView]
    error: JobErrorView | None
    metadata: dict[str, str]


class BulkFilter(Wire):
    """Jobs that have all of this."""

    status: Annotated[list[StatusName], Field(max_length=8)] = []
    model: Annotated[str | None, Field(max_length=128)] = None
    tag: Annotated[str | None, Field(max_length=64)] = None
    batch_id: Annotated[str | None, Field(max_length=64)] = None
    created_after: Annotated[Moment | None, Field(description="At this moment or later."), JSON_MOMENT] = None
    created_before: Annotated[Moment | None, Field(description="Earlier than this."), JSON_MOMENT] = None


class BulkBody(Wire):
    """What to do, and to which jobs: either `ids` or a `filter` that says something."""

    action: BulkActionName
    ids: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=64)]] | None,
        Field(min_length=1, max_length=MOST_IDS),
    ] = None
    filter: BulkFilter | None = None
    dry_run: Annotated[bool, Field(strict=True, description="Only say what would be done.")] = False


class BulkFailure(Wire):
    id: str
    code: str


class BulkSkip(Wire):
    """`status`: when it was looked at. `reason`: the action changes no job in this state; the job's input or files are
    erased; or another request or a worker was first."""

    id: str
    status: StatusName
    reason: Literal["status", "data_removed", "changed_meanwhile"]


class BulkResult(Wire):
    """At most 1,000 jobs in one call: ask again while `has_more`.

    With a `filter`, `matched` counts jobs that the action can change. With `ids`, those that are not in a state for it
    are `skipped`, those that are not yours or not there are `failed`. `ids`, `errors` and `skipped_jobs` are the first
    hundred.
    """

    action: BulkActionName
    dry_run: bool
    matched: int
    changed: int
    skipped: int
    failed: int
    has_more: bool
    ids: list[str]
    errors: list[BulkFailure]
    skipped_jobs: list[BulkSkip]
