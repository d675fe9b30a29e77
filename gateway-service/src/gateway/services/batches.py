"""Batches, as their owners deal with them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.auth import Caller
from gateway.problems import named, not_found
from gateway.services.batch_items import ItemChecker, Origin, Rejection
from gateway.services.building import JobBuilder, NewJob
from gateway.services.pages import Page, check_cursor
from gateway.services.plan_limits import check_batch
from gateway.services.purses import Purses
from gateway.services.webhooks.hooks import Hooks
from reelwork.contract.batches import BatchBody
from reelwork.domain.batch import MOST_ITEMS, Batch, Tally
from reelwork.domain.errors import BatchNotFound, InsufficientTier, InvalidInput, MaxCostExceeded, ReelworkError
from reelwork.domain.ids import BatchId, new_batch_id, new_job_id
from reelwork.domain.job import Status
from reelwork.domain.price import Cost
from reelwork.domain.rate import batch_units
from reelwork.engine.batches import accept
from reelwork.engine.bulk import ACTIONS, Action, Bench, apply
from reelwork.engine.engine import Engine
from reelwork.engine.erase import Eraser
from reelwork.engine.submit import LaneOpener
from reelwork.store.job_filter import JobFilter
from reelwork.store.selection import Candidate

_MOST_FAULTS = 20
# Where all items are refused for the same one of these, the batch is too.
_TELLING: tuple[type[ReelworkError], ...] = (InsufficientTier, MaxCostExceeded)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedBatch:
    """A batch, and how its jobs stand at this moment."""

    batch: Batch
    tally: Tally

    @property
    def id(self) -> str:
        return self.batch.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`changed` of the `matched` jobs; the others were moved by somebody else first."""

    matched: int
    changed: int
    after: CountedBatch


class BatchService:
    """Submit, read, list, cancel, retry. Every method sees the caller's own batches only."""

    def __init__(
        self,
        engine: Engine,
        opener: LaneOpener,
        eraser: Eraser,
        *,
        builder: JobBuilder,
        purses: Purses,
        hooks: Hooks,
    ) -> None:
        self._engine = engine
        self._hooks = hooks
        self._purses = purses
        self._opener = opener
        self._eraser = eraser
        self._checker = ItemChecker(builder)

    async def submit(
        self, caller: Caller, body: BatchBody, *, request_id: str, mark: str, first: bool
    ) -> tuple[CountedBatch, list[Rejection]]:
        """Check every item, then store the batch; it is accepted durably when this returns.

        `mark` names the request: of a request that is not the `first` of its mark, the batch may be there already.

        Raises InvalidInput (`atomic`: any fault; `partial`: no item is valid), StoreUnavailable, UrlRefused and
        FetchFailed for an address of a webhook; InsufficientTier for
        more items than the plan allows, and as MaxCostExceeded where that alone is what all bad items are refused for;
        QuotaExceeded, SpendCapReached or InsufficientCredits where not all of it can be paid; RateLimited.
        """
        begun = time.monotonic()
        ids = sorted(new_job_id() for _ in body.items)  # so that their order is the items'
        webhook = await self._hooks.own(body.webhook)
        origin = Origin(batch_id=new_batch_id(), request_id=request_id, ids=ids, hooked=webhook is not None)
        known = None if first else await self._engine.stores.batches.marked(caller.account.id, mark)
        if known is None:
            check_batch(caller.account, self._engine.rules.plans[caller.account.tier], len(body.items))
            await _charge(caller, len(body.items))  # before anything is looked up for them
        checked = await self._checker.check(caller, body.items, body.defaults, origin)
        rejected = [item for item in checked if isinstance(item, Rejection)]
        if known is not None:
            return await self._counted(known), rejected
        if rejected and (body.mode == "atomic" or len(rejected) == len(checked)):
            raise _refusal(rejected, of=len(checked), mode=body.mode)
        batch = Batch(
            id=origin.batch_id,
            account_id=caller.account.id,
            job_ids=tuple(item.job.id if isinstance(item, NewJob) else None for item in checked),
            created_at=datetime.now(UTC),
            name=body.name,
            tags=tuple(body.tags),
            metadata=dict(body.metadata),
            request_id=request_id,
            mark=mark,
            webhook=webhook,
        )
        new = [item for item in checked if isinstance(item, NewJob)]
        await _charge(caller, sum(item.rate_units for item in new))
        accepted = await accept(
            self._engine,
            self._opener,
            batch,
            [(item.job, item.terms) for item in new],
            begun=begun,
            purse=self._purses.of(caller),
            prices=[item.price for item in new],
        )
        return await self._counted(accepted), rejected

    async def get(self, caller: Caller, batch_id: str) -> CountedBatch:
        """Raises BatchNotFound, for other accounts' batches too."""
        return await self._counted(await self.find(caller, batch_id))

    async def cost(self, found: CountedBatch) -> Cost:
        """What its jobs cost together, as of now."""
        return await self._engine.stores.selection.cost(found.batch.id)

    async def find(self, caller: Caller, batch_id: str) -> Batch:
        """Without its jobs. Raises BatchNotFound, for other accounts' batches too."""
        batch = await self._engine.stores.batches.get(caller.account.id, BatchId(batch_id))
        if batch is None:
            raise not_found(BatchNotFound, "batch", batch_id)
        return batch

    async def page(self, caller: Caller, *, cursor: str | None, limit: int) -> Page[CountedBatch]:
        """Raises InvalidCursor."""
        before, stores = check_cursor(cursor, "batch_"), self._engine.stores
        found = await stores.batches.page(
            caller.account.id, before=BatchId(before) if before else None, limit=limit + 1
        )
        tallies = await stores.selection.tallies([batch.id for batch in found])
        return Page.cut([CountedBatch(batch=batch, tally=tallies.get(batch.id, Tally())) for batch in found], limit)

    async def cancel(self, caller: Caller, batch_id: str) -> Change:
        """Cancel whatever has not ended; safe to repeat. Raises BatchNotFound."""
        batch = await self.find(caller, batch_id)
        return await self._change(self._bench(caller), batch, ACTIONS["cancel"])

    async def retry_failed(self, caller: Caller, batch_id: str, *, mark: str, only_retryable: bool) -> Change:
        """Queue the failed jobs again, each once however often this is asked at the same time, or ever with this mark.

        `only_retryable`: those whose error may pass by itself.

        Raises BatchNotFound, InsufficientTier, PermissionDenied.
        """
        batch, bench = await self.find(caller, batch_id), self._bench(caller, mark)
        caller.require_every_model()
        return await self._change(
            bench, batch, ACTIONS["retry"], statuses=[Status.FAILED], only_retryable=only_retryable
        )

    def _bench(self, caller: Caller, mark: str | None = None) -> Bench:
        return Bench(
            engine=self._engine,
            opener=self._opener,
            eraser=self._eraser,
            account=caller.account,
            mark=mark,
            purse=self._purses.of(caller),
        )

    async def _change(
        self,
        bench: Bench,
        batch: Batch,
        action: Action,
        *,
        statuses: Sequence[Status] = (),
        only_retryable: bool = False,
    ) -> Change:
        where = action.among(JobFilter(batch_id=batch.id, statuses=statuses))
        found: list[Candidate] = []
        if where is not None:
            found = await self._engine.stores.selection.find(batch.account_id, where, limit=MOST_ITEMS)
        jobs = [job for job in found if job.retryable or not only_retryable]
        changed = await apply(bench, action, jobs)
        return Change(matched=len(jobs), changed=len(changed), after=await self._counted(batch))

    async def _counted(self, batch: Batch) -> CountedBatch:
        tallies = await self._engine.stores.selection.tallies([batch.id])
        return CountedBatch(batch=batch, tally=tallies.get(batch.id, Tally()))


async def _charge(caller: Caller, weight: int) -> None:
    """Raises RateLimited, InsufficientTier."""
    await caller.charge(batch_units(weight), field="#/items", cure="Send several smaller batches")


def _refusal(rejected: Sequence[Rejection], *, of: int, mode: str) -> ReelworkError:
    faults = [fault for item in rejected for fault in item.errors][:_MOST_FAULTS]
    cure = ", or take what is valid by mode 'partial'" if mode == "atomic" and len(rejected) < of else ""
    kinds = {item.kind for item in rejected}
    error = next((kind for kind in _TELLING if kinds == {kind}), InvalidInput)
    return error(
        f"{len(rejected)} of {of} items cannot be taken: {named(faults)}.",
        hint=f"Nothing was stored. Mend the named fields{cure}.",
        errors=faults,
    )
