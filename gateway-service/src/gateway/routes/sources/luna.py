"""Luna's modelling API: series in, filtered series out in the same request; questionnaires scored.

The account stands in the address. Somebody else's is answered like one that is not there.
"""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from gateway.auth import Caller
from gateway.deps import Answers, CanSubmit, RequestId, WholeGateway
from gateway.envelopes import luna, luna_status, source_problems
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from gateway.routes.refusals import SUBMIT_REFUSALS
from gateway.services.series_shapes import answer_of, rows_of
from gateway.surfaces import Surface
from reelwork.contract.jobs import JobBody
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
from reelwork.runtime.health import check

KALMAN, PANAS = "builtin/kalman", "builtin/panas"
_JSON = "application/json"
_METADATA = {"source": "luna"}

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
_RESPONSES = source_problems(
    Detail,
    *SUBMIT_REFUSALS,
    *BODY_REFUSALS,
    *(AccountNotFound, ModelUnavailable, GenerationFailed, GenerationTimeout, StorageUnavailable),
    status_of=luna_status,
)


async def _own(account_id: str, caller: CanSubmit) -> Caller:
    """The caller, whose own account it is, by its id or its name. Raises AccountNotFound."""
    if account_id not in {caller.account.id, caller.account.name}:
        raise AccountNotFound("Account not found.")
    return caller


Owner = Annotated[Caller, Depends(_own)]


@router.post("/{account_id}/kalman", responses=_RESPONSES)
async def filter_series(
    body: KalmanBody, caller: Owner, answers: Answers, request: Request, request_id: RequestId
) -> FilteredSeries | FilteredStates:
    """Filter and smooth a series; where values are missing, none are made up."""
    wanted = JobBody(model=KALMAN, input={"values": rows_of(body.results)}, metadata=_METADATA)
    found = await _result(answers, caller, wanted, request, request_id)
    return answer_of(body.results, found)


@router.post("/{account_id}/panas", responses=_RESPONSES)
async def score_panas(
    body: PanasBody, caller: Owner, answers: Answers, request: Request, request_id: RequestId
) -> PanasScores:
    """The two scores of a Positive and Negative Affect Schedule."""
    wanted = JobBody(model=PANAS, input={"answers": [int(one) for one in body.results]}, metadata=_METADATA)
    found = await _result(answers, caller, wanted, request, request_id)
    return PanasScores(positive_affect=found["positive_affect"], negative_affect=found["negative_affect"])


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


async def _result(answers: Answers, caller: Caller, wanted: JobBody, request: Request, request_id: str) -> Any:
    """What the job's JSON document says: of whatever shape the model has."""
    job = await answers.completed(caller, wanted, request_id=request_id, gone=request.is_disconnected)
    return json.loads(await answers.content(caller, job, _JSON))
