"""The internal port of a process: `/metrics` for Prometheus and `/healthz`. No key is asked for, so it is for the
servers' network alone; it runs in a thread, so that it answers while the loop is busy."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app
from prometheus_client.multiprocess import MultiProcessCollector

log = structlog.get_logger(__name__)

# By this variable prometheus-client is told to keep numbers in files.
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_TEXT = [("Content-Type", "text/plain; charset=utf-8")]
Answer = Iterable[bytes]


@contextmanager
def admin_port(host: str, port: int | None, *, is_well: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Served for the length of the context; None: not at all. Raises OSError where the port is taken."""
    if port is None:
        yield
        return
    server = make_server(host, port, _application(is_well), server_class=_Server, handler_class=_Handler)
    thread = threading.Thread(target=server.serve_forever, name="admin-port", daemon=True)
    thread.start()
    log.info("admin_port.open", host=host, port=server.server_port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _application(is_well: Callable[[], bool]) -> Callable[[dict[str, Any], Callable[..., Any]], Answer]:
    metrics = make_wsgi_app(_registry())

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Answer:
        match environ.get("PATH_INFO"):
            case "/metrics":
                answer: Answer = metrics(environ, start_response)
                return answer
            case "/healthz" if is_well():
                start_response("200 OK", _TEXT)
                return [b"ok\n"]
            case "/healthz":
                start_response("503 Service Unavailable", _TEXT)
                return [b"not well\n"]
            case _:
                start_response("404 Not Found", _TEXT)
                return [b"/metrics or /healthz\n"]

    return application


def _registry() -> CollectorRegistry:
    """This process's numbers, or those of all processes that share a folder."""
    if FOLDER_VARIABLE not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library's
    return registry


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = 10  # somebody who connects and says nothing

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        """Scrapes come every few seconds."""
