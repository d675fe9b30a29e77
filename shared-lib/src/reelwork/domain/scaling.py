"""How many workers a pool could keep at work: what runs, and what may run beside it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

# Jobs at once of a worker that nobody has seen yet: the default of REELWORK_CONCURRENCY.
PLACES_OF_A_WORKER = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLoad:
    """One account's share: `limit` is the most that may run of it at once, None for one that is not known yet."""

    queued: int
    running: int
    limit: int | None
    paused: bool

    @property
    def runnable(self) -> int:
        """Of what waits, what could start now if there were places."""
        if self.paused:
            return 0
        room = self.queued if self.limit is None else max(0, self.limit - self.running)
        return min(self.queued, room)


def desired_workers(lanes: Iterable[LaneLoad], *, running: int, workers: int, places: int, held: bool) -> int:
    """Enough for all that runs and could run, by the places that workers have on the average; none that would find
    nothing to do. Nothing starts in a held pool."""
    wanted = running + (0 if held else sum(lane.runnable for lane in lanes))
    each = places / workers if workers and places else PLACES_OF_A_WORKER
    return math.ceil(wanted / each)
