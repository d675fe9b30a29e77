"""Jobs of every provider's model in a real worker: paid for once, fetched, stored as what the bytes are."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from reelwork.domain.asset import Asset, AssetState, Purpose
from reelwork.domain.ids import AccountId, AssetId, new_asset_id
from reelwork.domain.job import Job, Status
from reelwork.fetch import Fetcher, FetchRules
from reelwork.generator import RemoteModel
from testkit.providers import CASES, FILM, PICTURE, POLLED, Asked, Case, case_of
from testkit.world import terms
from worker.results import Results
from worker.runner import Runner
from worker.turn import Outside

pytestmark = pytest.mark.usefixtures("quick_beats")

Ask = Callable[..., Asked]
POOL = "remote"
MOST_TURNS = 8


class Desk:
    """A worker of the remote pool with one model, and jobs for it. Time passes by writing the database."""

    def __init__(self, workshop: Any, asked: Asked, inputs: dict[str, Path]) -> None:
        self.workshop, self.asked, self._inputs = workshop, asked, inputs
        self.lane = terms(pool=POOL)

    def worker(self, *more: type[RemoteModel[Any]]) -> Runner:
        port = urlsplit(self.asked.fakes.url).port
        rules = FetchRules(
            ports=frozenset({port or 0}), plain_http=True, allow=(ip_network("127.0.0.0/8"),), seconds=10
        )
        outside = Outside(results=Results(Fetcher(rules), limit_bytes=1 << 20))
        runner: Runner = self.workshop.runner(type(self.asked.model), *more, outside=outside, pool=POOL)
        return runner

    async def submit(self, **fields: Any) -> Job:
        stored = {name: await self._stored(name) for name in (PICTURE, FILM) if name in self.asked.input.values()}
        values = {name: stored.get(value, value) for name, value in self.asked.input.items()}
        inputs = tuple(stored.values())
        job: Job = await self.workshop.submit(
            self.lane, model=self.asked.model.id, input=values, input_assets=inputs, **fields
        )
        return job

    async def until_it_ends(self, job: Job, *more: type[RemoteModel[Any]]) -> Job:
        for _ in range(MOST_TURNS):
            past = datetime.now(UTC) - timedelta(seconds=1)
            waits = {"remote.due_at": {"$type": "date"}}
            await self.workshop.world.database["jobs"].update_many(waits, {"$set": {"remote.due_at": past}})
            await self.workshop.world.come_due()
            await self.worker(*more).work(POOL)
            after: Job = await self.workshop.world.read(job)
            if after.status.is_terminal:
                return after
        raise AssertionError(f"{job.id} is {after.status}")

    async def _stored(self, name: str) -> AssetId:
        """An input of the account, with bytes in S3."""
        path, asset_id = self._inputs[name], new_asset_id()
        account: AccountId = self.lane.account_id
        content_type = "video/mp4" if name == FILM else "image/png"
        asset = Asset(
            id=asset_id,
            account_id=account,
            state=AssetState.READY,
            purpose=Purpose.INPUT,
            key=f"accounts/{account}/inputs/{asset_id}{path.suffix}",
            content_type=content_type,
            filename=path.name,
            size_bytes=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            created_at=datetime.now(UTC),
        )
        await self.workshop.world.objects.put_file(asset.key, path, content_type)
        await self.workshop.world.stores.assets.stage(asset)
        return asset_id


@pytest.fixture
def desk_for(workshop, ask: Ask, inputs: dict[str, Path]) -> Callable[[Case], Desk]:
    return lambda case: Desk(workshop, ask(case), inputs)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_job_is_done_and_paid_once_and_what_came_out_is_stored(desk_for, case: Case):
    desk = desk_for(case)
    job = await desk.submit()

    after = await desk.until_it_ends(job)

    assert (after.status, after.attempt, desk.asked.fake.paid) == (Status.COMPLETED, 1, 1)
    assert {output.content_type for output in after.outputs} <= set(case.model.produces)
    first = after.outputs[0]
    assert (first.width, first.height) == (192, 108)
    assert len(await desk.workshop.keys(job)) == len(after.outputs)


@pytest.mark.parametrize("case", [case_of("heygen/video-translation"), case_of("fal/flux-schnell")], ids=str)
async def test_an_answer_that_is_lost_is_paid_once_whatever_becomes_of_the_job(desk_for, case: Case):
    desk = desk_for(case)
    desk.asked.fake.behaviour.die_after_accept = 1
    job = await desk.submit()

    after = await desk.until_it_ends(job)

    assert desk.asked.fake.paid == 1
    if case.fake == "heygen":
        assert after.status is Status.COMPLETED
    else:
        assert (after.status, after.error.code) == (Status.FAILED, "submission_unknown")


async def test_what_the_provider_charges_is_told_to_the_operator(desk_for):
    desk = desk_for(case_of("runway/gen4-turbo"))
    job = await desk.submit()

    with capture_logs() as lines:
        await desk.until_it_ends(job)

    (told,) = [line for line in lines if line["event"] == "provider.charged"]
    assert (told["job_id"], told["model"]) == (job.id, "runway/gen4-turbo")
    assert told["cost_usd"] > 0


@pytest.mark.parametrize("case", POLLED[:1], ids=str)
async def test_a_failure_there_is_the_jobs(desk_for, case: Case):
    desk = desk_for(case)
    desk.asked.fake.behaviour.fail = "nsfw"
    job = await desk.submit()

    after = await desk.until_it_ends(job)

    assert (after.status, after.error.code) == (Status.FAILED, "content_policy_violation")


async def test_what_one_provider_cannot_do_another_one_does(desk_for, ask: Ask):
    replicate, fal = case_of("replicate/black-forest-labs/flux-schnell"), case_of("fal/flux-schnell")
    spare, desk = ask(fal), desk_for(replicate)
    desk.asked.fake.behaviour.down = True
    job = await desk.submit(fallbacks=replicate.model.fallbacks)

    after = await desk.until_it_ends(job, fal.model)

    assert (after.status, desk.asked.fake.paid, spare.fake.paid) == (Status.COMPLETED, 0, 1)
    assert [attempt.model for attempt in after.attempts] == [replicate.model.id, fal.model.id]
