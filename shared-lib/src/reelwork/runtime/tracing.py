"""Traces of this process, sent to an OpenTelemetry collector or to Jaeger by OTLP over HTTP.

The SDK is not installed everywhere: it is the extra `otel`, whose absence the settings have refused before.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from opentelemetry import trace

from reelwork.domain.remote import told_path

log = structlog.get_logger(__name__)

# A collector that is away must not hold up the end of a process for longer.
EXPORT_SECONDS = 3.0
_PATH = "/v1/traces"  # OTLP's, below the endpoint that all signals share


@contextmanager
def tracing(endpoint: str | None, *, service: str) -> Iterator[None]:
    """Switched on for the rest of the process, and flushed at the end of the context; None: off.

    Beside the endpoint all of OpenTelemetry's own `OTEL_` variables hold: sampler, headers, more attributes.
    """
    if endpoint is None:
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  (the extra)
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    class Discretion(SpanProcessor):
        """FastAPI's own spans hold query strings, and those hold tickets and whatever else a caller puts there; and
        paths, one of which holds a token."""

        def on_start(self, span: Span, parent_context: object = None) -> None:  # noqa: ARG002  (the base class's)
            attributes = span.attributes or {}
            if "url.query" in attributes:
                span.set_attribute("url.query", "REDACTED")
            if "url.path" in attributes:
                span.set_attribute("url.path", told_path(str(attributes["url.path"])))

        def on_end(self, span: ReadableSpan) -> None:
            """Nothing is left to do."""

    provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    provider.add_span_processor(Discretion())
    exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + _PATH, timeout=EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    log.info("tracing.on", endpoint=endpoint, service=service)
    try:
        yield
    finally:
        provider.shutdown()
