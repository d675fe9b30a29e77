"""What is delivered: thin, below 20 kB, and never the input of a job."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.views import batch_view, job_view
from reelwork.domain.batch import Batch, Tally
from reelwork.domain.job import Event, Job
from reelwork.domain.webhook import TEST, EventType

# All that a receiver gets at once, as Standard Webhooks advises.
MOST_BYTES = 20_000
# Of a job's view what may be long, or is only of use to whoever asks: the rest of it is at `urls.self`.
_LEFT_OUT = {"input", "attempts", "queue", "progress_detail", "poll_after_ms"}
_MOST_OUTPUTS = 20
_MOST_LETTERS = 500
# What users and models fill, and what stands in its place where it is too long.
_EMPTIED: Mapping[str, object] = {"outputs": [], "metadata": {}, "tags": []}


def of_job(job: Job, event: Event, told: EventType) -> str:
    """The job as it is now; `event` may be older, and is told beside it."""
    view = job_view(job).model_dump(mode="json", exclude=_LEFT_OUT)
    cut = ["outputs"] if len(view["outputs"]) > _MOST_OUTPUTS else []
    view["outputs"] = view["outputs"][:_MOST_OUTPUTS]
    return _written(told, event.at, view | {"event": {"seq": event.seq, "attempt": event.attempt}}, cut)


def of_batch(batch: Batch, tally: Tally, at: datetime) -> str:
    return _written(EventType.BATCH_COMPLETED, at, batch_view(batch, tally).model_dump(mode="json"))


def of_test(at: datetime, webhook: str) -> str:
    return _written(TEST, at, {"webhook_id": webhook, "message": "Well received."})


def _written(told: str, at: datetime, data: Mapping[str, Any], cut: Sequence[str] = ()) -> str:
    """As Standard Webhooks has it. `cut`: of what there is not all in `data`. `Any`: JSON values."""
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    envelope: dict[str, Any] = {"type": str(told), "timestamp": moment}
    whole: dict[str, Any] = {**data, "truncated": list(cut)}
    while len((text := _json(envelope | {"data": whole})).encode()) >= MOST_BYTES:
        shorter = _shortened(whole)
        if shorter == whole:
            break  # nothing that may be long is left in it
        whole = shorter
    return text


def _shortened(data: Mapping[str, Any]) -> dict[str, Any]:
    """Without the longest of what may be long, and with its name in `truncated`. `Any`: JSON values."""
    shorter = {name: empty for name, empty in _EMPTIED.items() if data.get(name)}
    error = data.get("error")
    if error and len(error["message"]) > _MOST_LETTERS:
        shorter["error"] = error | {"message": f"{error['message'][: _MOST_LETTERS - 1]}…"}
    name = max(shorter, key=lambda name: len(_json(data[name]).encode()), default=None)
    if name is None:
        return dict(data)
    return {**data, name: shorter[name], "truncated": list(dict.fromkeys([*data["truncated"], name]))}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
