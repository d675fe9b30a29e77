"""Jobs, as their owners deal with them."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from gateway.auth import Caller
from gateway.services.inputs import InputChecker
from gateway.services.models import Catalogue
from gateway.services.pages import Page, check_cursor
from reelwork.contract.jobs import JobBody
from reelwork.domain.errors import InsufficientTier
from reelwork.domain.ids import AssetId, JobId, new_job_id
from reelwork.domain.job import Event, Job, Priority, Status, draw_seed
from reelwork.domain.lane import LaneTerms, terms_for
from reelwork.engine.cancel import cancel, job_not_found
from reelwork.engine.engine import Engine
from reelwork.engine.intake import Intake
from reelwork.engine.submit import LaneOpener, submit
from reelwork.generator import ModelCard
from reelwork.store.jobs import JobFilter


class JobService:
    """Submit, read, list, cancel. Every method sees the caller's own jobs only."""

    def __init__(
        self, engine: Engine, intake: Intake, opener: LaneOpener, catalogue: Catalogue, *, max_attempts: int
    ) -> None:
        self._engine = engine
        self._intake = intake
        self._opener = opener
        self._catalogue = catalogue
        self._checker = InputChecker(engine.stores.assets)
        self._max_attempts = max_attempts

    async def submit(self, caller: Caller, body: JobBody, *, request_id: str) -> Job:
        """Check and store a job; it is durable when this returns.

        Raises ModelNotFound, InvalidInput, InsufficientTier, StoreUnavailable.
        """
        listing = await self._catalogue.get(body.model, pointer="#/model")
        terms = terms_for(caller.account.id, caller.account.tier, listing.card.pool)
        if terms.limit == 0:
            raise InsufficientTier(
                f"The {caller.account.tier} plan runs no jobs.", hint="Ask for a higher plan.", errors=[]
            )
        assets = await self._checker.check(caller.account.id, listing.card, body.input)
        job = self._build(body, listing.card, terms, assets, request_id)
        await submit(self._intake, self._opener, job, terms)
        return job

    def _build(
        self, body: JobBody, card: ModelCard, terms: LaneTerms, assets: Sequence[AssetId], request_id: str
    ) -> Job:
        job_id, now = new_job_id(), datetime.now(UTC)
        asked = body.input.get("seed")
        return Job(
            id=job_id,
            account_id=terms.account_id,
            lane=terms.id,
            pool=terms.pool,
            model=card.name,
            model_version=card.version,
            status=Status.QUEUED,
            input=dict(body.input),
            seed=int(asked) if isinstance(asked, int | float) else draw_seed(job_id),
            priority=Priority[body.priority.upper()],
            order=time.time(),
            estimate_seconds=card.seconds_hint,
            max_attempts=self._max_attempts,
            created_at=now,
            queued_at=now,
            input_assets=tuple(assets),
            events=(Event(seq=1, at=now, type="job.queued", status=Status.QUEUED, attempt=0),),
            tags=tuple(body.tags),
            metadata=dict(body.metadata),
            request_id=request_id,
        )

    async def get(self, caller: Caller, job_id: str) -> Job:
        """Raises JobNotFound, for other accounts' jobs too."""
        job = await self._engine.stores.jobs.get(caller.account.id, JobId(job_id))
        if job is None:
            raise job_not_found(job_id)
        return job

    async def page(self, caller: Caller, where: JobFilter, *, cursor: str | None, limit: int) -> Page[Job]:
        """Raises InvalidCursor."""
        before = check_cursor(cursor, "job_")
        found = await self._engine.stores.jobs.page(
            caller.account.id, where, before=JobId(before) if before else None, limit=limit + 1
        )
        return Page.cut(found, limit)

    async def cancel(self, caller: Caller, job_id: str) -> Job:
        """Raises JobNotFound."""
        return await cancel(self._engine, caller.account.id, JobId(job_id), by="owner")
