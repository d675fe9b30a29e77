"""Errors of this process, sent to Sentry or to whatever speaks its protocol: what is logged with an exception.

Types and places in the code, and the ids beside them in the log; never a request, a local variable, or an exception's
words, which may quote what a caller sent. Those are in the log, under the same request id.
"""

import logging
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from reelwork.runtime.extras import lacks

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

# Of what is logged beside an exception, this is sent too: ids that lead to the log, and names.
_TAGS = ("event", "request_id", "job_id", "account_id", "delivery_id", "task", "step", "model")
# Where it could have put what callers send.
_LEFT_OUT = frozenset({"request", "user", "extra", "breadcrumbs", "logentry", "message"})
# How long the end of a process waits for what is not sent yet.
FLUSH_SECONDS = 2.0


def report_errors(dsn: str | None, *, environment: str, service: str) -> None:
    """Switched on for the rest of the process, after `configure_logging`; None: off. Survives a fork."""
    if dsn is None:
        return
    import sentry_sdk  # noqa: PLC0415  (the extra `sentry`, whose absence the settings have refused before)
    from sentry_sdk.integrations.dedupe import DedupeIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration  # noqa: PLC0415

    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=f"reelwork@{version('reelwork')}",
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[DedupeIntegration(), ExcepthookIntegration()],
        include_local_variables=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        send_default_pii=False,
        send_client_reports=False,
        auto_session_tracking=False,
        before_send=_scrubbed,
    )
    sentry_sdk.set_tag("service", service)
    logging.getLogger().addHandler(_Reporter(level=logging.ERROR))


def flush_reports() -> None:
    """Send what is not sent yet, within two seconds; at once where nothing is reported."""
    if lacks("sentry_sdk"):
        return
    import sentry_sdk  # noqa: PLC0415

    sentry_sdk.flush(timeout=FLUSH_SECONDS)


def _scrubbed(event: "Event", _hint: "Hint") -> "Event":
    """The last look at what leaves."""
    event = {part: value for part, value in event.items() if part not in _LEFT_OUT}  # type: ignore[assignment]  # some of its own parts
    for exception in event.get("exception", {}).get("values", ()):
        exception["value"] = ""
        exception.pop("notes", None)
    return event


class _Reporter(logging.Handler):
    """Takes what structlog and libraries log with an exception; a line without one is not an error of the program."""

    def emit(self, record: logging.LogRecord) -> None:
        raised = _raised(record)
        if raised is None:
            return
        import sentry_sdk  # noqa: PLC0415

        fields: dict[str, Any] = record.msg if isinstance(record.msg, dict) else {}  # structlog's, of any type
        with sentry_sdk.new_scope() as scope:
            scope.set_tag("logger", record.name)
            for tag in _TAGS:
                if fields.get(tag) is not None:
                    scope.set_tag(tag, str(fields[tag]))
            scope.capture_exception(raised)


def _raised(record: logging.LogRecord) -> BaseException | None:
    """The exception of a line, in whichever way it was given."""
    given = record.msg.get("exc_info") if isinstance(record.msg, dict) else record.exc_info
    if given is True:
        given = sys.exc_info()
    raised = given[1] if isinstance(given, tuple) else given
    return raised if isinstance(raised, BaseException) else None
