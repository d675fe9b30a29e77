"""What a route may have in its signature: services, and callers that may do what the route does.

All of it is `async`, although nothing here waits: FastAPI sends plain functions through a thread.
"""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from gateway.auth import Caller
from gateway.services.assets import AssetService
from gateway.services.batches import BatchService
from gateway.services.bulk import BulkService
from gateway.services.events import EventStreams
from gateway.services.export import BatchExport
from gateway.services.jobs import JobService
from gateway.services.models import Catalogue
from gateway.services.uploads import UploadService
from gateway.wiring import Gateway
from reelwork.domain.account import Scope

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


async def _batches(gateway: WholeGateway) -> BatchService:
    return gateway.batches


async def _bulk(gateway: WholeGateway) -> BulkService:
    return gateway.bulk


async def _exports(gateway: WholeGateway) -> BatchExport:
    return gateway.exports


async def _request_id(request: Request) -> str:
    return str(request.state.request_id)


Models = Annotated[Catalogue, Depends(_catalogue)]
Jobs = Annotated[JobService, Depends(_jobs)]
Uploads = Annotated[UploadService, Depends(_uploads)]
Assets = Annotated[AssetService, Depends(_assets)]
Streams = Annotated[EventStreams, Depends(_streams)]
Batches = Annotated[BatchService, Depends(_batches)]
Bulk = Annotated[BulkService, Depends(_bulk)]
Exports = Annotated[BatchExport, Depends(_exports)]
RequestId = Annotated[str, Depends(_request_id)]
