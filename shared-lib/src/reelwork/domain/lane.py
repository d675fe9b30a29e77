"""A lane: one account's share of one pool, served by start-time fair queueing (SFQ).

Goyal, Vin, Cheng: "Start-time Fair Queueing", IEEE/ACM Transactions on Networking 5(5), 1997; for several jobs at a
time SFQ(D) of Jin, Chase, Kaur, SIGMETRICS 2004. Lengths are unknown at dispatch, so an estimate is charged then and
corrected at the end, as Kubernetes API priority and fairness does.
"""

import math
from dataclasses import dataclass, replace

from reelwork.domain.account import Account
from reelwork.domain.errors import AccountSuspended, InsufficientTier
from reelwork.domain.ids import AccountId, LaneId, lane_id
from reelwork.domain.tier import Plans, Tier

# The charge for a job before anything is known about the lane's jobs, in seconds. Any positive number is fair in
# the long run: the end of the job corrects it.
FIRST_ESTIMATE_SECONDS = 1.0
# How much one finished job moves a lane's estimate: an exponentially weighted mean over about the last five jobs.
ESTIMATE_GAIN = 0.2
_STANDARD = Plans()


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneTerms:
    """What a lane is entitled to. `weight`: relative share; `limit`: jobs at once; `held`: a new lane begins paused.

    `plan_version`: the account's at that moment; a lane that has heard of a later one keeps what it has.
    """

    id: LaneId
    pool: str
    account_id: AccountId
    weight: int
    limit: int
    held: bool = False
    plan_version: int = 0


# A worker may claim several jobs of a lane at once while they are expected to take no longer than this together:
# jobs of a few milliseconds would otherwise spend most of their time on being claimed.
BATCH_SECONDS = 0.25
# How long one ticket keeps a worker going: long against the way of a ticket, short against a shutdown.
TICKET_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Places taken in a lane, before jobs were found for them. `epoch` is the lane's at that moment, `start` the
    virtual start time at which they were taken."""

    lane: LaneId
    slots: tuple[str, ...]
    epoch: int
    start: float


def tickets_for(jobs: int, *, estimate_seconds: float) -> int:
    """How many tickets announce so many new jobs of a lane: one for each, or for each second's worth of short ones."""
    return max(1, min(jobs, math.ceil(jobs * estimate_seconds / TICKET_SECONDS)))


def terms_for(account: AccountId, tier: Tier, pool: str, *, held: bool = False, plans: Plans = _STANDARD) -> LaneTerms:
    """The lane of an account in a pool, by its tier."""
    plan = plans[tier]
    return LaneTerms(
        id=lane_id(pool, account),
        pool=pool,
        account_id=account,
        weight=plan.weight,
        limit=plan.concurrent_jobs,
        held=held,
    )


def lane_of(account: Account, pool: str, plans: Plans) -> LaneTerms:
    """The lane of an account in a pool, as the account stands now: one that is suspended has no places."""
    terms = terms_for(account.id, account.tier, pool, held=pool in account.held_pools, plans=plans)
    return replace(
        terms,
        weight=account.weight or terms.weight,
        limit=terms.limit if account.suspended_at is None else 0,
        plan_version=account.plan_version,
    )


def lane_for_jobs(account: Account, pool: str, plans: Plans) -> LaneTerms:
    """The same for more jobs. Raises AccountSuspended, and InsufficientTier where the account's plan runs none."""
    if account.suspended_at is not None:
        raise AccountSuspended("The account is suspended.", hint="Ask those who run this installation.")
    terms = lane_of(account, pool, plans)
    if terms.limit == 0:
        raise InsufficientTier(f"The {account.tier} plan runs no jobs.", hint="Ask for a higher plan.")
    return terms
