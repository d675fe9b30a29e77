"""Is the history one that Reelwork promised? Pure: histories in, violations out.

Every check tells its violations one by one; none may have any. What they stand for is in docs/chaos.md.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from chaos.history import Document, History
from chaos.plan import Fate
from reelwork.domain.job import TERMINAL, TRANSITIONS, Status
from reelwork.domain.retry import EXCUSED
from testkit.books import Stored, faults, unsettled

RUNNING = {"processing", "cancelling"}
LOST = "worker_lost"
_ENDS = {status.value for status in TERMINAL}

Check = Callable[[History], Iterator[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A promise, and what breaks it."""

    promise: str
    violations: tuple[str, ...]


def check(history: History) -> list[Finding]:
    """All promises, in the order of the report."""
    return [Finding(promise=promise, violations=tuple(judge(history))) for promise, judge in CHECKS.items()]


def _lost(history: History) -> Iterator[str]:
    there = {job["_id"] for job in history.jobs}
    for submission in history.submissions:
        if not submission.accepted:
            yield f"{submission.plan.tag}: never accepted ({submission.unanswered} unanswered, {submission.refused})"
        for job_id in submission.accepted:
            if job_id not in there:
                yield f"{submission.plan.tag}: {job_id} was accepted and is gone"


def _doubled(history: History) -> Iterator[str]:
    if not history.once:
        return
    for tag, count in _jobs_by_tag(history).items():
        if count > 1:
            yield f"{tag}: {count} jobs of one idempotency key"


def _wrong_answers(history: History) -> Iterator[str]:
    for submission in history.submissions:
        for status, count in submission.refused.items():
            if status not in (409, 503):  # 409: the same key is under way at another gateway
                yield f"{submission.plan.tag}: {count} answers {status}"


def _not_ended(history: History) -> Iterator[str]:
    for job in history.jobs:
        if job["status"] not in _ENDS or job["lease"] is not None:
            yield f"{job['_id']} is {job['status']}, lease {job['lease']}"


def _ended_more_than_once(history: History) -> Iterator[str]:
    for job in history.jobs:
        told = [event["status"] for event in job["events"]]
        ends = [status for status in told if status in _ENDS]
        if ends != told[-1:] or ends != [job["status"]]:
            yield f"{job['_id']} is {job['status']}, its events say {told}"
    seen = Counter(change.job for change in history.changes if change.status in _ENDS)
    for job_id, count in seen.items():
        if count > 1:
            yield f"{job_id} ended {count} times"


def _illegal_ways(history: History) -> Iterator[str]:
    """By the change stream, which also tells of what a later write may have hidden; and events agree with it."""
    ways: dict[str, list[str]] = defaultdict(list)
    for change in history.changes:
        ways[change.job].append(change.status)
    for job in history.jobs:
        way = ways[job["_id"]]
        told = [event["status"] for event in job["events"]]
        if way != told or [event["seq"] for event in job["events"]] != list(range(1, len(told) + 1)):
            yield f"{job['_id']}: MongoDB saw {way}, its events say {told}"
        for before, after in pairwise(way):
            if after == "deleted" or Status(after) not in TRANSITIONS[Status(before)]:
                yield f"{job['_id']}: {before} -> {after}"


def _ran_though_cancelled(history: History) -> Iterator[str]:
    """A cancel that was answered before the job had ever been claimed: no run at all, by the model's own account."""
    runs = Counter(run.job for run in history.runs)
    for cancel in history.cancels:
        if cancel.status == "cancelled" and cancel.attempt == 0 and runs[cancel.job]:
            yield f"{cancel.job} was cancelled before it started, and ran {runs[cancel.job]} times"


def _cancel_not_kept(history: History) -> Iterator[str]:
    """What the answer to a cancel said is what became of the job."""
    ended = {job["_id"]: job for job in history.jobs}
    for cancel in history.cancels:
        job = ended.get(cancel.job)
        told = "cancelled" if cancel.status == "cancelling" else cancel.status
        if job is None or job["status"] != told or (told == "cancelled" and job["outputs"]):
            yield f"{cancel.job}: the answer said {cancel.status}, it ended {job and job['status']}"


def _ended_wrongly(history: History) -> Iterator[str]:
    """A job ends as it was made to; or, whatever it was made to do, cancelled if asked, or given up as it must be."""
    cancelled = {cancel.job for cancel in history.cancels}
    for job in history.jobs:
        fate, code = history.fate_of(job), (job["error"] or {}).get("code")
        match job["status"], fate:
            case "completed", Fate.COMPLETE:
                right = True
            case "failed", Fate.COMPLETE:
                right = True  # or not: `_failed_for_nothing` tells
            case "cancelled", _:
                right = job["_id"] in cancelled
            case "failed", Fate.FAIL:
                right = code == "generation_failed" or _used_up(job)
            case "failed", Fate.FAIL_AGAIN | Fate.POISON:
                right = _used_up(job) and (fate is not Fate.POISON or code == LOST)
            case _:
                right = False
        if not right:
            yield f"{job['_id']} ({fate}) ended {job['status']} {code} after {_outcomes(job)}"


def _failed_for_nothing(history: History) -> Iterator[str]:
    """A job that would complete and whose every attempt lost its worker was given up as promised: it is counted in the
    report. One that failed for our own storage, or too soon, breaks the promise."""
    for job in history.jobs:
        if job["status"] == "failed" and history.fate_of(job) is Fate.COMPLETE and not given_up(job):
            yield f"{job['_id']} failed {job['error']['code']} after {_outcomes(job)}"


def given_up(job: Document) -> bool:
    """Whether this failed job used up its attempts by losing its worker, and by nothing else that counts."""
    codes = [error["code"] for error in _errors(job) if error["code"] not in EXCUSED]
    return set(codes) == {LOST} and _used_up(job)


def _used_up(job: Document) -> bool:
    return bool(sum(error["code"] not in EXCUSED for error in _errors(job)) == job["max_attempts"])


def _outputs_of_others(history: History) -> Iterator[str]:
    """One set of outputs, all of the attempt that won, all of them ready."""
    by_job: dict[str, list[Document]] = defaultdict(list)
    for asset in history.assets:
        by_job[asset["job_id"]].append(asset)
    for job in history.jobs:
        wanted = {output["asset_id"] for output in job["outputs"]}
        winners = [attempt["n"] for attempt in job["attempts"] if attempt["outcome"] == "completed"]
        if len(winners) != (job["status"] == "completed"):
            yield f"{job['_id']} is {job['status']} with attempts {_outcomes(job)}"
        if len(wanted) != (job["status"] == "completed"):  # the model of the storm makes one file
            yield f"{job['_id']} is {job['status']} with {len(wanted)} outputs"
        ready = {asset["_id"]: asset["attempt"] for asset in by_job[job["_id"]] if asset["state"] == "ready"}
        if ready != dict.fromkeys(wanted, winners[0] if winners else None):
            yield f"{job['_id']}: outputs {wanted} of attempts {winners}, ready assets {ready}"


def _ledger(history: History) -> Iterator[str]:
    """What S3 holds is what MongoDB says it holds, and nothing is left undecided."""
    known = {asset["key"]: asset["state"] for asset in history.assets}
    ready = {key for key, state in known.items() if state == "ready"}
    yield from (f"{key} is in S3 and belongs to nobody" for key in sorted(history.objects - known.keys()))
    yield from (f"{key} is ready and not in S3" for key in sorted(ready - history.objects))
    yield from (f"{key} is still {state}" for key, state in sorted(known.items()) if state != "ready")


def _slots_left(history: History) -> Iterator[str]:
    for lane in history.lanes:
        if lane["slots"] or lane["full"]:
            yield f"{lane['_id']} has {len(lane['slots'])} places taken, full {lane['full']}"


def _limit_exceeded(history: History) -> Iterator[str]:
    """Places by samples; running jobs exactly, in the order of the oplog, but for those that were handed back unrun."""
    for lane, count in history.most_slots.items():
        if count > history.limits[lane]:
            yield f"{lane}: {count} places taken at once, of {history.limits[lane]}"
    for lane, count in most_running(history).items():
        if count > history.limits[lane]:
            yield f"{lane}: {count} jobs at once, of {history.limits[lane]}"


def most_running(history: History) -> Mapping[str, int]:
    """How many jobs of a lane ran at once at most. A job that was claimed and handed back did not run."""
    lanes = {job["_id"]: job["lane"] for job in history.jobs}
    unrun = _handed_back(history)
    running: dict[str, set[str]] = defaultdict(set)
    most: Counter[str] = Counter()
    for position, change in enumerate(history.changes):
        lane = lanes.get(change.job, "")
        if change.status not in RUNNING:
            running[lane].discard(change.job)
        elif position not in unrun:
            running[lane].add(change.job)
            most[lane] = max(most[lane], len(running[lane]))
    return most


def _handed_back(history: History) -> set[int]:
    """Positions of the claims that were undone: the next change of the job makes its attempt one less."""
    claims: dict[str, tuple[int, int]] = {}
    undone = set()
    for position, change in enumerate(history.changes):
        if change.status == "processing" and change.attempt is not None:
            claims[change.job] = (position, change.attempt)
        elif change.status == "queued" and change.attempt is not None and change.job in claims:
            claimed_at, attempt = claims[change.job]
            if change.attempt < attempt:
                undone.add(claimed_at)
    return undone


def _miscounted(history: History) -> Iterator[str]:
    """Attempts are numbered, and no more than allowed count."""
    for job in history.jobs:
        counted = [attempt for attempt in job["attempts"] if (attempt["error"] or {}).get("code") not in EXCUSED]
        numbers = [attempt["n"] for attempt in job["attempts"]]
        if numbers != list(range(1, job["attempt"] + 1)) or len(counted) > job["max_attempts"]:
            yield f"{job['_id']}: attempt {job['attempt']} of {job['max_attempts']}, {_outcomes(job)}"


def _books_wrong(history: History) -> Iterator[str]:
    """Every balance is the sum of its entries, and every job that ended was charged or given back, once."""
    stored = Stored(balances=list(history.balances), ledger=list(history.ledger), jobs=list(history.jobs))
    yield from faults(stored)
    yield from unsettled(stored)
    accounts = {balance["_id"] for balance in history.balances}
    for job in history.jobs:
        if not job.get("bill") or job["account_id"] not in accounts:
            yield f"{job['_id']} costs something and was accepted without a reservation"


def _jobs_by_tag(history: History) -> Counter[str]:
    return Counter(tag for job in history.jobs for tag in job["tags"])


def _errors(job: Document) -> list[Document]:
    return [attempt["error"] for attempt in job["attempts"] if attempt["error"]]


def _outcomes(job: Document) -> list[str]:
    return [f"{attempt['outcome']} {(attempt['error'] or {}).get('code', '')}".strip() for attempt in job["attempts"]]


CHECKS: dict[str, Check] = {
    "jobs lost, or never accepted": _lost,
    "jobs doubled for one idempotency key": _doubled,
    "answers that should not be (500, 4xx)": _wrong_answers,
    "jobs that have not ended": _not_ended,
    "jobs that ended more than once": _ended_more_than_once,
    "changes of status against the table, or untold": _illegal_ways,
    "jobs that ended otherwise than they must": _ended_wrongly,
    "jobs failed for a fault of ours": _failed_for_nothing,
    "jobs cancelled before their start that ran": _ran_though_cancelled,
    "cancels answered and not kept": _cancel_not_kept,
    "outputs doubled, missing, or of a lost attempt": _outputs_of_others,
    "objects and ready assets that do not match": _ledger,
    "places left in lanes": _slots_left,
    "accounts above their limit": _limit_exceeded,
    "attempts miscounted": _miscounted,
    "books that do not add up, or that are not settled": _books_wrong,
}
