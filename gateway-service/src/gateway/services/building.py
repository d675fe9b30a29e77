"""From what a caller wrote to a job that can be stored: model known, input checked, terms clear. Stores no job."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from gateway.auth import Caller
from gateway.services.fallbacks import Fallbacks
from gateway.services.inputs import InputChecker
from gateway.services.models import Catalogue
from gateway.services.plan_limits import too_dear, too_long, too_low
from gateway.services.webhooks.hooks import Hook, Hooks
from reelwork.contract.jobs import JobBody, RetentionBody
from reelwork.domain.account import Account
from reelwork.domain.errors import FieldError, InsufficientTier, InvalidInput, ReelworkError
from reelwork.domain.ids import AssetId, BatchId, JobId, new_job_id
from reelwork.domain.job import CacheMode, Event, Job, Priority, Retention, Status, draw_seed
from reelwork.domain.lane import LaneTerms, lane_for_jobs, lane_of
from reelwork.domain.price import price_of
from reelwork.domain.tier import Plans
from reelwork.engine.cache import ResultCache
from reelwork.generator import ModelCard
from reelwork.store.client import DatabaseClock
from reelwork.tracing import traceparent

# A job may wait so long for its start; its model and its inputs may not be there for ever.
LONGEST_DELAY = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job that is not stored yet, and the lane that it will wait in; completed if the cache has its result.

    `series_values`: how many numbers the saved series has that it names. `price`: in ten-thousandths of a US dollar, 0
    for what the cache answers. `refusals`: why it must not be stored; `build` raises the first of them.
    """

    job: Job
    card: ModelCard
    terms: LaneTerms
    series_values: int = 0
    price: int = 0
    refusals: tuple[ReelworkError, ...] = ()

    @property
    def rate_units(self) -> int:
        """What it counts as by the rate of submitting; what the cache answered is as light as any request."""
        return 1 if self.job.status.is_terminal else self.card.rate_units


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    job_id: JobId
    request_id: str
    batch_id: BatchId | None
    at: datetime
    retention: Retention
    hook: Hook


class JobBuilder:
    """Builds jobs for whoever submits them, alone or in a batch."""

    def __init__(
        self,
        catalogue: Catalogue,
        checker: InputChecker,
        clock: DatabaseClock,
        cache: ResultCache,
        hooks: Hooks,
        *,
        max_attempts: int,
        retention_seconds: int | None,
        plans: Plans,
    ) -> None:
        self._catalogue = catalogue
        self._checker = checker
        self._fallbacks = Fallbacks(catalogue, checker)
        self._clock = clock
        self._cache = cache
        self._hooks = hooks
        self._max_attempts = max_attempts
        self._retention_seconds = retention_seconds
        self._plans = plans

    async def build(
        self,
        caller: Caller,
        body: JobBody,
        *,
        request_id: str,
        job_id: JobId | None = None,
        batch_id: BatchId | None = None,
    ) -> NewJob:
        """`job_id`: None draws a new one.

        Raises PermissionDenied, ModelNotFound, ModelRetired, InvalidInput, InsufficientTier, MaxCostExceeded,
        StoreUnavailable.
        """
        card = await self._card(caller, body)
        lane_for_jobs(caller.account, card.pool, self._plans)  # before anything is looked up
        new = await self.draft(caller, body, request_id=request_id, job_id=job_id, batch_id=batch_id)
        for refusal in new.refusals:
            raise refusal
        return new

    async def admit(self, caller: Caller, body: JobBody) -> tuple[ModelCard, int]:
        """The model and the price of a job whose files are not there yet: `build` minus its look at the input.

        Raises PermissionDenied, ModelNotFound, ModelRetired, InsufficientTier, MaxCostExceeded, StoreUnavailable.
        """
        card = await self._card(caller, body)
        whole = card.with_defaults(body.input)
        price = price_of(card.pricing, whole)
        for refusal in self._refusals(caller.account, card, whole, price=price, max_cost=body.max_cost):
            raise refusal
        return card, price

    async def draft(
        self,
        caller: Caller,
        body: JobBody,
        *,
        request_id: str,
        job_id: JobId | None = None,
        batch_id: BatchId | None = None,
    ) -> NewJob:
        """The same for whoever only wants to look: with all `refusals` by plan and price instead of the first as error.

        Raises PermissionDenied, ModelNotFound, ModelRetired, InvalidInput, StoreUnavailable.
        """
        card = await self._card(caller, body)
        terms = lane_of(caller.account, card.pool, self._plans)
        _check_run_timeout(body, card)
        now = await self._clock.now()  # the one that decides when the deadline has come
        _check_start(body, now)
        origin = _Origin(
            job_id=job_id or new_job_id(),
            request_id=request_id,
            batch_id=batch_id,
            at=now,
            retention=self._retention(caller.account.retention, body.retention or RetentionBody()),
            hook=await self._hooks.of_job(caller.account.id, body.webhook),
        )
        assets = await self._checker.check(caller.account.id, card, body.input, job=origin.job_id)
        series = await self._checker.series(caller.account.id, card, body.input)
        job = self._job(origin, body, card, terms, [asset.id for asset in assets])
        job = replace(job, input_series=tuple(series), fallbacks=await self._fallbacks.of(caller, body, card))
        job = await self._cache.applied(job, card, {asset.id: asset.sha256 for asset in assets})
        whole = card.with_defaults(body.input)
        price = 0 if job.status.is_terminal else price_of(card.pricing, whole)
        refusals = self._refusals(caller.account, card, whole, price=price, max_cost=body.max_cost)
        numbers = sum(use.points * use.observables for use in series)
        return NewJob(job=job, card=card, terms=terms, series_values=numbers, price=price, refusals=tuple(refusals))

    async def _card(self, caller: Caller, body: JobBody) -> ModelCard:
        """Of the version that the body means. A key that is bound to models is held against the model's own name."""
        caller.require_model(await self._catalogue.plain(body.model))
        return (await self._catalogue.usable(body.model, pointer="#/model")).card

    def _refusals(
        self, account: Account, card: ModelCard, whole: Mapping[str, Any], *, price: int, max_cost: str | None
    ) -> Iterator[ReelworkError]:
        yield from self._not_in_plan(account, card.pool)
        yield from too_low(account, card)
        yield from too_long(account, self._plans[account.tier], whole)
        yield from too_dear(price, max_cost)

    def _not_in_plan(self, account: Account, pool: str) -> Iterator[InsufficientTier]:
        try:
            lane_for_jobs(account, pool, self._plans)
        except InsufficientTier as error:
            yield error

    def _retention(self, of_account: Retention, asked: RetentionBody) -> Retention:
        """What the job asks for, else what its account has, else what the installation has."""
        default = self._retention_seconds
        return Retention(
            input_seconds=_first(asked.input_seconds, of_account.input_seconds, default),
            output_seconds=_first(asked.output_seconds, of_account.output_seconds, default),
        )

    def _job(self, origin: _Origin, body: JobBody, card: ModelCard, terms: LaneTerms, assets: Sequence[AssetId]) -> Job:
        now, asked = origin.at, body.input.get("seed")
        return Job(
            id=origin.job_id,
            account_id=terms.account_id,
            lane=terms.id,
            pool=terms.pool,
            model=card.name,
            model_version=card.version,
            status=Status.QUEUED,
            input=dict(body.input),
            seed=int(asked) if isinstance(asked, int | float) else draw_seed(origin.job_id),
            priority=Priority[body.priority.upper()],
            order=time.time(),
            max_attempts=body.retry.max_attempts if body.retry else self._max_attempts,
            created_at=now,
            queued_at=now,
            not_before=body.not_before if body.not_before and body.not_before > now else None,
            due=body.not_before is None or body.not_before <= now,
            input_assets=tuple(assets),
            events=(Event(seq=1, at=now, type="job.queued", status=Status.QUEUED, attempt=0),),
            tags=tuple(body.tags),
            metadata=dict(body.metadata),
            request_id=origin.request_id,
            traceparent=traceparent(),
            batch_id=origin.batch_id,
            deadline_at=now + timedelta(seconds=body.deadline_seconds) if body.deadline_seconds else None,
            run_timeout_seconds=body.run_timeout_seconds,
            retention=origin.retention,
            cache=CacheMode(body.cache),
            webhook=origin.hook.webhook,
            hooked=origin.hook.heard,
        )


def check_delay(not_before: datetime, now: datetime) -> None:
    """Raises InvalidInput for an earliest start that is too far away."""
    if not_before > now + LONGEST_DELAY:
        raise _wrong("not_before", "too_late", f"At most {LONGEST_DELAY.days} days from now.")


def _check_start(body: JobBody, now: datetime) -> None:
    if body.not_before is None:
        return
    check_delay(body.not_before, now)
    if body.deadline_seconds is not None and now + timedelta(seconds=body.deadline_seconds) <= body.not_before:
        raise _wrong("deadline_seconds", "before_start", "The deadline must come after not_before.")


def _wrong(field: str, code: str, cure: str) -> InvalidInput:
    error = FieldError(pointer=f"#/{field}", code=code, detail=cure)
    return InvalidInput(f"Not valid: {error.pointer}.", hint=cure, errors=[error])


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _check_run_timeout(body: JobBody, card: ModelCard) -> None:
    limit = card.limits.run_timeout_seconds
    if body.run_timeout_seconds is not None and body.run_timeout_seconds > limit:
        cure = f"At most {limit:g} for {card.name}."
        raise InvalidInput(
            f"A run of {card.name} may take {limit:g} s at most.",
            hint=cure,
            errors=[FieldError(pointer="#/run_timeout_seconds", code="too_large", detail=cure)],
        )
