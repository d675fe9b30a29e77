"""`python -m bench.bare --port N --account ID`: the gateway of this build without keys and without rates.

Whoever asks is this account, of the tier enterprise. For the bench alone: the product has no switch that does so.
"""

import argparse
from collections.abc import Awaitable, Callable, Set
from datetime import UTC, datetime

import uvicorn
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant
from fastapi.routing import iter_route_contexts

from gateway.app import create_app
from gateway.auth import Caller
from gateway.deps import Anyone, CanSubmit
from gateway.routes.guarded import GuardedRoute
from gateway.settings import GatewaySettings
from reelwork.domain.account import OWNERS_SCOPES, Account, ApiKey
from reelwork.domain.ids import AccountId, new_key_id
from reelwork.domain.tier import Tier
from reelwork.runtime.logging import configure_logging


def bare(account_id: AccountId) -> FastAPI:
    """The application, in which nobody is asked for a key and nothing is counted."""
    now = datetime.now(UTC)
    account = Account(id=account_id, name="bare", tier=Tier.ENTERPRISE, created_at=now)
    key = ApiKey(id=new_key_id(), account_id=account_id, digest="", scopes=OWNERS_SCOPES, created_at=now)
    caller = Caller(account=account, key=key)

    async def everybody() -> Caller:
        return caller

    app = create_app(GatewaySettings())  # type: ignore[call-arg]  # from the environment
    asked = {permission.__metadata__[0].dependency for permission in (Anyone, CanSubmit)}  # type: ignore[attr-defined]
    for route in iter_route_contexts(app.routes):
        if (route.path or "").startswith("/v1"):
            _replace(route.dependant, asked, everybody)
            if isinstance(route.original_route, GuardedRoute):
                route.original_route.guards = ()
    return app


def _replace(dependant: Dependant, asked: Set[object], everybody: Callable[[], Awaitable[Caller]]) -> None:
    """Once and for all: `dependency_overrides` looks at every signature anew with each request, which costs more than
    what is measured here."""
    for place, needed in enumerate(dependant.dependencies):
        if needed.call in asked:
            dependant.dependencies[place] = get_dependant(path=needed.path or "", call=everybody, name=needed.name)
        else:
            _replace(needed, asked, everybody)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.bare")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--account", type=AccountId, required=True)
    arguments = parser.parse_args()
    configure_logging(style="json", level="warning")
    app = bare(arguments.account)
    uvicorn.run(app, port=arguments.port, log_config=None, access_log=False, proxy_headers=False, server_header=False)


if __name__ == "__main__":
    main()
