"""Versions, other names, and the end of a model: by what models state, and by what the installation says."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from gateway.services import models
from gateway.services.models import Catalogue
from gateway.settings import GatewaySettings
from reelwork.domain.errors import ModelNotFound, ModelRetired
from reelwork.domain.lifecycle import Lifecycle
from reelwork.domain.policy import HouseRules, ModelPolicy
from reelwork.generator import ModelCard
from testkit.models import Noop
from testkit.services import fresh_database
from testkit.world import World, hire, new_job, open_world, terms

CARD = ModelCard.of(Noop)
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
ENDED = Lifecycle(deprecated_at=NOW - 2 * DAY, sunset_at=NOW - DAY, replacement="testkit/noop")


@pytest.fixture(scope="module")
async def opened(mongo_url: str) -> AsyncIterator[World]:
    with fresh_database(mongo_url) as name:
        async with open_world(mongo_url, name) as world:
            yield world


@pytest.fixture
async def world(opened: World) -> World:
    await opened.clear(["models", "workers"])
    return opened


async def publish(world: World, **cards: dict) -> None:
    """By version, what differs."""
    for version, changes in cards.items():
        card = CARD.model_copy(update={"version": version.removeprefix("v"), **changes})
        await world.stores.models.publish(card)


def catalogue(world: World, **rules) -> Catalogue:
    return Catalogue(world.stores.models, {}, HouseRules(**rules))


async def test_of_several_versions_a_model_shows_the_newest_that_has_a_worker(world: World):
    await publish(world, v1={}, v2={}, v3={})
    past = {"$set": {"seen_at": NOW - timedelta(minutes=10)}}
    await world.database["models"].update_one({"_id": "testkit/noop@3"}, past)

    found = catalogue(world)

    assert [listing.card.version for listing in await found.all()] == ["2"]
    assert [listing.card.version for listing in await found.versions("testkit/noop")] == ["3", "2", "1"]
    assert (await found.get("testkit/noop@3")).available is False


async def test_whether_a_worker_has_a_jobs_model_is_not_older_than_the_rest_of_the_catalogue(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await publish(world, v1={})
    await world.database["models"].update_one({}, {"$set": {"seen_at": NOW - timedelta(minutes=10)}})
    found, job = catalogue(world), new_job(terms())
    assert not await found.runs(job)

    await publish(world, v1={})
    monkeypatch.setattr(models, "CACHE_SECONDS", 0.0)  # so long ago was that

    assert await found.runs(job)


async def test_workers_that_have_a_version_are_counted(world: World):
    await publish(world, v1={}, v2={})
    await hire(world, places=4)

    workers = {each.card.version: each.workers for each in await catalogue(world).versions("testkit/noop")}

    assert workers == {"1": 1, "2": 0}


async def test_another_name_leads_to_the_model_and_to_its_versions(world: World):
    await publish(world, v1={}, v2={"aliases": ("dream-machine", "dummy")})
    found = catalogue(world, aliases={"pinned": "testkit/noop@1", "dummy": "testkit/noop@1"})

    names = ("dream-machine", "dream-machine@1", "dream-machine@latest", "pinned", "pinned@latest", "dummy")
    versions = [(await found.get(name)).card.version for name in names]

    assert versions == ["2", "1", "2", "1", "1", "1"]
    assert await found.aliases_of("testkit/noop") == ["dream-machine", "dummy", "pinned"]
    with pytest.raises(ModelNotFound, match="its versions are 2, 1"):
        await found.get("pinned@2")


async def test_a_name_that_stands_for_nothing_is_unknown(world: World):
    with pytest.raises(ModelNotFound, match="no model 'dream-machine'"):
        await catalogue(world, aliases={"dream-machine": "testkit/noop"}).get("dream-machine")


async def test_a_retired_version_takes_no_jobs_and_names_what_does(world: World):
    await publish(world, v1={"lifecycle": ENDED}, v2={})
    found = catalogue(world)

    assert (await found.usable("testkit/noop")).card.version == "2"
    assert (await found.get("testkit/noop@1")).card.lifecycle == ENDED
    with pytest.raises(ModelRetired) as refused:
        await found.usable("testkit/noop@1", pointer="#/model")
    assert (refused.value.hint, refused.value.errors[0].pointer) == ("Use testkit/noop.", "#/model")


async def test_a_retired_version_is_what_nobody_gets_who_names_none(world: World):
    await publish(world, v1={}, v2={"lifecycle": ENDED})

    assert (await catalogue(world).usable("testkit/noop")).card.version == "1"


async def test_a_model_that_is_long_gone_still_says_what_to_use_instead(world: World):
    found = catalogue(world, policies={"acme/old": ModelPolicy(lifecycle=ENDED)}, aliases={"old": "acme/old"})

    for name in ("acme/old", "acme/old@3", "old"):
        with pytest.raises(ModelRetired, match="takes no more jobs since"):
            await found.usable(name)


async def test_the_installation_speaks_before_the_model_and_of_a_version_before_all_versions(
    world: World,
):
    soon = Lifecycle(sunset_at=NOW + DAY)
    later = Lifecycle(sunset_at=NOW + 2 * DAY)
    await publish(world, v1={"lifecycle": ENDED}, v2={"lifecycle": ENDED})
    policies = {"testkit/noop": ModelPolicy(lifecycle=later), "testkit/noop@1": ModelPolicy(lifecycle=soon)}

    found = catalogue(world, policies=policies)

    assert [each.card.lifecycle for each in await found.versions("testkit/noop")] == [later, soon]


def settings(**changed) -> GatewaySettings:
    urls = {"mongo_url": "mongodb://m", "broker_url": "amqp://b", "s3_endpoint_url": "http://s3"}
    return GatewaySettings(**urls, s3_access_key="a", s3_secret_key="s", **changed)


def test_settings_name_what_is_wrong_with_a_model_s_life_or_name():
    with pytest.raises(ValidationError, match="cannot end before it is deprecated"):
        settings(model_terms={"a/b": {"deprecated_at": "2027-02-01T00:00:00Z", "sunset_at": "2027-01-01T00:00:00Z"}})
    with pytest.raises(ValidationError, match="timezone"):
        settings(model_terms={"a/b": {"sunset_at": "2027-01-01T00:00:00"}})
    for aliases in ({"with/slash": "a/b"}, {"dream": "no-model"}):
        with pytest.raises(ValidationError, match="REELWORK_MODEL_ALIASES"):
            settings(model_aliases=aliases)
