"""What a running job has asked of a provider. Stored with it, so that whoever goes on with it does not ask again."""

from dataclasses import dataclass
from datetime import datetime

# Workers that may be lost over one call before the job is given up: it may be the call that they die of.
MOST_LOST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCall:
    """The one submission of an attempt. It is stored before the provider is asked; `handle` is what the provider
    answered. Without it nobody knows whether the submission arrived.

    `token`: drawn for this call, and told to the provider alone. `due_at`: when a worker is to look at it next; None
    while one does. `turn_at`: since when it does. `faults`: looks in a row that came to nothing, `lost`: workers that
    did not come back from one. All times are the database's.
    """

    attempt: int
    model: str
    token: str
    asked_at: datetime
    turn_at: datetime
    handle: str | None = None
    due_at: datetime | None = None
    faults: int = 0
    lost: int = 0
