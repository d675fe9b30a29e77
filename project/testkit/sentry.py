"""A stand-in for Sentry's ingestion: it takes envelopes (https://develop.sentry.dev/sdk/foundations/envelopes/)."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from testkit.answering import Answer, Posted, answering

PUBLIC_KEY = "0123456789abcdef0123456789abcdef"
PROJECT_ID = 7


@dataclass
class Ingestion:
    """What came so far: whole envelopes, and the events in them. `Any`: JSON values."""

    port: int = 0
    envelopes: list[bytes] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def dsn(self) -> str:
        return f"http://{PUBLIC_KEY}@127.0.0.1:{self.port}/{PROJECT_ID}"

    def of(self, service: str, event: str) -> list[dict[str, Any]]:
        """What a service logged under this name."""
        tagged = {"service": service, "event": event}.items()
        return [one for one in self.events if tagged <= one.get("tags", {}).items()]


@contextmanager
def running_ingestion() -> Iterator[Ingestion]:
    """Sentry's address for the length of the context."""
    ingestion = Ingestion()

    def answer(posted: Posted) -> Answer:
        known = f"sentry_key={PUBLIC_KEY}" in posted.headers.get("x-sentry-auth", "")
        if posted.path != f"/api/{PROJECT_ID}/envelope/" or not known:
            return Answer(403)
        envelope = gzip.decompress(posted.body) if posted.headers.get("content-encoding") == "gzip" else posted.body
        ingestion.envelopes.append(envelope)
        ingestion.events += _events(envelope)
        return Answer(body=b"{}")

    with answering(answer) as ingestion.port:
        yield ingestion


def _events(envelope: bytes) -> Iterator[dict[str, Any]]:
    """One JSON document a line: the envelope's header, then a header and a payload for each item."""
    _, *lines = envelope.splitlines()
    for header, payload in zip(lines[::2], lines[1::2], strict=False):
        if json.loads(header)["type"] == "event":
            yield json.loads(payload)
