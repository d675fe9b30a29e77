"""Rates of accounts: what is let through, what every answer tells of it, and how a refusal looks."""

import json
import re
import time
from collections.abc import Iterator

import httpx2 as httpx
import pytest

from reelwork.domain.account import Scope
from reelwork.domain.tier import Tier
from testkit import pictures
from testkit.caller import Caller, expect
from testkit.crowd import counted_at_once
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack

SUBMITS = 5  # of a developer, in a minute
TIERS = {"developer": {"requests_per_minute": SUBMITS}, "pro": {"requests_per_minute": 10}}
# Structured fields (RFC 9651): a list of strings with parameters.
POLICY = re.compile(r'"(?P<name>[a-z-]+)";q=(?P<q>\d+);w=(?P<w>\d+)')
LIMIT = re.compile(r'"(?P<name>[a-z-]+)";r=(?P<r>\d+);t=(?P<t>\d+)')
NOOP = {"model": "testkit/noop"}
HEAVY, TOO_HEAVY = "builtin/landscape", "simulated/image"
LAKE = {"model": HEAVY, "input": {"prompt": "A lake"}, "cache": "off"}
TERMS = {HEAVY: {"rate_units": 3}, TOO_HEAVY: {"rate_units": SUBMITS + 1}}

HUNDREDS = ["0100", "%2B100", "100.0", "1_00", "%20100"]  # a hundred, to whoever reads the query


@pytest.fixture(scope="module")
def limited(mongo_url: str, s3: S3Service) -> Iterator[Stack]:
    settings = {"tiers": json.dumps(TIERS), "model_terms": json.dumps(TERMS)}
    with running_stack(Servers(mongo_url=mongo_url, s3=s3), **settings) as stack:
        yield stack


@pytest.fixture
def developer(limited: Stack, request: pytest.FixtureRequest) -> Caller:
    """An account of the test's own."""
    return limited.caller(request.node.name, tier=Tier.DEVELOPER)


def told(answer: httpx.Response) -> tuple[str, int, int]:
    """What the answer says of the rate: its name, what remains, and the seconds until there is more.

    Everything that says the same in other words is held against it.
    """
    headers = answer.headers
    policy, limit = POLICY.fullmatch(headers["ratelimit-policy"]), LIMIT.fullmatch(headers["ratelimit"])
    assert policy is not None
    assert limit is not None
    assert policy["name"] == limit["name"]
    assert headers["x-ratelimit-limit"] == policy["q"]
    assert headers["x-ratelimit-window"] == policy["w"] == "60"
    assert headers["x-ratelimit-remaining"] == limit["r"]
    assert headers["x-ratelimit-policy"] == "sliding-window"
    assert abs(int(headers["x-ratelimit-reset"]) - time.time() - int(limit["t"])) < 30
    return limit["name"], int(limit["r"]), int(limit["t"])


def exhaust(caller: Caller) -> None:
    for _ in range(SUBMITS):
        caller.submit()


def test_what_remains_is_told_and_decreases(developer: Caller):
    answers = [developer.http.post("/v1/jobs", json=NOOP) for _ in range(SUBMITS)]

    assert [told(answer)[:2] for answer in answers] == [("submit", left) for left in reversed(range(SUBMITS))]
    assert all(0 < told(answer)[2] <= 60 for answer in answers)


def test_one_too_many_is_refused_with_the_seconds_to_wait(developer: Caller):
    exhaust(developer)

    refused = developer.http.post("/v1/jobs", json=NOOP)

    problem = expect(429, refused)
    assert (problem["code"], problem["retryable"], problem["limit"]) == ("rate_limited", True, SUBMITS)
    assert 0 < problem["retry_after"] <= 60
    assert refused.headers["retry-after"] == refused.headers["x-retry-after"] == str(problem["retry_after"])
    assert told(refused) == ("submit", 0, problem["retry_after"])


def test_other_kinds_of_requests_and_other_accounts_go_on(limited: Stack, developer: Caller):
    exhaust(developer)

    job_id = expect(200, developer.http.get("/v1/jobs"))["items"][0]["id"]
    developer.cancel(job_id)
    developer.upload(pictures.picture(size=(8, 8)))
    limited.caller("not the same", tier=Tier.DEVELOPER).submit()

    assert expect(429, developer.http.post("/v1/jobs", json=NOOP))["code"] == "rate_limited"


def test_two_keys_of_an_account_share_its_rate(limited: Stack, developer: Caller, request: pytest.FixtureRequest):
    exhaust(developer)

    another = limited.caller(request.node.name, tier=Tier.DEVELOPER)

    assert another.key != developer.key
    assert another.http.post("/v1/jobs", json=NOOP).status_code == 429


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/v1/jobs", 200, "read"),
        ("GET", "/v1/jobs/job_nope", 404, "read"),
        ("GET", "/v1/jobs?limit=x", 400, "read"),
        ("POST", "/v1/jobs", 422, "submit"),
        ("POST", "/v1/jobs/job_nope/cancel", 404, "manage"),
        ("POST", "/v1/assets", 422, "upload"),
        ("GET", "/v1/admin/workers", 403, "read"),
    ],
)
def test_every_answer_to_an_account_tells_its_standing(limited: Stack, method: str, path: str, status: int, kind: str):
    answer = limited.owner.http.request(method, path)

    assert answer.status_code == status
    assert told(answer)[0] == kind


def test_answers_that_routes_make_themselves_tell_it_too(limited: Stack):
    job = limited.owner.wait(limited.owner.submit("testkit/noop")["id"])
    asset = limited.owner.upload(pictures.picture(size=(8, 8)))

    with limited.owner.http.stream("GET", f"/v1/jobs/{job['id']}/events") as stream:
        assert told(stream)[0] == "read"
    assert told(limited.owner.http.get(f"/v1/assets/{asset['id']}/content"))[0] == "read"


def test_answers_to_nobody_tell_nothing(limited: Stack):
    for answer in (limited.owner.http.get("/healthz"), limited.with_key(None).http.get("/v1/jobs")):
        assert not [name for name in answer.headers if "ratelimit" in name]


def test_a_refused_request_uses_up_no_idempotency_key(limited: Stack, developer: Caller):
    exhaust(developer)

    refused = developer.http.post("/v1/jobs", json=NOOP, headers={"Idempotency-Key": "refused-once"})

    assert refused.status_code == 429
    with limited.documents() as database:
        assert database["idempotency"].count_documents({}) == 0


async def test_of_500_parallel_requests_at_a_limit_of_100_exactly_100_are_let_through(limited: Stack):
    caller = limited.caller("many", tier=Tier.PRO)

    answers = await counted_at_once([f"{limited.base_url}/v1/jobs"] * 500, key=caller.key)

    assert sorted(answer.status_code == 429 for answer in answers) == [False] * 100 + [True] * 400


def test_operators_see_what_is_used_and_left_without_counting(
    limited: Stack, developer: Caller, request: pytest.FixtureRequest
):
    admin = limited.caller("operators", scopes=frozenset({Scope.ADMIN}))
    developer.submit()
    expect(200, developer.http.get("/v1/jobs"))
    name = request.node.name

    page = expect(200, admin.http.get("/v1/admin/rate-limits?limit=100"))
    again = expect(200, admin.http.get("/v1/admin/rate-limits?limit=100"))

    assert page["limiter"] == {"storage": "memory", "status": "ok", "unchecked": 0}
    mine = next(item for item in page["items"] if item["name"] == name)
    assert mine == next(item for item in again["items"] if item["name"] == name)
    assert {rate["kind"]: (rate["limit"], rate["used"], rate["remaining"]) for rate in mine["rates"]} == {
        "submit": (SUBMITS, 1, SUBMITS - 1),
        "read": (SUBMITS * 10, 1, SUBMITS * 10 - 1),
        "manage": (SUBMITS, 0, SUBMITS),
        "upload": (SUBMITS, 0, SUBMITS),
    }


def test_the_list_of_rates_comes_in_pages_and_for_operators_only(limited: Stack):
    admin = limited.caller("operators", scopes=frozenset({Scope.ADMIN}))

    first = expect(200, admin.http.get("/v1/admin/rate-limits?limit=1"))
    second = expect(200, admin.http.get(f"/v1/admin/rate-limits?limit=1&cursor={first['next_cursor']}"))

    assert first["has_more"]
    assert first["items"][0]["account_id"] > second["items"][0]["account_id"]
    assert expect(400, admin.http.get("/v1/admin/rate-limits?cursor=job_1"))["code"] == "invalid_cursor"
    assert expect(403, limited.owner.http.get("/v1/admin/rate-limits"))["code"] == "scope_missing"
    assert limited.owner.key.split("_")[2] not in json.dumps([first, second])


@pytest.fixture
def pro(limited: Stack, request: pytest.FixtureRequest) -> Caller:
    return limited.caller(request.node.name, tier=Tier.PRO)


def batch(caller: Caller, jobs: int, **item: object) -> httpx.Response:
    return caller.http.post("/v1/batches", json={"items": [{**NOOP, **item} for _ in range(jobs)]})


def cost(answer: httpx.Response) -> tuple[int, int]:
    """What the request was charged, and what remains."""
    return int(answer.headers["x-ratelimit-cost"]), told(answer)[1]


def test_a_batch_counts_once_for_each_ten_of_its_jobs_all_or_nothing(pro: Caller):
    answers = [batch(pro, jobs) for jobs in (10, 55, 31, 30)]

    assert [answer.status_code for answer in answers] == [202, 202, 429, 202]
    assert [cost(answer) for answer in answers] == [(1, 9), (6, 3), (0, 3), (3, 0)]
    problem = expect(429, answers[2])
    assert "This one counts as 4." in problem["detail"]
    assert 0 < problem["retry_after"] <= 60


def test_a_batch_that_never_fits_is_refused_with_the_cure_and_not_for_now(pro: Caller):
    refused = batch(pro, 101)

    problem = expect(403, refused)
    assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [("#/items", "too_heavy")]
    assert "several smaller batches" in problem["hint"]
    assert cost(refused) == (1, 9), "like any request that is wrong"
    assert expect(200, pro.http.get("/v1/batches"))["items"] == []


def test_a_job_counts_as_its_model_says_and_takes_nothing_when_it_is_refused(developer: Caller):
    answers = [developer.http.post("/v1/jobs", json=body) for body in (LAKE, LAKE, NOOP)]

    assert [answer.status_code for answer in answers] == [202, 429, 202]
    assert [cost(answer) for answer in answers] == [(3, 2), (0, 2), (1, 1)]
    assert expect(200, developer.http.get(f"/v1/models/{HEAVY}"))["rate_units"] == 3
    assert len(expect(200, developer.http.get("/v1/jobs"))["items"]) == 2


def test_the_jobs_of_a_batch_weigh_in_it_as_they_do_alone(pro: Caller):
    assert cost(batch(pro, 20, **LAKE)) == (6, 4)


def test_a_job_too_heavy_for_the_plan_is_refused_by_its_model(developer: Caller):
    refused = developer.http.post("/v1/jobs", json={**LAKE, "model": TOO_HEAVY})

    assert expect(403, refused)["errors"][0]["pointer"] == "#/model"


def test_a_repeated_request_is_charged_for_the_asking_alone(developer: Caller):
    answers = [developer.http.post("/v1/jobs", json=LAKE, headers={"Idempotency-Key": "once"}) for _ in range(2)]

    assert [cost(answer) for answer in answers] == [(3, 2), (1, 1)]


@pytest.mark.parametrize(
    ("path", "units"),
    [
        ("/v1/jobs", 1),
        ("/v1/jobs?limit=50", 1),
        ("/v1/jobs?limit=51", 2),
        ("/v1/jobs?page=1&per_page=100", 2),
        ("/v1/jobs?expand=outputs.url", 2),
        ("/v1/assets?limit=100", 2),
        ("/v1/jobs?limit=100&expand=outputs.url", 10),
        *((f"/v1/jobs?limit={hundred}&expand=outputs.url", 10) for hundred in HUNDREDS),
        ("/v1/batches/batch_nope/outputs", 10),
        ("/v1/series/series_nope/export", 10),
    ],
)
def test_a_look_counts_as_what_it_reads_and_signs(developer: Caller, path: str, units: int):
    assert cost(developer.http.get(path)) == (units, SUBMITS * 10 - units)
