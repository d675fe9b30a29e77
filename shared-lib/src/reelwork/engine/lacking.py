"""What one worker process cannot run, and where it has looked in vain, so that it need not look again at each claim.

A job goes to its own model as long as a worker lives that has it. Once none does, whoever has one of the models that
its owner named as fallback runs it.
"""

import time
from collections.abc import Callable, Collection, Iterable, Set
from dataclasses import dataclass, field

from reelwork.domain.ids import LaneId
from reelwork.domain.route import AWAY, Lacked
from reelwork.domain.worker import ModelOffered
from reelwork.store.models import Models
from reelwork.store.stores import Stores

# A lane is looked into again after this long even if nobody has opened it anew: a job of it may have come due.
REMEMBERED_SECONDS = 2.0
# And not before so many times the length of the walk that found it: looking costs a tenth of a worker's time.
WALKS = 10.0
# Nor longer than this: a server that stalled once, and not the lanes, made such a walk long.
MOST_REMEMBERED_SECONDS = 20.0
# How often it is asked which models that are lacking here live elsewhere.
ASK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Look:
    """`epoch`: the lane's, when nothing was found in it. `until`: by the clock, when that is not sure any more."""

    epoch: int
    until: float


@dataclass(slots=True)
class Walk:
    """Lanes with their epochs that one claim passes over, and how long it looks into them: `seconds`."""

    passed: dict[LaneId, int] = field(default_factory=dict)
    seconds: float = 0.0


class Lacking:
    """Models that the process has not, and lanes in which it found jobs of no other ones. For one pool.

    `stand_ins`: models that it has, and that may do jobs which name them as fallbacks.
    """

    def __init__(
        self,
        models: Iterable[ModelOffered] = (),
        *,
        stand_ins: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.models = set(models)
        self.stand_ins = frozenset(stand_ins)
        self._clock = clock
        self._away: set[ModelOffered] = set()
        self._ask_at = 0.0
        self._lanes: dict[LaneId, _Look] = {}

    @property
    def passes_over(self) -> list[Lacked]:
        """What a claim leaves to others."""
        return [Lacked(model=model, stand_ins=self.stand_ins if model in self._away else ()) for model in self.models]

    async def add(self, model: ModelOffered, models: Models) -> bool:
        """Another model that is lacking here; whether it lives in another worker. Raises StoreUnavailable."""
        self.models.add(model)
        lives = bool(await models.living([model], within=AWAY))
        (self._away.discard if lives else self._away.add)(model)
        return lives

    @property
    def lanes(self) -> Set[LaneId]:
        """All that were passed over and not found to have work since."""
        return self._lanes.keys()

    async def recall(self, stores: Stores) -> set[LaneId]:
        """Lanes that need not be tried now. Those that were opened anew or went idle are forgotten."""
        await self._ask(stores.models)
        if not self._lanes:
            return set()
        epochs = await stores.lanes.epochs(list(self._lanes))
        self._lanes = {lane: look for lane, look in self._lanes.items() if epochs.get(lane) == look.epoch}
        return {lane for lane, look in self._lanes.items() if self._clock() < look.until}

    async def _ask(self, models: Models) -> None:
        """Which models are away now; with one more of those there may be work in lanes that had none."""
        if not self.models or not self.stand_ins or self._clock() < self._ask_at:
            return
        away = self.models - await models.living(self.models, within=AWAY)
        if away - self._away:
            self._lanes.clear()
        self._away, self._ask_at = away, self._clock() + ASK_SECONDS

    def remember(self, walk: Walk) -> None:
        """What a claim passed over."""
        until = self._clock() + min(max(REMEMBERED_SECONDS, WALKS * walk.seconds), MOST_REMEMBERED_SECONDS)
        self._lanes |= {lane: _Look(epoch, until) for lane, epoch in walk.passed.items()}

    def forget(self, lane: LaneId) -> None:
        """There was work in it."""
        self._lanes.pop(lane, None)
