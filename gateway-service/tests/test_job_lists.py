"""GET /v1/jobs: newest first, by pages, filtered."""

import pytest

from testkit.caller import Caller, Json, expect
from testkit.stack import Stack


@pytest.fixture(scope="module")
def lister(stack: Stack) -> Caller:
    """An account with seven jobs: five completed (three of them tagged `even`), a failed and a cancelled one."""
    caller = stack.caller("lister")
    for number in range(5):
        caller.submit(job={"tags": ["even"] if number % 2 == 0 else ["odd"]})
    caller.submit(fail="fatal")
    caller.wait(caller.cancel(caller.submit(seconds=60)["id"])["id"])
    for job in _ids(caller):
        caller.wait(job)
    return caller


def test_jobs_are_listed_newest_first(lister: Caller):
    items = _page(lister)["items"]

    moments = [job["created_at"] for job in items]
    assert moments == sorted(moments, reverse=True)
    assert len(items) == 7


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 100])
def test_pages_join_without_gap_or_overlap(lister: Caller, limit: int):
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = _page(lister, limit=limit, **({"cursor": cursor} if cursor else {}))
        found += [job["id"] for job in page["items"]]
        assert len(page["items"]) <= limit
        assert page["has_more"] == (page["next_cursor"] is not None)
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert found == _ids(lister)


def test_a_page_stays_where_it_was_when_newer_jobs_come(stack: Stack):
    caller = stack.caller("growing")
    old = [caller.submit()["id"] for _ in range(4)]
    first = _page(caller, limit=2)
    caller.submit()

    second = _page(caller, limit=2, cursor=first["next_cursor"])

    assert [job["id"] for job in first["items"] + second["items"]] == old[::-1]
    assert (second["next_cursor"], second["has_more"]) == (None, False)


def test_jobs_are_filtered_by_status_model_and_tag(lister: Caller):
    assert len(_page(lister, status="completed")["items"]) == 5
    assert len(_page(lister, status=["failed", "cancelled"])["items"]) == 2
    assert len(_page(lister, tag="even")["items"]) == 3
    assert len(_page(lister, tag="even", status="failed")["items"]) == 0
    assert len(_page(lister, model="testkit/noop")["items"]) == 7
    assert len(_page(lister, model="builtin/camera-move")["items"]) == 0
    assert _page(lister, tag="")["items"] == []


def test_jobs_are_found_by_their_ids(lister: Caller, owner: Caller):
    foreign = owner.submit()["id"]
    wanted = _ids(lister)[1:4]

    assert [job["id"] for job in _page(lister, ids=[*reversed(wanted), foreign, "job_unknown"])["items"]] == wanted
    assert [job["id"] for job in _page(lister, ids=wanted, created_after="2020-01-01T00:00:00Z")["items"]] == wanted
    assert _page(lister, ids=wanted, tag="none")["items"] == []
    assert expect(400, lister.http.get("/v1/jobs", params={"ids": ["x"] * 101}))["errors"][0]["pointer"] == "?ids"


def test_jobs_are_found_by_when_they_were_created(lister: Caller):
    items = _page(lister, limit=100)["items"]
    moment = items[3]["created_at"]

    later = _page(lister, created_after=moment)["items"]
    earlier = _page(lister, created_before=moment)["items"]

    assert later + earlier == items
    assert later[-1]["created_at"] == moment
    problem = expect(400, lister.http.get("/v1/jobs", params={"created_after": "2026-01-01T00:00:00"}))
    assert problem["errors"][0]["pointer"] == "?created_after"


def test_jobs_are_found_by_their_metadata(stack: Stack):
    caller = stack.caller("labels")
    first, second = (caller.submit(job={"metadata": {"order": "42", "n": str(n)}})["id"] for n in range(2))

    assert [job["id"] for job in _page(caller, **{"metadata[order]": "42"})["items"]] == [second, first]
    assert [job["id"] for job in _page(caller, **{"metadata[order]": "42", "metadata[n]": "0"})["items"]] == [first]
    assert _page(caller, **{"metadata[order]": "43"})["items"] == []


@pytest.mark.parametrize("name", ["$where", "a.b", "", "x" * 41])
def test_a_name_that_no_metadata_have_is_refused(lister: Caller, name: str):
    problem = expect(400, lister.http.get("/v1/jobs", params={f"metadata[{name}]": "1"}))

    assert (problem["code"], problem["errors"][0]["pointer"]) == ("invalid_request", "?metadata")


def test_a_filtered_list_has_pages_too(lister: Caller):
    first = _page(lister, tag="even", limit=2)
    second = _page(lister, tag="even", limit=2, cursor=first["next_cursor"])

    assert [len(first["items"]), len(second["items"])] == [2, 1]


def test_an_account_without_jobs_has_an_empty_list(stack: Stack):
    assert _page(stack.caller("newcomer")) == {"items": [], "next_cursor": None, "has_more": False}


def test_an_ended_page_of_a_list_can_be_followed_no_further(lister: Caller):
    last = _ids(lister)[-1]

    assert _page(lister, cursor=last) == {"items": [], "next_cursor": None, "has_more": False}


def _page(caller: Caller, **query: object) -> Json:
    return expect(200, caller.http.get("/v1/jobs", params=query))


def _ids(caller: Caller) -> list[str]:
    return [job["id"] for job in _page(caller, limit=100)["items"]]
