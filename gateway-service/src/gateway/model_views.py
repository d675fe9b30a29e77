"""A model as it is shown: what its card says, what this installation adds, and how it has been doing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.costs import pricing_view
from reelwork.contract.models import (
    Capabilities,
    ModelExample,
    ModelLifecycle,
    ModelLimits,
    ModelStats,
    ModelView,
    TierLimits,
)
from reelwork.domain.eta import quantiles
from reelwork.domain.lifecycle import Lifecycle, Stage
from reelwork.domain.tier import Plans, Tier
from reelwork.generator import ModelCard
from reelwork.store.models import Listing
from reelwork.store.statistics import Outcomes

# The parameter that says how long a film or sound is to be, in every model that makes one.
DURATION = "duration_seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What bounds every model here. `upload_limit_bytes`: of one file."""

    plans: Plans
    upload_limit_bytes: int


def model_view(
    listing: Listing, terms: Terms, *, versions: Sequence[str], aliases: Sequence[str], outcomes: Outcomes
) -> ModelView:
    card = listing.card
    return ModelView(
        name=card.name,
        version=card.version,
        versions=list(versions),
        aliases=list(aliases),
        task=card.task,
        title=card.title,
        description=card.description,
        input_schema=dict(card.input_schema),
        produces=list(card.output_media_types),
        pool=card.pool,
        is_ai=card.is_ai,
        deterministic=card.deterministic,
        seconds_hint=card.seconds_hint,
        capabilities=Capabilities(
            progress=card.capabilities.progress, cancel=card.capabilities.cancel, seed=card.capabilities.seed
        ),
        limits=_limits(card, terms),
        pricing=pricing_view(card.pricing),
        min_tier=_tiers(card, terms.plans)[0],
        rate_units=card.rate_units,
        lifecycle=_lifecycle(card.lifecycle),
        stats=_stats(outcomes, listing.workers),
        examples=_examples(card.examples),
        available=listing.available and card.lifecycle.stage(datetime.now(UTC)) is not Stage.RETIRED,
        seen_at=listing.seen_at,
    )


def _limits(card: ModelCard, terms: Terms) -> ModelLimits:
    longest = _longest(card)
    plans = [(tier, terms.plans[tier]) for tier in _tiers(card, terms.plans)]
    return ModelLimits(
        run_timeout_seconds=round(card.limits.run_timeout_seconds),
        max_duration_seconds=longest,
        max_input_bytes=terms.upload_limit_bytes if card.asset_inputs else None,
        by_tier=[
            TierLimits(
                tier=tier,
                concurrent_jobs=plan.concurrent_jobs,
                max_duration_seconds=min(longest, plan.max_duration_seconds) if longest is not None else None,
            )
            for tier, plan in plans
        ],
    )


def _tiers(card: ModelCard, plans: Plans) -> list[Tier]:
    """Those that may use it, the lowest first; at least one, since the highest has whatever there is."""
    allowed = [tier for tier in Tier if tier.includes(card.min_tier)]
    return [tier for tier in allowed if plans[tier].concurrent_jobs] or allowed[-1:]


def _longest(card: ModelCard) -> float | None:
    fields = card.input_schema.get("properties", {})
    field = fields.get(DURATION) if isinstance(fields, dict) else None
    most = field.get("maximum") if isinstance(field, dict) else None
    return float(most) if isinstance(most, int | float) else None


def _lifecycle(life: Lifecycle) -> ModelLifecycle:
    return ModelLifecycle(
        status=life.stage(datetime.now(UTC)).value,
        deprecated_at=life.deprecated_at,
        sunset_at=life.sunset_at,
        replacement=life.replacement,
    )


def _stats(outcomes: Outcomes, workers: int) -> ModelStats:
    runs, queued = quantiles(outcomes.runs), quantiles(outcomes.queued)
    ended = outcomes.completed + outcomes.failed
    return ModelStats(
        p50_run_seconds=runs.p50 if runs is not None else None,
        p90_run_seconds=runs.p90 if runs is not None else None,
        p50_queue_seconds=queued.p50 if queued is not None else None,
        success_rate_24h=outcomes.completed / ended if ended else None,
        warm_workers=workers,
    )


def _examples(inputs: Sequence[Mapping[str, object]]) -> list[ModelExample]:
    """Examples under a title: the prompt where there is one."""
    return [
        ModelExample(title=str(values.get("prompt") or f"Example {number}"), input=dict(values))
        for number, values in enumerate(inputs, start=1)
    ]
