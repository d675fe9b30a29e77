"""Assets under any order of uploads, jobs, cache hits, erasures and deletions, by processes that die between any two
operations: MongoDB and S3 agree at every moment, no job loses what it needs, and in the end nothing is left behind."""

from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from reelwork.domain.asset import Asset, AssetState, Purpose
from reelwork.domain.errors import AssetInUse, InvalidState
from reelwork.domain.ids import AssetId
from reelwork.domain.job import Job, Retention, Status
from reelwork.domain.lane import LaneTerms
from reelwork.engine.cache import ResultCache
from reelwork.engine.cancel import cancel
from reelwork.engine.finish import complete
from reelwork.engine.sweep import STAGED_GRACE
from reelwork.generator import ModelCard
from testkit.models import Noop
from testkit.services import Bucket
from testkit.stage import Stage
from testkit.storage import Storeroom, output
from testkit.world import new_job

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # a failure is made small before it is shown

T = TypeVar("T")
CARD = ModelCard.of(Noop)
USED = timedelta(milliseconds=10)
LATER = STAGED_GRACE * 2
LIVES = st.none() | st.none() | st.integers(0, 16)  # operations until the process dies
INDEX = st.integers(0, 5)
MOST_OPERATIONS = 30  # of any removal
RETENTION = st.sampled_from([Retention(), Retention(input_seconds=60), Retention(output_seconds=60)])
CHOICES = st.lists(st.integers(0, 5), min_size=10, max_size=40)


class Workplace:
    """What callers and workers do, step by step, as gateway and worker do it."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage, self.world = stage, stage.world
        self.room = Storeroom(world=stage.world, folder=folder)
        self.lane: LaneTerms = stage.do(self._cleared())

    async def _cleared(self) -> LaneTerms:
        await self.world.clear()
        return await self.world.joined()

    async def upload(self) -> Asset:
        asset = await self.room.keep(self.lane.account_id, purpose=Purpose.INPUT)
        await self.world.stores.assets.commit([asset.id])
        return asset

    async def submit(self, inputs: list[Asset], *, seed: int, retention: Retention) -> Job | None:
        """None: an input is gone, and the caller is told so."""
        named = tuple(asset.id for asset in inputs)
        job = new_job(self.lane, input={"seed": seed}, seed=seed, input_assets=named, retention=retention)
        for asset in inputs:
            if await self.world.stores.assets.announce_use(self.lane.account_id, asset.id, job.id) is None:
                return None
        job = await ResultCache(self.world.stores).applied(job, CARD, {})
        await self.world.stores.jobs.insert(job)
        await self.world.stores.lanes.open(self.lane)
        return job

    async def work(self) -> None:
        """Run the next job: its inputs are read, its output is stored."""
        job = await self.world.claim()
        if job is None:
            return
        for asset_id in job.input_assets:
            asset = await self.world.stores.assets.get(job.account_id, asset_id)
            assert asset is not None, f"{job.id} lost its input"
            await self.world.objects.head(asset.key)
        made = await self.room.output_of(job)
        await complete(self.world.engine, job, [output(made)], used=USED)
        await self.world.stores.assets.commit([made.id])

    async def erase(self, job: Job) -> bool:
        """False: it has not ended."""
        try:
            await self.world.eraser.erase(job.account_id, job.id)
        except InvalidState:
            return False
        return True

    async def delete(self, asset: Asset) -> bool:
        """False: a job needs it."""
        try:
            await self.world.eraser.delete(asset)
        except AssetInUse:
            return False
        return True

    async def sweep(self, *, after: timedelta = LATER) -> None:
        await self.world.sweeper.sweep(datetime.now(UTC) + after)

    async def age(self) -> None:
        """Let leases and announcements be over."""
        await self.world.lapse()
        await self.world.age_slots()
        await self.world.database["assets"].update_many({}, [{"$set": {"naming": [], "crowded_until": None}}])


class Keeping(RuleBasedStateMachine):
    """What may happen, and what must hold whatever happened."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        super().__init__()
        self.stage, self.folder = stage, folder

    @initialize()
    def begin(self) -> None:
        self.place = Workplace(self.stage, self.folder)
        self.uploads: list[Asset] = []
        self.jobs: list[Job] = []
        self.deleted: set[AssetId] = set()
        self.upload(lives=None)
        self.submit(inputs=1, seed=1, retention=Retention(), lives=None)
        self.work(lives=None)

    @rule(lives=LIVES)
    def upload(self, lives: int | None) -> None:
        asset = self.try_to(self.place.upload(), lives)
        self.uploads += [asset] if asset else []

    @rule(inputs=st.integers(0, 2), seed=st.integers(1, 2), retention=RETENTION, lives=LIVES)
    def submit(self, inputs: int, seed: int, retention: Retention, lives: int | None) -> None:
        named = self.uploads[-inputs:] if inputs else []
        job = self.try_to(self.place.submit(named, seed=seed, retention=retention), lives)
        self.jobs += [job] if job else []

    @rule(lives=LIVES)
    def work(self, lives: int | None) -> None:
        self.try_to(self.place.work(), lives)

    @precondition(lambda self: self.jobs)
    @rule(number=INDEX)
    def cancel(self, number: int) -> None:
        job = self._job(number)
        self.stage.do(cancel(self.place.world.engine, job.account_id, job.id, by="owner"))

    @precondition(lambda self: self.jobs)
    @rule(number=INDEX, lives=LIVES)
    def erase(self, number: int, lives: int | None) -> None:
        job = self._job(number)
        erased = self.try_to(self.place.erase(job), lives)
        if erased:
            assert self.stage.do(self.place.world.read(job)).data_removed

    @precondition(lambda self: self.uploads)
    @rule(number=INDEX, lives=LIVES)
    def delete(self, number: int, lives: int | None) -> None:
        asset = self.uploads[-1 - number % len(self.uploads)]
        if self.try_to(self.place.delete(asset), lives) is not False:
            self.deleted.add(asset.id)

    @rule(lives=LIVES)
    def time_passes(self, lives: int | None) -> None:
        self.stage.do(self.place.age())
        self.try_to(self.place.world.reconciler.run_once(), lives)

    @rule(lives=LIVES)
    def sweep(self, lives: int | None) -> None:
        self.try_to(self.place.sweep(), lives)

    def try_to(self, work: Coroutine[Any, Any, T], lives: int | None) -> T | None:
        return self.stage.try_to(work, lives)

    def _job(self, number: int) -> Job:
        return self.jobs[-1 - number % len(self.jobs)]

    # What must hold

    @invariant()
    def everything_agrees(self) -> None:
        self.stage.do(self.place.room.check(deleted=self.deleted))

    def teardown(self) -> None:
        """With no more faults only what somebody holds is left, and uploads that nobody ever let go."""
        for _ in range(4):
            self.stage.do(self.place.age())
            self.stage.do(self.place.world.reconciler.run_once())
            self.stage.do(self._all_work())
            self.stage.do(self.place.sweep())
        self.stage.do(self.place.room.check(settled=True, deleted=self.deleted))
        self.stage.do(self._nothing_is_left_over())

    async def _all_work(self) -> None:
        while await self.place.world.database["jobs"].find_one({"status": "queued", "due": True}):
            await self.place.work()

    async def _nothing_is_left_over(self) -> None:
        world = self.place.world
        jobs = await world.database["jobs"].find().to_list()
        assert all(Status(job["status"]).is_terminal and not job.get("let_go") for job in jobs)
        named = {asset for job in jobs for asset in job["input_assets"]}
        made = {one["asset_id"] for job in jobs for one in job["outputs"]}
        ever_named = {asset for job in self.jobs for asset in job.input_assets}
        for asset in await world.database["assets"].find({"state": AssetState.READY}).to_list():
            held = asset["_id"] in named | made
            assert held or (asset["purpose"] == Purpose.INPUT and asset["_id"] not in ever_named), asset


@pytest.fixture
def stage(mongo_url: str, mongo_database: str, s3_bucket: Bucket, quiet: None) -> Iterator[Stage]:
    with Stage.open(mongo_url, mongo_database, bucket=s3_bucket) as opened:
        yield opened


def test_mongodb_and_s3_agree_under_any_order_of_events(
    stage: Stage, tmp_path: Path, examples: Callable[[int], int]
) -> None:
    run_state_machine_as_test(
        lambda: Keeping(stage, tmp_path),
        settings=settings(
            max_examples=examples(30),
            stateful_step_count=25,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whoever_names_an_asset_while_it_is_erased_has_it_or_is_told(
    stage: Stage, tmp_path: Path, examples: Callable[[int], int]
) -> None:
    @settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
    @given(choices=CHOICES, named=st.booleans(), deleting=st.booleans(), retained=st.booleans())
    def play(choices: list[int], named: bool, deleting: bool, retained: bool) -> None:
        place = Workplace(stage, tmp_path)
        picture = stage.do(place.upload())
        retention = Retention(input_seconds=60, output_seconds=60) if retained else Retention()
        first = stage.do(place.submit([picture], seed=1, retention=retention))
        stage.do(place.work())
        assert first is not None
        removals = [place.delete(picture)] if deleting else [place.erase(first)]

        answers: list[Any] = stage.play(
            place.submit([picture] if named else [], seed=1, retention=Retention()),  # equal: the cache may answer it
            place.sweep(after=timedelta(hours=1)),
            *removals,
            choices=choices,
            look=lambda: place.room.check(deleted={picture.id} if deleting else ()),
        )

        stage.do(place.work())
        stage.do(place.room.check(deleted={picture.id} if deleting else ()))
        second = answers[0]
        if second is not None:
            left = stage.do(place.world.read(second))
            assert (left.status, len(left.outputs)) == (Status.COMPLETED, 1)
            assert stage.do(_bytes_of(place, left.outputs[0].asset_id))

    play()


@pytest.mark.parametrize("what", ["erase", "delete", "due", "upload"])
def test_a_process_may_die_before_any_operation_of_a_removal(stage: Stage, tmp_path: Path, what: str) -> None:
    for lives in range(MOST_OPERATIONS):
        place = Workplace(stage, tmp_path)
        picture = stage.do(place.upload())
        job = stage.do(place.submit([picture], seed=1, retention=Retention(input_seconds=60, output_seconds=60)))
        assert job is not None
        stage.do(place.work())
        steps: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
            "erase": lambda place=place, job=job: place.erase(job),
            "delete": lambda place=place, picture=picture: place.delete(picture),
            "due": lambda place=place: place.sweep(),
            "upload": lambda place=place: place.upload(),
        }
        deleted = {picture.id} if what == "delete" else ()

        stage.try_to(steps[what](), lives)
        stage.do(place.room.check(deleted=deleted))

        for _ in range(2):
            stage.do(place.age())
            stage.do(place.sweep())
        stage.do(place.room.check(settled=True, deleted=deleted))


async def _bytes_of(place: Workplace, asset_id: AssetId) -> bool:
    asset = await place.world.stores.assets.get(place.lane.account_id, asset_id)
    return asset is not None and (await place.room.is_there(asset))[1]
