"""What holds for jobs and lanes at every moment, as they are stored."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from itertools import pairwise

from reelwork.domain.ids import AssetId
from reelwork.domain.job import RUNNING, TERMINAL, TRANSITIONS, Job, Status
from reelwork.domain.retry import EXCUSED
from reelwork.store.client import Document

AGAIN = {Status.FAILED, Status.CANCELLED, Status.EXPIRED}
DATA_REMOVED = "job.data_removed"  # happens after the end, and changes no state


def without_time(job: Document) -> Document:
    """The job without what a heartbeat changes, or a test that lets time pass."""
    lease = job["lease"] and job["lease"]["slot"]
    return {key: value for key, value in job.items() if key not in {"not_before", "deadline_at"}} | {"lease": lease}


def check_job(before: Document | None, job: Document) -> None:
    """All that holds for one job, as it was last seen (None: never) and as it is."""
    check_history(job)
    check_outputs(job)
    check_change(before, job)


def check_history(job: Document) -> None:
    """Events are numbered without gaps and tell a legal way to the present state; every attempt is counted."""
    events = job["events"]
    assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
    assert all(job["status"] == one["status"] for one in events if one["type"] == DATA_REMOVED)
    states = [Status(one["status"]) for one in events if one["type"] != DATA_REMOVED]
    assert all(after in TRANSITIONS[before] for before, after in pairwise(states)), states
    assert states[-1] == job["status"]
    counted = [attempt for attempt in job["attempts"] if (attempt["error"] or {}).get("code") not in EXCUSED]
    assert len(job["attempts"]) == job["attempt"]
    assert len(counted) <= job["max_attempts"]
    assert (job["lease"] is not None) == (job["status"] in RUNNING)


def check_change(before: Document | None, after: Document) -> None:
    """Of one job, seen twice: what has ended changes by its owner's will alone, and every change has a new version."""
    if before is None or without_time(before) == without_time(after):
        return
    again = before["status"] in AGAIN and after["events"][len(before["events"])]["type"] == "job.retried"
    assert before["status"] not in TERMINAL or again, "what has ended changes by its owner's will alone"
    assert after["version"] > before["version"]


def attempts_left(job: Job) -> int:
    """Of its present round: what failed for our own storage does not count, nor do earlier rounds."""
    earlier = max((event.attempt for event in job.events if event.type == "job.retried"), default=0)
    errors = [attempt.error for attempt in job.attempts if attempt.n > earlier]
    return job.max_attempts - earlier - sum(error is None or error.code not in EXCUSED for error in errors)


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


def check_storage(assets: Iterable[Document], keys: Collection[str], *, settled: bool = False) -> None:
    """The object store against the `assets` collection: no object without a document, no ready asset without object.

    `settled`: and nothing else is there, as after a sweep that found everything old enough.
    """
    by_state: dict[str, set[str]] = {"staged": set(), "ready": set(), "discarded": set()}
    for asset in assets:
        by_state[asset["state"]].add(asset["key"])
    stored = set(keys)
    unknown = stored - set().union(*by_state.values())
    assert not unknown, f"objects that no document knows: {sorted(unknown)}"
    missing = by_state["ready"] - stored
    assert not missing, f"ready assets without bytes: {sorted(missing)}"
    assert not settled or stored == by_state["ready"], f"left behind: {sorted(stored - by_state['ready'])}"


def steady(before: Iterable[Document], after: Iterable[Document]) -> list[Document]:
    """Assets as they were read before and after the keys: what changed in between counts as staged, so that it may
    have an object or not."""
    earlier, later = ({asset["_id"]: asset for asset in found} for found in (before, after))
    unchanged = {key: asset for key, asset in later.items() if key in earlier and earlier[key] == asset}
    return [unchanged.get(key) or asset | {"state": "staged"} for key, asset in (earlier | later).items()]


def check_holdings(jobs: Iterable[Document], assets: Iterable[Document], *, deleted: Collection[AssetId] = ()) -> None:
    """Whatever a job still holds is there for it. Only a job that has ended may hold what its owner `deleted`."""
    there = {asset["_id"] for asset in assets if asset["state"] in {"staged", "ready"}}
    for job in jobs:
        held = {*job["input_assets"], *(output["asset_id"] for output in job["outputs"])}
        gone = held - there - (set(deleted) if Status(job["status"]).is_terminal else set())
        assert not gone, f"{job['_id']}, {job['status']}, holds what is gone: {sorted(gone)}"
        assert not job["data_removed"] or not job["outputs"]


def is_late(job: Document) -> bool:
    """Its deadline has passed."""
    return job["deadline_at"] is not None and job["deadline_at"] < datetime.now(UTC)


def after_cancel(before: Status) -> Status:
    """What a cancel makes of a job."""
    match before:
        case Status.QUEUED:
            return Status.CANCELLED
        case Status.PROCESSING:
            return Status.CANCELLING
        case _:
            return before
