"""Tiers: what an account's plan allows. One table; everything that depends on a tier reads it here."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Tier(StrEnum):
    FREE = "free"
    DEVELOPER = "developer"
    PRO = "pro"
    ENTERPRISE = "enterprise"

    def includes(self, other: "Tier") -> bool:
        """Whether this tier has whatever the other one has."""
        order = list(Tier)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`weight`: share of a pool relative to other accounts; `concurrent_jobs`: running at once in one pool.

    `requests_per_minute`: that create work; other kinds of requests have multiples of it. `jobs_per_day`: in a day of
    UTC, None without a limit. `max_duration_seconds`: of a film or sound that a job makes. `batch_items`: in one
    batch, 0 where the plan has no batches.
    """

    weight: int
    concurrent_jobs: int
    requests_per_minute: int
    jobs_per_day: int | None
    max_duration_seconds: float
    batch_items: int


# Weights 10:5:1 and the limits are the plan table of the product; free accounts run no jobs.
PLANS: dict[Tier, Plan] = {
    Tier.FREE: Plan(
        weight=1,
        concurrent_jobs=0,
        requests_per_minute=10,
        jobs_per_day=100,
        max_duration_seconds=0,
        batch_items=0,
    ),
    Tier.DEVELOPER: Plan(
        weight=1,
        concurrent_jobs=3,
        requests_per_minute=30,
        jobs_per_day=500,
        max_duration_seconds=30,
        batch_items=0,
    ),
    Tier.PRO: Plan(
        weight=5,
        concurrent_jobs=10,
        requests_per_minute=100,
        jobs_per_day=5000,
        max_duration_seconds=120,
        batch_items=1000,
    ),
    Tier.ENTERPRISE: Plan(
        weight=10,
        concurrent_jobs=100,
        requests_per_minute=1000,
        jobs_per_day=None,
        max_duration_seconds=300,
        batch_items=1000,
    ),
}


@dataclass(frozen=True, slots=True)
class Plans:
    """The table as this installation has it."""

    table: Mapping[Tier, Plan] = field(default_factory=lambda: PLANS)

    def __getitem__(self, tier: Tier) -> Plan:
        return self.table[tier]

    def with_changes(self, changes: Mapping[Tier, Mapping[str, float | None]]) -> "Plans":
        """The table with some numbers replaced. Raises TypeError for a name that no plan has."""
        return Plans({tier: replace(plan, **changes.get(tier, {})) for tier, plan in self.table.items()})  # type: ignore[arg-type]
