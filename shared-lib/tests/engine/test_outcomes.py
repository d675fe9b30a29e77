"""How jobs ended is noted in memory, by the version of their model, and written down together."""

from datetime import timedelta

from reelwork.domain.retry import AttemptFailure
from reelwork.engine.finish import complete, fail
from reelwork.engine.outcomes import MOST_MODELS, OutcomeNotes
from testkit.world import World, an_output, new_job, terms

SECOND = timedelta(seconds=1)
GIVEN_UP = AttemptFailure(code="generation_failed", message="No.", retryable=False)
TRIED_AGAIN = AttemptFailure(code="provider_unavailable", message="Later.", retryable=True)


async def test_completed_and_failed_jobs_are_counted_by_version_and_retries_are_not(world: World) -> None:
    lane = await world.joined()
    for version in ("1", "1", "2"):
        await world.submit(lane, model_version=version)
    first, second, third = [await world.run() for _ in range(3)]

    await complete(world.engine, first, [an_output()], used=4 * SECOND)
    await fail(world.engine, second, GIVEN_UP, used=SECOND)
    await fail(world.engine, third, TRIED_AGAIN, used=SECOND)
    await world.engine.outcomes.write(world.stores.statistics)

    found = await world.stores.statistics.of(["testkit/noop@1", "testkit/noop@2"])
    assert list(found) == ["testkit/noop@1"]
    counted = found["testkit/noop@1"]
    assert (counted.runs, len(counted.queued), counted.completed, counted.failed) == ([4.0], 2, 1, 1)


async def test_notes_are_bounded_however_many_models_there_are(world: World) -> None:
    notes = OutcomeNotes()
    for number in range(MOST_MODELS + 5):
        notes.completed(new_job(terms(), model=f"test/model-{number}"), SECOND)

    await notes.write(world.stores.statistics)

    assert await world.database["model_statistics"].count_documents({}) == MOST_MODELS
