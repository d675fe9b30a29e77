"""Prices before a job is stored, and what plan and ceiling forbid: told by estimates, refused by submit."""

import json
from collections.abc import Iterator

import pytest

from reelwork.domain.tier import Tier
from testkit import pictures
from testkit.caller import Caller, Json, expect
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack

NOOP, FILM = "testkit/noop", "builtin/camera-move"
PRICES = {
    NOOP: {"amount": "0.01", "unit": "second", "by": ["seconds"]},
    FILM: {"base": "0.1", "amount": "0.02", "unit": "second", "by": ["duration_seconds"]},
}
OFTEN = {"requests_per_minute": 10_000_000}
TIERS = {
    Tier.FREE: OFTEN,
    Tier.DEVELOPER: OFTEN | {"max_duration_seconds": 3},
    Tier.PRO: OFTEN | {"batch_items": 2},
    Tier.ENTERPRISE: OFTEN,
}


@pytest.fixture(scope="module")
def stack(mongo_url: str, s3: S3Service) -> Iterator[Stack]:
    servers = Servers(mongo_url=mongo_url, s3=s3)
    with running_stack(servers, prices=json.dumps(PRICES), tiers=json.dumps(TIERS)) as running:
        yield running


@pytest.fixture(scope="module")
def owner(stack: Stack) -> Caller:
    return stack.owner


@pytest.fixture(scope="module")
def developer(stack: Stack) -> Caller:
    return stack.caller("developer", tier=Tier.DEVELOPER)


def estimate(caller: Caller, model: str = NOOP, *, job: Json | None = None, **values: object) -> Json:
    return expect(200, caller.http.post("/v1/jobs/estimate", json={"model": model, "input": values, **(job or {})}))


def film(caller: Caller, **values: object) -> Json:
    """A job's body."""
    return {"model": FILM, "input": {"image": caller.upload(pictures.picture())["id"], **values}}


def refused(caller: Caller, status: int, body: Json) -> Json:
    return expect(status, caller.http.post("/v1/jobs", json=body))


def test_a_model_tells_its_price_and_how_it_comes_about(owner: Caller):
    assert expect(200, owner.http.get(f"/v1/models/{FILM}"))["pricing"] == {
        "currency": "USD",
        "base": "0.1000",
        "amount": "0.0200",
        "unit": "second",
        "formula": "0.1000 + 0.0200 × duration_seconds",
    }
    assert expect(200, owner.http.get("/v1/models/builtin/landscape"))["pricing"]["formula"] == "0.0000"


@pytest.mark.parametrize(("values", "price"), [({}, "0.1800"), ({"duration_seconds": 10.25}, "0.3050")])
def test_an_estimate_tells_the_price_of_this_very_input(owner: Caller, values: Json, price: str):
    body = film(owner, **values)

    assert estimate(owner, FILM, **body["input"])["cost"] == {"currency": "USD", "estimated": price}


def test_a_job_that_would_cost_more_than_max_cost_is_refused_and_nothing_is_stored(owner: Caller, stack: Stack):
    before = stack.stored()

    problem = refused(owner, 402, {"model": NOOP, "input": {"seconds": 50.01}, "max_cost": "0.50"})

    assert (problem["code"], problem["errors"][0]["pointer"]) == ("max_cost_exceeded", "#/max_cost")
    assert problem["errors"][0]["detail"] == "At least 0.5001 for this job."
    assert not stack.added_since(before)


def test_a_job_that_costs_no_more_than_max_cost_is_taken(owner: Caller):
    job = owner.wait(owner.submit(seconds=0, job={"max_cost": "0"})["id"])

    assert job["status"] == "completed"
    assert job["cost"] == {
        "currency": "USD",
        "estimated": "0.0000",
        "reserved": "0.0000",
        "charged": "0.0000",
        "refunded": "0.0000",
    }


@pytest.mark.parametrize("wrong", ["-1", "1.00001", "a lot", "", 0.5, True, "1e3", "NaN", ["1"]])
def test_max_cost_is_a_text_with_at_most_four_decimal_places(owner: Caller, wrong: object):
    problem = refused(owner, 422, {"model": NOOP, "max_cost": wrong})

    assert problem["errors"][0]["pointer"] == "#/max_cost"


def test_a_film_longer_than_the_plan_allows_is_refused_naming_the_field(developer: Caller):
    problem = refused(developer, 403, film(developer, duration_seconds=3.5))

    assert problem["code"] == "insufficient_tier"
    assert "3 seconds at most" in problem["detail"]
    (error,) = problem["errors"]
    assert (error["pointer"], error["detail"]) == ("#/input/duration_seconds", "At most 3 seconds.")


def test_the_length_that_a_model_has_by_default_counts_too(developer: Caller):
    assert refused(developer, 403, film(developer))["errors"][0]["pointer"] == "#/input/duration_seconds"
    picture = {"file": ("cat.jpg", pictures.picture())}
    assert expect(403, developer.http.post("/api/v1/task", files=picture))["code"] == "insufficient_tier"


def test_an_estimate_tells_all_limits_at_once_instead_of_refusing(developer: Caller, stack: Stack):
    body = film(developer, duration_seconds=30)

    told = estimate(developer, FILM, job={"max_cost": "0.1"}, **body["input"])
    free = estimate(stack.caller("free", tier=Tier.FREE), seconds=1)

    assert told["cost"]["estimated"] == "0.7000"
    by_plan, by_cost = told["limits"][:2]
    assert (by_plan["limit"], by_plan["code"]) == ("plan", "insufficient_tier")
    assert (by_cost["limit"], by_cost["code"]) == ("max_cost", "max_cost_exceeded")
    problem = refused(developer, 403, body | {"max_cost": "0.1"})
    assert [by_plan[name] for name in ("detail", "hint", "errors")] == [
        problem[name] for name in ("detail", "hint", "errors")
    ]
    assert "plan" in [limit["limit"] for limit in free["limits"]]


def test_an_estimate_of_a_job_that_would_be_taken_names_no_limit(owner: Caller):
    assert estimate(owner, seconds=0)["limits"] == []


@pytest.mark.parametrize(
    ("tier", "items", "words"),
    [(Tier.FREE, 1, "no batches"), (Tier.DEVELOPER, 1, "no batches"), (Tier.PRO, 3, "2 items at most")],
)
def test_a_batch_larger_than_the_plan_allows_is_refused(stack: Stack, tier: Tier, items: int, words: str):
    caller = stack.caller(f"batches {tier}", tier=tier)

    problem = expect(403, caller.http.post("/v1/batches", json={"items": [{"model": NOOP}] * items}))

    assert (problem["code"], problem["errors"][0]["pointer"]) == ("insufficient_tier", "#/items")
    assert words in problem["detail"]


def test_a_batch_as_large_as_the_plan_allows_is_taken_and_tells_its_cost(stack: Stack):
    caller = stack.caller("batches pro", tier=Tier.PRO)

    batch = expect(202, caller.http.post("/v1/batches", json={"items": [{"model": NOOP}] * 2}))

    assert (batch["cost"]["estimated"], batch["cost"]["reserved"]) == ("0.0000", "0.0000")
    assert expect(200, caller.http.get(f"/v1/batches/{batch['id']}"))["cost"] == batch["cost"]


@pytest.mark.parametrize("mode", ["atomic", "partial"])
def test_items_that_are_all_too_dear_are_told_so_by_their_places(owner: Caller, mode: str):
    dear = {"input": {"seconds": 100}, "max_cost": "0.5"}
    body = {"defaults": {"model": NOOP}, "items": [dear, dear], "mode": mode}

    problem = expect(402, owner.http.post("/v1/batches", json=body))

    assert problem["code"] == "max_cost_exceeded"
    assert [error["pointer"] for error in problem["errors"]] == ["#/items/0/max_cost", "#/items/1/max_cost"]


def test_of_a_partial_batch_the_items_beyond_a_limit_are_rejected_and_the_others_taken(owner: Caller):
    dear = {"input": {"seconds": 100}, "max_cost": "0.5"}
    body = {"defaults": {"model": NOOP}, "items": [dear, {}, {"input": {"seconds": -1}}], "mode": "partial"}

    batch = expect(202, owner.http.post("/v1/batches", json=body))

    assert [(item["index"], item["code"]) for item in batch["rejected"]] == [
        (0, "max_cost_exceeded"),
        (2, "invalid_input"),
    ]
    assert expect(422, owner.http.post("/v1/batches", json=body | {"mode": "atomic"}))["code"] == "invalid_input"
