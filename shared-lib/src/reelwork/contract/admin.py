"""What those who run the installation send and see: accounts, queues, the whole at a glance. Never a key."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from reelwork.contract.base import JSON_NUMBER, Timestamp, Wire
from reelwork.contract.jobs import JobView, PriorityName, StatusName

TierName = Literal["free", "developer", "pro", "enterprise"]
# Names are for people and for the command line: no blanks at the ends, nothing that cannot be seen.
AccountName = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=100, pattern=r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$"
    ),
]
Weight = Annotated[
    int | None,
    Field(ge=1, le=1000, description="Share of a pool relative to other accounts. Null: its tier's."),
    JSON_NUMBER,
]


class AccountBody(Wire):
    """A new account. It has no key yet: `python -m gateway.account create --name …` makes one."""

    name: Annotated[AccountName, Field(description="No other account has it.")]
    tier: TierName
    weight: Weight = None


class AccountPatch(Wire):
    """What is left out stays."""

    name: Annotated[AccountName | None, Field(description="No other account has it. Null: stays.")] = None
    tier: Annotated[TierName | None, Field(description="Null: stays.")] = None
    weight: Weight = None
    suspended: Annotated[
        bool | None, Field(strict=True, description="true: its keys open nothing and its jobs wait. Null: stays.")
    ] = None


class PlanView(Wire):
    """What the account may do, as this installation has it. `jobs_per_day`: null without a limit."""

    weight: int
    concurrent_jobs: int
    requests_per_minute: int
    jobs_per_day: int | None
    max_duration_seconds: float
    batch_items: int


class AdminAccount(Wire):
    """`weight`: of its own instead of its tier's; `plan.weight` is the one that counts."""

    id: str
    object: Literal["account"] = "account"
    name: str
    tier: TierName
    weight: int | None
    suspended: bool
    suspended_at: Timestamp | None
    created_at: Timestamp
    plan: PlanView


class AdminAccountPage(Wire):
    """`next_cursor` goes into `cursor` for the next page; null at the end. Newest first."""

    items: list[AdminAccount]
    next_cursor: str | None
    has_more: bool


class AdminQueue(Wire):
    """One pool. `queued` jobs may start when their turn comes, `delayed` ones wait for their time; `lanes`: accounts of
    which any waits. `oldest_seconds`: how long the one has waited that stands there longest; null where none does.
    `workers` live and take jobs, `places` of them; `draining` ones take none. `tickets`: wake-ups that wait at the
    broker; null where it does not tell."""

    pool: str
    object: Literal["queue"] = "queue"
    held: bool
    held_since: Timestamp | None
    queued: int
    delayed: int
    running: int
    lanes: int
    oldest_seconds: float | None
    workers: int
    draining: int
    places: int
    tickets: int | None


class AdminQueues(Wire):
    items: list[AdminQueue]


class QueuePatch(Wire):
    held: Annotated[bool, Field(strict=True, description="true: nothing of anybody starts in it; what runs goes on.")]


class ChangedQueue(AdminQueue):
    """`starting`: jobs that a worker was just about to take and has not been heard of since; they may still start."""

    starting: int


class AdminJob(Wire):
    """A job, and whose it is."""

    account_id: str
    account: Annotated[str | None, Field(description="What the account is called; null for one that is not there.")]
    job: JobView


class AdminJobPage(Wire):
    """`next_cursor` goes into `cursor` for the next page; null at the end. Newest first."""

    items: list[AdminJob]
    next_cursor: str | None
    has_more: bool


class JobBrief(Wire):
    """A job without its input and outputs."""

    id: str
    account_id: str
    account: str | None
    model: str
    pool: str
    priority: PriorityName
    status: StatusName
    progress: float
    created_at: Timestamp
    started_at: Timestamp | None


class WeightQueue(Wire):
    """What waits in lanes of one weight: `length` jobs of so many `accounts`; `jobs`: some of those that come first."""

    weight: int
    length: int
    accounts: int
    jobs: list[JobBrief]


class WorkerCounts(Wire):
    ready: int
    draining: int
    lost: int
    places: int


class DashboardLinks(Wire):
    queues: str = "/v1/admin/queues"
    workers: str = "/v1/admin/workers"
    accounts: str = "/v1/admin/accounts"
    jobs: str = "/v1/admin/jobs"
    rate_limits: str = "/v1/admin/rate-limits"


class Dashboard(Wire):
    """Everything at a glance, at most about a second old. `queues`: by weight, the heaviest first. `active_jobs`: the
    newest of those that run; `recent_jobs`: the newest of all."""

    object: Literal["dashboard"] = "dashboard"
    at: Timestamp
    queues: list[WeightQueue]
    pools: list[AdminQueue]
    total_queued: int
    total_delayed: int
    total_running: int
    active_jobs: list[JobBrief]
    recent_jobs: list[JobBrief]
    workers: WorkerCounts
    urls: DashboardLinks


class SimulatedRequests(Wire):
    """How many jobs to submit for each tier."""

    free: Annotated[int, Field(ge=0, le=50), JSON_NUMBER] = 0
    developer: Annotated[int, Field(ge=0, le=50), JSON_NUMBER] = 0
    pro: Annotated[int, Field(ge=0, le=50), JSON_NUMBER] = 0
    enterprise: Annotated[int, Field(ge=0, le=50), JSON_NUMBER] = 0


class SimulationBody(Wire):
    """Real jobs of accounts called `simulation-<tier>`, tagged `simulation`; what they make is kept for an hour."""

    requests: SimulatedRequests
    model: Annotated[str | None, Field(max_length=128, description="Null: a quick one that a worker runs.")] = None
    input: Annotated[dict[str, JsonValue] | None, Field(description="Null: the model's first example.")] = None


class SimulatedTier(Wire):
    """`refused`: how many, by the code of the problem."""

    tier: TierName
    account_id: str
    requested: int
    accepted: int
    refused: dict[str, int]
    job_ids: list[str]


class SimulationView(Wire):
    object: Literal["simulation"] = "simulation"
    model: str
    seconds: float
    tiers: list[SimulatedTier]


class ProbeBody(Wire):
    message: Annotated[str, Field(max_length=200, description="Comes back with the answer.")] = "ping"
    timeout_seconds: Annotated[float, Field(gt=0, le=10, description="How long to wait at most."), JSON_NUMBER] = 5.0


class ProbeAnswer(Wire):
    """A worker that answered, and how long it took from here to it and back."""

    worker_id: str
    worker: str
    pool: str
    round_trip_ms: float


class ProbeView(Wire):
    """`answers`: quickest first. `silent`: workers that are listed as alive and did not answer in time."""

    object: Literal["probe"] = "probe"
    message: str
    answers: list[ProbeAnswer]
    silent: list[str]
