"""What a lane is entitled to, as pieces of its updates: the newest plan wins, however late an older one comes.

A gateway knows an account for some seconds after it was changed; what it opens meanwhile must not set a lane back.
"""

from reelwork.domain.lane import FIRST_ESTIMATE_SECONDS, LaneTerms
from reelwork.store.client import Document
from reelwork.store.pipeline import Expression, literal


def overtaken(terms: LaneTerms) -> Expression:
    """Whether the lane has heard of a later plan than this one."""
    return {"$gt": [{"$ifNull": ["$plan_version", 0]}, terms.plan_version]}


def entitled(terms: LaneTerms) -> Document:
    """The fields that a plan decides; for a lane that is not there yet as well."""
    return {
        "weight": {"$cond": [overtaken(terms), "$weight", terms.weight]},
        "limit": {"$cond": [overtaken(terms), "$limit", terms.limit]},
        "plan_version": {"$max": ["$plan_version", terms.plan_version]},
    }


def open_and_as_entitled(terms: LaneTerms) -> Document:
    """A filter: the lane, if it is open and nothing has to be written for these terms."""
    same = {"plan_version": terms.plan_version, "weight": terms.weight, "limit": terms.limit}
    return {
        "_id": terms.id,
        "active": True,
        "$or": [same, {"plan_version": {"$gt": terms.plan_version}}],
    }


def idle(terms: LaneTerms) -> Document:
    """Every other field of a lane that is not there yet, of one that is there its own."""
    new: Document = {
        "pool": literal(terms.pool),
        "account_id": literal(terms.account_id),
        "slots": [],
        "paused": terms.held,
        "starved": False,
        "estimate": FIRST_ESTIMATE_SECONDS,
        "last_start": 0.0,
        "vstart": 0.0,
        "epoch": 0,
        "active": False,
    }
    return {name: {"$ifNull": [f"${name}", value]} for name, value in new.items()}
