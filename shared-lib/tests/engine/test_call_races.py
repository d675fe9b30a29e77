"""A provider's answer, a worker that takes over, a cancel and repairs, their database operations in any order."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelwork.domain.job import Job, Status
from reelwork.domain.retry import AttemptFailure
from reelwork.engine.calls import begin_call, put_off, take_up
from reelwork.engine.cancel import cancel
from reelwork.engine.engine import claimed
from reelwork.engine.finish import complete, fail, stop
from reelwork.engine.reconcile import Reconciler
from testkit.stage import Stage
from testkit.world import POOL, an_output

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # a failure is made small before it is shown

MODEL, HANDLE = "acme/elsewhere", "task-1"
USED = timedelta(milliseconds=10)
UNKNOWN = AttemptFailure(code="submission_unknown", message="Nobody knows.", retryable=False)


@pytest.fixture
def stage(mongo_url: str, mongo_database: str, quiet: None) -> Iterator[Stage]:
    with Stage.open(mongo_url, mongo_database) as opened:
        yield opened


async def heard(stage: Stage, job: Job) -> bool:
    """What a worker does with the provider's answer, however late; whether anybody will ask for the result."""
    if await put_off(stage.world.engine, job, timedelta(), handle=HANDLE):
        return True
    assert job.call is not None
    return await stage.world.stores.calls.keep(claimed(job), job.call.token, HANDLE)


async def taking_turns(stage: Stage) -> None:
    """As long as something is due: with a handle the result is there, without one nobody can find out."""
    engine = stage.world.engine
    while (job := await take_up(engine, pool=POOL, worker="w2", models=[MODEL])) is not None:
        if job.status is Status.CANCELLING:
            await stop(engine, job, used=USED)
        elif job.call is not None and job.call.handle is not None:
            await complete(engine, job, [an_output(asset=claimed(job).slot)], used=USED)
        else:
            await fail(engine, job, UNKNOWN, used=USED)


async def time_passes(stage: Stage) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    due = {"remote.due_at": {"$type": "date"}}
    await stage.world.database["jobs"].update_many(due, {"$set": {"remote.due_at": past}})


def test_a_handle_is_kept_or_its_worker_knows_that_nobody_wants_it(
    stage: Stage, examples: Callable[[int], int]
) -> None:
    lane = stage.do(stage.world.joined())

    @settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
    @given(choices=st.lists(st.integers(0, 5), min_size=20, max_size=50), lapsed=st.booleans(), cancels=st.booleans())
    def race(choices: list[int], lapsed: bool, cancels: bool) -> None:
        world, second = stage.world, Reconciler(stage.world.engine, stage.world.sweeper)
        stage.do(world.clear(("jobs", "lanes")))
        stage.do(world.submit(lane))
        job = stage.do(begin_call(world.engine, stage.do(world.run()), model=MODEL))
        assert job is not None
        if lapsed:
            stage.do(world.lapse())
        others = [cancel(world.engine, job.account_id, job.id, by="owner")] if cancels else []

        kept, *_ = stage.play(
            heard(stage, job),
            world.reconciler.run_once(),
            second.run_once(),
            time_passes(stage),
            taking_turns(stage),
            *others,
            choices=choices,
        )
        for _ in range(2):
            stage.do(time_passes(stage))
            stage.do(taking_turns(stage))

        ended = stage.do(world.raw(job.id))
        assert kept == (ended["remote"]["handle"] == HANDLE)
        assert ended["status"] in {
            Status.COMPLETED,
            *([Status.CANCELLED] if cancels else []),
            *([] if kept else [Status.FAILED]),
        }
        assert ended["attempt"] == 1
        assert all(found["slots"] == [] for found in stage.do(world.lanes()))
        stage.check()

    race()
