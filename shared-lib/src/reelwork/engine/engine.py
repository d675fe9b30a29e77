"""What every step of the protocol works with."""

from dataclasses import dataclass, field
from datetime import timedelta

from reelwork.broker.base import Broker, Notice
from reelwork.domain.job import Job
from reelwork.domain.tier import Plans
from reelwork.engine.outcomes import OutcomeNotes
from reelwork.engine.runtimes import RuntimeNotes
from reelwork.generator.resources import Pool
from reelwork.store.attempts import Claimed
from reelwork.store.stores import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`lease`: how long a worker may be silent before its job is given to another. `plans`: what each tier allows."""

    lease: timedelta = timedelta(seconds=30)
    plans: Plans = field(default_factory=Plans)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    stores: Stores
    broker: Broker
    rules: Rules
    runtimes: RuntimeNotes = field(default_factory=RuntimeNotes)
    outcomes: OutcomeNotes = field(default_factory=OutcomeNotes)
    pools: tuple[str, ...] = tuple(Pool)

    def tell(self, job: Job) -> None:
        """Let watchers know that the job changed. At most once: they read the job, this is only the hint."""
        self.broker.announce(Notice(kind="changed", account_id=job.account_id, job_id=job.id))


def claimed(job: Job) -> Claimed:
    """The fence of a job as it was claimed. Raises ValueError for one that is not running."""
    if job.lease is None:
        raise ValueError(f"{job.id} is {job.status}: it has no lease")
    return Claimed(job=job.id, attempt=job.attempt, slot=job.lease.slot, turn=job.lease.turn)
