"""Pieces of update pipelines. Times are `$$NOW`, the database's clock: no worker's clock decides anything."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import Any

from reelwork.domain.job import TERMINAL, BillState, Status

Document = dict[str, Any]  # a filter
Expression = Any  # an aggregation expression: nested dicts, lists and scalars

NOW: Expression = "$$NOW"
_DEADLINE: Expression = {"$ifNull": ["$deadline_at", None]}
# Events that a webhook may want are marked by the write that records them. See `store/untold.py`.
_UNTOLD: Expression = {"$cond": [{"$eq": ["$hooked", True]}, True, "$$REMOVE"]}
# With these a round of a job begins; an end is told by its status. See `domain/usage.py`.
_BEGINNINGS = frozenset({"job.queued", "job.retried"})


def literal(value: object) -> Expression:
    """A value that is never read as an expression, whatever a caller wrote into it."""
    return {"$literal": value.value if isinstance(value, Enum) else value}


def later(delay: timedelta) -> Expression:
    """The database's now plus `delay`."""
    return {"$add": [NOW, int(delay.total_seconds() * 1000)]}


def in_time(delay: timedelta | None = None) -> Document:
    """A filter: jobs without a deadline, or whose deadline comes later than in `delay` (None: than now)."""
    moment = later(delay) if delay else NOW
    return {"$expr": {"$or": [{"$eq": [_DEADLINE, None]}, {"$gt": [_DEADLINE, moment]}]}}


def transition(
    target: Status,
    event: str,
    *,
    of_attempt: Expression = "$attempt",
    recorded: Mapping[str, object] | None = None,
    **sets: Expression,
) -> list[dict[str, Expression]]:
    """The update that moves a job to `target` and records the durable event of it, in one write.

    An end also says when the job's files are due, as its retention has it, and what its bill has come to: the one
    place from which charges follow. What usage tells of is marked.
    """
    due: dict[str, Expression] = {
        "inputs_due_at": _later_by("$retention.input_seconds") if target in TERMINAL else None,
        "outputs_due_at": _later_by("$retention.output_seconds") if target is Status.COMPLETED else None,
    }
    if target in TERMINAL:
        due["bill"] = _ended_bill(BillState.CHARGE if target is Status.COMPLETED else BillState.RELEASE)
    marks = {"uncounted": True} if target in TERMINAL or event in _BEGINNINGS else {}
    sets = {**due, **marks, **sets}
    return [happening(event, status=literal(target), of_attempt=of_attempt, recorded=recorded, **sets)]


def happening(
    event: str,
    *,
    status: Expression = "$status",
    of_attempt: Expression = "$attempt",
    recorded: Mapping[str, object] | None = None,
    **sets: Expression,
) -> dict[str, Expression]:
    """The stage that records a durable event of a job together with what it changes.

    The event's number is the length of the history, so that numbers have no gaps and no double.
    """
    entry: dict[str, Expression] = {
        "seq": {"$add": [{"$size": "$events"}, 1]},
        "at": NOW,
        "type": literal(event),
        "status": status,
        "attempt": of_attempt,
        "error": literal(recorded),
    }
    return {
        "$set": {
            "status": status,
            "version": {"$add": ["$version", 1]},
            "events": {"$concatArrays": ["$events", [entry]]},
            "untold": _UNTOLD,
            **sets,
        }
    }


def _ended_bill(state: BillState) -> Expression:
    """The bill as the end of its job makes it: `due` until the books have it. One that is not held stays as it is."""
    is_held = {"$eq": ["$bill.state", BillState.HELD.value]}
    return {"$cond": [is_held, {"$mergeObjects": ["$bill", {"state": state.value, "due": True}]}, "$bill"]}


def _later_by(seconds: Expression) -> Expression:
    """The database's now plus a number of seconds in the document; null where there is none."""
    return {"$add": [NOW, {"$multiply": [seconds, 1000]}]}


def with_call(**sets: Expression) -> Expression:
    """A job's call to a provider with these fields changed; nothing where there is none."""
    return {"$cond": [{"$eq": [{"$type": "$remote"}, "object"]}, {"$mergeObjects": ["$remote", sets]}, "$remote"]}


def without_slots(slots: Sequence[str]) -> Expression:
    """A lane's slots but for these."""
    return {"$filter": {"input": "$slots", "cond": {"$not": [{"$in": ["$$this.id", list(slots)]}]}}}


def charge_of(slots: Sequence[str]) -> Expression:
    """What was charged for places of a lane, read from the lane itself; 0 for places that are gone."""
    mine = {"$filter": {"input": "$slots", "cond": {"$in": ["$$this.id", list(slots)]}}}
    return {"$sum": {"$map": {"input": mine, "in": "$$this.charge"}}}


RECOUNT: dict[str, Expression] = {"$set": {"full": {"$gte": [{"$size": "$slots"}, "$limit"]}}}
"""The stage after every change of slots or limit."""
