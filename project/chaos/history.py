"""What is on record when the storm is over: the checker knows nothing else.

Four witnesses that do not know each other: the clients (what they asked and were answered), the models (that they ran),
the change stream (every change of a job's status, in the order in which MongoDB took them), and what is stored at the
end in MongoDB and S3.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chaos.plan import Fate, JobPlan

Document = dict[str, Any]  # BSON, as it is stored


@dataclass(slots=True)
class Submission:
    """`accepted`: the ids in all 202 answers to this job, in order. `unanswered`: tries that got no answer at all."""

    plan: JobPlan
    accepted: list[str] = field(default_factory=list)
    unanswered: int = 0
    refused: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """A cancel that was answered: the job's status and attempt in the answer. Times are Unix seconds."""

    job: str
    status: str
    attempt: int
    answered_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A model began to run for this job, by its own account."""

    job: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A job took a status. `attempt`: its number, where the change touched it."""

    job: str
    status: str
    attempt: int | None = None


@dataclass(slots=True)
class History:
    """`most_slots`: places seen taken in a lane at once, at most; `limits`: how many its account may have."""

    limits: dict[str, int]
    once: bool
    """Whether the gateway promises one job for each idempotency key."""
    submissions: Sequence[Submission] = ()
    cancels: Sequence[Cancel] = ()
    runs: Sequence[Run] = ()
    changes: Sequence[Change] = ()
    most_slots: dict[str, int] = field(default_factory=dict)
    jobs: Sequence[Document] = ()
    assets: Sequence[Document] = ()
    lanes: Sequence[Document] = ()
    objects: frozenset[str] = frozenset()
    balances: Sequence[Document] = ()
    ledger: Sequence[Document] = ()

    def fate_of(self, job: Document) -> Fate | None:
        """How this job was made to end; None for a job that nobody submitted."""
        fates = {submission.plan.tag: submission.plan.fate for submission in self.submissions}
        return next((fates[tag] for tag in job["tags"] if tag in fates), None)
