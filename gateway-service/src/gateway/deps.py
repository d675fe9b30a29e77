"""What a route may have in its signature: services, and callers that may do what the route does.

All of it is `async`, although nothing here waits: FastAPI sends plain functions through a thread.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from gateway.auth import Caller
from gateway.headers import Preference, cancel_after_seconds, preference
from gateway.services.assets import AssetService
from gateway.services.batches import BatchService
from gateway.services.bulk import BulkService
from gateway.services.estimates import EstimateService
from gateway.services.events import EventStreams
from gateway.services.export import BatchExport
from gateway.services.forecasts import ForecastService
from gateway.services.idempotency import KeyedRequests
from gateway.services.jobs import JobService
from gateway.services.models import Catalogue
from gateway.services.queue import QueueService
from gateway.services.removal import RemovalService
from gateway.services.uploads import UploadService
from gateway.services.usage import UsageService
from gateway.services.waiting import Waiting
from gateway.services.workers import WorkerService
from gateway.wiring import Gateway
from reelwork.domain.account import Scope

_Service = TypeVar("_Service")

_bearer = HTTPBearer(auto_error=False, scheme_name="BearerKey", description="`Authorization: Bearer <API key>`")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="HeaderKey")


async def gateway_of(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


WholeGateway = Annotated[Gateway, Depends(gateway_of)]


async def _caller(
    request: Request,
    gateway: WholeGateway,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    header: Annotated[str | None, Security(_header)],
) -> Caller:
    text = bearer.credentials if bearer is not None else header
    caller = await gateway.authenticator.caller(text)
    request.state.account_id = caller.account.id  # whose request it is, for those who count it
    return caller


Anyone = Annotated[Caller, Depends(_caller)]


class _May:
    """A dependency that lets only callers with a scope through."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def __call__(self, caller: Anyone) -> Caller:
        caller.require(self._scope)
        return caller


CanSubmit = Annotated[Caller, Depends(_May(Scope.SUBMIT))]
CanRead = Annotated[Caller, Depends(_May(Scope.READ))]
CanManage = Annotated[Caller, Depends(_May(Scope.MANAGE))]
CanAdmin = Annotated[Caller, Depends(_May(Scope.ADMIN))]


def _its(part: Callable[[Gateway], _Service]) -> Callable[[Gateway], Awaitable[_Service]]:
    """A dependency on a part of the gateway."""

    async def found(gateway: WholeGateway) -> _Service:
        return part(gateway)

    return found


Models = Annotated[Catalogue, Depends(_its(lambda gateway: gateway.catalogue))]
Jobs = Annotated[JobService, Depends(_its(lambda gateway: gateway.jobs))]
Batches = Annotated[BatchService, Depends(_its(lambda gateway: gateway.batches))]
Bulk = Annotated[BulkService, Depends(_its(lambda gateway: gateway.bulk))]
Exports = Annotated[BatchExport, Depends(_its(lambda gateway: gateway.exports))]
Uploads = Annotated[UploadService, Depends(_its(lambda gateway: gateway.uploads))]
Assets = Annotated[AssetService, Depends(_its(lambda gateway: gateway.assets))]
Removal = Annotated[RemovalService, Depends(_its(lambda gateway: gateway.removal))]
Streams = Annotated[EventStreams, Depends(_its(lambda gateway: gateway.streams))]
Waits = Annotated[Waiting, Depends(_its(lambda gateway: gateway.waiting))]
Keyed = Annotated[KeyedRequests, Depends(_its(lambda gateway: gateway.keyed))]
Queues = Annotated[QueueService, Depends(_its(lambda gateway: gateway.queues))]
Forecasts = Annotated[ForecastService, Depends(_its(lambda gateway: gateway.forecasts))]
Estimates = Annotated[EstimateService, Depends(_its(lambda gateway: gateway.estimates))]
UsageCounts = Annotated[UsageService, Depends(_its(lambda gateway: gateway.usage))]
Workers = Annotated[WorkerService, Depends(_its(lambda gateway: gateway.workers))]


async def _request_id(request: Request) -> str:
    return str(request.state.request_id)


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


RequestId = Annotated[str, Depends(_request_id)]
Preferred = Annotated[Preference, Depends(_preference)]
CancelAfter = Annotated[float | None, Depends(_cancel_after)]
