"""Tiers: what an account's plan means for its lanes. One table; everything that depends on a tier reads it here."""

from dataclasses import dataclass
from enum import StrEnum


class Tier(StrEnum):
    FREE = "free"
    DEVELOPER = "developer"
    PRO = "pro"
    ENTERPRISE = "enterprise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`weight`: share of a pool relative to other accounts; `concurrent_jobs`: running at once in one pool."""

    weight: int
    concurrent_jobs: int


# Weights 10:5:1 and the concurrency limits are the plan table of the product; free accounts run no jobs.
PLANS: dict[Tier, Plan] = {
    Tier.FREE: Plan(weight=1, concurrent_jobs=0),
    Tier.DEVELOPER: Plan(weight=1, concurrent_jobs=3),
    Tier.PRO: Plan(weight=5, concurrent_jobs=10),
    Tier.ENTERPRISE: Plan(weight=10, concurrent_jobs=100),
}
