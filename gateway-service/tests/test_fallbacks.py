"""Which models may stand in for another one: what the owner names is checked, what the model names has to fit."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.auth import Caller
from gateway.services.fallbacks import Fallbacks
from gateway.services.inputs import InputChecker
from gateway.services.models import Catalogue
from reelwork.contract.jobs import JobBody
from reelwork.domain.account import OWNERS_SCOPES, Account, ApiKey
from reelwork.domain.errors import InvalidInput, ModelNotFound, PermissionDenied
from reelwork.domain.ids import new_account_id, new_key_id
from reelwork.domain.tier import Tier
from reelwork.generator import ModelCard
from testkit.acme_models import Backed, Picture, Spare
from testkit.models import Noop
from testkit.services import fresh_database
from testkit.world import open_world

NARROW = ModelCard.of(Picture).model_copy(
    update={"name": "narrow/picture", "input_schema": {"type": "object", "additionalProperties": False}}
)
OTHER_TASK = ModelCard.of(Picture).model_copy(update={"name": "other/film", "task": "text-to-video"})
CARDS = [*(ModelCard.of(model) for model in (Backed, Picture, Spare, Noop)), NARROW, OTHER_TASK]
BACKED = ModelCard.of(Backed)


@pytest.fixture(scope="module")
async def fallbacks(mongo_url: str) -> Any:
    with fresh_database(mongo_url) as name:
        async with open_world(mongo_url, name) as world:
            for card in CARDS:
                await world.stores.models.publish(card)
            yield Fallbacks(Catalogue(world.stores.models, {}), InputChecker(world.stores))


def caller(*models: str) -> Caller:
    now, owner = datetime.now(UTC), new_account_id()
    account = Account(id=owner, name="studio", tier=Tier.PRO, created_at=now)
    key = ApiKey(id=new_key_id(), account_id=owner, digest="", scopes=OWNERS_SCOPES, created_at=now, models=models)
    return Caller(account=account, key=key)


def body(fallback: Any, **values: Any) -> JobBody:
    return JobBody(model=Backed.id, input={"prompt": "a fox"} | values, fallback=fallback)


@pytest.mark.parametrize(
    ("fallback", "route"),
    [("never", ()), ("auto", (Spare.id,)), ([Picture.id, Spare.id], (Picture.id, Spare.id))],
)
async def test_the_owner_says_who_may_do_it(fallbacks: Fallbacks, fallback: Any, route: tuple[str, ...]):
    assert await fallbacks.of(caller(), body(fallback), BACKED) == route


@pytest.mark.parametrize(
    ("named", "pointer", "code"),
    [
        ([Backed.id], "#/fallback/0", "not_a_fallback"),
        ([Spare.id, Spare.id], "#/fallback/1", "not_a_fallback"),
        ([Spare.id, "other/film"], "#/fallback/1", "not_a_fallback"),
        ([Noop.id], "#/fallback/0", "not_a_fallback"),
        (["narrow/picture"], "#/fallback/0", "other_input"),
    ],
)
async def test_one_that_cannot_stand_in_is_refused_by_its_place(
    fallbacks: Fallbacks, named: list[str], pointer: str, code: str
):
    with pytest.raises(InvalidInput) as refused:
        await fallbacks.of(caller(), body(named), BACKED)

    (error,) = refused.value.errors
    assert (error.pointer, error.code) == (pointer, code)


async def test_one_that_nobody_knows_is_not_found_by_its_place(fallbacks: Fallbacks):
    with pytest.raises(ModelNotFound) as refused:
        await fallbacks.of(caller(), body(["acme/gone"]), BACKED)

    assert refused.value.errors[0].pointer == "#/fallback/0"


async def test_a_key_that_is_bound_to_models_is_bound_here_too(fallbacks: Fallbacks):
    bound = caller(Backed.id)

    assert await fallbacks.of(bound, body("auto"), BACKED) == ()
    with pytest.raises(PermissionDenied):
        await fallbacks.of(bound, body([Spare.id]), BACKED)


async def test_what_a_model_names_itself_is_left_out_where_it_does_not_fit(fallbacks: Fallbacks):
    card = BACKED.model_copy(update={"fallbacks": ("acme/gone", "narrow/picture", "other/film", Spare.id)})

    assert await fallbacks.of(caller(), body("auto"), card) == (Spare.id,)
