"""`python -m bench.bare --port N --account ID`: the gateway of this build without keys and without rates.

Whoever asks is this account, of the tier enterprise. For the bench alone: the product has no switch that does so.
"""

import argparse
from datetime import UTC, datetime

import uvicorn
from fastapi import FastAPI

from gateway.app import create_app
from gateway.auth import Caller
from gateway.deps import Anyone, CanSubmit
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
    for permission in (Anyone, CanSubmit):
        app.dependency_overrides[permission.__metadata__[0].dependency] = everybody  # type: ignore[attr-defined]
    return app


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
