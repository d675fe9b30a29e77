"""Pages by their number, beside those by cursor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from reelwork.contract.base import Wire

# More than so many are not counted: `total` says at most this.
MOST_COUNTED = 100_000

T = TypeVar("T")


class PageMeta(Wire):
    """Where a page stands. `total`: at most 100,000 are counted."""

    total: int
    page: int
    per_page: int
    total_pages: int
    has_next: bool
    has_prev: bool

    @classmethod
    def of(cls, *, total: int, page: int, per_page: int) -> "PageMeta":
        """`page` counts from 1."""
        pages = -(-total // per_page)
        return cls(
            total=total, page=page, per_page=per_page, total_pages=pages, has_next=page < pages, has_prev=page > 1
        )


@dataclass(frozen=True, slots=True)
class Numbered(Generic[T]):
    """The items of a page, and where it stands."""

    items: Sequence[T]
    meta: PageMeta
