"""Luna's modelling API: series in, filtered series out in the same request; questionnaires scored.

The account stands in the address. Somebody else's is answered like one that is not there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from gateway.auth import Caller
from gateway.deps import CanSubmit, Luna, RequestId, WholeGateway
from gateway.envelopes import luna, luna_status, source_problems
from gateway.once import KEY_REFUSALS, REPLAYED, Once
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from gateway.routes.refusals import SUBMIT_REFUSALS
from gateway.services.idempotency import json_answer
from gateway.services.luna import Asking
from gateway.surfaces import Surface
from reelwork.contract.base import Wire
from reelwork.contract.sources import (
    Detail,
    FilteredSeries,
    FilteredStates,
    KalmanBody,
    LunaDatabaseHealth,
    LunaHealth,
    PanasBody,
    PanasScores,
)
from reelwork.domain.errors import (
    AccountNotFound,
    GenerationFailed,
    GenerationTimeout,
    ModelUnavailable,
    StorageUnavailable,
    StoreUnavailable,
)
from reelwork.domain.ids import JobId, new_job_id
from reelwork.runtime.health import check
from reelwork.store.idempotency import Ours, StoredAnswer

SURFACE = Surface(
    name="luna",
    successors={
        "/api/v1/{account_id}/kalman": "/v1/jobs",
        "/api/v1/{account_id}/panas": "/v1/jobs",
        "/api/v1/health": "/healthz",
        "/api/v1/health/db": "/readyz",
    },
    envelope=luna,
)
router = APIRouter(
    prefix="/api/v1",
    tags=["sources: modelling"],
    max_body_size=JSON_LIMIT_BYTES,
    route_class=JsonRoute,
    deprecated=True,
)
_RESPONSES = {200: {"headers": REPLAYED}} | source_problems(
    Detail,
    *SUBMIT_REFUSALS,
    *BODY_REFUSALS,
    *KEY_REFUSALS,
    *(AccountNotFound, ModelUnavailable, GenerationFailed, GenerationTimeout, StorageUnavailable),
    status_of=luna_status,
)


async def _own(account_id: str, caller: CanSubmit) -> Caller:
    """The caller, whose own account it is, by its id or its name. Raises AccountNotFound."""
    if account_id not in {caller.account.id, caller.account.name}:
        raise AccountNotFound("Account not found.")
    return caller


Owner = Annotated[Caller, Depends(_own)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What both of its questions need, of the request and of who sent it."""

    caller: Caller
    request_id: str
    gone: Callable[[], Awaitable[bool]]
    once: Once

    async def answer(self, question: Callable[[Asking], Awaitable[Wire]]) -> Response:
        async def act(ours: Ours) -> StoredAnswer:
            asking = Asking(
                caller=self.caller,
                job_id=JobId(ours.subject),
                keyed=bool(ours.holder),
                request_id=self.request_id,
                gone=self.gone,
            )
            return json_answer(200, await question(asking), {})

        return await self.once.answer(new_job_id, act)


def _asked(caller: Owner, request: Request, request_id: RequestId, once: Once) -> _Request:
    return _Request(caller=caller, request_id=request_id, gone=request.is_disconnected, once=once)


Asked = Annotated[_Request, Depends(_asked)]


@router.post("/{account_id}/kalman", response_model=FilteredSeries | FilteredStates, responses=_RESPONSES)
async def filter_series(body: KalmanBody, asked: Asked, modelling: Luna) -> Response:
    """Filter and smooth a series, perhaps one that grows; where values are missing, none are made up."""
    return await asked.answer(lambda asking: modelling.filtered(asking, body))


@router.post("/{account_id}/panas", response_model=PanasScores, responses=_RESPONSES)
async def score_panas(body: PanasBody, asked: Asked, modelling: Luna) -> Response:
    """The two scores of a Positive and Negative Affect Schedule."""
    return await asked.answer(lambda asking: modelling.scored(asking, body))


@router.get("/health", responses=source_problems(Detail, keyed=False))
async def luna_health() -> LunaHealth:
    """The process is alive."""
    return LunaHealth()


@router.get("/health/db", responses=source_problems(Detail, StoreUnavailable, keyed=False))
async def luna_database_health(gateway: WholeGateway) -> LunaDatabaseHealth:
    """The database answers."""
    found = await check({"mongodb": gateway.probes["mongodb"]})
    if found["mongodb"].status != "ok":
        raise StoreUnavailable("The database does not answer.", hint="Try again in a moment.", retry_after_seconds=2)
    return LunaDatabaseHealth()
