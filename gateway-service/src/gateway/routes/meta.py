"""What needs no key: who we are, whether we are well, what can go wrong."""

import ipaddress
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response

from gateway.deps import WholeGateway
from gateway.problems import problems
from gateway.version import VERSION
from reelwork.contract.base import Wire
from reelwork.contract.health import Liveness, Readiness
from reelwork.contract.problem import ErrorEntry, ErrorList
from reelwork.domain.errors import InvalidRequest, ReelworkError, RouteNotFound, all_errors
from reelwork.runtime.health import check

router = APIRouter(tags=["meta"], responses=problems(InvalidRequest))

# Without these no job can be accepted; without the broker jobs are accepted and start later.
_ESSENTIAL = ("mongodb", "s3")


class AppConfig(Wire):
    """What the page must know before its first request."""

    api_key: str | None
    version: str


@router.get("/healthz")
async def healthz() -> Liveness:
    """The process is alive; says nothing about what it depends on."""
    return Liveness(version=VERSION)


@router.get("/readyz", responses={503: {"model": Readiness, "description": "Jobs cannot be accepted."}})
async def readyz(gateway: WholeGateway, response: Response) -> Readiness:
    """Whether jobs can be accepted, with the latency of each server."""
    components = await check(gateway.probes)
    down = {name for name, component in components.items() if component.status == "down"}
    if down.intersection(_ESSENTIAL):
        response.status_code = 503
        return Readiness(status="down", components=components)
    return Readiness(status="degraded" if down else "ready", components=components)


@router.get("/v1/errors")
async def list_errors() -> ErrorList:
    """Every error code, with its status and what it means."""
    return ErrorList(items=[_entry(error) for error in all_errors()])


@router.get("/v1/errors/{code}", responses=problems(RouteNotFound))
async def get_error(code: str) -> ErrorEntry:
    """One error code; the `type` of a problem document leads here."""
    for error in all_errors():
        if error.code == code:
            return _entry(error)
    raise RouteNotFound(f"There is no error code {code[:100]!r}.", hint="GET /v1/errors lists them.")


def _entry(error: type[ReelworkError]) -> ErrorEntry:
    return ErrorEntry(code=error.code, status=error.status, title=error.title, retryable=error.retryable)


@router.get("/app-config.json", include_in_schema=False)
def app_config(gateway: WholeGateway, request: Request, host: Annotated[str, Header()] = "") -> AppConfig:
    """The page's start values. A key is only given in development, to a browser on this very machine."""
    path = gateway.settings.page_key_file
    local = gateway.settings.env == "development" and _is_loopback(request) and _names_loopback(host)
    return AppConfig(api_key=_read(path) if local and path is not None else None, version=VERSION)


def _is_loopback(request: Request) -> bool:
    forwarded = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    return request.client is not None and not forwarded and _is_loopback_address(request.client.host)


def _is_loopback_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a socket without an address
        return False


def _names_loopback(host: str) -> bool:
    """Refuses a foreign name that was made to resolve to this machine (DNS rebinding)."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return name in {"localhost", "127.0.0.1", "[::1]"}


def _read(path: Path) -> str | None:
    return path.read_text().strip() if path.exists() else None


def links() -> dict[str, Any]:
    """What GET / answers where no page is served."""
    return {"name": "reelwork", "version": VERSION, "docs": "/docs", "health": "/healthz", "models": "/v1/models"}
