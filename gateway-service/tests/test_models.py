"""GET /v1/models: what can be made, and the form for it."""

from testkit.caller import Caller, expect


def test_every_model_of_the_worker_is_listed_by_name(owner: Caller):
    items = expect(200, owner.http.get("/v1/models"))["items"]

    names = [model["name"] for model in items]
    assert names == sorted(names)
    assert {"builtin/camera-move", "testkit/noop"} <= set(names)
    assert all(model["available"] for model in items)


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
