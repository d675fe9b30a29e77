"""`python -m gateway`: one gateway process. Any number may run side by side; none keeps state."""

import argparse
import sys

import uvicorn
from pydantic import ValidationError
from pydantic_settings import SettingsError

from gateway.app import create_app
from gateway.serving import server_config
from gateway.settings import GatewaySettings
from reelwork.runtime.logging import configure_logging
from reelwork.runtime.misset import said_of
from reelwork.runtime.reporting import flush_reports
from reelwork.runtime.tracing import tracing


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gateway", description="Serve Reelwork's HTTP API.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        settings = GatewaySettings()  # type: ignore[call-arg]  # from the environment
    except (ValidationError, SettingsError) as error:
        sys.exit(said_of(error))
    configure_logging(style=settings.log_format, level=settings.log_level)
    settings.report_errors(service="reelwork-gateway")
    server: uvicorn.Server | None = None
    app = create_app(settings, closing=lambda: server is not None and server.should_exit)
    config = server_config(app, settings, host=arguments.host, port=arguments.port)
    server = uvicorn.Server(config)
    with tracing(settings.otel_endpoint, service="reelwork-gateway"):
        server.run()
    flush_reports()


if __name__ == "__main__":
    main()
