"""The FastAPI application: routes, error answers and middleware. What they need is opened in the lifespan."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI, HTTPException, params
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig

from gateway import problems
from gateway.addresses import TrustedProxies
from gateway.browser_policy import origin_of, page_policy
from gateway.methods import NOTHING_HERE
from gateway.middleware.cors import Cors
from gateway.middleware.head import HeadAsGet
from gateway.middleware.last_resort import LastResort
from gateway.middleware.metrics import Metrics
from gateway.middleware.plain_errors import PlainErrors
from gateway.middleware.rate_headers import RateHeaders
from gateway.middleware.request_context import RequestContext
from gateway.middleware.safe_headers import SafeHeaders
from gateway.middleware.surface_headers import SurfaceHeaders
from gateway.middleware.usage import CountRequests
from gateway.parameters import KnownParameters
from gateway.routes import (
    account,
    account_data,
    account_ledger,
    admin_accounts,
    admin_ledger,
    admin_overview,
    admin_queues,
    admin_rates,
    admin_tools,
    admin_workers,
    asset_fetch,
    assets,
    audit,
    batches,
    bulk,
    events,
    job_data,
    job_edits,
    jobs,
    keys,
    meta,
    models,
    oauth,
    providers,
    queue,
    reference,
    scaling,
    series,
    series_csv,
    uploads,
    usage,
    webhooks,
)
from gateway.routes.sources.mounting import all_surfaces, surfaces
from gateway.settings import GatewaySettings
from gateway.version import VERSION
from gateway.wiring import open_gateway
from reelwork.broker.base import Broker

# Of OpenTelemetry only the span of each request, and of those that somebody makes: probes come every few seconds.
_TELEMETRY: TelemetryConfig = {
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
    "exclude": lambda scope: scope["path"] in {"/healthz", "/readyz", "/health"},
}
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
DESCRIPTION = """Turn pictures and prompts into films and pictures: submit a job, follow it, fetch the file.

Send your API key as `Authorization: Bearer <key>` or `X-API-Key: <key>`. Errors are RFC 9457 problem documents:
decide by `code`, show `detail` and `hint`, quote `request_id`.
"""


class Application(FastAPI):
    """FastAPI, whose OpenAPI document tells of our errors and of no others."""

    def openapi(self) -> dict[str, Any]:
        return problems.without_defaults(super().openapi())


def create_app(
    settings: GatewaySettings, *, broker: Broker | None = None, closing: Callable[[], bool] = lambda: False
) -> FastAPI:
    """The application. `broker`: one inside this process; `closing`: true once the server is shutting down."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_gateway(settings, broker=broker, closing=closing) as gateway:
            app.state.gateway = gateway
            yield

    app = Application(
        title="Reelwork",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
        docs_url=None,  # see gateway.routes.reference
        redoc_url=None,
        telemetry=_TELEMETRY,
    )
    known_parameters = Depends(KnownParameters())  # not for the page, whose addresses have some of its own
    app.state.upload_limit_bytes = settings.upload_limit_bytes
    for router in (
        *(bulk.router, jobs.router, job_data.router, job_edits.router, batches.router, events.router),
        *(account.router, account_data.router, account_ledger.router, queue.router, usage.router),
        *(series_csv.router, series.router),  # what is no CSV is the other one's
        *(assets.upload_router(settings.upload_limit_bytes), asset_fetch.router, uploads.hashes),
        *(uploads.router, assets.changes, assets.router, models.router),
        *(admin_workers.router, admin_rates.router, admin_ledger.router, scaling.router),
        *(audit.router, keys.router, webhooks.router, oauth.tokens, oauth.router, meta.router, reference.router),
        *(admin_accounts.router, admin_queues.router, admin_overview.router, admin_tools.router, providers.router),
    ):
        app.include_router(router, dependencies=[known_parameters])
    _mount_sources(app, settings, known_parameters)
    problems.install(app)
    app.add_middleware(LastResort)
    app.add_middleware(PlainErrors)
    app.add_middleware(SurfaceHeaders, surfaces=app.state.surfaces)
    app.add_middleware(HeadAsGet)
    app.add_middleware(CountRequests)
    app.add_middleware(Metrics)
    app.add_middleware(RateHeaders)
    app.add_middleware(Cors, origins=settings.origins)
    app.add_middleware(SafeHeaders, policy=page_policy(origin_of(settings.s3().public_endpoint_url)))
    app.add_middleware(RequestContext, proxies=TrustedProxies(settings.trusted_proxies))
    _mount_page(app, settings)
    return app


def _mount_page(app: FastAPI, settings: GatewaySettings) -> None:
    if settings.page_directory is None:
        app.add_api_route("/", _links, include_in_schema=False)
        return
    for address in ("/v1", "/v1/{rest:path}", "/api/{rest:path}"):  # there the page has no addresses of its own
        app.add_api_route(address, _nothing_here, name=NOTHING_HERE, include_in_schema=False)
    app.frontend("/", directory=settings.page_directory, fallback="index.html")


def _mount_sources(app: FastAPI, settings: GatewaySettings, known_parameters: params.Depends) -> None:
    """The addresses of replaced systems; where one is off there is nothing, and no page either."""
    app.state.surfaces = surfaces(settings)
    for mounted in all_surfaces(settings):
        if mounted.surface.name in settings.surfaces:
            for router in mounted.routers:
                app.include_router(router, dependencies=[known_parameters])
            for router in mounted.sockets:
                app.include_router(router)
        else:
            for path in mounted.paths():
                app.add_api_route(
                    path, _nothing_here, name=NOTHING_HERE, methods=list(_METHODS), include_in_schema=False
                )


async def _links() -> dict[str, Any]:
    return meta.links()


async def _nothing_here() -> None:
    raise HTTPException(404)


def _operation_id(route: APIRoute) -> str:
    """Stable names for generated clients: the function's."""
    return route.name
