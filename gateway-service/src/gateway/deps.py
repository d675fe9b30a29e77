"""What a route may have in its signature: services, and callers that may do what the route does.

All of it is `async`, although nothing here waits: FastAPI sends plain functions through a thread.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Query, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from gateway.addresses import client_address
from gateway.auth import Authenticator, Caller
from gateway.credentials import presented
from gateway.headers import HEAD_ONLY, METER, Preference, cancel_after_seconds, preference
from gateway.parts import Gateway
from gateway.services.account_import import AccountImports
from gateway.services.accounts import AccountService
from gateway.services.answers import AnswerService
from gateway.services.assets import AssetService
from gateway.services.audit import AuditService
from gateway.services.batches import BatchService
from gateway.services.brought import BroughtFiles
from gateway.services.bulk import BulkService
from gateway.services.direct_uploads import DirectUploads
from gateway.services.estimates import EstimateService
from gateway.services.events import EventStreams
from gateway.services.export import BatchExport
from gateway.services.fetches import FetchService
from gateway.services.forecasts import ForecastService
from gateway.services.idempotency import KeyedRequests
from gateway.services.jobs import JobService
from gateway.services.keys import KeyService
from gateway.services.ledger import LedgerService
from gateway.services.luna import LunaService
from gateway.services.model_pages import ModelPages
from gateway.services.models import Catalogue
from gateway.services.oauth import OAuthService
from gateway.services.overview import OverviewService
from gateway.services.own_account import OwnAccountService
from gateway.services.probe import ProbeService
from gateway.services.provider_calls import ProviderCallService
from gateway.services.queue import QueueService
from gateway.services.rates import RateLimits
from gateway.services.removal import RemovalService
from gateway.services.scaling import ScalingService
from gateway.services.series import SeriesService
from gateway.services.simulation import SimulationService
from gateway.services.tickets import TicketService
from gateway.services.uploads import UploadService
from gateway.services.usage import UsageService
from gateway.services.waiting import Waiting
from gateway.services.webhooks.endpoints import WebhookService
from gateway.services.workers import WorkerService
from reelwork.domain.account import Scope
from reelwork.domain.errors import InvalidRequest
from reelwork.domain.rate import EXPORT_UNITS, RouteClass, page_units

_Service = TypeVar("_Service")

DEFAULT_PAGE = 20
LARGEST_PAGE = 100
_MOST_DIGITS = len(str(LARGEST_PAGE))

_bearer = HTTPBearer(auto_error=False, scheme_name="BearerKey", description="`Authorization: Bearer <API key>`")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="HeaderKey")


def gateway_of(request: Request) -> Gateway:
    """The gateway that answers. What depends on a part of it asks here: a dependency of its own on the whole would
    double what FastAPI has to solve for every request."""
    gateway: Gateway = request.app.state.gateway
    return gateway


async def _whole(request: Request) -> Gateway:
    return gateway_of(request)


WholeGateway = Annotated[Gateway, Depends(_whole)]


async def caller_of(request: HTTPConnection, gateway: Gateway) -> Caller:
    """Whoever sent the request, by its headers alone: nothing of its body is read for it.

    Raises InvalidRequest, RateLimited, and whatever `Authenticator.caller` does.
    """
    text, address = presented(request), client_address(request)
    async with gateway.access.failed_logins.watched(address):
        return await gateway.access.authenticator.caller(text, address=address)


# The two `Security` parameters are for the OpenAPI document; `presented` reads the headers, and sees duplicates.
async def _caller(
    request: Request,
    _in_authorization: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    _in_header: Annotated[str | None, Security(_header)],
) -> Caller:
    return await _identified(request, gateway_of(request))


async def _identified(request: Request, gateway: Gateway) -> Caller:
    if (known := _known(request, _caller)) is not None:
        return known
    return _keep(request, _caller, await caller_of(request, gateway))


Anyone = Annotated[Caller, Depends(_caller)]


def _known(request: Request, guard: object) -> Caller | None:
    """Whom this guard has let in already: a route that takes a body asks before it reads it, and then FastAPI again."""
    admitted: dict[object, Caller] = request.scope["state"].get("admitted", {})
    return admitted.get(guard)


def _keep(request: Request, guard: object, caller: Caller) -> Caller:
    request.scope["state"].setdefault("admitted", {})[guard] = caller
    return caller


class May:
    """A dependency that lets only callers with a scope through, and only as many as the account's rate for such
    requests allows. A request without the scope is counted as well, each once. `units`: what it counts as, by its
    head."""

    def __init__(self, scope: Scope, kind: RouteClass, units: Callable[[Request], int] = lambda _: 1) -> None:
        self._scope = scope
        self._kind = kind
        self._units = units

    async def __call__(self, request: Request, caller: Anyone) -> Caller:
        return await self.admit(request, gateway_of(request), caller)

    async def admit(self, request: Request, gateway: Gateway, caller: Caller) -> Caller:
        """The caller, if he may. Raises RateLimited, ScopeMissing."""
        if (known := _known(request, self)) is not None:
            return known
        request.state.account_id = caller.account.id  # whose request it is, for those who count it
        meter = gateway.access.rates.meter(caller.account, self._kind)
        setattr(request.state, METER, meter)
        await meter.admit(self._units(request))
        caller.require(self._scope)
        return _keep(request, self, replace(caller, meter=meter))


async def _watcher(
    request: Request,
    _in_authorization: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    _in_header: Annotated[str | None, Security(_header)],
    ticket: Annotated[
        str | None, Query(max_length=100, description="Instead of a key: a ticket of `POST /v1/stream-tickets`.")
    ] = None,
) -> Caller:
    gateway = gateway_of(request)
    if ticket is None:
        return await caller_of(request, gateway)
    if presented(request) is not None:
        raise InvalidRequest("There is a key and a ticket.", hint="Send one of them.")
    address = client_address(request)
    async with gateway.access.failed_logins.watched(address):
        return await gateway.access.tickets.redeem(ticket, address=address, keep=HEAD_ONLY in request.scope)


class MayWatch(May):
    """The same for event streams, which a ticket opens as well."""

    async def __call__(self, request: Request, caller: Annotated[Caller, Depends(_watcher)]) -> Caller:
        return await super().__call__(request, caller)


def is_guard(dependency: object) -> bool:
    """Whether it decides who may come in, and needs no body for that."""
    return dependency is _caller or isinstance(dependency, May)


async def admit(guards: Iterable[object], request: Request) -> None:
    """Ask these guards, before anything of the body is read. Without FastAPI's way of finding what they need, which
    takes longer than they do: it asks them again, and they remember. Raises what they raise."""
    gateway = gateway_of(request)
    for guard in guards:
        caller = await _identified(request, gateway)
        if isinstance(guard, May):
            await guard.admit(request, gateway, caller)


def _units_of_page(request: Request) -> int:
    """What is wrong with the query, the route says."""
    asked = [_items(text) for name in ("limit", "per_page") for text in request.query_params.getlist(name)]
    items = max(asked, default=0) or DEFAULT_PAGE
    return page_units(min(items, LARGEST_PAGE), signed="expand" in request.query_params)


def _items(text: str) -> int:
    """How many are asked for. A number has more spellings than one to the route (`0100`, `1_00`): what is not plain
    digits counts as the most that anybody may have."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else LARGEST_PAGE


CanSubmit = Annotated[Caller, Depends(May(Scope.SUBMIT, RouteClass.SUBMIT))]
CanUpload = Annotated[Caller, Depends(May(Scope.SUBMIT, RouteClass.UPLOAD))]
# What goes on with an upload is asked once a part.
CanResume = Annotated[Caller, Depends(May(Scope.SUBMIT, RouteClass.READ))]
CanRead = Annotated[Caller, Depends(May(Scope.READ, RouteClass.READ))]
CanList = Annotated[Caller, Depends(May(Scope.READ, RouteClass.READ, _units_of_page))]
CanExport = Annotated[Caller, Depends(May(Scope.READ, RouteClass.READ, lambda _: EXPORT_UNITS))]
CanWatch = Annotated[Caller, Depends(MayWatch(Scope.READ, RouteClass.READ))]
CanManage = Annotated[Caller, Depends(May(Scope.MANAGE, RouteClass.MANAGE))]
# As often as looking: who has the installation to look after must not be kept from it.
CanAdmin = Annotated[Caller, Depends(May(Scope.ADMIN, RouteClass.READ))]


def _its(part: Callable[[Gateway], _Service]) -> Callable[[Request], Awaitable[_Service]]:
    """A dependency on a part of the gateway."""

    async def found(request: Request) -> _Service:
        return part(gateway_of(request))

    return found


Luna = Annotated[LunaService, Depends(_its(lambda gateway: gateway.luna))]
Answers = Annotated[AnswerService, Depends(_its(lambda gateway: gateway.answers))]
Models = Annotated[Catalogue, Depends(_its(lambda gateway: gateway.catalogue))]
ModelList = Annotated[ModelPages, Depends(_its(lambda gateway: gateway.model_pages))]
Jobs = Annotated[JobService, Depends(_its(lambda gateway: gateway.jobs))]
Batches = Annotated[BatchService, Depends(_its(lambda gateway: gateway.batches))]
Bulk = Annotated[BulkService, Depends(_its(lambda gateway: gateway.bulk))]
Exports = Annotated[BatchExport, Depends(_its(lambda gateway: gateway.exports))]
Brought = Annotated[BroughtFiles, Depends(_its(lambda gateway: BroughtFiles(gateway.jobs, gateway.removal)))]
Uploads = Annotated[UploadService, Depends(_its(lambda gateway: gateway.uploads))]
Direct = Annotated[DirectUploads, Depends(_its(lambda gateway: gateway.direct))]
Fetches = Annotated[FetchService, Depends(_its(lambda gateway: gateway.fetches))]
Assets = Annotated[AssetService, Depends(_its(lambda gateway: gateway.assets))]
Removal = Annotated[RemovalService, Depends(_its(lambda gateway: gateway.removal))]
Streams = Annotated[EventStreams, Depends(_its(lambda gateway: gateway.streams))]
Waits = Annotated[Waiting, Depends(_its(lambda gateway: gateway.waiting))]
Keyed = Annotated[KeyedRequests, Depends(_its(lambda gateway: gateway.keyed))]
Queues = Annotated[QueueService, Depends(_its(lambda gateway: gateway.queues))]
Forecasts = Annotated[ForecastService, Depends(_its(lambda gateway: gateway.forecasts))]
Estimates = Annotated[EstimateService, Depends(_its(lambda gateway: gateway.estimates))]
Audit = Annotated[AuditService, Depends(_its(lambda gateway: gateway.access.audit))]
Accounts = Annotated[AccountService, Depends(_its(lambda gateway: gateway.operations.accounts))]
Whole = Annotated[OverviewService, Depends(_its(lambda gateway: gateway.operations.overview))]
Scalings = Annotated[ScalingService, Depends(_its(lambda gateway: gateway.operations.scaling))]
Simulations = Annotated[SimulationService, Depends(_its(lambda gateway: gateway.operations.simulation))]
Probes = Annotated[ProbeService, Depends(_its(lambda gateway: gateway.operations.probe))]
Admission = Annotated[Authenticator, Depends(_its(lambda gateway: gateway.access.authenticator))]
ApiKeys = Annotated[KeyService, Depends(_its(lambda gateway: gateway.access.keys))]
OAuth = Annotated[OAuthService, Depends(_its(lambda gateway: gateway.access.oauth))]
Tickets = Annotated[TicketService, Depends(_its(lambda gateway: gateway.access.tickets))]
Rates = Annotated[RateLimits, Depends(_its(lambda gateway: gateway.access.rates))]
AccountData = Annotated[AccountImports, Depends(_its(lambda gateway: gateway.imports))]
OwnAccounts = Annotated[OwnAccountService, Depends(_its(lambda gateway: gateway.own_account))]
Ledgers = Annotated[LedgerService, Depends(_its(lambda gateway: gateway.ledger))]
ProviderCalls = Annotated[ProviderCallService, Depends(_its(lambda gateway: gateway.provider_calls))]
UsageCounts = Annotated[UsageService, Depends(_its(lambda gateway: gateway.usage))]
Webhooks = Annotated[WebhookService, Depends(_its(lambda gateway: gateway.webhooks.endpoints))]
SavedSeries = Annotated[SeriesService, Depends(_its(lambda gateway: gateway.series))]
Workers = Annotated[WorkerService, Depends(_its(lambda gateway: gateway.operations.workers))]


async def _request_id(request: Request) -> str:
    return str(request.state.request_id)


async def _preference(
    prefer: Annotated[
        str | None,
        Header(
            description="RFC 7240. `wait=n`: answer when the job has ended, or after n seconds, at most 60 and without "
            "n so many. "
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
