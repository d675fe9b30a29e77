"""A simulation where models have a price: it shows what the tiers refuse, not that its accounts are poor."""

import json
from collections.abc import Iterator

import pytest

from reelwork.domain.account import Scope
from reelwork.domain.tier import Tier
from testkit.caller import expect
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack

OFTEN = {"requests_per_minute": 10_000_000}
TIERS = {Tier.DEVELOPER: OFTEN | {"jobs_per_day": 5}, Tier.ENTERPRISE: OFTEN}
PRICES = {"testkit/noop": {"base": "0.1", "amount": "0.01", "unit": "second", "by": ["seconds"]}}


@pytest.fixture(scope="module")
def stack(mongo_url: str, s3: S3Service) -> Iterator[Stack]:
    servers = Servers(mongo_url=mongo_url, s3=s3)
    with running_stack(servers, tiers=json.dumps(TIERS), prices=json.dumps(PRICES)) as running:
        yield running


def test_a_simulation_with_priced_models_shows_what_the_tiers_refuse(stack: Stack):
    operator = stack.caller("simulators", scopes=frozenset(Scope))
    wanted = {"model": "testkit/noop", "requests": {"developer": 7, "enterprise": 6}}

    done = [expect(200, operator.http.post("/v1/admin/simulate", json=wanted)) for _ in range(2)]

    told = [{tier["tier"]: (tier["accepted"], tier["refused"]) for tier in one["tiers"]} for one in done]
    assert told[0] == {"developer": (5, {"quota_exceeded": 2}), "enterprise": (6, {})}
    assert told[1] == {"developer": (0, {"quota_exceeded": 7}), "enterprise": (6, {})}
    stack.check_books()
