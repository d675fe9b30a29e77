"""Rates: how much an account may ask in a minute, by what it asks, and what weighs more than a plain request."""

import math
from dataclasses import dataclass
from enum import StrEnum

from reelwork.domain.tier import Plan

WINDOW_SECONDS = 60

# What a request counts as, in units; a plain one is one. A look that reads half a list again counts again, and so does
# each ten of the jobs whose results are to be signed for: as many as a page has that says nothing.
ITEMS_PER_UNIT = 50
SIGNED_PER_UNIT = 10
# Reads all that a batch, a series or an account has, and sends it.
EXPORT_UNITS = 10
# A batch spares its caller nine of ten requests, so that the largest of the plan fits into the plan's minute.
BATCHED_PER_UNIT = 10


class RouteClass(StrEnum):
    """Kinds of requests that are counted apart, so that looking does not keep anybody from submitting.

    `submit` makes work, `read` looks, `manage` changes what is there, `upload` brings bytes.
    """

    SUBMIT = "submit"
    READ = "read"
    MANAGE = "manage"
    UPLOAD = "upload"


# How many times the plan's `requests_per_minute`: following a job takes several looks at it.
MULTIPLES: dict[RouteClass, int] = {
    RouteClass.SUBMIT: 1,
    RouteClass.READ: 10,
    RouteClass.MANAGE: 1,
    RouteClass.UPLOAD: 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most `amount` units in any `seconds` that one looks back. `name` is also how counters of different rates are
    kept apart."""

    name: str
    amount: int
    seconds: int = WINDOW_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where somebody stands with a rate after a request, or after a look.

    `remaining`: units that would be let through now; None while the limiter does not answer, which lets everything
    through. `more_seconds`: whole seconds after which there is room for one more than now; 0 where nothing is used.
    `wait_seconds`: those after which there is room for all that was refused; 0 where nothing was.
    """

    rate: Rate
    allowed: bool
    remaining: int | None
    more_seconds: int = 0
    wait_seconds: int = 0


def rate_of(kind: RouteClass, plan: Plan) -> Rate:
    """What a plan allows of one kind of request."""
    return Rate(name=kind.value, amount=plan.requests_per_minute * MULTIPLES[kind])


def page_units(items: int, *, signed: bool) -> int:
    """What a page of so many items counts as. `signed`: with signed addresses of what they made."""
    return max(math.ceil(items / (SIGNED_PER_UNIT if signed else ITEMS_PER_UNIT)), 1)


def batch_units(weight: int) -> int:
    """What a batch counts as whose jobs would count as `weight` if they came alone."""
    return math.ceil(weight / BATCHED_PER_UNIT)
