"""The protocol's steps interleaved: any two database operations of different processes in any order."""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reelwork.domain.job import TERMINAL, Job, Status
from reelwork.domain.lane import LaneTerms
from reelwork.domain.tier import Tier
from reelwork.engine.cancel import cancel
from reelwork.engine.claim import claim_batch
from reelwork.engine.engine import claimed
from reelwork.engine.finish import Ending, Finished, complete, complete_all
from reelwork.engine.reconcile import Reconciler
from reelwork.store.client import Document
from testkit.stage import Stage
from testkit.world import POOL, an_output, new_job, terms

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # a failure is made small before it is shown

USED = timedelta(milliseconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rush:
    """Jobs that wait in so many lanes of a limit, others that come, and how many a worker takes at once at most.

    `strays`: tickets that were delivered twice.
    """

    lanes: int
    limit: int
    waiting: int
    submitted: int
    strays: int
    most: int


FEW = st.integers(1, 3)
RUSHES = st.builds(
    Rush,
    lanes=st.integers(1, 2),
    limit=st.integers(1, 2),
    waiting=st.integers(0, 2),
    submitted=FEW,
    strays=FEW,
    most=FEW,
)
CHOICES = st.lists(st.integers(0, 5), min_size=30, max_size=60)
# A lane is full when two look for a place, has room when they mark what is full, and is full at their second look.
FREED_BETWEEN = [0, 3, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 0, 0, 0, 1, 1, 2, 0, 0, 1, 2, 1, 2, 2, 0, 1, 0, 1, 1, 1]


@pytest.fixture
def stage(mongo_url: str, mongo_database: str, quiet: None) -> Iterator[Stage]:
    with Stage.open(mongo_url, mongo_database) as opened:
        yield opened


@pytest.fixture
def often(examples: Callable[[int], int]) -> Callable[[int], settings]:
    return lambda usual: settings(
        max_examples=examples(usual),
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


async def submitting(stage: Stage, lane: LaneTerms) -> Job:
    """Submit as the gateway does, its background work included."""
    job = new_job(lane)
    await stage.world.stores.jobs.insert(job)
    await stage.world.stores.lanes.open(lane)
    stage.world.broker.publish(lane.pool)
    return job


async def working(stage: Stage, *, most: int = 1) -> list[Ending]:
    """Work as long as there are tickets, like a worker that finishes everything at once."""
    endings: list[Ending] = []
    while await stage.world.tickets():
        await stage.world.broker.take(POOL)
        if jobs := (await claim_batch(stage.world.engine, pool=POOL, worker="w", most=most)).jobs:
            done = [Finished(job=job, outputs=[output_of(job)], used=USED) for job in jobs]
            endings += await complete_all(stage.world.engine, done)
    return endings


def output_of(job: Job) -> Any:
    return an_output(asset=claimed(job).slot)


def stored(stage: Stage) -> list[Document]:
    return stage.do(stage.world.database["jobs"].find().to_list())


def prepare(stage: Stage, lanes: list[LaneTerms], *, waiting: int) -> None:
    """Nothing but so many jobs in each lane, with their tickets."""
    stage.do(stage.world.clear(("jobs", "lanes")))
    while stage.do(stage.world.tickets()):
        stage.do(stage.world.broker.take(POOL))
    for lane in lanes * waiting:
        stage.do(submitting(stage, lane))
    stage.do(stage.world.learn(USED))


def test_what_cancel_answers_is_what_happens(stage: Stage, often: Callable[[int], settings]) -> None:
    @often(150)
    @given(choices=CHOICES, fails=st.booleans())
    def race(choices: list[int], fails: bool) -> None:
        prepare(stage, [], waiting=0)
        job = stage.do(submitting(stage, terms()))

        async def cancelling() -> Status:
            return (await cancel(stage.world.engine, job.account_id, job.id, by="owner")).status

        answer, endings = stage.play(cancelling(), working(stage), choices=choices)

        (ended,) = stored(stage)
        assert ended["status"] == (Status.COMPLETED if answer is Status.COMPLETED else Status.CANCELLED)
        assert endings == {"completed": [Ending.COMPLETED], "cancelled": []}.get(answer, [Ending.CANCELLED])
        stage.check()

    race()


def test_where_nobody_dies_tickets_alone_bring_every_job_to_its_end(
    stage: Stage, often: Callable[[int], settings]
) -> None:
    @often(150)
    @example(choices=FREED_BETWEEN, rush=Rush(lanes=1, limit=1, waiting=2, submitted=3, strays=1, most=1))
    @given(choices=CHOICES, rush=RUSHES)
    def race(choices: list[int], rush: Rush) -> None:
        lanes = [terms(limit=rush.limit), terms(limit=rush.limit, weight=5)][: rush.lanes]
        prepare(stage, lanes, waiting=rush.waiting)
        for lane in lanes:
            stage.do(stage.world.stores.lanes.open(lane))
        stage.world.broker.publish(POOL, rush.strays)
        late = [submitting(stage, lanes[number % rush.lanes]) for number in range(rush.submitted)]

        stage.play(*late, working(stage), working(stage), working(stage, most=rush.most), choices=choices)
        stage.do(working(stage))

        assert {job["status"] for job in stored(stage)} == {Status.COMPLETED}
        stage.check()

    race()


def test_repairs_in_the_midst_of_work_break_nothing(stage: Stage, often: Callable[[int], settings]) -> None:
    lanes = [stage.do(stage.world.joined(tier)) for tier in (Tier.DEVELOPER, Tier.PRO)]

    @often(60)
    @given(choices=CHOICES, most=st.integers(1, 3))
    def race(choices: list[int], most: int) -> None:
        prepare(stage, lanes, waiting=3)
        world, second = stage.world, Reconciler(stage.world.engine, stage.world.sweeper)
        late = [stage.do(world.run()) for _ in range(2)]
        stage.do(world.stores.lanes.reserve(POOL, "f" * 32))
        stage.do(world.lapse())
        stage.do(world.age_slots())

        parts: list[Coroutine[Any, Any, Any]] = [
            world.reconciler.run_once(),
            second.run_once(),
            *(complete(world.engine, job, [output_of(job)], used=USED) for job in late),
            cancel(world.engine, late[0].account_id, late[0].id, by="owner"),
            working(stage, most=most),
            submitting(stage, lanes[0]),
        ]
        stage.play(*parts, choices=choices)

        stage.do(world.reconciler.run_once())
        stage.do(working(stage))
        stage.do(world.age_slots())
        stage.do(world.reconciler.run_once())
        assert all(job["status"] in TERMINAL for job in stored(stage))
        assert all(lane["slots"] == [] for lane in stage.do(world.lanes()))
        stage.check()

    race()
