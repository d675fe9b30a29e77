"""What will be done, from the seed alone: which jobs are submitted when, and which fault hits whom when.

The same seed and size make the same plan, so a run that went wrong is run again by its seed. What the machine makes
of the plan (which job a killed worker happens to run) is not in it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from reelwork.domain.tier import Tier

SECONDS_PER_JOB = 0.27  # so long is the storm; 1,000 jobs of this mix keep four slots busy for most of it
SHORTEST_STORM_SECONDS = 24.0
SUBMITTED_WITHIN = 0.75  # of the storm: the last faults hit a backlog, not new jobs
POISON_SHARE = 0.004
BURST = 40  # jobs that come together on average, so that some wait and can be cancelled before they start


class Kind(StrEnum):
    """What is done to whom; the value is how the report calls it."""

    WORKER_KILLED = "worker killed (main process, -9)"
    CHILD_KILLED = "worker killed (pool child, -9)"
    WORKER_FROZEN = "worker frozen for longer than a lease"
    BROKER_KILLED = "RabbitMQ killed (-9)"
    MONGOD_KILLED = "mongod killed (-9)"
    S3_REFUSES = "S3 refuses connections"
    S3_STALLS = "S3 answers nothing"
    GATEWAY_KILLED = "gateway killed (-9)"
    GATEWAY_STORED = "gateway killed after the insert, before it heard of it"
    GATEWAY_UNANNOUNCED = "gateway killed after its answer, before the ticket"
    GATEWAY_UNANSWERED = "gateway killed after the ticket, before its answer"


POINTS = (Kind.GATEWAY_STORED, Kind.GATEWAY_UNANNOUNCED, Kind.GATEWAY_UNANSWERED)


class Fate(StrEnum):
    """How a job is made to end, left alone."""

    COMPLETE = "complete"
    FAIL = "fatal"
    FAIL_AGAIN = "retryable"
    POISON = "poison"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`at` and `lasting`: seconds, from the storm's begin. `target`: counted over whoever there is."""

    at: float
    kind: Kind
    target: int
    lasting: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """`tag` is unique, goes with the job and is its idempotency key. `cancel_after`: seconds from its acceptance."""

    tag: str
    account: str
    at: float
    fate: Fate
    seconds: float
    size_bytes: int
    cancel_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`points`: the jobs that lure a gateway to its fault points, one for each such fault, in their order."""

    seed: int
    lease_seconds: float
    storm_seconds: float
    accounts: dict[str, Tier]
    jobs: Sequence[JobPlan]
    faults: Sequence[Fault]
    points: Sequence[JobPlan]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dose:
    """How often in a storm over 1,000 jobs, and for how long (seconds, or leases where a lease is the measure)."""

    count: int
    shortest: float = 0.0
    longest: float = 0.0
    in_leases: bool = False


_DOSES = {
    Kind.WORKER_KILLED: _Dose(count=25),
    Kind.CHILD_KILLED: _Dose(count=25),
    Kind.WORKER_FROZEN: _Dose(count=15, shortest=1.3, longest=2.2, in_leases=True),
    Kind.BROKER_KILLED: _Dose(count=5, shortest=0.5, longest=4),
    Kind.MONGOD_KILLED: _Dose(count=3, shortest=0.5, longest=3),
    Kind.S3_REFUSES: _Dose(count=4, shortest=2, longest=9),
    Kind.S3_STALLS: _Dose(count=4, shortest=2, longest=9),
    Kind.GATEWAY_KILLED: _Dose(count=10),
    Kind.GATEWAY_STORED: _Dose(count=5),
    Kind.GATEWAY_UNANNOUNCED: _Dose(count=5),
    Kind.GATEWAY_UNANSWERED: _Dose(count=5),
}
ACCOUNTS = {
    "studio": Tier.ENTERPRISE,
    "agency": Tier.PRO,
    "press": Tier.PRO,
    "shop": Tier.DEVELOPER,
    "hobby": Tier.DEVELOPER,
}
# An account whose jobs are all very short has them claimed a few at a time, which is a path of its own.
_ALWAYS_SHORT = "agency"
# Seconds, and how many of a hundred jobs take so long. Some are longer than a lease, and live by their heartbeats.
_LENGTHS = {0.0: 20, 0.1: 20, 0.3: 20, 0.6: 15, 0.9: 12, 1.5: 10, 6.0: 3}


def make_plan(seed: int, *, jobs: int, lease_seconds: float) -> Plan:
    """The plan of a storm over so many jobs."""
    chance = random.Random(seed)  # noqa: S311  (a plan is to be repeated, not to be secret)
    storm = max(SHORTEST_STORM_SECONDS, jobs * SECONDS_PER_JOB)
    faults = _faults(chance, jobs, storm, lease_seconds)
    lures = sum(fault.kind in POINTS for fault in faults)
    return Plan(
        seed=seed,
        lease_seconds=lease_seconds,
        storm_seconds=storm,
        accounts=ACCOUNTS,
        jobs=_jobs(chance, seed, jobs - lures, storm),
        faults=faults,
        points=[_lure(chance, seed, number) for number in range(lures)],
    )


def _faults(chance: random.Random, jobs: int, storm: float, lease_seconds: float) -> list[Fault]:
    planned = []
    for kind, dose in _DOSES.items():
        unit = lease_seconds if dose.in_leases else 1.0
        for _ in range(max(1, round(dose.count * jobs / 1000))):
            lasting = chance.uniform(dose.shortest, dose.longest) * unit
            latest = storm - lasting
            planned.append(Fault(at=chance.uniform(2, latest), kind=kind, target=chance.randrange(60), lasting=lasting))
    return sorted(planned, key=lambda fault: fault.at)


def _jobs(chance: random.Random, seed: int, count: int, storm: float) -> list[JobPlan]:
    last = storm * SUBMITTED_WITHIN
    bursts = [0.0, *(chance.uniform(0, last) for _ in range(count // BURST))]
    poison = set(chance.sample(range(count), max(1, round(count * POISON_SHARE))))
    jobs = [_job(chance, f"{seed}-{number}", bursts, poison=number in poison) for number in range(count)]
    return sorted(jobs, key=lambda job: job.at)


def _job(chance: random.Random, tag: str, bursts: Sequence[float], *, poison: bool) -> JobPlan:
    account = chance.choice(list(ACCOUNTS))
    fates, weights = (Fate.COMPLETE, Fate.FAIL, Fate.FAIL_AGAIN), (95, 3, 2)
    fate = Fate.POISON if poison else chance.choices(fates, weights)[0]
    cancelled = fate is Fate.COMPLETE and chance.random() < 0.12
    return JobPlan(
        tag=f"chaos:{tag}",
        account=account,
        at=chance.choice(bursts) + chance.random(),
        fate=fate,
        seconds=0.0 if account == _ALWAYS_SHORT else chance.choices(list(_LENGTHS), list(_LENGTHS.values()))[0],
        size_bytes=chance.choice((64, 2_000, 100_000)),
        cancel_after=chance.choice((0.0, 0.0, 0.0, 0.5, 1.0, 3.0)) if cancelled else None,
    )


def _lure(chance: random.Random, seed: int, number: int) -> JobPlan:
    return JobPlan(
        tag=f"chaos:{seed}-point-{number}",
        account=chance.choice(list(ACCOUNTS)),
        at=0.0,
        fate=Fate.COMPLETE,
        seconds=0.1,
        size_bytes=64,
    )
