"""`python -m run`: all of Reelwork on this machine, from one command, with its data in one folder.

The only place that may import both services: without RabbitMQ they share this process and an in-process broker.
"""

import argparse
import os
import secrets
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError
from pydantic_settings import SettingsError

from gateway.settings import GatewaySettings
from reelwork.runtime.logging import configure_logging
from reelwork.runtime.misset import said_of
from reelwork.runtime.settings import INPROCESS
from run.account import development_key, signing_secret
from run.children import serve_in_children
from run.ending import Ending
from run.inprocess import serve_in_process
from run.local_settings import UnknownSetting, take_local_settings
from run.servers import ServerError, ServerMissing
from run.servers.stack import Stack, running
from worker.settings import WorkerSettings

PROJECT = Path(__file__).resolve().parent.parent
PAGE = PROJECT.parent / "frontend-service" / "dist"
WEIGHTS = PROJECT / ".cache" / "weights"


def main() -> int:
    arguments = _parse()
    configure_logging(style="console", level=arguments.log_level)
    ending = Ending()
    ending.by_signals(signal.default_int_handler)
    if not _is_free(arguments.port):
        sys.stderr.write(f"Port {arguments.port} is taken. Choose another one: make run PORT={arguments.port + 1}\n")
        return 2
    wrong = _wrong_settings()
    if wrong is not None:
        sys.stderr.write(f"{wrong}\n")
        return 2
    try:
        with (
            ending.with_parent(arguments.parent),
            running(arguments.data, with_rabbitmq=arguments.broker != "inprocess", on_start=_say_starting) as stack,
        ):
            _serve(stack, arguments, ending)
    except ServerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        pass
    sys.stdout.write(f"Stopped. The data stay in {arguments.data}\n")
    return 0


def _serve(stack: Stack, arguments: argparse.Namespace, ending: Ending) -> None:
    if arguments.broker == "rabbitmq" and stack.rabbitmq is None:
        raise ServerMissing("RabbitMQ is not on this machine; leave BROKER out, or fetch it: make servers")
    key_file = arguments.data / "dev.key"
    os.environ.update(stack.environment() | _settings(key_file))
    development_key(key_file)
    broker = "RabbitMQ" if stack.rabbitmq else "in process"
    welcome = partial(_welcome, arguments.port, key_file, broker=broker)
    if stack.rabbitmq is None:
        serve_in_process(port=arguments.port, ending=ending, when_ready=welcome)
    else:
        key = key_file.read_text().strip()
        serve_in_children(port=arguments.port, folder=arguments.data, key=key, when_ready=welcome)


def _wrong_settings() -> str | None:
    """What is wrong with the settings of the environment, before anything is started; servers are ours to name."""
    ours = {"mongo_url": "mongodb://127.0.0.1", "broker_url": INPROCESS, "s3_endpoint_url": "http://127.0.0.1"}
    keys = {"s3_access_key": secrets.token_hex(), "s3_secret_key": secrets.token_hex()}
    try:
        take_local_settings(PROJECT / ".env.local")
        GatewaySettings(**ours, **keys)  # type: ignore[arg-type]  # read as from the environment
        WorkerSettings(**ours, **keys)  # type: ignore[arg-type]  # likewise
    except UnknownSetting as error:
        return str(error)
    except (ValidationError, SettingsError) as error:
        return said_of(error)
    return None


def _say_starting() -> None:
    sys.stdout.write("Starting MongoDB, S3 and Reelwork …\n")
    sys.stdout.flush()


class _Parser(argparse.ArgumentParser):
    """Refuses in one line: who types `make run PORT=x` has no use for the usage of what make calls."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port; give a number from 1 to 65535")


def _parse() -> argparse.Namespace:
    parser = _Parser(prog="python -m run", description="Run all of Reelwork on this machine.")
    parser.add_argument("--port", type=_port, default=os.environ.get("PORT", "8000"), help="where to listen")
    parser.add_argument("--data", type=Path, default=PROJECT / ".run", help="folder for all data and logs")
    parser.add_argument(
        "--broker",
        default="auto",
        choices=["auto", "inprocess", "rabbitmq"],
        help="auto: RabbitMQ if it is on this machine",
    )
    parser.add_argument("--parent", type=int, help="end when this process, ours or make's, was interrupted or is gone")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    return parser.parse_args()


def _settings(key_file: Path) -> dict[str, str]:
    """Settings beside those that lead to the servers."""
    settings = {
        "REELWORK_LOG_FORMAT": "console",
        "REELWORK_PAGE_KEY_FILE": str(key_file),
        "REELWORK_SCRATCH_DIRECTORY": str(key_file.parent / "scratch"),
        "REELWORK_SIGNING_SECRET": signing_secret(key_file.with_name("signing.secret")),
        "REELWORK_DRAIN_SECONDS": os.environ.get("REELWORK_DRAIN_SECONDS", "5"),  # a person waits for the end
    }
    if WEIGHTS.is_dir():
        settings["REELWORK_WEIGHTS_DIR"] = str(WEIGHTS)
    if (PAGE / "index.html").is_file():
        settings["REELWORK_PAGE_DIRECTORY"] = str(PAGE)
    return settings


def _welcome(port: int, key_file: Path, *, broker: str) -> None:
    built = (PAGE / "index.html").is_file()
    page = "the page" if built else "the API alone: Node.js is not installed, so the page was not built"
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


if __name__ == "__main__":
    sys.exit(main())
