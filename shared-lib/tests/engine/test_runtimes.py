"""How long jobs took is noted as they complete, and written down together."""

from datetime import timedelta

from reelwork.domain.retry import AttemptFailure
from reelwork.domain.tier import Tier
from reelwork.engine.finish import Finished, complete, complete_all, fail
from reelwork.engine.runtimes import MOST_KINDS, RuntimeNotes
from reelwork.store.runtimes import KEPT
from testkit.world import World, an_output, new_job, terms

SECOND = timedelta(seconds=1)
BROKEN = AttemptFailure(code="generation_failed", message="No.", retryable=False)


async def test_runs_that_succeeded_are_remembered_and_others_are_not(world: World) -> None:
    lane = await world.joined(Tier.PRO)
    for seconds in (4, 4, 4, 8):
        await world.submit(lane, input={"seconds": seconds})
    first, *several = [await world.run() for _ in range(4)]

    await complete(world.engine, first, [an_output()], used=4 * SECOND)
    await complete_all(
        world.engine, [Finished(job=job, outputs=[an_output()], used=n * SECOND) for n, job in enumerate(several[::2])]
    )
    await fail(world.engine, several[1], BROKEN, used=9 * SECOND)
    assert await world.stores.runtimes.of(["testkit/noop"]) == {}, "nothing is written for a single completion"
    await world.engine.runtimes.write(world.stores.runtimes)

    assert await world.stores.runtimes.of(["testkit/noop"]) == {"testkit/noop": {2: [4.0, 0.0], 3: [1.0]}}


async def test_what_was_written_is_not_written_again(world: World) -> None:
    notes = RuntimeNotes()
    notes.note(new_job(terms(), input={}), SECOND)

    for _ in range(2):
        await notes.write(world.stores.runtimes)

    assert await world.stores.runtimes.of(["testkit/noop"]) == {"testkit/noop": {0: [1.0]}}


async def test_notes_are_bounded_however_many_jobs_complete(world: World) -> None:
    notes = RuntimeNotes()
    for number in range(MOST_KINDS + 50):
        for _ in range(KEPT + 50 if number == 0 else 1):
            notes.note(new_job(terms(), model=f"test/model-{number}"), SECOND)

    await notes.write(world.stores.runtimes)

    assert await world.database["runtimes"].count_documents({}) == MOST_KINDS
    found = await world.stores.runtimes.of(["test/model-0"])
    assert len(found["test/model-0"][0]) == KEPT
