"""Saved series: made, added to once, read back to the number, and filtered by jobs that name them."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from testkit.caller import Caller, Json, expect
from testkit.stack import Stack

UNKNOWN = f"ser_{'0' * 26}"


@pytest.fixture
def series(owner: Caller, request: pytest.FixtureRequest) -> Json:
    """A series with three points."""
    body = {"name": request.node.name, "values": [1.0, None, 2.5]}
    return expect(201, owner.http.post("/v1/series", json=body))


def add(caller: Caller, series: Json, values: list, **headers: str):
    return caller.http.post(series["urls"]["points"], json={"values": values}, headers=headers)


def exported(caller: Caller, series: Json) -> list:
    return expect(200, caller.http.get(series["urls"]["export"]))["values"]


def test_a_series_is_made_listed_and_read(owner: Caller, series: Json):
    assert (series["length"], series["observables"]) == (3, 1)
    assert expect(200, owner.http.get(series["urls"]["self"])) == series
    listed = expect(200, owner.http.get("/v1/series", params={"limit": 1}))["items"]
    assert (listed[0]["id"], listed[0]["length"]) == (series["id"], 3)


def test_pages_follow_each_other(stack: Stack):
    caller = stack.caller("series in pages")
    made = [expect(201, caller.http.post("/v1/series", json={"name": f"{n}"}))["id"] for n in range(3)]

    first = expect(200, caller.http.get("/v1/series", params={"limit": 2}))
    second = expect(200, caller.http.get("/v1/series", params={"limit": 2, "cursor": first["next_cursor"]}))

    assert [item["id"] for page in (first, second) for item in page["items"]] == made[::-1]
    assert (first["has_more"], second["has_more"]) == (True, False)


def test_a_series_is_found_by_its_name_among_ones_own(owner: Caller, stranger: Caller, series: Json):
    def named(caller: Caller, name: str) -> list[Json]:
        page = expect(200, caller.http.get("/v1/series", params={"name": name}))
        assert page["has_more"] is False
        return page["items"]

    assert named(owner, series["name"]) == [series]
    assert named(owner, series["name"] + " ") == []
    assert named(stranger, series["name"]) == []
    assert expect(400, owner.http.get("/v1/series", params={"name": ""}))["errors"][0]["pointer"] == "?name"


def test_a_name_is_there_once_in_an_account_and_free_again_when_it_is_deleted(
    owner: Caller, stranger: Caller, series: Json
):
    body = {"name": series["name"]}

    refused = expect(409, owner.http.post("/v1/series", json=body))
    expect(201, stranger.http.post("/v1/series", json=body))
    assert owner.http.delete(series["urls"]["self"]).status_code == 204

    assert (refused["code"], refused["errors"][0]["pointer"]) == ("series_exists", "#/name")
    expect(404, owner.http.get(series["urls"]["self"]))
    assert expect(201, owner.http.post("/v1/series", json=body))["length"] == 0


def test_points_come_behind_those_that_are_there(owner: Caller, series: Json):
    grown = expect(200, add(owner, series, [3, None, 4.25]))

    assert grown["length"] == 6
    assert exported(owner, series) == [1.0, None, 2.5, 3.0, None, 4.25]


def test_adding_no_points_changes_nothing(owner: Caller, series: Json):
    before = expect(200, owner.http.get(series["urls"]["self"]))

    assert expect(200, add(owner, series, [])) == before


def test_the_same_request_adds_once(owner: Caller, series: Json):
    answers = [add(owner, series, [7.0], **{"Idempotency-Key": "seven"}) for _ in range(3)]

    assert len({answer.content for answer in answers}) == 1
    assert [answer.headers.get("idempotency-replayed") for answer in answers] == [None, "true", "true"]
    assert exported(owner, series) == [1.0, None, 2.5, 7.0]


def test_many_at_once_lose_nothing_and_tear_nothing_apart(owner: Caller, series: Json):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: add(owner, series, [float(n)] * 1500), range(16)))

    values = exported(owner, series)[3:]
    runs = [values[at : at + 1500] for at in range(0, len(values), 1500)]
    assert sorted(expect(200, answer)["length"] for answer in answers) == [3 + 1500 * n for n in range(1, 17)]
    assert all(len(set(run)) == 1 for run in runs)
    assert {run[0] for run in runs} == {float(n) for n in range(16)}


def test_an_export_is_imported_and_csv_has_the_same_numbers(owner: Caller, stranger: Caller):
    rows = [[1.5, None], [2.25, -1e-7], [0.1, 3.0]]
    made = expect(201, owner.http.post("/v1/series", json={"name": "pairs", "observables": 2, "values": rows}))

    export = owner.http.get(made["urls"]["export"])
    again = expect(201, stranger.http.post("/v1/series", json=json.loads(export.content)))
    lines = owner.http.get(made["urls"]["export"], params={"format": "csv"}).text

    assert exported(stranger, again) == rows
    assert lines == "value_0,value_1\n1.5,\n2.25,-1e-07\n0.1,3.0\n"
    assert export.headers["content-disposition"] == f'attachment; filename="{made["id"]}.json"'


@pytest.mark.parametrize("prefer", ["wait=30", "respond-async"])
def test_a_job_takes_a_series_as_it_was_when_it_was_made(owner: Caller, series: Json, prefer: str):
    body = {"model": "builtin/kalman", "input": {"series": series["id"]}}
    values = {"model": "builtin/kalman", "input": {"values": [1.0, None, 2.5]}, "cache": "off"}

    made = owner.http.post("/v1/jobs", json=body, headers={"Prefer": prefer}).json()
    expect(200, add(owner, series, [99.0]))
    job, plain = owner.wait(made["id"]), owner.wait(owner.http.post("/v1/jobs", json=values).json()["id"])

    assert job["outputs"][0]["sha256"] == plain["outputs"][0]["sha256"]
    grown = owner.wait(owner.http.post("/v1/jobs", json=body).json()["id"])
    assert not grown["cache"]["hit"]
    assert json.loads(owner.content(grown["outputs"][0]["asset_id"]))["points"] == 4


@pytest.mark.parametrize("whose", ["nobody's", "another's"])
def test_foreign_series_are_not_there(owner: Caller, stranger: Caller, series: Json, whose: str):
    name = series["id"] if whose == "another's" else UNKNOWN
    urls = {"urls": {"points": f"/v1/series/{name}/points"}}
    job = {"model": "builtin/kalman", "input": {"series": name}}

    for answer in (
        stranger.http.get(f"/v1/series/{name}"),
        stranger.http.get(f"/v1/series/{name}/export"),
        stranger.http.delete(f"/v1/series/{name}"),
        add(stranger, urls, [1.0]),
    ):
        assert expect(404, answer)["code"] == "series_not_found"
    refused = expect(422, stranger.http.post("/v1/jobs", json=job))
    assert refused["errors"][0]["pointer"] == "#/input/series"
    assert exported(owner, series) == [1.0, None, 2.5]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/name"),
        ({"name": ""}, "#/name"),
        ({"name": "x", "observables": 65}, "#/observables"),
        ({"name": "x", "values": ["1"]}, "#/values"),
        ({"name": "x", "values": [1e101]}, "#/values"),
        ({"name": "x", "values": [[1.0, 2.0]]}, "#/values/0"),
        ({"name": "x", "observables": 2, "values": [[1.0, 2.0], [1.0]]}, "#/values/1"),
        ({"name": "x", "other": 1}, "#/other"),
    ],
)
def test_what_is_no_series_is_refused_and_nothing_is_stored(stack: Stack, body: Json, pointer: str):
    caller = stack.caller("series refused")

    problem = expect(422, caller.http.post("/v1/series", json=body))

    assert problem["errors"][0]["pointer"].startswith(pointer)
    assert expect(200, caller.http.get("/v1/series"))["items"] == []


def test_more_than_a_request_may_add_is_refused_whole(owner: Caller, series: Json):
    problem = expect(422, add(owner, series, [1.0] * 20_001))

    assert problem["errors"][0]["pointer"].startswith("#/values")
    assert exported(owner, series) == [1.0, None, 2.5]


def test_a_series_that_begins_with_a_missing_value_is_filtered_like_any_other(owner: Caller):
    made = expect(201, owner.http.post("/v1/series", json={"name": "late", "values": [None, None, 2.0, 2.5]}))

    body = {"model": "builtin/kalman", "input": {"series": made["id"]}}
    job = expect(201, owner.http.post("/v1/jobs", json=body, headers={"Prefer": "wait=30"}))

    assert json.loads(owner.content(job["outputs"][0]["asset_id"]))["points"] == 4


@pytest.mark.parametrize(
    ("values", "at", "words"),
    [
        ({"values": []}, "/values", "less than 1 item"),
        ({"values": "1, 2"}, "/values", "type array"),
        ({"values": [1.0] * 20_001}, "/values", "more than 20000 items"),
        ({"values": [1.0, "2"]}, "/values/1", "type number or null"),
        ({"values": [1.0, True]}, "/values/1", "type number or null"),
        ({"values": [1.0, [2.0]]}, "/values/1", "type number or null"),
        ({"values": [[1.0, 2.0], [1.0, "x"]]}, "/values/1/1", "type number or null"),
        ({"values": [*[1.0] * 30, [["x"]]]}, "/values/30", "type number or null"),
        ({"values": [1.0, 2.0, [3.0, "x"]]}, "/values/2", "type number or null"),
        ({"values": [[1.0] * 65]}, "/values/0", "more than 64 items"),
        ({"values": [[]]}, "/values/0", "less than 1 item"),
        ({"values": [1e200]}, "/values/0", "greater than the maximum of 1e+100"),
        ({"values": [1.0], "observation_variance": -1}, "/observation_variance", "less than the minimum of 0"),
        ({"values": [1.0], "band": "95"}, "/band", "type number"),
        ({"values": [1.0], "model": "arima"}, "/model", '"level", "trend"'),
        ({"values": [1.0], "file": "asset_1"}, "", "exactly one of values, file, series"),
        ({"series": "mine"}, "/series", "Send the id of a saved series"),
        ({"file": "mine.csv"}, "/file", "Send the id of an asset"),
        ({"values": [[1.0, 2.0], [1.0]]}, "/values", "Give every point as many numbers as the first"),
        ({"values": [1.0], "slope_variance": 1}, "/slope_variance", "Only the trend model has a slope"),
        (
            {"values": [1.0], "observation_variance": 0, "level_variance": 0},
            "/level_variance",
            "One of the variances must be above 0",
        ),
    ],
)
def test_a_form_for_the_filter_with_a_mistake_names_the_place_and_the_cure(
    owner: Caller, values: Json, at: str, words: str
):
    problem = expect(422, owner.http.post("/v1/jobs", json={"model": "builtin/kalman", "input": values}))

    (error,) = problem["errors"]
    assert error["pointer"] == f"#/input{at}"
    assert words in error["detail"]
    assert '"null"' not in error["detail"]


def test_what_only_the_filter_finds_out_is_said_in_its_words(owner: Caller):
    body = {"model": "builtin/kalman", "input": {"values": [None]}}

    job = expect(201, owner.http.post("/v1/jobs", json=body, headers={"Prefer": "wait=30"}))

    assert (job["status"], job["error"]["code"]) == ("failed", "invalid_input")
    assert job["error"]["message"] == (
        "values: Observable 0: The level model needs at least one value that is not missing."
    )
