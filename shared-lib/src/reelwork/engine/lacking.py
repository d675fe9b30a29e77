"""What one worker process cannot run, and where it has looked in vain, so that it need not look again at each claim."""

import time
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass

from reelwork.domain.ids import LaneId
from reelwork.domain.worker import ModelOffered
from reelwork.store.lanes import Lanes

# A lane is looked into again after this long even if nobody has opened it anew: a job of it may have come due.
REMEMBERED_SECONDS = 2.0
# And not before so many times the length of the walk that found it: looking costs a tenth of a worker's time at most.
WALKS = 10.0


@dataclass(frozen=True, slots=True)
class _Look:
    """`epoch`: the lane's, when nothing was found in it. `until`: by the clock, when that is not sure any more."""

    epoch: int
    until: float


class Lacking:
    """Models that the process has not, and lanes in which it found jobs of no other ones. For one pool."""

    def __init__(self, models: Iterable[ModelOffered] = (), *, clock: Callable[[], float] = time.monotonic) -> None:
        self.models = set(models)
        self._clock = clock
        self._lanes: dict[LaneId, _Look] = {}

    @property
    def lanes(self) -> Set[LaneId]:
        """All that were passed over and not found to have work since."""
        return self._lanes.keys()

    async def recall(self, store: Lanes) -> set[LaneId]:
        """Lanes that need not be tried now. Those that were opened anew or went idle are forgotten."""
        if not self._lanes:
            return set()
        epochs = await store.epochs(list(self._lanes))
        self._lanes = {lane: look for lane, look in self._lanes.items() if epochs.get(lane) == look.epoch}
        return {lane for lane, look in self._lanes.items() if self._clock() < look.until}

    def remember(self, passed: Mapping[LaneId, int], *, seconds: float) -> None:
        """Lanes with their epochs that a claim passed over, which took it so long."""
        until = self._clock() + max(REMEMBERED_SECONDS, WALKS * seconds)
        self._lanes |= {lane: _Look(epoch, until) for lane, epoch in passed.items()}

    def forget(self, lane: LaneId) -> None:
        """There was work in it."""
        self._lanes.pop(lane, None)
