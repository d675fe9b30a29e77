"""What a running job has asked of a provider. Stored with it, so that whoever goes on with it does not ask again."""

import re
from dataclasses import dataclass
from datetime import datetime

_WEBHOOK = re.compile(r"(/v1/providers/[^/]*/webhook/[^/]*/).+", re.DOTALL)
# Workers that may be lost over one call before the job is given up: it may be the call that they die of.
MOST_LOST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookNote:
    """A message that came in for a call, as it came: nobody has looked whether its provider sent it. `was_due_at`: when
    the job would have been looked at without it."""

    headers: dict[str, str]
    body: bytes
    was_due_at: datetime


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
    note: WebhookNote | None = None


# Between two looks: a tenth of the time since the attempt began, within these bounds, unless the provider says when.
SOONEST_SECONDS, LATEST_SECONDS = 1.0, 15.0
SHORTEST_WISH_SECONDS, LONGEST_WISH_SECONDS = 0.5, 60.0
# What a provider that cannot be asked may wish for.
LONGEST_ASKED_SECONDS = 3600.0


def webhook_path(provider: str, job: str, token: str) -> str:
    """Where the provider says that something happened to its task; whoever knows it can say so."""
    return f"/v1/providers/{provider}/webhook/{job}/{token}"


def told_path(path: str) -> str:
    """Any path as logs and traces may have it: without what is secret in `webhook_path`."""
    return _WEBHOOK.sub(r"\1REDACTED", path)


def until_next_look(so_far: float, wish: float | None) -> float:
    """How long to wait for a task that goes on, `so_far` seconds after it began. `wish`: the provider's own."""
    if wish is not None:
        return min(max(wish, SHORTEST_WISH_SECONDS), LONGEST_WISH_SECONDS)
    return min(max(so_far / 10, SOONEST_SECONDS), LATEST_SECONDS)


def after_fault(faults: int, wish: float | None) -> float:
    """How long to wait after so many looks in a row came to nothing: 1, 2, 4 … 60 seconds, or longer if asked to, an
    hour at most."""
    own = min(LONGEST_WISH_SECONDS, 2.0 ** (min(faults, 8) - 1))
    return min(LONGEST_ASKED_SECONDS, max(wish or 0.0, own))
