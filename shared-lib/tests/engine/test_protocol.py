"""The protocol under any order of events, with processes that die between any two operations of it.

A state machine of hypothesis drives the real engine on a real MongoDB. Workers are handles that can be used, dropped,
or used long after their lease ended; time passes by writing the database.
"""

from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from reelwork.domain.errors import InvalidState
from reelwork.domain.ids import JobId
from reelwork.domain.job import TERMINAL, Job, Status
from reelwork.domain.lane import LaneTerms
from reelwork.domain.retry import EXCUSED, AttemptFailure
from reelwork.domain.tier import Tier
from reelwork.domain.worker import ModelOffered
from reelwork.engine.cancel import cancel
from reelwork.engine.claim import claim_batch, renew
from reelwork.engine.engine import claimed
from reelwork.engine.finish import Ending, complete, fail, hand_back
from reelwork.engine.lacking import Lacking
from reelwork.engine.retry import retry
from reelwork.engine.submit import LaneOpener
from reelwork.store.client import Document
from testkit.invariants import AGAIN, after_cancel, attempts_left, check_job, check_lane, is_late
from testkit.stage import Stage
from testkit.world import POOL, an_output, new_job

T = TypeVar("T")
USED, SHORT = timedelta(milliseconds=10), timedelta(milliseconds=20)  # so short that several are claimed at once
HOUR, LONG = timedelta(hours=1), 600.0  # no delay ends by itself while a test runs: see `delays_go_by`
FAILURES = st.sampled_from(
    [
        AttemptFailure(code="provider_unavailable", message="Busy.", retryable=True, retry_after=LONG),
        AttemptFailure(code="out_of_resources", message="Full.", retryable=True, retry_after=0.0),
        AttemptFailure(code="invalid_input", message="Not a picture.", retryable=False),
        AttemptFailure(code="storage_unavailable", message="Away.", retryable=True, retry_after=LONG),
    ]
)
LIVES = st.none() | st.none() | st.none() | st.integers(0, 6)  # operations until the process dies; mostly it does not
INDEX = st.integers(0, 5)
NEWER = ModelOffered(name="testkit/noop", version="2")
# How an ending that was written down is told to whoever writes it again.
RECORDED = {"completed": Ending.COMPLETED, "failed": Ending.FAILED, "cancelled": Ending.CANCELLED}
ROUNDS = 8  # of time passing, reconciling and working; then every job must have ended: attempts are bounded


class Protocol(RuleBasedStateMachine):
    """What may happen, and what must hold whatever happened."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage, self.world = stage, stage.world
        self.lanes: list[LaneTerms] = []
        self.accepted: list[Job] = []
        self.cut: set[JobId] = set()  # whose gateway died before it opened the lane
        self.seen: dict[JobId, Document] = {}
        self.handles: list[Job] = []  # what workers believe to be running, rightly or not
        self.lacking = Lacking([NEWER])  # of an old worker
        self.clean = True  # nobody died since a repair that found everything old enough
        self.aged = True

    @initialize()
    def begin(self) -> None:
        self.stage.do(self.world.clear())
        self.lanes = [self.stage.do(self.world.joined(tier)) for tier in (Tier.DEVELOPER, Tier.PRO)]
        for _ in range(4):
            self.submit(0, announced=True)
        self.stage.do(self.world.learn(SHORT))

    # What may happen

    @rule(
        number=st.integers(0, 1),
        announced=st.sampled_from([True, True, True, False]),
        deadline=st.sampled_from([None, None, -HOUR, HOUR]),
        version=st.sampled_from(["1", "1", NEWER.version]),
    )
    def submit(self, number: int, announced: bool, deadline: timedelta | None = None, version: str = "1") -> None:
        lane, deadline_at = self.lanes[number], datetime.now(UTC) + deadline if deadline else None
        if announced:
            submitting = self.world.submit(lane, deadline_at=deadline_at, model_version=version)
            self.accepted.append(self.stage.do(submitting))
        else:  # the gateway dies between the insert and the rest
            job = new_job(lane, deadline_at=deadline_at, model_version=version)
            self.stage.do(self.world.stores.jobs.insert(job))
            self.accepted.append(job)
            self.cut.add(job.id)

    @rule(most=st.integers(1, 3), lives=LIVES, old=st.booleans())
    def claim(self, most: int, lives: int | None, old: bool) -> None:
        lacking = self.lacking if old else None
        taken = self.try_to(claim_batch(self.world.engine, pool=POOL, worker="w", most=most, lacking=lacking), lives)
        jobs = taken.jobs if taken is not None else []
        assert not (old and any(job.model_version == NEWER.version for job in jobs)), "it has only what it can run"
        assert all(self.seen[job.id]["due"] for job in jobs), "delays are kept"
        assert not any(is_late(self.seen[job.id]) for job in jobs), "what is late never starts"
        self.handles += jobs

    @precondition(lambda self: self.handles)
    @rule(number=INDEX, lives=LIVES)
    def finish(self, number: int, lives: int | None) -> None:
        job = self.handle(number)
        expected = self._ending_of(job, Ending.COMPLETED)
        self._ends(job, complete(self.world.engine, job, [_output_of(job)], used=USED), expected, lives)

    @precondition(lambda self: self.handles)
    @rule(number=INDEX, failure=FAILURES, lives=LIVES)
    def fail(self, number: int, failure: AttemptFailure, lives: int | None) -> None:
        job = self.handle(number)
        late = is_late(self.stage.do(self.world.raw(job.id)))
        retried = failure.retryable and not late and (failure.code in EXCUSED or attempts_left(job) > 0)
        expected = self._ending_of(job, Ending.RETRYING if retried else Ending.FAILED)
        self._ends(job, fail(self.world.engine, job, failure, used=USED), expected, lives)

    def _ends(self, job: Job, ending: Coroutine[Any, Any, Ending], expected: Ending, lives: int | None) -> None:
        ended = self.try_to(ending, lives)
        assert ended in {None, expected}
        if ended not in {None, Ending.LOST}:
            slots = self.stage.do(self.world.lane(job.lane))["slots"]
            assert claimed(job).slot not in {slot["id"] for slot in slots}, "its place is free again"

    @precondition(lambda self: self.handles)
    @rule(number=INDEX)
    def heartbeat(self, number: int) -> None:
        job = self.handle(number)
        now = self._current(job)
        assert self.stage.do(renew(self.world.engine, claimed(job))) == (now and Status(now["status"]))

    @precondition(lambda self: self.handles)
    @rule(number=INDEX, lives=LIVES)
    def hand_back(self, number: int, lives: int | None) -> None:
        self.try_to(hand_back(self.world.engine, self.handle(number)), lives)

    @precondition(lambda self: self.accepted)
    @rule(number=INDEX)
    def cancel(self, number: int) -> None:
        job = self.accepted[number % len(self.accepted)]
        before = Status(self.stage.do(self.world.raw(job.id))["status"])
        answer = self.stage.do(cancel(self.world.engine, job.account_id, job.id, by="owner"))
        assert answer.status is after_cancel(before)

    @precondition(lambda self: self.accepted)
    @rule(number=INDEX, lives=LIVES)
    def retry(self, number: int, lives: int | None) -> None:
        job = self.accepted[number % len(self.accepted)]
        before = Status(self.stage.do(self.world.raw(job.id))["status"])
        owner = self.stage.do(self.world.stores.accounts.get(job.account_id))
        assert owner is not None
        unheard = LaneOpener(self.world.engine)  # its gateway dies before it opens the lane
        try:
            again = self.try_to(retry(self.world.engine, unheard, owner, job.id), lives)
        except InvalidState:
            assert before not in AGAIN
        else:
            assert again is None or (before in AGAIN and again.status is Status.QUEUED)

    @precondition(lambda self: self.accepted)
    @rule(number=INDEX)
    def the_deadline_comes(self, number: int) -> None:
        job = self.accepted[number % len(self.accepted)]
        past = {"$set": {"deadline_at": datetime.now(UTC) - HOUR}}
        self.stage.do(self.world.database["jobs"].update_one({"_id": job.id, "deadline_at": {"$ne": None}}, past))

    @precondition(lambda self: self.handles)
    @rule(number=INDEX)
    def lose_worker(self, number: int) -> None:
        self.stage.do(self.world.lapse(self.handle(number)))
        self.reconcile(lives=None)

    @rule()
    def a_lease_goes_by(self) -> None:
        self.stage.do(self.world.lapse())
        self.stage.do(self.world.age_slots())
        self.aged = True

    @rule()
    def delays_go_by(self) -> None:
        self.stage.do(self.world.come_due())
        self.reconcile(lives=None)

    @rule(lives=LIVES)
    def reconcile(self, lives: int | None) -> None:
        self.try_to(self.world.reconciler.run_once(), lives)
        self.clean = self.clean or self.aged

    def handle(self, number: int) -> Job:
        """One of the handles, the newest first; they stay, since workers may be slow to learn that they are late."""
        return self.handles[-1 - number % len(self.handles)]

    def try_to(self, work: Coroutine[Any, Any, T], lives: int | None) -> T | None:
        done = self.stage.try_to(work, lives)
        if self.stage.died:
            self.clean = self.aged = False
        return done

    # What must hold

    @invariant()
    def every_accepted_job_is_there_once(self) -> None:
        jobs = self._jobs()
        lanes = {lane["_id"]: lane for lane in self.stage.do(self.world.lanes())}
        assert {job["_id"] for job in jobs} == {job.id for job in self.accepted}
        for job in jobs:
            check_job(self.seen.get(job["_id"]), job)
            self.seen[job["_id"]] = job
            untouched = job["status"] == Status.QUEUED and job["version"] == 1 and not is_late(job)
            if untouched and job["lane"] in lanes:
                self._check_announced(job, lanes[job["lane"]])
        for lane in lanes.values():
            check_lane(lane, [job for job in jobs if job["lane"] == lane["_id"]], exact=self.clean)

    def _check_announced(self, job: Document, lane: Document) -> None:
        """A lane with untouched work never looks idle, unless its submit was cut short."""
        assert lane["active"] or job["_id"] in self.cut, (job, lane)

    def teardown(self) -> None:
        """With no more faults everything ends, on the strength of tickets alone, and no place stays taken."""
        for _ in range(ROUNDS):
            self._time_passes()
            if not self._work_on_tickets() and not self._open_jobs():
                break
        self._time_passes()
        self.every_accepted_job_is_there_once()

        assert self._open_jobs() == 0
        assert all(lane["slots"] == [] for lane in self.stage.do(self.world.lanes()))

    def _time_passes(self) -> None:
        self.a_lease_goes_by()
        self.delays_go_by()
        self.stage.do(self.world.reconciler.run_once())

    def _work_on_tickets(self) -> int:
        worked = 0
        while self.stage.do(self.world.tickets()):
            self.stage.do(self.world.broker.take(POOL))
            if job := self.stage.do(self.world.claim()):
                worked += 1
                assert self.stage.do(complete(self.world.engine, job, [_output_of(job)], used=USED)) is Ending.COMPLETED
        return worked

    def _jobs(self) -> list[Document]:
        return self.stage.do(self.world.database["jobs"].find().to_list())

    def _open_jobs(self) -> int:
        return sum(job["status"] not in TERMINAL for job in self._jobs())

    def _current(self, job: Job) -> Document | None:
        """The stored job, if this handle still is its running attempt."""
        stored = self.stage.do(self.world.raw(job.id))
        same = stored["lease"] is not None and stored["lease"]["slot"] == claimed(job).slot
        return stored if same else None

    def _ending_of(self, job: Job, uncancelled: Ending) -> Ending:
        """What whoever ends this attempt must be told; if it has ended before, how."""
        stored = self.stage.do(self.world.raw(job.id))
        if self._current(job) is not None:
            return Ending.CANCELLED if stored["status"] == Status.CANCELLING else uncancelled
        outcomes = [one["outcome"] for one in stored["attempts"] if one["slot"] == claimed(job).slot]
        return RECORDED.get(outcomes[0], Ending.LOST) if outcomes else Ending.LOST


def _output_of(job: Job) -> Any:
    return an_output(asset=claimed(job).slot)


@pytest.fixture
def stage(mongo_url: str, mongo_database: str, quiet: None) -> Iterator[Stage]:
    with Stage.open(mongo_url, mongo_database) as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.timeout(900)  # a failure is made small before it is shown
def test_the_protocol_holds_under_any_order_of_events(stage: Stage, examples: Callable[[int], int]) -> None:
    run_machine(
        lambda: Protocol(stage),
        settings=settings(
            max_examples=examples(60),
            stateful_step_count=40,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
