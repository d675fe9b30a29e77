"""Run the servers until Ctrl-C: `python -m run.servers`; prints the settings that reach them, one per line."""

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

import structlog

from run.ending import Ending
from run.servers.process import ServerError
from run.servers.stack import Stack, running

_FOLDER = Path(__file__).resolve().parents[2] / ".run" / "services"


def main(arguments: list[str]) -> int:
    """Start, print, wait; 0 after Ctrl-C or SIGTERM, 1 if a server could not be run or ended by itself."""
    parser = argparse.ArgumentParser(prog="python -m run.servers", description=__doc__)
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where data are kept (default: %(default)s)")
    parser.add_argument("--no-rabbitmq", action="store_true", help="leave RabbitMQ out")
    parser.add_argument("--parent", type=int, help="end when this process, ours or make's, was interrupted or is gone")
    options = parser.parse_args(arguments)
    structlog.configure(  # stdout belongs to the settings
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    ending = Ending()
    ending.by_signals(signal.default_int_handler)
    try:
        with (
            ending.with_parent(options.parent),
            running(options.folder, with_rabbitmq=not options.no_rabbitmq) as stack,
        ):
            return _serve(stack, lacks_rabbitmq=stack.rabbitmq is None and not options.no_rabbitmq)
    except KeyboardInterrupt:
        return 0
    except ServerError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _serve(stack: Stack, *, lacks_rabbitmq: bool) -> int:
    told = stack.environment()
    if lacks_rabbitmq:  # the in-process broker would lead services that run apart past each other
        del told["REELWORK_BROKER_URL"]
        sys.stderr.write("RabbitMQ is not on this machine; `make servers` fetches it\n")
    for name, value in told.items():
        sys.stdout.write(f"{name}={value}\n")
    sys.stdout.flush()
    sys.stderr.write("Ctrl-C ends all servers; their data stay.\n")
    pause = threading.Event()
    while (fallen := stack.fallen()) is None:
        pause.wait(1)
    sys.stderr.write(f"{fallen.name} has ended by itself; the end of {fallen.log}:\n{fallen.tail()}\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
