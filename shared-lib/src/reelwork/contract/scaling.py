"""What an autoscaler asks for."""

from typing import Annotated

from pydantic import Field

from reelwork.contract.base import Timestamp, Wire


class ModelLoad(Wire):
    """`queued` may start when their turn comes. `oldest_seconds`: how long the first of them has waited."""

    queued: int
    running: int
    oldest_seconds: float | None


class PoolLoad(ModelLoad):
    """`per_tier`: what waits, by the plan of its account. `desired_workers`: how many would be at work now, with what
    runs and what plans and pauses let start; `workers` and `places` are there."""

    delayed: int
    held: bool
    per_tier: dict[str, int]
    workers: int
    places: int
    desired_workers: int


class Scaling(Wire):
    """At most about a second old. `models` counts the first 100,000 jobs that wait or run; `pools` counts all."""

    at: Timestamp
    pools: dict[str, PoolLoad]
    models: Annotated[dict[str, ModelLoad], Field(description="By name; those of which nothing waits or runs are out.")]
