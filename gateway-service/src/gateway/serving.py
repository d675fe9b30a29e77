"""How the gateway is served: uvicorn, on connections that are guarded."""

import uvicorn
from starlette.types import ASGIApp

from gateway.connection import Bounds, GuardedConnection
from gateway.guarded_socket import GuardedSocket
from gateway.settings import GatewaySettings

# An open event stream must not hold up a stop: streams see `closing` within a second.
GRACE_SECONDS = 5
# Nobody has anything to say to us on a WebSocket.
MESSAGE_BYTES = 4096


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration, and the bounds of its connections."""

    def __init__(self, app: ASGIApp, *, host: str, port: int, bounds: Bounds) -> None:
        super().__init__(
            app,
            host=host,
            port=port,
            http=GuardedConnection,
            log_config=None,
            access_log=False,  # it would hold the query strings; the middleware tells of every answer without them
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=bounds.keep_alive_seconds,
            ws=GuardedSocket,
            ws_max_size=MESSAGE_BYTES,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self.bounds = bounds


def server_config(app: ASGIApp, settings: GatewaySettings, *, host: str, port: int) -> ServerConfig:
    """As the settings say."""
    bounds = Bounds(
        connections=settings.connections,
        head_seconds=settings.head_seconds,
        silence_seconds=settings.silence_seconds,
        keep_alive_seconds=settings.keep_alive_seconds,
    )
    return ServerConfig(app, host=host, port=port, bounds=bounds)
