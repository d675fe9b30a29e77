"""What a route may have in its signature: services, and callers that may do what the route does.

All of it is `async`, although nothing here waits: FastAPI sends plain functions through a thread.
"""

import hashlib
from typing import Annotated

from fastapi import Depends, Header, Request, Response, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from gateway.auth import Caller
from gateway.headers import Preference, bad_header, cancel_after_seconds, preference
from gateway.services.assets import AssetService
from gateway.services.estimates import EstimateService
from gateway.services.events import EventStreams
from gateway.services.idempotency import Act, KeyedRequests, Reserve
from gateway.services.jobs import JobService
from gateway.services.models import Catalogue
from gateway.services.outlook import Outlooks
from gateway.services.queue import QueueService
from gateway.services.uploads import UploadService
from gateway.services.waiting import Waiting
from gateway.wiring import Gateway
from reelwork.domain.account import Scope
from reelwork.store.idempotency import KeyedRequest, Ours

_bearer = HTTPBearer(auto_error=False, scheme_name="BearerKey", description="`Authorization: Bearer <API key>`")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="HeaderKey")


async def gateway_of(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


WholeGateway = Annotated[Gateway, Depends(gateway_of)]


async def _caller(
    gateway: WholeGateway,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    header: Annotated[str | None, Security(_header)],
) -> Caller:
    text = bearer.credentials if bearer is not None else header
    return await gateway.authenticator.caller(text)


class _May:
    """A dependency that lets only callers with a scope through."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def __call__(self, caller: Annotated[Caller, Depends(_caller)]) -> Caller:
        caller.require(self._scope)
        return caller


CanSubmit = Annotated[Caller, Depends(_May(Scope.SUBMIT))]
CanRead = Annotated[Caller, Depends(_May(Scope.READ))]
CanManage = Annotated[Caller, Depends(_May(Scope.MANAGE))]


async def _catalogue(gateway: WholeGateway) -> Catalogue:
    return gateway.catalogue


async def _jobs(gateway: WholeGateway) -> JobService:
    return gateway.jobs


async def _uploads(gateway: WholeGateway) -> UploadService:
    return gateway.uploads


async def _assets(gateway: WholeGateway) -> AssetService:
    return gateway.assets


async def _streams(gateway: WholeGateway) -> EventStreams:
    return gateway.streams


async def _queues(gateway: WholeGateway) -> QueueService:
    return gateway.queues


async def _outlooks(gateway: WholeGateway) -> Outlooks:
    return gateway.outlooks


async def _estimates(gateway: WholeGateway) -> EstimateService:
    return gateway.estimates


async def _waiting(gateway: WholeGateway) -> Waiting:
    return gateway.waiting


async def _preference(
    prefer: Annotated[
        str | None,
        Header(
            description="RFC 7240. `wait=n`: answer when the job has ended, or after n seconds, at most 60. "
            "`respond-async`: do not wait. What cannot be read is ignored; `Preference-Applied` says what was done.",
            examples=["wait=30"],
        ),
    ] = None,
) -> Preference:
    return preference(prefer) if prefer is not None else Preference()


async def _cancel_after(
    cancel_after: Annotated[
        str | None,
        Header(description="The same as `deadline_seconds`: `90`, `90s`, `15m`, `1h30m`.", examples=["15m"]),
    ] = None,
) -> float | None:
    return cancel_after_seconds(cancel_after) if cancel_after is not None else None


class _Once:
    """A request that has one effect and one answer, however often it is sent under its `Idempotency-Key`."""

    def __init__(self, keyed: KeyedRequests, request: KeyedRequest | None) -> None:
        self._keyed = keyed
        self._request = request

    async def answer(self, reserve: Reserve, act: Act) -> Response:
        """What `act` answers, or answered the first time: see `KeyedRequests.answer`. Without a key it just acts."""
        if self._request is None:
            answer, replayed = await act(Ours(subject=reserve(), holder="", first=True)), False
        else:
            answer, replayed = await self._keyed.answer(self._request, reserve, act)
        headers = answer.headers | ({"Idempotency-Replayed": "true"} if replayed else {})
        return Response(answer.body, answer.status, headers, media_type="application/json")


async def _once(
    request: Request,
    gateway: WholeGateway,
    caller: Annotated[Caller, Depends(_caller)],
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            pattern=r"^[\x20-\x7e]+$",
            description="Any text of your own, kept for 24 hours: the same request sent again with the same key gets "
            "the first one's answer, and nothing is done twice. A request that is refused does not use it up.",
            examples=["order-42"],
        ),
    ] = None,
) -> _Once:
    if idempotency_key is None:
        return _Once(gateway.keyed, None)
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise bad_header("idempotency-key", "Send one key.")
    keyed = KeyedRequest(
        account=caller.account.id,
        route=f"{request.method} {request.url.path}",
        key=idempotency_key,
        fingerprint=hashlib.sha256(await request.body()).hexdigest(),
    )
    return _Once(gateway.keyed, keyed)


async def _request_id(request: Request) -> str:
    return str(request.state.request_id)


Models = Annotated[Catalogue, Depends(_catalogue)]
Jobs = Annotated[JobService, Depends(_jobs)]
Uploads = Annotated[UploadService, Depends(_uploads)]
Assets = Annotated[AssetService, Depends(_assets)]
Streams = Annotated[EventStreams, Depends(_streams)]
Queues = Annotated[QueueService, Depends(_queues)]
Forecasts = Annotated[Outlooks, Depends(_outlooks)]
Estimates = Annotated[EstimateService, Depends(_estimates)]
RequestId = Annotated[str, Depends(_request_id)]
Waits = Annotated[Waiting, Depends(_waiting)]
Preferred = Annotated[Preference, Depends(_preference)]
CancelAfter = Annotated[float | None, Depends(_cancel_after)]
Once = Annotated[_Once, Depends(_once)]
