"""What every error has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One wrong value: a JSON pointer into the request (`#/input/duration_seconds`), a code and the cure."""

    pointer: str
    code: str
    detail: str


class ReelworkError(Exception):
    """An error that is answered to the caller as it stands: `detail` says what happened, `hint` what to do next."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    retryable: ClassVar[bool] = False
    limit: int | None = None  # of the errors that are about one
    # What the systems that Reelwork replaces call it, in their own answers.
    source_codes: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        detail: str,
        *,
        hint: str | None = None,
        errors: Sequence[FieldError] = (),
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.errors = tuple(errors)
        self.retry_after_seconds = retry_after_seconds


def all_errors() -> list[type[ReelworkError]]:
    """Every error class with a code of its own, sorted by status and code."""
    found: list[type[ReelworkError]] = []
    queue: list[type[ReelworkError]] = [ReelworkError]
    while queue:
        cls = queue.pop()
        queue.extend(cls.__subclasses__())
        if "code" in cls.__dict__ and cls is not ReelworkError:
            found.append(cls)
    return sorted(found, key=lambda cls: (cls.status, cls.code))
