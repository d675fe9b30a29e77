"""A server that gets webhooks: it answers as told, and keeps what came."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

from testkit.answering import Answer, Posted, answering


class Received(Posted):
    """A webhook."""

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> dict[str, Any]:
        """What it says, if it was signed with this secret; raises WebhookVerificationError. `Any`: JSON values."""
        content: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return content

    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """`answers` are given one after the other, the last one for ever: a status and headers. `hold`: called before each
    answer with the path, on a thread of the request."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(200, {})])
    hold: Callable[[str], None] = lambda _path: None
    received: list[Received] = field(default_factory=list)
    host: str = "127.0.0.1"
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def at(self, path: str) -> list[Received]:
        return [one for one in self.received if one.path == path]


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """A receiver for the length of the context."""
    receiver = Receiver()

    def answer(posted: Posted) -> Answer:
        receiver.received.append(Received(posted.path, posted.headers, posted.body))
        status, more = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
        receiver.hold(posted.path)
        return Answer(status, more, b"thanks")

    with answering(answer) as receiver.port:
        yield receiver
