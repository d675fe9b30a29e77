"""Jobs on the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StringConstraints

from reelwork.contract.base import JSON_MOMENT, JSON_NUMBER, MOST_RETENTION_SECONDS, Moment, Timestamp, Wire
from reelwork.contract.money import CostView, MoneyText
from reelwork.contract.paging import PageMeta
from reelwork.contract.queue import JobQueue

PriorityName = Literal["low", "normal", "high"]
CacheModeName = Literal["allow", "refresh", "off"]
StatusName = Literal["pending", "queued", "processing", "cancelling", "completed", "failed", "cancelled", "expired"]
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
MetadataValue = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]

_LUMA = "Luma's name for"
EventTypeName = Literal[
    "job.queued",
    "job.processing",
    "job.retrying",
    "job.completed",
    "job.failed",
    "job.cancelled",
    "job.expired",
    "batch.completed",
]
WebhookUrl = Annotated[
    str,
    Field(min_length=1, max_length=2048, description="Of the public internet, https://….", examples=["https://…"]),
]


class RetryBody(Wire):
    max_attempts: Annotated[int, Field(ge=1, le=10, description="Runs before the job fails for good."), JSON_NUMBER]


class RetentionBody(Wire):
    """Counted from the end of the job. Absent or null: the account's default."""

    input_seconds: Annotated[
        int | None,
        Field(ge=60, le=MOST_RETENTION_SECONDS, description="Then the input goes: its values and its files."),
        JSON_NUMBER,
    ] = None
    output_seconds: Annotated[
        int | None,
        Field(ge=60, le=MOST_RETENTION_SECONDS, description="Then the outputs go; the record of the job stays."),
        JSON_NUMBER,
    ] = None


class JobWebhookBody(Wire):
    """Where to hear of this alone; signed with the account's secret (`GET /v1/webhooks/signing-secret`)."""

    url: WebhookUrl
    events: Annotated[
        list[EventTypeName] | None,
        Field(min_length=1, max_length=16, description="Null: every end."),
    ] = None


class JobBody(Wire):
    """What to make: a model and its input. The input is checked against the model's `input_schema`."""

    model: Annotated[str, Field(min_length=1, max_length=128, examples=["builtin/landscape"])]
    input: Annotated[
        dict[str, JsonValue],
        Field(default_factory=dict, examples=[{"prompt": "A sunset over mountains"}]),
    ]
    priority: Annotated[PriorityName, Field(description="Order inside your own share.")] = "normal"
    tags: Annotated[list[Tag], Field(max_length=16)] = []
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=16)] = {}
    deadline_seconds: Annotated[
        float | None,
        Field(gt=0, le=30 * 86400, description="From now: not started by then, it expires; still running, it fails."),
        JSON_NUMBER,
    ] = None
    run_timeout_seconds: Annotated[
        float | None,
        Field(gt=0, le=86400, description="Longest single run; at most the model's own limit."),
        JSON_NUMBER,
    ] = None
    retry: Annotated[RetryBody | None, Field(description="Null: the server's default.")] = None
    not_before: Annotated[
        Moment | None, Field(description="Earliest start; the job waits until then."), JSON_MOMENT
    ] = None
    retention: Annotated[RetentionBody | None, Field(description="Null: the account's default.")] = None
    cache: Annotated[
        CacheModeName,
        Field(description="`allow`: an equal finished job of yours may answer at once, for deterministic models."),
    ] = "allow"
    fallback: Annotated[
        Literal["never", "auto"] | Annotated[list[ModelName], Field(min_length=1, max_length=4)],
        Field(
            description="Models that may do it where the provider of `model` cannot, in order; `auto`: those that the "
            "model names itself and that take this input. The price is that of `model`."
        ),
    ] = "never"
    max_cost: Annotated[
        MoneyText | None,
        Field(description="Refuse the job if it costs more than so many US dollars.", examples=["0.50"]),
    ] = None
    webhook: Annotated[
        JobWebhookBody | None, Field(description="Told of this job, beside the account's endpoints.")
    ] = None


class JobRetryBody(Wire):
    """How a job is queued again. Its old deadline is dropped."""

    deadline_seconds: Annotated[
        float | None, Field(gt=0, le=30 * 86400, description="A new deadline, from now. Null: none."), JSON_NUMBER
    ] = None


class ProgressDetail(Wire):
    stage: str
    message: str
    step: int | None
    steps: int | None
    updated_at: Timestamp | None


class OutputView(Wire):
    """One result. `url` is stable and wants the API key; it redirects to a short-lived signed address."""

    index: int
    asset_id: str
    name: str
    role: str
    type: str
    content_type: str
    bytes: int
    sha256: str
    width: int | None
    height: int | None
    duration_seconds: float | None
    meta: Annotated[dict[str, Any], Field(description="What the model says of it, such as its `seed`.")]
    url: str
    signed_url: Annotated[
        str | None,
        Field(description="With `expand=outputs.url`: serves the bytes to anyone who has it, for a few minutes."),
    ] = None
    signed_url_expires_at: Timestamp | None = None


class JobErrorView(Wire):
    code: str
    message: str
    retryable: bool
    attempt: int


class AttemptView(Wire):
    n: int
    worker: str
    started_at: Timestamp
    ended_at: Timestamp | None
    outcome: str | None
    error: JobErrorView | None
    model: Annotated[str | None, Field(description="Which one a provider was asked for; null: the job's own ran here.")]


class CancelView(Wire):
    requested_at: Timestamp
    confirmed_at: Timestamp | None
    by: str


class JobWarning(Wire):
    """What the owner of a job should know before it matters."""

    code: Literal["model_deprecated", "model_retired", "model_unavailable"]
    detail: str
    sunset_at: Timestamp | None
    replacement: Annotated[str | None, Field(description="The model to use instead.")]


class JobUrls(Wire):
    self: str
    events: str
    cancel: str
    explain: str


class CacheView(Wire):
    """`hit`: the outputs were made by `source_job_id`, and nothing was run."""

    hit: bool
    source_job_id: str | None


class JobMetrics(Wire):
    queue_seconds: float | None
    run_seconds: float | None


class JobView(Wire):
    """A job as its owner sees it. `progress` is 0 to 1; `is_terminal` tells when to stop asking."""

    id: str
    object: Literal["job"] = "job"
    model: str
    model_version: str
    status: StatusName
    substatus: str | None
    is_terminal: bool
    is_success: bool | None
    version: int
    attempt: int
    max_attempts: int
    created_at: Timestamp
    queued_at: Timestamp | None
    started_at: Timestamp | None
    completed_at: Timestamp | None
    not_before: Timestamp | None
    deadline_at: Timestamp | None
    run_timeout_seconds: float | None
    progress: float
    progress_detail: ProgressDetail
    priority: PriorityName
    input: dict[str, Any]  # as submitted; its shape is the model's
    seed: int
    outputs: list[OutputView]
    error: JobErrorView | None
    attempts: list[AttemptView]
    cancel: CancelView | None
    tags: list[str]
    metadata: dict[str, str]
    batch_id: str | None
    cost: CostView
    cache: CacheView
    expires_at: Annotated[
        Timestamp | None, Field(description="When the outputs go, told at the end; null: never, or gone.")
    ]
    inputs_removed: Annotated[bool, Field(description="The input is gone, values and files: `input` is empty.")]
    data_removed: Annotated[bool, Field(description="The outputs are gone: `outputs` is empty.")]
    queue: Annotated[JobQueue | None, Field(description="Of one waiting job; null for others, and in lists.")]
    metrics: JobMetrics
    warnings: Annotated[
        list[JobWarning],
        Field(
            description="That its model is on its way out, or gone; when it is accepted also that nobody runs it now."
        ),
    ]
    urls: JobUrls
    poll_after_ms: int
    job_id: Annotated[str | None, Field(deprecated=True, description=f"{_LUMA} `id`.")] = None
    queue_position: Annotated[int | None, Field(deprecated=True, description=f"{_LUMA} `queue.position`.")] = None
    estimated_wait: Annotated[
        str | None,
        Field(
            deprecated=True, description=f"{_LUMA} `queue.starts_at`, as a duration of ISO 8601.", examples=["PT90S"]
        ),
    ] = None
    video_id: Annotated[
        str | None, Field(deprecated=True, description=f"{_LUMA} the `asset_id` of the first output that is a video.")
    ] = None


class JobPage(Wire):
    """`next_cursor` goes into `cursor` for the next page; null at the end. Newest first."""

    items: list[JobView]
    next_cursor: str | None
    has_more: bool


class NumberedJobPage(JobPage):
    """A page that was asked for by its number. `meta`: where it stands."""

    meta: PageMeta
