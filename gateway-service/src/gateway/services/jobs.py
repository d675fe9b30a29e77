"""Jobs, as their owners deal with them."""

from datetime import timedelta

from gateway.auth import Caller
from gateway.services.building import JobBuilder
from gateway.services.pages import Page, check_cursor
from gateway.services.purses import Purses
from gateway.services.short_jobs import ShortJobs
from reelwork.contract.jobs import JobBody
from reelwork.contract.paging import MOST_COUNTED, Numbered, PageMeta
from reelwork.domain.account import Scope
from reelwork.domain.ids import JobId
from reelwork.domain.job import Job
from reelwork.engine.cancel import cancel, job_not_found
from reelwork.engine.engine import Engine
from reelwork.engine.intake import Intake
from reelwork.engine.retry import retry
from reelwork.engine.submit import LaneOpener, stored_before, submit
from reelwork.store.idempotency import Ours
from reelwork.store.job_filter import JobFilter


class JobService:
    """Submit, read, list, cancel. Every method sees the caller's own jobs only, but for operators' lists."""

    def __init__(
        self,
        engine: Engine,
        intake: Intake,
        opener: LaneOpener,
        builder: JobBuilder,
        *,
        purses: Purses,
        short: ShortJobs,
    ) -> None:
        self._short = short
        self._engine = engine
        self._intake = intake
        self._opener = opener
        self._builder = builder
        self._purses = purses

    async def submit(
        self, caller: Caller, body: JobBody, *, request_id: str, job_id: JobId | None = None, wait: float | None = None
    ) -> Job:
        """Check and store a job; it is durable when this returns.

        `job_id`: one that was reserved for it; a job that is there under it already is the one that is meant. `wait`:
        how many seconds its caller would wait for its end; where that is little to ask, it is run here and now.

        Raises ModelNotFound, InvalidInput, InsufficientTier, RateLimited, MaxCostExceeded, QuotaExceeded,
        SpendCapReached, InsufficientCredits, StoreUnavailable.
        """
        new = await self._builder.build(caller, body, request_id=request_id, job_id=job_id)
        await _charge(caller, new.rate_units)
        purse = self._purses.of(caller)
        here = bool(wait) and self._short.takes(new)
        stored = await submit(
            self._intake, self._opener, new.job, new.terms, purse=purse, price=new.price, announced=not here
        )
        if stored is not None and here:
            await self._short.run(stored, new.terms, within=wait or 0.0)
            return await self._engine.stores.jobs.get(stored.account_id, stored.id) or stored
        if stored is not None:
            return stored
        return await stored_before(self._engine.stores.jobs, new.job)

    async def submit_once(self, caller: Caller, body: JobBody, *, request_id: str, ours: Ours) -> Job:
        """The job of a request that may have been sent before: see `KeyedRequests.answer`. Raises as `submit` does."""
        known = None if ours.first else await self.find(caller, ours.subject)
        return known or await self.submit(caller, body, request_id=request_id, job_id=JobId(ours.subject))

    async def price(self, caller: Caller, body: JobBody, *, request_id: str) -> int:
        """What submitting it would reserve, in ten-thousandths of a US dollar; stores nothing. Raises as `submit` does,
        but for what is not there to pay it."""
        return (await self._builder.build(caller, body, request_id=request_id)).price

    async def check(self, caller: Caller, body: JobBody, *, request_id: str) -> None:
        """Raises what `submit` would refuse at this moment; stores nothing."""
        new = await self._builder.build(caller, body.model_copy(update={"cache": "off"}), request_id=request_id)
        for refusal in await self._purses.refusals(caller, new):
            raise refusal

    async def admit(self, caller: Caller, body: JobBody, *, job_id: JobId) -> None:
        """Charge a job whose files are not there yet, if plan and purse have room for it at this moment; stores
        nothing. Raises as `submit` does, but for what is wrong with its input."""
        card, price = await self._builder.admit(caller, body)
        await _charge(caller, card.rate_units)
        for refusal in await self._purses.lacks(caller, job_id, price):
            raise refusal

    async def retry(self, caller: Caller, job_id: str, *, mark: str, deadline: timedelta | None) -> Job:
        """Queue a job again that ended without success; see `engine.retry`.

        Raises JobNotFound, InvalidState, PermissionDenied, and what the purse refuses.
        """
        if caller.key.models:
            caller.require_model((await self.get(caller, job_id)).model)
        return await retry(
            self._engine,
            self._opener,
            caller.account,
            JobId(job_id),
            mark=mark,
            deadline=deadline,
            purse=self._purses.of(caller),
        )

    async def find(self, caller: Caller, job_id: str) -> Job | None:
        """The job, if it is there and the caller's."""
        return await self._engine.stores.jobs.get(caller.account.id, JobId(job_id))

    async def get(self, caller: Caller, job_id: str) -> Job:
        """Raises JobNotFound, for other accounts' jobs too."""
        job = await self.find(caller, job_id)
        if job is None:
            raise job_not_found(job_id)
        return job

    async def page(
        self, caller: Caller, where: JobFilter, *, everybodys: bool, cursor: str | None, limit: int
    ) -> Page[Job]:
        """The caller's jobs, or, for operators, those of all accounts. Raises InvalidCursor, ScopeMissing."""
        known = check_cursor(cursor, "job_")
        before = JobId(known) if known else None
        if everybodys:
            caller.require(Scope.ADMIN)
            everybody = self._engine.stores.overview
            return Page.cut(await everybody.jobs(where, account=None, before=before, limit=limit + 1), limit)
        found = await self._engine.stores.jobs.page(caller.account.id, where, before=before, limit=limit + 1)
        return Page.cut(found, limit)

    async def numbered(
        self, caller: Caller, where: JobFilter, *, everybodys: bool, page: int, per_page: int
    ) -> Numbered[Job]:
        """A page of the same jobs by its number, from 1. Raises ScopeMissing."""
        stores, skip = self._engine.stores, (page - 1) * per_page
        if everybodys:
            caller.require(Scope.ADMIN)
            found = stores.overview.numbered(where, skip=skip, limit=per_page, most=MOST_COUNTED)
        else:
            found = stores.jobs.numbered(caller.account.id, where, skip=skip, limit=per_page, most=MOST_COUNTED)
        items, total = await found
        return Numbered(items, PageMeta.of(total=total, page=page, per_page=per_page))

    async def cancel(self, caller: Caller, job_id: str) -> Job:
        """Raises JobNotFound."""
        return await cancel(self._engine, caller.account.id, JobId(job_id), by="owner")


async def _charge(caller: Caller, units: int) -> None:
    """Raises RateLimited, InsufficientTier."""
    await caller.charge(units, field="#/model", cure="Use another model")
