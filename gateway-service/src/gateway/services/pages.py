"""Cursor pages: newest first, the cursor is the last id that was shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from reelwork.domain.errors import FieldError, InvalidCursor
from reelwork.domain.ids import decode


class HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=HasId)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: Sequence[T]
    next_cursor: str | None

    @classmethod
    def cut(cls, found: Sequence[T], limit: int) -> "Page[T]":
        """A page from up to `limit + 1` items: the extra one only tells that there are more."""
        items = found[:limit]
        return cls(items, items[-1].id if len(found) > limit else None)


def check_cursor(cursor: str | None, prefix: str) -> str | None:
    """The id in a cursor. Raises InvalidCursor for anything that no page of ours gave out."""
    if cursor is None:
        return None
    if not cursor.startswith(prefix):
        raise foreign_cursor()
    try:
        decode(cursor.removeprefix(prefix))
    except ValueError as error:
        raise foreign_cursor() from error
    return cursor


def foreign_cursor() -> InvalidCursor:
    """For a cursor that no page of ours gave out."""
    wrong = FieldError(pointer="?cursor", code="invalid_cursor", detail="Take it from next_cursor of a page.")
    return InvalidCursor("The cursor is not one of ours.", hint=wrong.detail, errors=[wrong])
