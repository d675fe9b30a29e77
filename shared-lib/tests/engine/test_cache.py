"""Equal jobs have equal keys, and only those; an equal job that was completed answers a new one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reelwork.domain.ids import AssetId
from reelwork.domain.job import CacheMode, Job, Retention, Status
from reelwork.domain.lane import LaneTerms
from reelwork.engine.cache import ResultCache, cache_key
from reelwork.engine.finish import complete
from reelwork.generator import Artifact, ImageRef, MediaGeneratorModel, ModelCard, Parameters, Seed
from testkit.storage import Storeroom, output
from testkit.world import new_job

USED = timedelta(seconds=1)
ONE, TWO = AssetId("asset_1"), AssetId("asset_2")
DIGESTS = {ONE: "aa" * 32, TWO: "bb" * 32}
SEED = 5


class PosterParameters(Parameters):
    words: str = "hello"
    size: float = 1
    picture: ImageRef | None = None
    more: tuple[ImageRef, ...] = ()
    seed: Seed = None


class Poster(MediaGeneratorModel[PosterParameters]):
    id = "tests/poster"
    version = "1"
    title = "Poster"
    description = "Prints words."
    task = "text-to-image"
    produces = ("text/plain",)
    deterministic = True
    is_ai = False

    def generate(self, params: PosterParameters, ctx: object) -> list[Artifact]:
        return []


CARD = ModelCard.of(Poster)
DICE = CARD.model_copy(update={"deterministic": False})
SEEDLESS = CARD.model_copy(update={"capabilities": CARD.capabilities.model_copy(update={"seed": False})})


def key(values: dict[str, Any], *, card: ModelCard = CARD, seed: int = SEED) -> str:
    return cache_key(card, values, seed=seed, digests=DIGESTS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"words": "a", "size": 2}, {"size": 2, "words": "a"}),
        ({}, {"words": "hello", "size": 1, "picture": None}),
        ({"size": 2}, {"size": 2.0}),
        ({"seed": SEED}, {}),
    ],
    ids=["order", "defaults", "numbers", "the seed it drew"],
)
def test_inputs_that_say_the_same_have_one_key(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert key(one) == key(other)


def test_the_same_picture_under_two_ids_has_one_key() -> None:
    twins = {ONE: "aa" * 32, TWO: "aa" * 32}

    keys = {
        cache_key(CARD, {"picture": name, "more": [name]}, seed=SEED, digests=twins) for name in ("asset_1", "asset_2")
    }

    assert len(keys) == 1


def test_whatever_changes_the_result_changes_the_key() -> None:
    keys = [
        key({}),
        key({"words": "other"}),
        key({"words": "1"}),
        key({"words": "asset_1"}),
        key({"size": 1.5}),
        key({"picture": ONE}),
        key({"picture": TWO}),
        key({"more": [ONE]}),
        key({"more": [ONE, TWO]}),
        key({"more": [TWO, ONE]}),
        key({}, seed=6),
        key({}, card=CARD.model_copy(update={"version": "2"})),
        key({}, card=CARD.model_copy(update={"name": "tests/other"})),
    ]

    assert len(set(keys)) == len(keys)


def test_where_there_is_no_seed_to_ask_for_it_makes_no_difference() -> None:
    assert key({}, card=SEEDLESS, seed=1) == key({}, card=SEEDLESS, seed=2)


async def ask(storeroom: Storeroom, lane: LaneTerms, *, card: ModelCard = CARD, **fields: Any) -> Job:
    """A new job as the cache leaves it, not stored yet."""
    job = new_job(lane, **({"input": {"seed": SEED}, "seed": SEED} | fields))
    return await ResultCache(storeroom.world.stores).applied(job, card, {})


async def made(storeroom: Storeroom, lane: LaneTerms, *, committed: bool = True, **fields: Any) -> Job:
    """A job that ran and was completed with one output."""
    world = storeroom.world
    job = await ask(storeroom, lane, **fields)
    assert job.status is Status.QUEUED
    await world.stores.jobs.insert(job)
    await world.stores.lanes.open(lane)
    running = await world.run()
    asset = await storeroom.output_of(running)
    await complete(world.engine, running, [output(asset)], used=USED)
    if committed:
        await world.stores.assets.commit([asset.id])
    return await world.read(running)


@pytest.mark.parametrize("committed", [True, False])
async def test_an_equal_job_is_completed_at_once_with_the_same_outputs(storeroom: Storeroom, committed: bool) -> None:
    lane = await storeroom.world.joined()
    first = await made(storeroom, lane, committed=committed)

    second = await ask(storeroom, lane)
    await storeroom.world.stores.jobs.insert(second)

    stored = await storeroom.world.read(second)
    assert (stored.status, stored.source_job_id, stored.outputs) == (Status.COMPLETED, first.id, first.outputs)
    assert [(event.seq, event.type) for event in stored.events] == [(1, "job.completed")]
    assert (stored.attempt, stored.attempts, stored.started_at) == (0, (), None)
    assert stored.completed_at is not None
    assert abs(stored.completed_at - datetime.now(UTC)) < timedelta(minutes=1)
    await storeroom.check()


async def test_an_answer_of_an_answer_names_the_job_that_ran(storeroom: Storeroom) -> None:
    lane = await storeroom.world.joined()
    first = await made(storeroom, lane)
    await storeroom.world.stores.jobs.insert(await ask(storeroom, lane))
    await storeroom.world.eraser.erase(lane.account_id, first.id)

    third = await ask(storeroom, lane)

    assert (third.status, third.source_job_id) == (Status.COMPLETED, first.id)


@pytest.mark.parametrize(
    "different",
    [
        {"input": {"seed": 6}, "seed": 6},
        {"input": {"seed": SEED, "words": "x"}},
        {"input": {}},
        {"cache": CacheMode.OFF},
        {"cache": CacheMode.REFRESH},
        {"not_before": datetime(2100, 1, 1, tzinfo=UTC)},
        {"card": DICE},
        {"card": CARD.model_copy(update={"version": "2"})},
    ],
    ids=["seed", "words", "no seed", "off", "refresh", "later", "dice", "version"],
)
async def test_a_job_that_is_not_equal_or_wants_to_run_runs(storeroom: Storeroom, different: dict[str, Any]) -> None:
    lane = await storeroom.world.joined()
    await made(storeroom, lane)

    job = await ask(storeroom, lane, **different)

    assert (job.status, job.source_job_id, job.outputs) == (Status.QUEUED, None, ())


async def test_a_job_of_another_account_is_no_answer(storeroom: Storeroom) -> None:
    await made(storeroom, await storeroom.world.joined())

    job = await ask(storeroom, await storeroom.world.joined())

    assert job.status is Status.QUEUED


async def test_a_job_that_drew_its_seed_answers_whoever_asks_for_it(storeroom: Storeroom) -> None:
    lane = await storeroom.world.joined()
    first = await made(storeroom, lane, input={}, seed=77)

    job = await ask(storeroom, lane, input={"seed": 77}, seed=77)

    assert job.source_job_id == first.id


async def test_where_there_is_no_seed_to_ask_for_any_run_is_an_answer(storeroom: Storeroom) -> None:
    lane = await storeroom.world.joined()
    first = await made(storeroom, lane, card=SEEDLESS, input={}, seed=1)

    job = await ask(storeroom, lane, card=SEEDLESS, input={}, seed=2)

    assert (job.source_job_id, job.seed) == (first.id, 1)


async def test_a_refresh_runs_and_is_the_answer_from_then_on(storeroom: Storeroom) -> None:
    lane = await storeroom.world.joined()
    await made(storeroom, lane)
    anew = await made(storeroom, lane, cache=CacheMode.REFRESH)

    assert (await ask(storeroom, lane)).source_job_id == anew.id


async def test_a_job_that_is_off_answers_nobody(storeroom: Storeroom) -> None:
    lane = await storeroom.world.joined()
    await made(storeroom, lane, cache=CacheMode.OFF)

    assert (await ask(storeroom, lane)).status is Status.QUEUED


async def test_an_answer_counts_its_own_retention_from_now(storeroom: Storeroom) -> None:
    lane = await storeroom.world.joined()
    await made(storeroom, lane)

    job = await ask(storeroom, lane, retention=Retention(output_seconds=60))

    assert job.completed_at is not None
    assert (job.outputs_due_at, job.inputs_due_at) == (job.completed_at + timedelta(seconds=60), None)


@pytest.mark.parametrize("how", ["erased", "deleted", "due"])
async def test_what_is_gone_answers_nobody(storeroom: Storeroom, how: str) -> None:
    world, lane = storeroom.world, await storeroom.world.joined()
    job = await made(storeroom, lane, retention=Retention(output_seconds=60))
    match how:
        case "erased":
            await world.eraser.erase(lane.account_id, job.id)
        case "deleted":
            asset = await world.stores.assets.get(lane.account_id, job.outputs[0].asset_id)
            assert asset is not None
            await world.eraser.delete(asset)
        case _:
            await world.sweeper.sweep(datetime.now(UTC) + timedelta(minutes=2))

    assert (await ask(storeroom, lane)).status is Status.QUEUED
