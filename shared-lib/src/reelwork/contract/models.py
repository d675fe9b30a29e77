"""Models on the wire: what can be made, and the form for it."""

from typing import Annotated, Any, Literal

from pydantic import Field

from reelwork.contract.base import Timestamp, Wire
from reelwork.contract.money import PricingView


class Capabilities(Wire):
    progress: bool
    cancel: bool
    seed: bool


class TierLimits(Wire):
    """What accounts of one tier may ask of a model."""

    tier: str
    concurrent_jobs: int
    max_duration_seconds: Annotated[
        float | None, Field(description="Longest film or sound; null for a model whose results have no length.")
    ]


class ModelLimits(Wire):
    run_timeout_seconds: int
    max_duration_seconds: Annotated[
        float | None, Field(description="What the model itself can make at most; plans may allow less.")
    ]
    max_input_bytes: Annotated[int | None, Field(description="Of one file; null for a model that takes none.")]
    by_tier: Annotated[list[TierLimits], Field(description="Tiers that may use it, the lowest first.")]


class ModelLifecycle(Wire):
    """`deprecated`: it still runs, but its end or its successor is announced. `retired`: it takes no new jobs."""

    status: Literal["active", "deprecated", "retired"]
    deprecated_at: Timestamp | None
    sunset_at: Timestamp | None
    replacement: Annotated[str | None, Field(description="What to use instead: `name` or `name@version`.")]


class ModelStats(Wire):
    """How jobs of this version went lately, whoever's they were; null where none has ended yet."""

    p50_run_seconds: float | None
    p90_run_seconds: float | None
    p50_queue_seconds: float | None
    success_rate_24h: Annotated[
        float | None, Field(description="Completed jobs of those that completed or failed in the last 24 hours.")
    ]
    warm_workers: Annotated[int, Field(description="Workers that offer it and take jobs now.")]


class ModelExample(Wire):
    title: str
    input: dict[str, Any]  # an instance of the model's input_schema


class ModelView(Wire):
    """A model. Form and validation come from `input_schema`: JSON Schema 2020-12 with `x-order` and `x-widget`."""

    name: str
    object: Literal["model"] = "model"
    version: Annotated[str, Field(description="That a job gets which names none, or the one that was asked for.")]
    versions: Annotated[list[str], Field(description="All that are offered, the newest first.")]
    aliases: Annotated[list[str], Field(description="Other names that a job may give it.")]
    task: str
    title: str
    description: str
    input_schema: dict[str, Any]  # a JSON Schema document
    produces: list[str]
    pool: str
    is_ai: bool
    deterministic: bool
    seconds_hint: float
    capabilities: Capabilities
    limits: ModelLimits
    pricing: PricingView
    min_tier: Annotated[str, Field(description="The lowest plan that may use it.")]
    rate_units: Annotated[int, Field(description="How many submits of your plan's minute a job of it counts as.")]
    lifecycle: ModelLifecycle
    stats: ModelStats
    examples: list[ModelExample]
    available: bool
    seen_at: Timestamp


class ModelPage(Wire):
    items: list[ModelView]
    next_cursor: str | None = None
    has_more: bool = False
