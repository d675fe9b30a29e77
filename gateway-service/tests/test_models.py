"""GET /v1/models: what can be made, and the form for it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from reelwork.domain.lifecycle import Lifecycle
from reelwork.domain.tier import Tier
from reelwork.generator import ModelCard
from reelwork.store.models import Models
from testkit.caller import Caller, Json, expect
from testkit.models import Noop
from testkit.stack import Stack
from testkit.waiting import until

ENDS = Lifecycle(
    deprecated_at=datetime(2026, 1, 1, tzinfo=UTC),
    sunset_at=datetime(2999, 5, 4, tzinfo=UTC),
    replacement="testkit/noop",
)
ENDED = Lifecycle(sunset_at=datetime(2026, 1, 1, tzinfo=UTC), replacement="testkit/noop")


@pytest.fixture(scope="module")
def aging(stack: Stack, owner: Caller) -> None:
    """Models of a worker that is gone: one on its way out, one that is retired, one for high plans."""
    card = ModelCard.of(Noop)
    cards = [
        card.model_copy(update={"name": "test/aging", "lifecycle": ENDS}),
        card.model_copy(update={"name": "test/ended", "lifecycle": ENDED, "aliases": ("the-old-one",)}),
        card.model_copy(update={"name": "test/costly", "min_tier": Tier.ENTERPRISE}),
    ]

    async def publish(database):
        for each in cards:
            await Models(database).publish(each)

    stack.on_database(publish)
    until(lambda: owner.http.get("/v1/models/test/costly").status_code == 200)


def test_every_model_of_the_worker_is_listed_by_name(owner: Caller):
    items = expect(200, owner.http.get("/v1/models"))["items"]

    names = [model["name"] for model in items]
    assert names == sorted(names)
    assert {"builtin/camera-move", "testkit/noop"} <= set(names)
    assert all(model["available"] for model in items)


def test_the_list_comes_in_pages_for_whoever_wants_them(owner: Caller):
    whole = expect(200, owner.http.get("/v1/models"))

    pages: list[Json] = [expect(200, owner.http.get("/v1/models?limit=2"))]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(expect(200, owner.http.get("/v1/models", params={"limit": 2, "cursor": cursor})))

    names = [item["name"] for page in pages for item in page["items"]]
    assert names == sorted(names) == [item["name"] for item in whole["items"]]
    assert {len(page["items"]) for page in pages[:-1]} == {2}
    assert [page["has_more"] for page in pages] == [True] * (len(pages) - 1) + [False]
    assert (whole["next_cursor"], whole["has_more"]) == (None, False)


@pytest.mark.parametrize(
    ("query", "place"), [("limit=0", "?limit"), ("limit=101", "?limit"), ("cursor=job_1", "?cursor")]
)
def test_a_page_of_models_that_there_is_not_is_refused_by_name(owner: Caller, query: str, place: str):
    assert expect(400, owner.http.get(f"/v1/models?{query}"))["errors"][0]["pointer"] == place


def test_a_model_is_found_by_its_name_which_contains_a_slash(owner: Caller):
    model = expect(200, owner.http.get("/v1/models/builtin/camera-move"))

    assert (model["name"], model["task"], model["produces"]) == ("builtin/camera-move", "image-to-video", ["video/mp4"])
    assert model["input_schema"]["properties"]["image"]["format"] == "asset"
    assert model["is_ai"] is False


def test_a_model_may_be_named_with_its_version(owner: Caller):
    for version in ("1", "latest"):
        assert expect(200, owner.http.get(f"/v1/models/testkit/noop@{version}"))["version"] == "1"


def test_a_version_that_is_not_there_names_the_one_that_is(owner: Caller):
    problem = expect(404, owner.http.get("/v1/models/testkit/noop@7"))

    assert problem["code"] == "model_not_found"
    assert "its version is 1" in problem["detail"]


def test_an_unknown_model_says_where_the_known_ones_are(owner: Caller):
    for name in ("nope", "builtin/nope", "builtin%2Fnope", "a/b/c/d", "x" * 5000, "%00", "@", "builtin/"):
        problem = expect(404, owner.http.get(f"/v1/models/{name}"))

        assert problem["code"] == "model_not_found"
        assert "GET /v1/models" in problem["hint"]
        assert len(problem["detail"]) < 300


def test_the_examples_of_a_model_can_be_submitted_as_they_are(owner: Caller):
    model = expect(200, owner.http.get("/v1/models/testkit/noop"))

    for example in model["examples"]:
        job = owner.submit("testkit/noop", **example["input"])
        owner.cancel(job["id"])
        assert owner.wait(job["id"])["is_terminal"]


def test_a_model_tells_its_versions_limits_and_who_may_use_it(owner: Caller):
    model = expect(200, owner.http.get("/v1/models/builtin/camera-move"))

    assert (model["versions"], model["aliases"]) == ([model["version"]], [])
    assert model["lifecycle"] == {"status": "active", "deprecated_at": None, "sunset_at": None, "replacement": None}
    assert model["limits"]["max_input_bytes"] == 32 * 1024 * 1024
    longest = model["input_schema"]["properties"]["duration_seconds"]["maximum"]
    assert model["limits"]["max_duration_seconds"] == longest
    assert model["min_tier"] == "developer", "free accounts run no jobs"
    tiers = {tier["tier"]: tier["max_duration_seconds"] for tier in model["limits"]["by_tier"]}
    assert tiers == {"developer": min(30, longest), "pro": min(120, longest), "enterprise": min(300, longest)}


def test_a_model_tells_how_it_has_been_doing(owner: Caller):
    def stats():
        return expect(200, owner.http.get("/v1/models/testkit/noop"))["stats"]

    owner.wait(owner.submit("testkit/noop", seconds=0.04)["id"])
    until(lambda: stats()["success_rate_24h"] is not None)

    found = stats()
    assert 0 < found["p50_run_seconds"] <= found["p90_run_seconds"]
    assert found["p50_queue_seconds"] >= 0
    assert 0 < found["success_rate_24h"] <= 1
    assert found["warm_workers"] == 1


def test_a_version_has_an_address_of_its_own(owner: Caller):
    assert expect(200, owner.http.get("/v1/models/testkit/noop/versions/1"))["version"] == "1"
    assert expect(404, owner.http.get("/v1/models/testkit/noop/versions/7"))["code"] == "model_not_found"


@pytest.fixture
def away(stack: Stack, owner: Caller) -> Iterator[str]:
    """A model whose last worker was heard of an hour ago."""
    card = ModelCard.of(Noop).model_copy(update={"name": "test/away"})

    async def publish(database):
        await Models(database).publish(card)
        await database["models"].update_one(
            {"_id": card.reference}, [{"$set": {"seen_at": {"$subtract": ["$$NOW", 3_600_000]}}}]
        )

    async def remove(database):
        await database["models"].delete_one({"_id": card.reference})

    stack.on_database(publish)
    until(lambda: owner.http.get(f"/v1/models/{card.name}").status_code == 200)
    yield card.name
    stack.on_database(remove)


def test_whoever_submits_to_a_model_that_no_worker_has_is_told(owner: Caller, away: str):
    shown = expect(200, owner.http.get(f"/v1/models/{away}"))
    job = expect(202, owner.http.post("/v1/jobs", json={"model": away, "input": {}}))
    ended = expect(200, owner.http.post(f"/v1/jobs/{job['id']}/cancel"))

    assert (shown["available"], shown["stats"]["warm_workers"]) == (False, 0)
    (warning,) = job["warnings"]
    assert (warning["code"], warning["replacement"]) == ("model_unavailable", None)
    assert "No worker runs test/away@1 at the moment" in warning["detail"]
    assert ended["warnings"] == [], "it waits for nobody any more"


@pytest.mark.usefixtures("aging")
def test_every_answer_about_a_job_of_a_model_on_its_way_out_says_so(owner: Caller):
    job = owner.http.post("/v1/jobs", json={"model": "test/aging", "input": {}})
    path = f"/v1/jobs/{expect(202, job)['id']}"
    listed = owner.http.get("/v1/jobs", params={"model": "test/aging"})
    answers = [job, owner.http.get(path), owner.http.post(f"{path}/cancel"), owner.http.delete(path)]

    for answer in [*answers, owner.http.get("/v1/models/test/aging")]:
        told = [answer.headers[name] for name in ("Deprecation", "Sunset", "Link")]
        assert told[:2] == ["@1767225600", "Sat, 04 May 2999 00:00:00 GMT"]
        assert told[2] == '</v1/models/testkit/noop>; rel="successor-version"'
    for view in [*(answer.json() for answer in answers), *expect(200, listed)["items"]]:
        (warning,) = view["warnings"]
        assert (warning["code"], warning["replacement"]) == ("model_deprecated", "testkit/noop")
        assert "test/aging@1 is deprecated and takes no jobs from 2999-05-04 on" in warning["detail"]


def test_a_job_of_any_other_model_has_no_warnings(owner: Caller):
    answer = owner.http.post("/v1/jobs", json={"model": "testkit/noop", "input": {}})

    assert expect(202, answer)["warnings"] == []
    assert "Deprecation" not in answer.headers


@pytest.mark.usefixtures("aging")
@pytest.mark.parametrize("name", ["test/ended", "test/ended@1", "the-old-one"])
def test_a_retired_model_takes_no_jobs_and_names_its_replacement(owner: Caller, name: str):
    problem = expect(410, owner.http.post("/v1/jobs", json={"model": name, "input": {}}))

    assert (problem["code"], problem["hint"]) == ("model_retired", "Use testkit/noop.")
    assert problem["errors"][0]["pointer"] == "#/model"


@pytest.mark.usefixtures("aging")
def test_a_model_of_a_higher_plan_is_refused_and_estimates_say_so(stack: Stack):
    caller = stack.caller("modest", tier=Tier.PRO)
    body = {"model": "test/costly", "input": {}}

    problem = expect(403, caller.http.post("/v1/jobs", json=body))
    assert (problem["code"], problem["errors"][0]["code"]) == ("insufficient_tier", "not_in_plan")
    assert "enterprise" in problem["hint"]
    assert [limit["limit"] for limit in expect(200, caller.http.post("/v1/jobs/estimate", json=body))["limits"]] == [
        "plan"
    ]
    assert expect(200, caller.http.get("/v1/jobs"))["items"] == []


@pytest.mark.usefixtures("aging")
def test_a_key_that_is_bound_to_models_gains_nothing_by_other_names(made):
    bound = made(models=["builtin/*"])

    for name in ("the-old-one", "test/aging", "testkit/noop@1"):
        assert (
            expect(403, bound.http.post("/v1/jobs", json={"model": name, "input": {}}))["code"] == "permission_denied"
        )
