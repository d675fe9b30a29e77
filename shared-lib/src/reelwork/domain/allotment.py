"""Allotments: places in a day's quota that are set aside beforehand, for jobs that are yet to come.

A job that takes such a place waits for no reservation of its own. Each place has a number and is taken by one job at
most; those that nobody took are given back when the allotment is closed (`engine/settling.py`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

# No place is given to a job so long after the allotment was made; by the clock of the process that made it.
LIFE = timedelta(seconds=10)
# Places in one allotment: at first, and with each that is used up twice as many, up to this and to this part of the
# daily quota.
FIRST, MOST, PART = 4, 256, 64
# An allotment is made only where at least so many more of its size would still fit: near its end a quota is counted
# job by job, so that nobody is refused for places that lie idle elsewhere.
MARGIN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """`places` jobs of the quota of `day`, numbered from 0. `hold` is its name."""

    hold: str
    day: str
    places: int
    at: datetime

    def place(self, number: int) -> str:
        """The name of a place: the hold of the job that takes it."""
        return place_name(self.hold, number)

    @property
    def names(self) -> frozenset[str]:
        """Of all its places."""
        return frozenset(self.place(number) for number in range(self.places))


def place_name(hold: str, number: int) -> str:
    return f"{hold}.{number}"


def allotment_of(place: str) -> str:
    """The name of the allotment that a place belongs to."""
    return place.rpartition(".")[0]


def number_of(place: str) -> int:
    return int(place.rpartition(".")[2])


def largest(jobs_per_day: int) -> int:
    """Places of the largest allotment under such a quota; 0 where it is too small for any."""
    most = min(MOST, jobs_per_day // PART)
    return most if most >= FIRST else 0
