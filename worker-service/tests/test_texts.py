"""Whatever a model says, its attempt ends, and what is told of it can be stored and shown."""

import pytest

from reelwork.domain.job import Status
from reelwork.generator import GenerationError

pytestmark = pytest.mark.usefixtures("quick_beats")

LARGER_THAN_A_DOCUMENT = "x" * (17 * 1024 * 1024)
SAYINGS = {
    "more than a document holds": LARGER_THAN_A_DOCUMENT,
    "half a character": "before \ud800 after",
    "nothing": "",
    "an expression": "$status",
    "not even text": 42,
}


@pytest.mark.parametrize("said", SAYINGS.values(), ids=SAYINGS)
async def test_a_failure_is_told_in_words_that_can_be_stored(workshop, scripted, said):
    def generate(_params, _ctx):
        raise GenerationError(said)

    job = await workshop.submit()
    await workshop.runner(scripted(generate)).work("cpu")

    failed = await workshop.world.read(job)
    assert (failed.status, failed.error.code) == (Status.FAILED, "generation_failed")
    assert failed.error.message[:50] == str(said)[:50].replace("\ud800", "?")
    assert len(failed.error.message) <= 2000


@pytest.mark.parametrize("said", SAYINGS.values(), ids=SAYINGS)
async def test_progress_is_told_in_words_that_can_be_stored(workshop, scripted, text, said, gate):
    def generate(_params, ctx):
        ctx.progress(0.5, said, stage=said, step=10**30, steps=10**31)
        gate.wait(0.5)  # time for some heartbeats
        yield text(ctx)

    job = await workshop.submit()
    await workshop.runner(scripted(generate)).work("cpu")

    done = await workshop.world.read(job)
    assert (done.status, done.attempt) == (Status.COMPLETED, 1)
    assert len(done.progress.message) <= 2000
