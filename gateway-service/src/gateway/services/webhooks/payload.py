"""What is delivered: thin, below 20 kB, and never the input of a job."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.views import batch_view, job_view
from reelwork.domain.batch import Batch, Tally
from reelwork.domain.job import Event, Job
from reelwork.domain.webhook import TEST, EventType

# Of a job's view what may be long, or is only of use to whoever asks: the rest of it is at `urls.self`.
_LEFT_OUT = {"input", "attempts", "queue", "progress_detail", "poll_after_ms"}
_MOST_OUTPUTS = 20


def of_job(job: Job, event: Event, told: EventType) -> str:
    """The job as it is now; `event` may be older, and is told beside it."""
    view = job_view(job).model_dump(mode="json", exclude=_LEFT_OUT)
    view["outputs"] = view["outputs"][:_MOST_OUTPUTS]
    return _written(told, event.at, view | {"event": {"seq": event.seq, "attempt": event.attempt}})


def of_batch(batch: Batch, tally: Tally, at: datetime) -> str:
    return _written(EventType.BATCH_COMPLETED, at, batch_view(batch, tally).model_dump(mode="json"))


def of_test(at: datetime, webhook: str) -> str:
    return _written(TEST, at, {"webhook_id": webhook, "message": "Well received."})


def _written(told: str, at: datetime, data: Mapping[str, Any]) -> str:
    """As Standard Webhooks has it. `Any`: JSON values."""
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": str(told), "timestamp": moment, "data": data}, ensure_ascii=False, separators=(",", ":"))
