"""A history in which every promise is kept, small enough to break by hand."""

from typing import Any

from chaos.history import Cancel, Change, Document, History, Run, Submission
from chaos.plan import Fate, JobPlan

LANE = "cpu:acct_1"
ACCOUNT, DAY = "acct_1", "2026-11-21"
PRICE, CREDIT = 100, 1_000
KEY = "accounts/acct_1/jobs/done/1-aaaa/asset_1.txt"


def submission(job: str, fate: Fate) -> Submission:
    plan = JobPlan(tag=f"chaos:{job}", account="studio", at=0, fate=fate, seconds=0, size_bytes=64)
    return Submission(plan, accepted=[job])


def attempt(n: int, outcome: str, code: str | None = None) -> Document:
    return {"n": n, "outcome": outcome, "slot": f"slot-{n}", "error": {"code": code} if code else None}


def job(name: str, *way: str, attempts: tuple[Document, ...] = (), **fields: Any) -> Document:
    """A job as it is stored, that took these statuses one after the other."""
    error = attempts[-1]["error"] if attempts and way[-1] == "failed" else None
    defaults = {
        "_id": name,
        "lane": LANE,
        "tags": [f"chaos:{name}"],
        "status": way[-1],
        "lease": None,
        "events": [{"seq": seq, "status": status} for seq, status in enumerate(way, start=1)],
        "attempts": list(attempts),
        "attempt": len(attempts),
        "max_attempts": 3,
        "outputs": [],
        "error": error,
        "account_id": ACCOUNT,
    }
    whole = defaults | fields
    charged = PRICE if whole["status"] == "completed" else 0
    bill = {
        "state": "settled",
        "round": 1,
        "hold": f"hold {name}",
        "place": None,
        "units": 1,
        "day": DAY,
        "charged": charged,
    }
    return {"bill": bill} | whole


def entry(kind: str, name: str, *, amount: int = 0, reserved: int = 0, units: int = 0) -> Document:
    """What the books say of a job."""
    return {
        "_id": f"{name}.{kind}",
        "account_id": ACCOUNT,
        "kind": kind,
        "amount": amount,
        "reserved": reserved,
        "units": units,
        "day": DAY,
        "key_id": "key_1",
        "job_id": name,
        "round": 1,
        "hold": f"hold {name}",
        "note": None,
        "freed": None,
    }


def allotment(*freed: int) -> list[Document]:
    """A place that was set aside as `aside.0`, and is given back or not."""
    nobody: Document = {"key_id": None, "job_id": None, "round": None, "hold": "aside"}
    aside = entry("reserve", "aside", units=1) | nobody
    return [aside, entry("release", "aside", units=-len(freed)) | nobody | {"freed": freed}]


def ledger_of(jobs: list[Document]) -> list[Document]:
    """What these jobs cost, each settled once."""
    found = []
    for each in jobs:
        name = each["_id"]
        found.append(entry("reserve", name, amount=-PRICE, reserved=PRICE, units=1))
        if each["status"] == "completed":
            found.append(entry("charge", name, reserved=-PRICE))
        else:
            found.append(entry("release", name, amount=PRICE, reserved=-PRICE, units=-1))
    credit = entry("grant", "credit", amount=CREDIT) | {"day": None, "key_id": None}
    return [*found, credit]


def good() -> History:
    """One job that completed in its second attempt, one cancelled in time, one that killed three workers, one that
    failed as it was told to."""
    lost = tuple(attempt(n, "lost" if n < 3 else "failed", "worker_lost") for n in (1, 2, 3))
    retried = ("queued", *("processing", "queued") * 2, "processing", "failed")
    jobs = [
        job(
            *("done", "queued", "processing", "queued", "processing", "completed"),
            attempts=(attempt(1, "lost", "worker_lost"), attempt(2, "completed")),
            outputs=[{"asset_id": "asset_1"}],
        ),
        job("stopped", "queued", "cancelled"),
        job("poison", *retried, attempts=lost),
        job("bad", "queued", "processing", "failed", attempts=(attempt(1, "failed", "generation_failed"),)),
    ]
    fates = {"done": Fate.COMPLETE, "stopped": Fate.COMPLETE, "poison": Fate.POISON, "bad": Fate.FAIL}
    return History(
        limits={LANE: 2},
        once=True,
        submissions=[submission(name, fate) for name, fate in fates.items()],
        cancels=[Cancel(job="stopped", status="cancelled", attempt=0, answered_at=1.0)],
        runs=[Run(job=name, at=0.0) for name in ("done", "done", "poison", "poison", "poison", "bad")],
        changes=changes_of(jobs),
        most_slots={LANE: 2},
        jobs=jobs,
        assets=[{"_id": "asset_1", "job_id": "done", "attempt": 2, "state": "ready", "key": KEY}],
        lanes=[{"_id": LANE, "slots": [], "full": False}],
        objects=frozenset({KEY}),
        balances=[
            {
                "_id": ACCOUNT,
                "available": CREDIT - PRICE,
                "reserved": 0,
                "spent": PRICE,
                "days": {DAY: 1},
                "keys": {"key_1": PRICE},
                "outbox": [],
                "allotments": [],
            }
        ],
        ledger=ledger_of(jobs),
    )


def changes_of(jobs: list[Document]) -> list[Change]:
    """What the change stream tells of these jobs, one job after the other."""
    changes = []
    for each in jobs:
        number = 0
        for event in each["events"]:
            number += event["status"] == "processing"
            claim = event["status"] in {"queued", "processing"}
            changes.append(Change(job=each["_id"], status=event["status"], attempt=number if claim else None))
    return changes
