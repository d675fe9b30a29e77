"""A stand-in for an OpenTelemetry collector: it decodes what comes by OTLP over HTTP, and keeps the spans."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from testkit.answering import Answer, Posted, answering


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSpan:
    """One span; ids in lower-case hexadecimal, as in a `traceparent`. `parent` is empty for the first of a trace."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    failed: bool
    attributes: dict[str, str]


@dataclass
class Collector:
    """What came so far, and the bytes it came as."""

    port: int = 0
    spans: list[SeenSpan] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def of(self, trace: str, name: str) -> list[SeenSpan]:
        return [span for span in self.spans if span.trace == trace and span.name == name]


@contextmanager
def running_collector() -> Iterator[Collector]:
    """A collector for the length of the context."""
    collector = Collector()

    def answer(posted: Posted) -> Answer:
        if posted.path != "/v1/traces" or posted.headers["content-type"] != "application/x-protobuf":
            return Answer(404)
        collector.bodies.append(posted.body)
        collector.spans += _decoded(posted.body)
        return Answer()

    with answering(answer) as collector.port:
        yield collector


def _decoded(body: bytes) -> Iterator[SeenSpan]:
    for of_process in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = _plain(of_process.resource.attributes)["service.name"]
        for scope in of_process.scope_spans:
            for span in scope.spans:
                yield SeenSpan(
                    service=service,
                    name=span.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    failed=span.status.code == span.status.STATUS_CODE_ERROR,
                    attributes=_plain(span.attributes),
                )


def _plain(attributes: "list[KeyValue]") -> dict[str, str]:
    """Every value as text, whatever its type."""
    return {one.key: str(getattr(one.value, str(one.value.WhichOneof("value")))) for one in attributes}
