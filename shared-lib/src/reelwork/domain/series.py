"""Saved series: numbers that an account adds to over time. What is there never changes; it only grows, or goes."""

from dataclasses import dataclass
from datetime import datetime

from reelwork.domain.ids import AccountId, SeriesId

# Of one account, give or take requests that come at the very same moment.
MOST_SERIES = 1000
# In one series, over all observables; as many as a job takes.
MOST_VALUES = 2_000_000
# Added in one step, over all observables.
MOST_ADDED = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """`length`: points; each has `observables` values. Name and account make it unique."""

    id: SeriesId
    account_id: AccountId
    name: str
    observables: int
    created_at: datetime
    updated_at: datetime
    length: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesUse:
    """A series as a job sees it: its first `points` points, whatever is added later."""

    series_id: SeriesId
    points: int
    observables: int
