"""Three gateways on one Valkey: they count as one, and go on without counting while it is away."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import httpx2 as httpx
import pytest

from reelwork.domain.account import Scope
from reelwork.domain.tier import Tier
from reelwork.generator import ModelCard
from reelwork.store.models import Models
from testkit.caller import Caller, expect
from testkit.crowd import counted_at_once
from testkit.models import Noop
from testkit.services import S3Service, UrlService, running_valkey
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until

pytestmark = pytest.mark.slow

READS = 100
FAILURES = 4
PATIENCE = 1.0  # where tests take all of the machine, a Valkey that is well may be silent for a while
TIERS = {"pro": {"requests_per_minute": READS // 10}}


@pytest.fixture(scope="module")
def three(mongo_url: str, s3: S3Service, amqp_url: str) -> Iterator[tuple[Stack, UrlService, list[str]]]:
    with (
        running_valkey() as valkey,
        running_stack(
            Servers(mongo_url=mongo_url, s3=s3, amqp_url=amqp_url),
            workers=0,
            redis_url=valkey.url,
            tiers=json.dumps(TIERS),
            failed_logins_per_minute=FAILURES,
            limiter_patience_seconds=PATIENCE,
        ) as stack,
    ):
        yield stack, valkey, [stack.base_url, stack.start_gateway(), stack.start_gateway()]


async def test_of_500_parallel_requests_to_three_gateways_exactly_100_are_let_through(
    three: tuple[Stack, UrlService, list[str]],
):
    stack, _, addresses = three
    caller = stack.caller("many", tier=Tier.PRO)

    urls = [f"{address}/v1/jobs" for address in islice(cycle(addresses), 500)]
    answers = await counted_at_once(urls, key=caller.key)

    assert sorted(answer.status_code == 429 for answer in answers) == [False] * READS + [True] * 400


def test_batches_at_three_gateways_take_all_their_units_or_none(three: tuple[Stack, UrlService, list[str]]):
    stack, _, addresses = three
    stack.on_database(lambda database: Models(database).publish(ModelCard.of(Noop)))
    caller = stack.caller("batches", tier=Tier.PRO)
    body = {"items": [{"model": "testkit/noop"}] * 31}  # four of ten units

    def submit(address: str) -> int:
        return caller.http.post(f"{address}/v1/batches", json=body).status_code

    with ThreadPoolExecutor(max_workers=9) as pool:
        at_once = list(pool.map(submit, addresses * 3))
    afterwards = [submit(address) for address in addresses]
    statuses = [*at_once, *afterwards]

    assert statuses.count(202) == 2
    assert statuses.count(429) == len(statuses) - 2
    plain = caller.http.post(f"{addresses[1]}/v1/jobs", json={"model": "testkit/noop"})
    assert expect(202, plain)
    assert (plain.headers["x-ratelimit-cost"], plain.headers["x-ratelimit-remaining"]) == ("1", "1")


def test_a_gateway_learns_of_wrong_keys_at_another_with_the_first_of_its_own(
    three: tuple[Stack, UrlService, list[str]],
):
    stack, _, (first, second, _) = three
    wrong = stack.owner.key[:-8] + "00000000"

    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.9"), headers={"X-API-Key": wrong}) as client:
        at_first = [client.get(f"{first}/v1/jobs").status_code for _ in range(FAILURES)]
        at_second = [client.get(f"{second}/v1/jobs").status_code for _ in range(2)]

    assert at_first == [401] * FAILURES
    assert at_second == [429] * 2


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_without_valkey_everybody_is_served_uncounted_and_afterwards_counted_again(
    three: tuple[Stack, UrlService, list[str]], fault: str
):
    stack, valkey, _ = three
    caller, admin = stack.caller(fault, tier=Tier.PRO), stack.caller("operators", scopes=frozenset({Scope.ADMIN}))
    assert left(caller) == READS - 1

    getattr(valkey, fault)()
    without = [caller.http.get("/v1/jobs") for _ in range(READS * 2)]
    report, rates = caller.http.get("/readyz"), admin.http.get("/v1/admin/rate-limits")
    valkey.start() if fault == "kill" else valkey.resume()

    assert {answer.status_code for answer in without} == {200}
    assert {answer.headers.get("ratelimit") for answer in without} == {None}
    assert {answer.headers["ratelimit-policy"] for answer in without} == {f'"read";q={READS};w=60'}
    assert expect(200, report)["status"] == "degraded"
    assert report.json()["components"]["limiter"]["status"] == "down"
    limiter = expect(200, rates)["limiter"]
    assert (limiter["storage"], limiter["status"]) == ("shared", "down")
    assert limiter["unchecked"] >= READS * 2
    assert '"limiter.down"' in stack.gateway.log.read_text()
    until(lambda: left(caller) is not None)
    assert (left(caller) or 0) < READS - 1  # what was counted before is not forgotten
    assert expect(200, caller.http.get("/readyz"))["status"] == "ready"


def left(caller: Caller) -> int | None:
    """What remains after one more request."""
    told = caller.http.get("/v1/jobs").headers.get("x-ratelimit-remaining")
    return int(told) if told is not None else None
