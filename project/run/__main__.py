"""`python -m run`: all of Reelwork on this machine, from one command, with its data in one folder.

The only place that may import both services: without RabbitMQ they share this process and an in-process broker.
"""

import argparse
import os
import signal
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

from reelwork.runtime.logging import configure_logging
from reelwork.runtime.settings import INPROCESS
from run.account import development_key
from run.children import serve_in_children
from run.inprocess import serve_in_process
from run.servers import Mongod, RabbitMQ, SeaweedFS, ServerError, ServerMissing

PROJECT = Path(__file__).resolve().parent.parent
PAGE = PROJECT.parent / "frontend-service" / "dist"
WEIGHTS = PROJECT / ".cache" / "weights"


def main() -> int:
    arguments = _parse()
    configure_logging(style="console", level=arguments.log_level)
    signal.signal(signal.SIGTERM, _interrupt)
    if not _is_free(arguments.port):
        sys.stderr.write(f"Port {arguments.port} is taken. Choose another one: make run PORT={arguments.port + 1}\n")
        return 2
    try:
        with ExitStack() as stack:
            environment = _start_servers(stack, arguments.data, broker=arguments.broker)
            os.environ.update(environment)
            development_key(arguments.data / "dev.key")
            _welcome(arguments.port, arguments.data / "dev.key", environment)
            if environment["REELWORK_BROKER_URL"] == INPROCESS:
                serve_in_process(port=arguments.port)
            else:
                serve_in_children(port=arguments.port, folder=arguments.data)
    except ServerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        pass
    sys.stdout.write("Stopped. The data stay in " + str(arguments.data) + "\n")
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m run", description="Run all of Reelwork on this machine.")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")), help="where to listen")
    parser.add_argument("--data", type=Path, default=PROJECT / ".run", help="folder for all data and logs")
    parser.add_argument(
        "--broker",
        default="auto",
        choices=["auto", "inprocess", "rabbitmq"],
        help="auto: RabbitMQ if it is on this machine",
    )
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    return parser.parse_args()


def _start_servers(stack: ExitStack, data: Path, *, broker: str) -> dict[str, str]:
    """The servers, and the settings that lead to them. They end with the stack, the last first."""
    sys.stdout.write("Starting MongoDB and S3 …\n")
    mongod = stack.enter_context(Mongod(data / "mongod"))
    s3 = stack.enter_context(SeaweedFS(data / "s3"))
    environment = {
        "REELWORK_MONGO_URL": mongod.url,
        "REELWORK_S3_ENDPOINT_URL": s3.endpoint_url,
        "REELWORK_S3_ACCESS_KEY": s3.keys.name,
        "REELWORK_S3_SECRET_KEY": s3.keys.secret,
        "REELWORK_BROKER_URL": INPROCESS if broker == "inprocess" else _start_broker(stack, data, broker),
        "REELWORK_LOG_FORMAT": "console",
        "REELWORK_PAGE_KEY_FILE": str(data / "dev.key"),
    }
    if WEIGHTS.is_dir():
        environment["REELWORK_WEIGHTS_DIR"] = str(WEIGHTS)
    if PAGE.is_dir():
        environment["REELWORK_PAGE_DIRECTORY"] = str(PAGE)
    return environment


def _start_broker(stack: ExitStack, data: Path, wanted: str) -> str:
    try:
        return stack.enter_context(RabbitMQ(data / "rabbitmq")).url
    except ServerMissing:
        if wanted == "rabbitmq":
            raise
        return INPROCESS


def _welcome(port: int, key_file: Path, environment: dict[str, str]) -> None:
    broker = "in process" if environment["REELWORK_BROKER_URL"] == INPROCESS else "RabbitMQ"
    page = "the page" if PAGE.is_dir() else "the API alone: Node is not installed, so the page was not built"
    sys.stdout.write(
        f"\n  Reelwork    http://127.0.0.1:{port}/       ({page})\n"
        f"  API docs    http://127.0.0.1:{port}/docs\n"
        f"  API key     {key_file}\n"
        f"  Broker      {broker}\n"
        "  Ctrl-C stops everything; the data stay.\n\n"
    )
    sys.stdout.flush()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
