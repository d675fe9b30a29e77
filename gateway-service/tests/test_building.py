"""From a body to a job: what it costs is decided when it is built."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from gateway.auth import Caller
from gateway.services.building import JobBuilder
from gateway.services.inputs import InputChecker
from gateway.services.models import Catalogue
from gateway.services.webhooks.hooks import Hooks
from reelwork.contract.jobs import JobBody
from reelwork.domain.account import OWNERS_SCOPES, Account, ApiKey
from reelwork.domain.asset import Asset, AssetState, Purpose
from reelwork.domain.errors import InvalidInput
from reelwork.domain.ids import AccountId, new_account_id, new_asset_id, new_key_id
from reelwork.domain.job import Status
from reelwork.domain.price import FREE, Pricing
from reelwork.domain.tier import Plans, Tier
from reelwork.engine.cache import ResultCache, cache_key
from reelwork.fetch import Fetcher, FetchRules
from reelwork.generator import ModelCard
from reelwork.store.client import DatabaseClock
from testkit.models import Noop
from testkit.services import fresh_database
from testkit.world import World, an_output, new_job, open_world, terms

A_SECOND = Pricing(base=100, amount=10, unit="second", by=("seconds",))
CARD = ModelCard.of(Noop)


@pytest.fixture
def caller() -> Caller:
    now, owner = datetime.now(UTC), new_account_id()
    account = Account(id=owner, name="studio", tier=Tier.PRO, created_at=now)
    key = ApiKey(id=new_key_id(), account_id=owner, digest="", scopes=OWNERS_SCOPES, created_at=now)
    return Caller(account=account, key=key)


@pytest.fixture
async def world(mongo_url: str) -> AsyncIterator[World]:
    with fresh_database(mongo_url) as name:
        async with open_world(mongo_url, name) as opened:
            yield opened


def an_asset(account: AccountId) -> Asset:
    return Asset(
        id=new_asset_id(),
        account_id=account,
        state=AssetState.STAGED,
        purpose=Purpose.OUTPUT,
        key="nowhere",
        content_type="text/plain",
        filename="noop.txt",
        size_bytes=64,
        sha256="0" * 64,
        created_at=datetime.now(UTC),
    )


def builder(world: World, **prices: Pricing) -> JobBuilder:
    return JobBuilder(
        Catalogue(world.stores.models, {f"testkit/{name}": price for name, price in prices.items()}),
        InputChecker(world.stores),
        DatabaseClock(world.database),
        ResultCache(world.stores),
        Hooks(world.stores.webhooks, Fetcher(FetchRules())),
        max_attempts=3,
        retention_seconds=None,
        plans=Plans(),
    )


def noop(**values: Any) -> JobBody:
    return JobBody(model="testkit/noop", input=values)


async def test_a_job_costs_what_its_model_states(world: World, caller: Caller):
    await world.stores.models.publish(CARD.model_copy(update={"pricing": A_SECOND}))

    prices = [
        (await builder(world).build(caller, noop(**values), request_id="req")).price
        for values in ({}, {"seconds": 2}, {"seconds": 0.01})
    ]

    assert prices == [100, 120, 101]


async def test_the_installations_price_goes_before_the_models_own(world: World, caller: Caller):
    await world.stores.models.publish(CARD.model_copy(update={"pricing": A_SECOND}))

    dear = await builder(world, noop=Pricing(amount=5)).build(caller, noop(seconds=2), request_id="req")
    free = await builder(world, noop=FREE).build(caller, noop(seconds=2), request_id="req")

    assert (dear.price, free.price) == (5, 0)


async def test_what_the_cache_answers_costs_nothing(world: World, caller: Caller):
    await world.stores.models.publish(CARD.model_copy(update={"pricing": A_SECOND}))
    values, now = {"seconds": 2, "seed": 1}, datetime.now(UTC)
    made = an_asset(caller.account.id)
    await world.stores.assets.stage(made)
    await world.stores.assets.commit([made.id])
    equal = new_job(
        terms(caller.account.id),
        status=Status.COMPLETED,
        completed_at=now,
        cache_key=cache_key(CARD, values, seed=1, digests={}),
        outputs=(an_output(asset=made.id),),
    )
    await world.stores.jobs.insert(equal)

    hit = await builder(world).build(caller, noop(**values), request_id="req")
    run = await builder(world).build(caller, noop(**values).model_copy(update={"cache": "off"}), request_id="req")

    assert (run.job.status, run.price) == (Status.QUEUED, 120)
    assert (hit.job.source_job_id, hit.price) == (equal.id, 0)


async def test_a_price_by_a_parameter_that_may_be_missing_is_told_to_the_operator_once(world: World):
    await world.stores.models.publish(CARD)
    catalogue = Catalogue(world.stores.models, {"testkit/noop": Pricing(amount=5, by=("nothing",))})

    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            catalogue._read_at = -1e9
            await catalogue.all()

    assert [(line["event"], line["parameters"]) for line in logs] == [("price.parameter_uncertain", ["nothing"])]


async def test_each_version_is_held_to_its_own_schema(world: World, caller: Caller):
    strict = {**CARD.input_schema, "required": ["size_bytes"]}
    await world.stores.models.publish(CARD)
    await world.stores.models.publish(CARD.model_copy(update={"version": "2", "input_schema": strict}))
    builds = builder(world)

    for _ in range(2):
        assert (await builds.build(caller, JobBody(model="testkit/noop@1"), request_id="req")).job.model_version == "1"
        with pytest.raises(InvalidInput) as refused:
            await builds.build(caller, JobBody(model="testkit/noop"), request_id="req")
        assert [fault.pointer for fault in refused.value.errors] == ["#/input/size_bytes"]


async def test_a_job_is_built_for_the_newest_version_unless_it_names_another(world: World, caller: Caller):
    for version in ("9", "10"):
        await world.stores.models.publish(CARD.model_copy(update={"version": version}))

    built = [
        (await builder(world).build(caller, JobBody(model=f"testkit/noop{version}"), request_id="req")).job
        for version in ("", "@latest", "@9")
    ]

    assert [(job.model, job.model_version) for job in built] == [("testkit/noop", v) for v in ("10", "10", "9")]
