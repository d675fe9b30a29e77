"""Rates: how many requests an account may send in a minute, by what they do. One table."""

from dataclasses import dataclass
from enum import StrEnum

from reelwork.domain.tier import Plan

WINDOW_SECONDS = 60


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
    """At most `amount` in any `seconds` that one looks back. `name` is also how counters of different rates are kept
    apart."""

    name: str
    amount: int
    seconds: int = WINDOW_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where somebody stands with a rate after a request, or after a look.

    `remaining`: requests that would be let through now; None while the limiter does not answer, which lets everything
    through. `more_seconds`: whole seconds after which there is room for one more than now; 0 where nothing is used.
    """

    rate: Rate
    allowed: bool
    remaining: int | None
    more_seconds: int = 0


def rate_of(kind: RouteClass, plan: Plan) -> Rate:
    """What a plan allows of one kind of request."""
    return Rate(name=kind.value, amount=plan.requests_per_minute * MULTIPLES[kind])
