"""The rules of a pool as arithmetic alone: who is next, what a place costs, where a lane that comes back starts.

`store.lanes` runs these very rules inside MongoDB, one update each; a test holds both to the same numbers. Here they
serve whoever asks what would happen: the simulator of `project/bench`, and estimates of when a job will start.

Start-time fair queueing: Goyal, Vin, Cheng, IEEE/ACM Transactions on Networking 5(5), 1997; for several jobs at a time
SFQ(D): Jin, Chase, Kaur, SIGMETRICS 2004. Charging an estimate and correcting it at the end: Kubernetes API priority
and fairness (KEP-1040).
"""

import heapq
import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reelwork.domain.ids import LaneId
from reelwork.domain.lane import BATCH_SECONDS, ESTIMATE_GAIN, FIRST_ESTIMATE_SECONDS, Reservation

# Below this an estimate says no more than "very short".
SHORTEST_SECONDS = 0.001
# Lanes that were passed over may lag so far behind, in virtual seconds: where jobs take milliseconds, moving all of
# those lanes for each one would cost more than the jobs.
LAG_SECONDS = 1.0
# Heaps keep entries that no longer hold until they come up; so many for each lane are cheaper than removing them.
_STALE_PER_LANE = 4


def places(*, estimate: float, most: int, room: int) -> int:
    """How many places one claim takes: one, or as many as fit together in BATCH_SECONDS; never above `room`."""
    return max(1, min(most, room, math.floor(BATCH_SECONDS / max(estimate, SHORTEST_SECONDS))))


def learned(estimate: float, *, seconds: float, jobs: int) -> float:
    """The mean length of a lane's jobs after so many more that took `seconds` together."""
    gain = 1 - (1 - ESTIMATE_GAIN) ** jobs
    return estimate + gain * (seconds / jobs - estimate)


def lifted(starts: Mapping[LaneId, float], *, served: float) -> dict[LaneId, float]:
    """Where lanes start that a worker passed over, having none of their models, when the lane that it ran instead
    started at `served`: the first of them just in front of that, the others as far behind it as before.

    So the pool's time goes on, nobody saves up what nobody could give, and among themselves they keep their shares.
    Empty where none of them lags behind by LAG_SECONDS.
    """
    first = min(starts.values(), default=math.inf)
    if first >= served - LAG_SECONDS:
        return {}
    front = math.nextafter(served, -math.inf)
    return {lane: front + (start - first) for lane, start in starts.items()}


@dataclass(slots=True, kw_only=True)
class Lane:
    """One account's share of a pool. `vstart` and `last_start` in virtual seconds; `charges`: of each place taken."""

    id: LaneId
    weight: int
    limit: int
    vstart: float = 0.0
    last_start: float = 0.0
    estimate: float = FIRST_ESTIMATE_SECONDS
    charges: dict[str, float] = field(default_factory=dict)
    active: bool = False
    paused: bool = False
    epoch: int = 0

    @property
    def full(self) -> bool:
        return len(self.charges) >= self.limit

    @property
    def ready(self) -> bool:
        return self.active and not self.paused and len(self.charges) < self.limit


class Pool:
    """Lanes that share workers. Every method costs the logarithm of their number. Lanes are changed by it alone."""

    def __init__(self, lanes: Iterable[Lane] = ()) -> None:
        self._lanes: dict[LaneId, Lane] = {}
        self._place: dict[LaneId, int] = {}  # among equal start times the lane that was here first
        self._ready: list[tuple[float, int, Lane]] = []
        self._served: list[tuple[float, int, Lane]] = []
        for lane in lanes:
            self._add(lane)

    def __getitem__(self, lane: LaneId) -> Lane:
        return self._lanes[lane]

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def open(self, lane_id: LaneId, *, weight: int, limit: int) -> Lane:
        """Say that the lane may have queued jobs. One that was idle starts at the pool's time: idle time is not saved
        up."""
        lane = self._lanes.get(lane_id)
        if lane is None:
            lane = Lane(id=lane_id, weight=weight, limit=limit, vstart=self.virtual_time())
            lane.active = True
            self._add(lane)
        else:
            if not lane.active:
                lane.vstart = max(lane.vstart, self.virtual_time())
            lane.weight, lane.limit, lane.active = weight, limit, True
            self._changed(lane)
        lane.epoch += 1
        return lane

    def virtual_time(self) -> float:
        """Smallest start tag among the lanes that could be served now, else the largest ever served."""
        first = self._first()
        if first is not None:
            return first.vstart
        while self._served and -self._served[0][0] != self._served[0][2].last_start:
            heapq.heappop(self._served)
        return -self._served[0][0] if self._served else 0.0

    def reserve(self, claim: str, *, most: int = 1) -> Reservation | None:
        """Take places in the lane that is next, and charge their estimate in advance. None: no lane may be served."""
        lane = self._first()
        if lane is None:
            return None
        heapq.heappop(self._ready)
        count = places(estimate=lane.estimate, most=most, room=lane.limit - len(lane.charges))
        charge = lane.estimate / lane.weight
        taken = tuple(f"{claim}-{number}" for number in range(count))
        lane.charges.update(dict.fromkeys(taken, charge))
        lane.last_start = lane.vstart
        lane.vstart += charge * count
        self._note_served(lane)
        self._changed(lane)
        return Reservation(lane=lane.id, slots=taken, epoch=lane.epoch, start=lane.last_start)

    def give_back(self, reservation: Reservation, slots: Sequence[str], *, emptied: bool) -> None:
        """Return places that nobody needs, and their charge. `emptied`: the lane goes idle, unless it was opened."""
        lane = self._lanes[reservation.lane]
        if not any(slot in lane.charges for slot in slots):
            return
        lane.vstart -= _take(lane, slots)
        if emptied and lane.epoch == reservation.epoch:
            lane.active = False
        self._changed(lane)

    def release(self, lane_id: LaneId, slots: Sequence[str], *, seconds: float | None) -> None:
        """Free places and correct the charge to what all of them used together; None: nothing was used.

        A lane that waited for its own limit earns no credit by it: it starts again at the pool's time.
        """
        lane = self._lanes[lane_id]
        if not any(slot in lane.charges for slot in slots):
            return
        was_full = lane.full
        used = seconds if seconds is not None else 0.0
        lane.vstart += used / lane.weight - _take(lane, slots)
        if seconds is not None:
            lane.estimate = learned(lane.estimate, seconds=seconds, jobs=len(slots))
        if was_full:
            others = self._first(but=lane)
            if others is not None:
                lane.vstart = max(lane.vstart, others.vstart)
        self._changed(lane)

    def lift(self, lanes: Iterable[LaneId], *, served: float) -> None:
        """Take lanes along that were passed over when another was served: see `lifted`."""
        ready = {lane: self._lanes[lane].vstart for lane in lanes if self._lanes[lane].ready}
        for lane, start in lifted(ready, served=served).items():
            self._lanes[lane].vstart = start
            self._changed(self._lanes[lane])

    def pause(self, lane_id: LaneId, *, paused: bool) -> None:
        """Hold a lane, or let it go on where it stands."""
        self._lanes[lane_id].paused = paused
        self._changed(self._lanes[lane_id])

    def drop(self, lane_id: LaneId, slot: str) -> None:
        """Free a place that nobody runs in, and return its charge."""
        lane = self._lanes[lane_id]
        lane.vstart -= _take(lane, [slot])
        self._changed(lane)

    def entries(self) -> int:
        """How much is remembered beside the lanes: bounded by their number, however long the pool is in use."""
        return len(self._ready) + len(self._served)

    def _add(self, lane: Lane) -> None:
        self._place[lane.id] = len(self._lanes)
        self._lanes[lane.id] = lane
        self._note_served(lane)
        self._changed(lane)

    def _first(self, *, but: Lane | None = None) -> Lane | None:
        """The lane that is next, other than `but`."""
        ready = self._ready
        while ready and not (ready[0][2].ready and ready[0][0] == ready[0][2].vstart and ready[0][2] is not but):
            heapq.heappop(ready)
        return ready[0][2] if ready else None

    def _changed(self, lane: Lane) -> None:
        if lane.ready:
            heapq.heappush(self._ready, (lane.vstart, self._place[lane.id], lane))
            if len(self._ready) > 64 + _STALE_PER_LANE * len(self._lanes):
                self._ready = [(each.vstart, self._place[each.id], each) for each in self if each.ready]
                heapq.heapify(self._ready)

    def _note_served(self, lane: Lane) -> None:
        heapq.heappush(self._served, (-lane.last_start, self._place[lane.id], lane))
        if len(self._served) > 64 + _STALE_PER_LANE * len(self._lanes):
            self._served = [(-each.last_start, self._place[each.id], each) for each in self]
            heapq.heapify(self._served)


def _take(lane: Lane, slots: Sequence[str]) -> float:
    """Remove places; what was charged for them, 0 for those that are gone."""
    return math.fsum(lane.charges.pop(slot, 0.0) for slot in slots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A job that holds a place already. `ends`: seconds from now, as far as anyone knows."""

    lane: LaneId
    slot: str
    seconds: float
    ends: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A waiting job gets its worker: the lane's `number`th, counted from 0, `at` seconds from now."""

    lane: LaneId
    number: int
    at: float


def simulate(
    pool: Pool, waiting: Mapping[LaneId, Sequence[float]], *, workers: int, running: Sequence[Running] = ()
) -> Iterator[Start]:
    """The order in which a backlog would be started if nothing else came, soonest first; lazily, so that whoever waits
    for one start pays for those before it only. `pool` is used up.

    `waiting`: how long each queued job of a lane would take, in the order of its queue. `workers` counts those that
    run something. Ends early where limits or pauses leave the rest unserved.
    """
    queues = {lane: deque(enumerate(lengths)) for lane, lengths in waiting.items()}
    left = sum(map(len, queues.values()))
    ends = [(job.ends, number, job) for number, job in enumerate(running)]
    heapq.heapify(ends)
    now, claims = 0.0, len(ends)
    while left:
        while len(ends) < workers and (reservation := pool.reserve(str(claims))) is not None:
            queue = queues.get(reservation.lane)
            if not queue:
                pool.give_back(reservation, reservation.slots, emptied=True)
                continue
            number, seconds = queue.popleft()
            job = Running(lane=reservation.lane, slot=reservation.slots[0], seconds=seconds, ends=now + seconds)
            heapq.heappush(ends, (job.ends, claims, job))
            left, claims = left - 1, claims + 1
            yield Start(lane=job.lane, number=number, at=now)
        if not ends:
            return
        now, _, over = heapq.heappop(ends)
        pool.release(over.lane, [over.slot], seconds=over.seconds)
