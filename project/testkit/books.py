"""What holds for balances, ledger and bills at every moment, as they are stored; reckoned without code of ours."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pymongo.read_concern import ReadConcern

from reelwork.domain.job import TERMINAL
from reelwork.store.client import Database, Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The documents of three collections at one moment."""

    balances: list[Document]
    ledger: list[Document]
    jobs: list[Document]


async def read_books(database: Database) -> Stored:
    """As the last writes left them, durable or not. While others write, the three are not of one moment."""
    local = [
        database.get_collection(name, read_concern=ReadConcern("local")) for name in ("balances", "ledger", "jobs")
    ]
    balances, ledger, jobs = [await collection.find().to_list() for collection in local]
    return Stored(balances=balances, ledger=ledger, jobs=jobs)


def check_books(stored: Stored, *, settled: bool = False) -> None:
    """Raises AssertionError that names every fault. `settled`: nothing is under way any more."""
    found = [*faults(stored), *(unsettled(stored) if settled else ())]
    assert not found, "\n".join(found)


def faults(stored: Stored) -> Iterator[str]:
    """Where balances are not the sums of their entries, something is overdrawn, or entered twice."""
    by_account: dict[str, dict[str, Document]] = defaultdict(dict)
    for entry in stored.ledger:
        by_account[entry["account_id"]][entry["_id"]] = entry
    for balance in stored.balances:
        entries = by_account[balance["_id"]]
        for entry in balance["outbox"]:
            if entries.setdefault(entry["_id"], entry) != entry:
                yield f"{entry['_id']} is another one in the ledger than in the outbox"
        yield from _not_the_sum(balance, entries.values())
        yield from _closed_twice(entries.values())
    yield from _taken_twice(stored)
    known = {balance["_id"] for balance in stored.balances}
    yield from (f"{account} has entries and no balance" for account in by_account.keys() - known)


def _not_the_sum(balance: Document, entries: Iterable[Document]) -> Iterator[str]:
    sums: Counter[str] = Counter()
    for entry in entries:
        sums["available"] += entry["amount"]
        sums["reserved"] += entry["reserved"]
        if entry["kind"] != "grant":
            sums["spent"] -= entry["amount"]
        sums[f"days {entry['day']}"] += entry["units"]
        sums[f"keys {entry['key_id']}"] -= entry["amount"]
    has = {name: balance[name] for name in ("available", "reserved", "spent")}
    has |= {f"days {day}": used for day, used in balance["days"].items()}
    has |= {f"keys {key}": spent for key, spent in balance["keys"].items()}
    for name, value in has.items():
        if value != sums[name]:
            yield f"{balance['_id']}: {name} is {value}, its entries sum up to {sums[name]}"
        if value < 0:
            yield f"{balance['_id']}: {name} is overdrawn: {value}"


def _closed_twice(entries: Iterable[Document]) -> Iterator[str]:
    """A reservation is spent or given back, once; a round of a job is charged once."""
    entries = list(entries)
    reserved = {entry["hold"] for entry in entries if entry["kind"] == "reserve"}
    ends = Counter(entry["hold"] for entry in entries if entry["reserved"] < 0 or entry["kind"] == "release")
    yield from (f"{hold} was closed {count} times" for hold, count in ends.items() if count > 1)
    unknown = [hold for hold in ends if hold not in reserved and _allotment(hold) not in reserved]
    yield from (f"{hold} was closed and never reserved" for hold in unknown)
    charges = Counter((entry["job_id"], entry["round"]) for entry in entries if entry["kind"] == "charge")
    yield from (f"{job} was charged {count} times in round {n}" for (job, n), count in charges.items() if count > 1)


def _taken_twice(stored: Stored) -> Iterator[str]:
    """A place that was set aside is one job's, or it is given back."""
    taken = Counter(job["bill"]["place"] for job in stored.jobs if (job.get("bill") or {}).get("place"))
    outboxes = [entry for balance in stored.balances for entry in balance["outbox"]]
    closings = {entry["hold"]: entry["freed"] for entry in (*stored.ledger, *outboxes) if entry["freed"] is not None}
    freed = {f"{hold}.{number}" for hold, numbers in closings.items() for number in numbers}
    yield from (f"{place} was taken by {count} jobs" for place, count in taken.items() if count > 1)
    yield from (f"{place} was taken, and given back" for place in taken.keys() & freed)


def _allotment(hold: str) -> str:
    return hold.rpartition(".")[0]


def unsettled(stored: Stored) -> Iterator[str]:
    """What is left to do once nothing is under way: of every bill the books have to know how it ended."""
    ended = {status.value for status in TERMINAL}
    charged: dict[Any, int] = {  # by job and round
        (entry["job_id"], entry["round"]): -entry["amount"] - entry["reserved"]
        for entry in stored.ledger
        if entry["kind"] == "charge"
    }
    closed = {entry["hold"] for entry in stored.ledger if entry["kind"] in {"charge", "release"}}
    for entry in stored.ledger:
        if entry["kind"] == "reserve" and entry["hold"] not in closed:
            yield f"{entry['_id']} is neither spent nor given back"
    for balance in stored.balances:
        if balance["outbox"] or balance["reserved"] or balance["allotments"]:
            yield (
                f"{balance['_id']}: {balance['reserved']} reserved, {len(balance['outbox'])} in the outbox, "
                f"{len(balance['allotments'])} allotments"
            )
    yield from _miscounted(stored)
    for job in stored.jobs:
        bill = job.get("bill")
        if bill is None or job["status"] not in ended:
            continue
        told, known = bill["charged"], charged.pop((job["_id"], bill["round"]), None)
        if bill["state"] != "settled" or bill.get("due"):
            yield f"{job['_id']} has ended and its bill is {bill['state']}"
        elif (known is not None) != (job["status"] == "completed") or told != (known or 0):
            yield f"{job['_id']} is {job['status']}, its bill says {told}, the ledger {known}"
    yield from (f"{job} has a charge for round {n} that is not its end" for job, n in charged)


def _miscounted(stored: Stored) -> Iterator[str]:
    """Where nothing was entered late, a day has as many jobs as completed under its quota."""
    late = {entry["account_id"] for entry in stored.ledger if entry["note"] in {"late", "waived"}}
    done = Counter(
        (job["account_id"], job["bill"]["day"])
        for job in stored.jobs
        if job["status"] == "completed" and (job.get("bill") or {}).get("units")
    )
    for balance in stored.balances:
        for day, used in balance["days"].items() if balance["_id"] not in late else ():
            if used != done[balance["_id"], day]:
                yield f"{balance['_id']}: {used} jobs on {day}, {done[balance['_id'], day]} were completed"
