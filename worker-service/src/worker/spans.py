"""What a worker adds to the span of a run."""

from opentelemetry.trace import Span

from reelwork.domain.retry import AttemptFailure
from reelwork.tracing import mark_failed
from worker.lifeline import Stop


def note_end(current: Span, why: AttemptFailure | Stop | None) -> None:
    """Write into a run's span why it did not come to its end."""
    match why:
        case AttemptFailure(code=code):
            mark_failed(current, code)
        case Stop():
            current.set_attribute("reelwork.stopped", why.name.lower())
        case None:
            pass
