"""The protocol under any order of events, with processes that die between any two operations of it.

A state machine of hypothesis drives the real engine on a real MongoDB. Workers are handles that can be used, dropped,
or used long after their lease ended; time passes by writing the database.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from reelwork.domain.ids import JobId
from reelwork.domain.job import RUNNING, TERMINAL, TRANSITIONS, Job, Status
from reelwork.domain.lane import LaneTerms
from reelwork.domain.retry import AttemptFailure
from reelwork.domain.tier import Tier
from reelwork.engine.cancel import cancel
from reelwork.engine.claim import claim_batch, renew
from reelwork.engine.engine import claimed
from reelwork.engine.finish import Ending, complete, fail, hand_back
from reelwork.objects.s3 import ObjectStore
from reelwork.store.client import Document, MongoOptions, open_database
from reelwork.store.indexes import ensure_indexes
from testkit.steps import Died, Mortality, stepped
from testkit.world import NO_BUCKET, POOL, World, an_output, new_job

T = TypeVar("T")
USED = timedelta(milliseconds=10)
FAILURES = st.sampled_from(
    [
        AttemptFailure(code="provider_unavailable", message="Busy.", retryable=True),
        AttemptFailure(code="out_of_resources", message="Full.", retryable=True, retry_after=0.0),
        AttemptFailure(code="invalid_input", message="Not a picture.", retryable=False),
    ]
)
LIVES = st.none() | st.none() | st.none() | st.integers(0, 6)  # operations until the process dies; mostly it does not
# How an ending that was written down is told to whoever writes it again.
RECORDED = {"completed": Ending.COMPLETED, "failed": Ending.FAILED, "cancelled": Ending.CANCELLED}
# In so many rounds of time passing, reconciling and working every job must have ended: attempts are bounded.
ROUNDS = 8


class Stage:
    """A world on an event loop of its own, for rules that are not coroutines."""

    def __init__(self, loop: asyncio.AbstractEventLoop, world: World, mortality: Mortality) -> None:
        self.world = world
        self._loop = loop
        self._mortality = mortality

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    def try_to(self, work: Coroutine[Any, Any, T], lives: int | None) -> T | None:
        """Do it in a process that dies before the given operation; None if it died."""
        self._mortality.die_before(lives)
        try:
            return self.do(work)
        except Died:
            event("a process died")
            return None
        finally:
            self._mortality.die_before(None)


class Protocol(RuleBasedStateMachine):
    """What may happen, and what must hold whatever happened."""

    held = Bundle("held")

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage, self.world = stage, stage.world
        self.lanes: list[LaneTerms] = []
        self.accepted: list[Job] = []
        self.seen: dict[JobId, Document] = {}

    @initialize()
    def begin(self) -> None:
        self.stage.do(self.world.clear())
        self.lanes = [self.stage.do(self.world.joined(tier)) for tier in (Tier.DEVELOPER, Tier.PRO)]

    # What may happen

    @rule(number=st.integers(0, 1), announced=st.sampled_from([True, True, True, False]))
    def submit(self, number: int, announced: bool) -> None:
        lane = self.lanes[number]
        if announced:
            self.accepted.append(self.stage.do(self.world.submit(lane)))
        else:  # the gateway dies between the insert and the rest
            job = new_job(lane)
            self.stage.do(self.world.stores.jobs.insert(job))
            self.accepted.append(job)

    @rule(target=held, most=st.integers(1, 3), lives=LIVES)
    def claim(self, most: int, lives: int | None) -> Any:  # hypothesis' own kind of result
        jobs = self.stage.try_to(claim_batch(self.world.engine, pool=POOL, worker="w", most=most), lives)
        return multiple(*(jobs or ()))

    @rule(job=held, lives=LIVES)
    def finish(self, job: Job, lives: int | None) -> None:
        expected = self._ending_of(job, Ending.COMPLETED)
        ending = self.stage.try_to(complete(self.world.engine, job, [_output_of(job)], used=USED), lives)
        assert ending in {None, expected}

    @rule(job=held, failure=FAILURES, lives=LIVES)
    def fail(self, job: Job, failure: AttemptFailure, lives: int | None) -> None:
        retried = failure.retryable and job.attempt < job.max_attempts
        expected = self._ending_of(job, Ending.RETRYING if retried else Ending.FAILED)
        ending = self.stage.try_to(fail(self.world.engine, job, failure, used=USED), lives)
        assert ending in {None, expected}

    @rule(job=held)
    def heartbeat(self, job: Job) -> None:
        current = self._current(job)
        assert self.stage.do(renew(self.world.engine, claimed(job))) == (current and Status(current["status"]))

    @rule(job=held, lives=LIVES)
    def hand_back(self, job: Job, lives: int | None) -> None:
        self.stage.try_to(hand_back(self.world.engine, job), lives)

    @rule(number=st.integers(0, 50))
    def cancel(self, number: int) -> None:
        if self.accepted:
            job = self.accepted[number % len(self.accepted)]
            before = Status(self.stage.do(self.world.raw(job.id))["status"])
            answer = self.stage.do(cancel(self.world.engine, job.account_id, job.id, by="owner"))
            assert answer.status is _after_cancel(before)

    @rule(job=held)
    def lose_worker(self, job: Job) -> None:
        self.stage.do(self.world.lapse(job))

    @rule()
    def a_lease_goes_by(self) -> None:
        self.stage.do(self.world.lapse())
        self.stage.do(self.world.age_slots())

    @rule()
    def delays_go_by(self) -> None:
        self.stage.do(self.world.come_due())

    @rule(lives=LIVES)
    def reconcile(self, lives: int | None) -> None:
        self.stage.try_to(self.world.reconciler.run_once(), lives)

    # What must hold

    @invariant()
    def every_accepted_job_is_there_once(self) -> None:
        jobs = self._jobs()
        lanes = {lane["_id"]: lane for lane in self.stage.do(self.world.lanes())}
        assert {job["_id"] for job in jobs} == {job.id for job in self.accepted}
        for job in jobs:
            _check_history(job)
            _check_outputs(job)
            self._check_change(job)
            if job["status"] == Status.QUEUED and job["version"] == 1 and job["lane"] in lanes:
                self._check_announced(job, lanes[job["lane"]])
        for lane in lanes.values():
            _check_lane(lane, [job for job in jobs if job["lane"] == lane["_id"]])

    def _check_announced(self, job: Document, lane: Document) -> None:
        """A lane with untouched work never looks idle, unless its last submit was cut short."""
        announced = lane["epoch"] >= sum(one.lane == lane["_id"] for one in self.accepted)
        assert lane["active"] or not announced, (job, lane)

    def _check_change(self, job: Document) -> None:
        before, self.seen[job["_id"]] = self.seen.get(job["_id"]), job
        if before is None or _without_time(before) == _without_time(job):
            return
        assert before["status"] not in TERMINAL, "what has ended never changes"
        assert job["version"] > before["version"]

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


def _after_cancel(before: Status) -> Status:
    match before:
        case Status.QUEUED:
            return Status.CANCELLED
        case Status.PROCESSING:
            return Status.CANCELLING
        case _:
            return before


def _output_of(job: Job) -> Any:
    return an_output(asset=claimed(job).slot)


def _without_time(job: Document) -> Document:
    """The job without what a heartbeat changes, or a test that lets time pass."""
    lease = job["lease"] and job["lease"]["slot"]
    return {key: value for key, value in job.items() if key != "not_before"} | {"lease": lease}


def _check_history(job: Document) -> None:
    events = job["events"]
    assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
    states = [Status(one["status"]) for one in events]
    assert all(after in TRANSITIONS[before] for before, after in pairwise(states)), states
    assert states[-1] == job["status"]
    assert len(job["attempts"]) == job["attempt"] <= job["max_attempts"]
    assert (job["lease"] is not None) == (job["status"] in RUNNING)


def _check_outputs(job: Document) -> None:
    winners = [attempt["slot"] for attempt in job["attempts"] if attempt["outcome"] == "completed"]
    assert [output["asset_id"] for output in job["outputs"]] == winners
    assert len(winners) == (job["status"] == Status.COMPLETED)


def _check_lane(lane: Document, jobs: list[Document]) -> None:
    running = {job["lease"]["slot"] for job in jobs if job["status"] in RUNNING}
    places = {slot["id"] for slot in lane["slots"]}
    assert running <= places, "every running job has its place"
    assert len(places) == len(lane["slots"]) <= lane["limit"]
    assert lane["full"] == (len(places) >= lane["limit"])


@pytest.fixture
def stage(mongo_url: str, mongo_database: str, quiet: None) -> Iterator[Stage]:
    loop, mortality, stack = asyncio.new_event_loop(), Mortality(), AsyncExitStack()

    async def opened() -> World:
        options = MongoOptions(url=mongo_url, database=mongo_database)
        database = await stack.enter_async_context(open_database(options))
        await ensure_indexes(database)
        objects = await stack.enter_async_context(ObjectStore.open(NO_BUCKET))
        return World.over(stepped(database, mortality), objects)

    yield Stage(loop, loop.run_until_complete(opened()), mortality)
    loop.run_until_complete(stack.aclose())
    loop.close()


@pytest.mark.slow
def test_the_protocol_holds_under_any_order_of_events(stage: Stage, examples: Callable[[int], int]) -> None:
    run_state_machine_as_test(
        lambda: Protocol(stage),
        settings=settings(
            max_examples=examples(60),
            stateful_step_count=40,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
