"""How a fake behaves, and what it was asked to make."""

import time
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

State: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]
ENDED: frozenset[State] = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(slots=True, kw_only=True)
class Behaviour:
    """What a fake does from now on. Set an attribute at any time, also while it is being asked."""

    polls: int = 1
    """So many looks at a work find it unfinished; the next one ends it. Not asked where `run_seconds` is set."""
    run_seconds: float | None = None
    """A work ends by itself after this time, as at a real provider (and its webhook is sent)."""
    hold: bool = False
    """Works stay where they are until this is False, or until `finish` is called."""
    down: bool = False
    """What stands in front of the provider answers 503, in HTML."""
    delay_seconds: float = 0.0
    """Before each answer."""
    throttle: int = 0
    """So many of the next requests are answered 429, with `retry_after`."""
    retry_after: int = 7
    refuse: str | None = None
    """Works are refused with this code; each provider lists its `REFUSALS`."""
    fail: str | None = None
    """Works are accepted and end with this code; each provider lists its `FAILURES`."""
    die_after_accept: int = 0
    """So many of the next works are accepted and paid, but the connection breaks before the answer says so."""
    outputs_expired: bool = False
    """The addresses of outputs have expired."""


@dataclass(slots=True, kw_only=True)
class Work:
    """One accepted order, for which the provider takes money."""

    id: str
    order: dict[str, Any]
    """The request's body (any JSON)."""
    media_type: str
    """Of its main output."""
    webhook_url: str | None = None
    state: State = "queued"
    failure: str | None = None
    looks: int = 0
    created: float = field(default_factory=time.time)
    started: float | None = None
    ended: float | None = None

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


class Refused(Exception):
    """A request that the provider refuses: one of its own codes, a sentence, and the field to blame, if any."""

    def __init__(self, status: int, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field
