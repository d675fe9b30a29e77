"""Spans, and how one trace goes from a request through the job's document to whoever works on it later.

Only OpenTelemetry's API, which does nothing until `reelwork.runtime.tracing` has been switched on. Attributes are ids,
names and counts: never what a caller sent.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_TRACER = trace.get_tracer("reelwork")
_PROPAGATOR = TraceContextTextMapPropagator()
_FIELD = "traceparent"


def traceparent() -> str | None:
    """The present span as W3C Trace Context writes it (https://www.w3.org/TR/trace-context/); None: there is none."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get(_FIELD)


@contextmanager
def span(
    name: str, kind: SpanKind = SpanKind.INTERNAL, *, after: str | None = None, **attributes: str | int | None
) -> Iterator[Span]:
    """A span for the length of the context. `after`: the `traceparent` it follows; None: the present span, if any.

    Attributes are put below `reelwork.`; those that are None are left out. Of an exception only the type is kept.
    """
    known = {f"reelwork.{key}": value for key, value in attributes.items() if value is not None}
    context = _PROPAGATOR.extract({_FIELD: after}) if after is not None else None
    with _TRACER.start_as_current_span(
        name, context, kind, known, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except BaseException as error:  # told and passed on, a cancellation as well
            mark_failed(current, type(error).__qualname__)
            raise


def mark_failed(current: Span, code: str) -> None:
    """What the span is of did not succeed; `code` is one of few."""
    current.set_attribute("error.type", code)
    current.set_status(StatusCode.ERROR)


def note(**attributes: str) -> None:
    """Say more of the present span, if there is one."""
    trace.get_current_span().set_attributes({f"reelwork.{key}": value for key, value in attributes.items()})
