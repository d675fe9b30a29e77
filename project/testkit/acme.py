"""A provider of our own, as real as one can be on this machine: it has tasks, counts what it was paid for, and fails as
it is told.

    with running_acme() as acme:
        acme.at("POST /v1/tasks", status=503)      # the next such request is answered so
        ...
        assert acme.paid == 1

`testkit.acme_models` are the models that run there. Answers are real HTTP; nothing of Reelwork is imported here.
"""

import base64
import contextlib
import http.server
import json
import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from testkit import pictures

PICTURE = pictures.picture(size=(64, 48))
_TASK = re.compile(r"/v1/tasks/([\w-]+)(/cancel)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Instead of the usual answer. `after`: what was asked is done all the same. `cut`: the answer is never sent."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False
    cut: bool = False


@dataclass(slots=True)
class Task:
    id: str
    input: dict[str, Any]
    key: str | None
    state: str = "running"
    looks: int = 0


@dataclass(slots=True)
class Acme:
    """`paid`: tasks that were begun. `instant`: how many looks find a task running before it is done; None: it runs
    until `finish`. `gate`: while it is cleared, tasks are begun but the answer does not leave."""

    url: str = ""
    tasks: dict[str, Task] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    instant: int | None = 0
    picture: bytes = PICTURE
    gate: threading.Event = field(default_factory=threading.Event)
    _replies: dict[str, deque[Reply]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def paid(self) -> int:
        return len(self.tasks)

    @property
    def cancelled(self) -> list[str]:
        return [task.id for task in self.tasks.values() if task.state == "cancelled"]

    def at(self, request: str, *, times: int = 1, **reply: Any) -> None:
        """Answer the next such requests (`GET /v1/tasks`, by their beginning) with a `Reply` of these fields."""
        self._replies.setdefault(request, deque()).extend([Reply(**reply)] * times)

    def asked(self, request: str) -> int:
        """How many requests began so."""
        return sum(line.startswith(request) for line in self.requests)

    def finish(self, state: str = "succeeded") -> None:
        """Let every task that runs end."""
        for task in self.tasks.values():
            if task.state == "running":
                task.state = state

    def reply(self, line: str) -> Reply | None:
        """What was ordered for this request, if anything."""
        with self._lock:
            self.requests.append(line)
            for request, replies in self._replies.items():
                if replies and line.startswith(request):
                    return replies.popleft()
        return None

    def begin(self, said: dict[str, Any], key: str | None) -> dict[str, Any]:
        with self._lock:
            task = Task(id=f"task-{len(self.tasks) + 1}", input=said, key=key)
            self.tasks[task.id] = task
        return {"id": task.id}

    def look(self, task: Task) -> dict[str, Any]:
        task.looks += 1
        if task.state == "running" and self.instant is not None and task.looks > self.instant:
            task.state = "succeeded"
        done = task.state == "succeeded"
        return {
            "id": task.id,
            "state": task.state,
            "progress": 1.0 if done else min(0.9, task.looks / 10),
            "outputs": [f"{self.url}/files/{task.id}.png"] if done else [],
            "error": "The prompt is not allowed." if task.state == "failed" else None,
        }

    def found(self, key: str) -> dict[str, Any]:
        return {"items": [task.id for task in self.tasks.values() if task.key == key]}


class _Handler(http.server.BaseHTTPRequestHandler):
    acme: Acme

    def _answer(self) -> None:
        said = self.rfile.read(int(self.headers.get("content-length", 0)))
        ordered = self.acme.reply(f"{self.command} {self.path}")
        usual = None
        if ordered is None or ordered.after:
            usual = self._usual(said)
        if ordered is not None and ordered.cut:
            self.close_connection = True
            return
        self._send(ordered or usual or Reply(status=404))

    do_GET = do_POST = _answer  # noqa: N815  (the library's names)

    def _usual(self, said: bytes) -> Reply:
        path, _, query = self.path.partition("?")
        if (self.command, path) == ("POST", "/v1/tasks"):
            begun = self.acme.begin(json.loads(said), self.headers.get("idempotency-key"))
            self.acme.gate.wait(30)
            return _json(begun, 201)
        if (self.command, path) == ("POST", "/v1/pictures"):
            self.acme.begin(json.loads(said), None)
            return _json({"picture": base64.b64encode(self.acme.picture).decode()})
        if (self.command, path) == ("GET", "/v1/tasks"):
            return _json(self.acme.found(query.removeprefix("key=")))
        if path.startswith("/files/"):
            return Reply(body=self.acme.picture, headers={"Content-Type": "application/octet-stream"})
        match = _TASK.fullmatch(path)
        task = self.acme.tasks.get(match[1]) if match is not None else None
        if match is None or task is None:
            return _json({"error": "There is no such task."}, 404)
        if match[2]:
            task.state = "cancelled" if task.state == "running" else task.state
        return _json(self.acme.look(task))

    def _send(self, reply: Reply) -> None:
        with contextlib.suppress(ConnectionError):  # whoever asked was killed
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

    def log_message(self, *_args: object) -> None:
        """Tests read `requests` instead."""


def _json(value: object, status: int = 200) -> Reply:
    return Reply(status=status, body=json.dumps(value).encode(), headers={"Content-Type": "application/json"})


@contextmanager
def running_acme() -> Iterator[Acme]:
    """A provider for the length of the context, from threads of this process."""
    acme = Acme()
    acme.gate.set()
    handler = type("Handler", (_Handler,), {"acme": acme})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        acme.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield acme
        finally:
            acme.gate.set()
            server.shutdown()
            thread.join()
