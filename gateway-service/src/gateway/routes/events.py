"""A job's events: live as server-sent events, or the history as JSON."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import JSONResponse, StreamingResponse

from gateway.deps import Admission, CanWatch, Jobs, Streams
from gateway.problems import keyed_problems
from gateway.views import event_view
from reelwork.contract.events import EventList
from reelwork.domain.errors import JobNotFound, TooManyStreams

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

# One event of a stream, as OpenAPI 3.2 has it.
_FRAME = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"type": "string", "description": "`snapshot`, `progress`, or a durable event's type."},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "id": {"type": "string", "description": "Of durable events: what `Last-Event-ID` names."},
        "retry": {"type": "integer", "description": "Milliseconds to wait before coming back."},
    },
}
_STREAM: dict[int | str, dict[str, Any]] = {  # Any: FastAPI's own type for a part of OpenAPI
    200: {
        "description": "`text/event-stream`: `snapshot` first, durable events with ids, `progress` without. "
        "`application/json`: the durable events so far.",
        "model": EventList,
        "content": {"text/event-stream": {"itemSchema": _FRAME}},
    }
}
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get(
    "/{job_id}/events",
    response_class=Response,
    responses={**_STREAM, **keyed_problems(JobNotFound, TooManyStreams)},
)
async def job_events(
    job_id: str,
    caller: CanWatch,
    jobs: Jobs,
    streams: Streams,
    admission: Admission,
    accept: Annotated[str, Header()] = "text/event-stream",
    last_event_id: Annotated[int | None, Header(ge=0, description="Go on after this event.")] = None,
    after: Annotated[int, Query(ge=0, description="The same, for clients without headers.")] = 0,
) -> Response:
    """Follow a job. Come back with `Last-Event-ID` after a break: nothing durable is missed. The stream ends
    within five seconds after its key did, or the account was suspended."""
    job = await jobs.get(caller, job_id)
    seen = last_event_id if last_event_id is not None else after
    if "application/json" in accept:
        history = EventList(items=[event_view(event) for event in job.events[seen:]])
        return JSONResponse(history.model_dump(mode="json"))
    streams.check_capacity(caller.account.id)
    frames = streams.frames(job, after=seen, admitted=lambda: admission.still_admits(caller))
    return StreamingResponse(frames, media_type="text/event-stream", headers=_HEADERS)
