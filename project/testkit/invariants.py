"""What holds for jobs and lanes at every moment, as they are stored."""

from itertools import pairwise

from reelwork.domain.job import RUNNING, TRANSITIONS, Status
from reelwork.domain.retry import EXCUSED
from reelwork.store.client import Document


def without_time(job: Document) -> Document:
    """The job without what a heartbeat changes, or a test that lets time pass."""
    lease = job["lease"] and job["lease"]["slot"]
    return {key: value for key, value in job.items() if key != "not_before"} | {"lease": lease}


def check_history(job: Document) -> None:
    """Events are numbered without gaps and tell a legal way to the present state; every attempt is counted."""
    events = job["events"]
    assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
    states = [Status(one["status"]) for one in events]
    assert all(after in TRANSITIONS[before] for before, after in pairwise(states)), states
    assert states[-1] == job["status"]
    counted = [attempt for attempt in job["attempts"] if (attempt["error"] or {}).get("code") not in EXCUSED]
    assert len(job["attempts"]) == job["attempt"]
    assert len(counted) <= job["max_attempts"]
    assert (job["lease"] is not None) == (job["status"] in RUNNING)


def check_outputs(job: Document) -> None:
    """One set of outputs, of the one attempt that completed. Outputs must carry their attempt's slot as asset id."""
    winners = [attempt["slot"] for attempt in job["attempts"] if attempt["outcome"] == "completed"]
    assert [output["asset_id"] for output in job["outputs"]] == winners
    assert len(winners) == (job["status"] == Status.COMPLETED)


def check_lane(lane: Document, jobs: list[Document], *, exact: bool) -> None:
    """Every running job has a place, and no more places are taken than there are. `exact`: and no place is orphaned."""
    running = {job["lease"]["slot"] for job in jobs if job["status"] in RUNNING}
    places = {slot["id"] for slot in lane["slots"]}
    assert running <= places, "every running job has its place"
    assert running == places or not exact, "no place without a job, where nobody died"
    assert len(places) == len(lane["slots"]) <= lane["limit"]
    assert lane["full"] == (len(places) >= lane["limit"])
