"""What is wrong with a body is told in plain words, with the cure, once for each place."""

from datetime import UTC, datetime, timedelta

import pytest

from testkit.caller import Caller, Json, expect

NOOP = "testkit/noop"
LATER = (datetime.now(UTC) + timedelta(days=300)).isoformat()
A_NUMBER = "Send a number, without quotes."
A_MOMENT = 'Send a moment in quotes, with its offset, such as "2027-01-31T12:00:00Z".'
A_NAME = "Take letters of a to z, digits, '_' and '-' only."

JOBS = [
    ({"deadline_seconds": True}, "#/deadline_seconds", A_NUMBER),
    ({"deadline_seconds": "5"}, "#/deadline_seconds", A_NUMBER),
    ({"run_timeout_seconds": "5"}, "#/run_timeout_seconds", A_NUMBER),
    ({"retention": {"output_seconds": "60"}}, "#/retention/output_seconds", A_NUMBER),
    ({"retention": {"input_seconds": True}}, "#/retention/input_seconds", A_NUMBER),
    ({"retention": {"input_seconds": 59}}, "#/retention/input_seconds", "Send at least 60."),
    ({"retention": {"input_seconds": 60.5}}, "#/retention/input_seconds", "Send a whole number."),
    ({"retry": {"max_attempts": "2"}}, "#/retry/max_attempts", A_NUMBER),
    ({"retry": 2}, "#/retry", "Send one JSON object."),
    ({"fallback": {}}, "#/fallback", "Take 'never' or 'auto'."),
    ({"deadline_seconds": 1e9}, "#/deadline_seconds", "Send at most 2592000."),
    ({"deadline_seconds": 0}, "#/deadline_seconds", "Send more than 0."),
    ({"not_before": 5}, "#/not_before", A_MOMENT),
    ({"not_before": "1900000000"}, "#/not_before", A_MOMENT),
    ({"not_before": "soon"}, "#/not_before", A_MOMENT),
    ({"not_before": "2027-01-31T12:00:00"}, "#/not_before", A_MOMENT),
    ({"priority": "now"}, "#/priority", "Take 'low', 'normal' or 'high'."),
    ({"tags": "a"}, "#/tags", "Send a list."),
    ({"tags": ["a"] * 17}, "#/tags", "Send at most 16 of them."),
    ({"tags": ["a\n"]}, "#/tags/0", "Leave out control characters, such as line ends."),
    ({"tags": ["a" * 65]}, "#/tags/0", "Send at most 64 characters."),
    ({"metadata": {"ä b": "x"}}, "#/metadata/ä b", A_NAME),
    ({"metadata": {"a/b~c": "x"}}, "#/metadata/a~1b~0c", A_NAME),
    ({"metadata": {"[key]": 1}}, "#/metadata/[key]", A_NAME),
    ({"metadata": {"a": 1}}, "#/metadata/a", "Send a text, in quotes."),
    ({"metadata": []}, "#/metadata", "Send one JSON object."),
]
EDITS = [
    ({"position": "middle"}, "#/position", 'Take "first", "last" or {"before": "job_…"}.'),
    ({"position": 1}, "#/position", 'Take "first", "last" or {"before": "job_…"}.'),
    ({"position": {}}, "#/position/before", "This is required."),
    ({"position": {"before": 1}}, "#/position/before", "Send a text, in quotes."),
    ({"position": {"before": "job_x", "x": 1}}, "#/position/x", "There is no such field."),
    ({"not_before": 5}, "#/not_before", A_MOMENT),
]
BATCHES = [
    ({"items": [{"model": NOOP}] * 1001}, "#/items", "Send at most 1000 of them."),
    ({"items": []}, "#/items", "Send at least 1 of them."),
    ({"items": ["a job"]}, "#/items/0", "Send one JSON object."),
    ({"items": [{"deadline_seconds": "5"}]}, "#/items/0/deadline_seconds", A_NUMBER),
    ({"items": [{}], "defaults": {"tags": "a"}}, "#/defaults/tags", "Send a list."),
]


ADDRESSES = [
    ("/v1/jobs?created_after=yesterday", "Send a moment with its offset, such as 2027-01-31T12:00:00Z."),
    ("/v1/assets/by-hash/zz", "Send the SHA-256 of the whole file as 64 hex digits, in lower case."),
]


@pytest.mark.parametrize(("address", "cure"), ADDRESSES)
def test_what_is_wrong_in_an_address_is_told_as_it_is_written_there(owner: Caller, address: str, cure: str):
    (error,) = expect(400, owner.http.get(address))["errors"]

    assert error["detail"] == cure


def test_an_unknown_upload_is_sent_nowhere_that_does_not_exist(owner: Caller):
    hint = expect(404, owner.http.get("/v1/uploads/upl_x"))["hint"]

    assert hint == "Check the id; POST /v1/uploads begins one."


@pytest.mark.parametrize(("fields", "pointer", "cure"), JOBS)
def test_a_wrong_field_of_a_job_is_told_once_with_its_cure(owner: Caller, fields: Json, pointer: str, cure: str):
    problem = expect(422, owner.http.post("/v1/jobs", json={"model": NOOP} | fields))

    assert _told(problem) == [(pointer, cure)]


@pytest.mark.parametrize(("body", "pointer", "cure"), EDITS)
def test_a_wrong_edit_is_told_once_with_its_cure(owner: Caller, body: Json, pointer: str, cure: str):
    job = owner.submit(job={"not_before": LATER})

    problem = expect(422, owner.http.patch(f"/v1/jobs/{job['id']}", json=body))

    assert _told(problem) == [(pointer, cure)]


@pytest.mark.parametrize(("body", "pointer", "cure"), BATCHES)
def test_a_wrong_batch_is_told_in_the_same_words(owner: Caller, body: Json, pointer: str, cure: str):
    problem = expect(422, owner.http.post("/v1/batches", json={"defaults": {"model": NOOP}} | body))

    assert _told(problem) == [(pointer, cure)]


SERIES = [
    ([1, "x", 3], [("#/values/1", A_NUMBER)]),
    ([[1, "x"], [2, 3]], [("#/values/0/1", A_NUMBER)]),
    ([[1, "x"]], [("#/values/0/1", A_NUMBER)]),
    ([[1], [2], "x"], [("#/values/2", "Send a list.")]),
    ([1, "x", True], [("#/values/1", A_NUMBER), ("#/values/2", A_NUMBER)]),
    ([1, 2, [3, "x"]], [("#/values/2", A_NUMBER)]),
    ([*[1.0] * 30, [["x"]]], [("#/values/30", A_NUMBER)]),
    ([[1] * 65], [("#/values/0", "Send at most 64 of them.")]),
    ([[]], [("#/values/0", "Send at least 1 of them.")]),
    ("x", [("#/values", "Send a list.")]),
    ({}, [("#/values", "Send a list.")]),
]


@pytest.mark.parametrize(("values", "told"), SERIES)
def test_of_what_is_wrong_with_points_nothing_is_told_that_is_right(
    owner: Caller, values: object, told: list[tuple[str, str]]
):
    problem = expect(422, owner.http.post("/v1/series", json={"name": "wrong", "observables": 2, "values": values}))

    assert _told(problem) == told


def test_whoever_sends_bytes_in_the_place_of_a_form_is_told_what_a_form_is(owner: Caller):
    sent = owner.http.post("/v1/assets", content=b"\xff\xd8\xff", headers={"Content-Type": "image/jpeg"})

    cure = "Send a form (multipart/form-data) that has the file as its field 'file'."
    assert _told(expect(422, sent)) == [("#/file", cure)]


def test_whoever_sends_nothing_is_told_what_to_send(owner: Caller):
    assert _told(expect(422, owner.http.post("/v1/jobs"))) == [("#", "Send one JSON object.")]


def test_nothing_but_a_truth_is_a_dry_run(owner: Caller):
    body = {"action": "cancel", "ids": ["job_x"], "dry_run": "no"}

    problem = expect(422, owner.http.post("/v1/jobs/bulk", json=body))

    assert _told(problem) == [("#/dry_run", "Send true or false.")]


@pytest.mark.parametrize("name", ["deadline_seconds", "run_timeout_seconds", "retry", "not_before", "retention"])
def test_null_is_the_same_as_leaving_it_out(owner: Caller, name: str):
    assert owner.wait(owner.submit(job={name: None})["id"])["status"] == "completed"


def test_whole_numbers_and_fractions_are_both_numbers(owner: Caller):
    fields = {"deadline_seconds": 600, "run_timeout_seconds": 60.5, "retention": {"output_seconds": 60.0}}

    assert owner.wait(owner.submit(job=fields)["id"])["status"] == "completed"


def test_a_partial_batch_of_bad_items_is_not_told_to_be_partial(owner: Caller):
    good, bad = {"model": NOOP, "not_before": LATER}, {}

    def hint(*items: Json, mode: str) -> str:
        return expect(422, owner.http.post("/v1/batches", json={"items": items, "mode": mode}))["hint"]

    assert "'partial'" in hint(good, bad, mode="atomic")
    assert {hint(bad, mode=mode) for mode in ("atomic", "partial")} == {"Nothing was stored. Mend the named fields."}


def _told(problem: Json) -> list[tuple[str, str]]:
    return [(fault["pointer"], fault["detail"]) for fault in problem["errors"]]
