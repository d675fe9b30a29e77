"""One action on many jobs: those that a filter finds, or those that are named."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.auth import Caller
from gateway.services.purses import Purses
from gateway.services.removal import forget_answers
from reelwork.contract.batches import MOST_IDS, BulkBody, BulkFilter
from reelwork.domain.errors import FieldError, InvalidInput
from reelwork.domain.ids import BatchId, JobId
from reelwork.domain.job import Status
from reelwork.engine.bulk import ACTIONS, Action, Bench, apply
from reelwork.engine.engine import Engine
from reelwork.engine.erase import Eraser
from reelwork.engine.submit import LaneOpener
from reelwork.store.job_filter import JobFilter
from reelwork.store.selection import Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """`fit`: what the action can change, `unfit`: what it cannot. `unknown`: ids that are not the caller's. `more`:
    there are others."""

    fit: Sequence[Candidate]
    unfit: Sequence[Candidate] = ()
    unknown: Sequence[JobId] = ()
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOutcome:
    """`takes`: the states that the action can change."""

    takes: frozenset[Status]
    selected: Selected
    changed: Sequence[JobId]


class BulkService:
    """Bounded: at most `MOST_IDS` jobs in one call."""

    def __init__(self, engine: Engine, opener: LaneOpener, eraser: Eraser, purses: Purses) -> None:
        self._engine = engine
        self._purses = purses
        self._opener = opener
        self._eraser = eraser

    async def apply(self, caller: Caller, body: BulkBody, *, mark: str) -> BulkOutcome:
        """Do it, or with `dry_run` find out what it would change. `mark` names the request: it retries no job twice.

        Raises InvalidInput, InsufficientTier, PermissionDenied, StoreUnavailable; of a retry QuotaExceeded,
        SpendCapReached and InsufficientCredits too.
        """
        action = ACTIONS[body.action]
        if body.action == "retry":
            caller.require_every_model()
        selected = await self._select(caller, action, body)
        if body.dry_run:
            return BulkOutcome(takes=action.takes, selected=selected, changed=[job.id for job in selected.fit])
        bench = Bench(
            engine=self._engine,
            opener=self._opener,
            eraser=self._eraser,
            account=caller.account,
            mark=mark,
            purse=self._purses.of(caller),
        )
        changed = await apply(bench, action, selected.fit)
        if body.action == "erase":
            await self._forget_answers(caller, changed)
        return BulkOutcome(takes=action.takes, selected=selected, changed=changed)

    async def _forget_answers(self, caller: Caller, erased: Sequence[JobId]) -> None:
        stores = self._engine.stores
        for job_id in erased:
            job = await stores.jobs.get(caller.account.id, job_id)
            if job is not None:
                await forget_answers(stores.idempotency, job)

    async def _select(self, caller: Caller, action: Action, body: BulkBody) -> Selected:
        match body.ids, body.filter:
            case list() as ids, None:
                return await self._by_ids(caller, action, [JobId(job) for job in dict.fromkeys(ids)])
            case None, BulkFilter() as wanted if wanted.model_dump(exclude_defaults=True):
                return await self._by_filter(caller, action, wanted)
            case _:
                cure = "Send either 'ids', or a 'filter' that names at least one property."
                fault = FieldError(pointer="#", code="one_of", detail=cure)
                raise InvalidInput("It is not clear which jobs are meant.", hint=cure, errors=[fault])

    async def _by_ids(self, caller: Caller, action: Action, ids: Sequence[JobId]) -> Selected:
        found = {job.id: job for job in await self._engine.stores.selection.among(caller.account.id, ids)}
        known = [found[job] for job in ids if job in found]
        fit = [job for job in known if action.can_change(job)]
        unfit = [job for job in known if not action.can_change(job)]
        return Selected(fit=fit, unfit=unfit, unknown=[job for job in ids if job not in found])

    async def _by_filter(self, caller: Caller, action: Action, wanted: BulkFilter) -> Selected:
        where = action.among(_filter(wanted))
        if where is None:
            cure = f"It can change jobs that are {', '.join(sorted(action.takes))}."
            fault = FieldError(pointer="#/filter/status", code="never_fits", detail=cure)
            raise InvalidInput("No job in such a state can be changed by this action.", hint=cure, errors=[fault])
        found = await self._engine.stores.selection.find(caller.account.id, where, limit=MOST_IDS + 1)
        return Selected(fit=found[:MOST_IDS], more=len(found) > MOST_IDS)


def _filter(wanted: BulkFilter) -> JobFilter:
    return JobFilter(
        statuses=[Status(name) for name in wanted.status],
        model=wanted.model,
        tag=wanted.tag,
        batch_id=BatchId(wanted.batch_id) if wanted.batch_id is not None else None,
        created_after=wanted.created_after,
        created_before=wanted.created_before,
    )
