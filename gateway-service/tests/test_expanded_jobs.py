"""`expand=outputs.url`: signed addresses of outputs, only when asked for, and for a page all at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx2 as httpx
import pytest

from reelwork.domain.account import Scope
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack

EXPANDED = {"expand": "outputs.url"}
SIGNED = ("signed_url", "signed_url_expires_at")


@pytest.fixture(scope="module")
def maker(stack: Stack) -> Caller:
    """The owner of three finished jobs with an output each, and one that failed."""
    caller = stack.caller("maker")
    jobs = [caller.submit(seed=number) for number in range(3)]
    for job in (*jobs, caller.submit(fail="fatal")):
        caller.wait(job["id"])
    return caller


def listed(caller: Caller, **params: object) -> list[Json]:
    items: list[Json] = expect(200, caller.http.get("/v1/jobs", params=params))["items"]
    return items


def outputs(jobs: list[Json]) -> list[Json]:
    return [output for job in jobs for output in job["outputs"]]


def test_signed_addresses_of_a_page_serve_the_bytes_without_a_key(maker: Caller, web: httpx.Client):
    found = outputs(listed(maker, **EXPANDED))

    assert len(found) == 3
    for output in found:
        assert web.get(output["signed_url"]).raise_for_status().content == maker.content(output["asset_id"])
        assert datetime.fromisoformat(output["signed_url_expires_at"]) > datetime.now(UTC)


def test_a_single_job_and_a_numbered_page_have_them_too(maker: Caller, web: httpx.Client):
    (first, *_) = [job for job in listed(maker, page=1, per_page=4, **EXPANDED) if job["outputs"]]
    job = expect(200, maker.http.get(f"/v1/jobs/{first['id']}", params=EXPANDED))

    for output in (*first["outputs"], *job["outputs"]):
        assert web.get(output["signed_url"]).status_code == 200


def test_nothing_is_signed_that_nobody_asked_for(maker: Caller):
    jobs = listed(maker)

    single = [maker.job(job["id"]) for job in jobs]
    assert [output[name] for output in outputs(jobs + single) for name in SIGNED] == [None] * 12


def test_addresses_are_signed_anew_where_the_job_has_not_changed(maker: Caller):
    job = next(job for job in listed(maker) if job["outputs"])
    tag = maker.http.get(f"/v1/jobs/{job['id']}").headers["etag"]

    again = maker.http.get(f"/v1/jobs/{job['id']}", params=EXPANDED, headers={"If-None-Match": tag})

    assert outputs([expect(200, again)])[0]["signed_url"]
    assert maker.http.get(f"/v1/jobs/{job['id']}", headers={"If-None-Match": tag}).status_code == 304


def test_outputs_of_others_are_not_signed_for_an_operator(stack: Stack, maker: Caller):
    operator = stack.caller("operator of all", scopes=frozenset(Scope))
    theirs = [job["id"] for job in listed(maker)]

    found = [job for job in listed(operator, scope="all", limit=100, **EXPANDED) if job["id"] in theirs]

    assert len(outputs(found)) == 3
    assert {output[name] for output in outputs(found) for name in SIGNED} == {None}


def test_an_erased_output_has_no_address(stack: Stack):
    caller = stack.caller("eraser of an output")
    job = caller.wait(caller.submit()["id"])
    assert caller.http.delete(f"/v1/assets/{job['outputs'][0]['asset_id']}").status_code == 204

    assert [output["signed_url"] for output in outputs(listed(caller, **EXPANDED))] == [None]


def test_one_look_at_the_assets_is_enough_for_a_page_and_none_without_expand(stack: Stack, maker: Caller):
    account = expect(200, maker.http.get("/v1/account"))["id"]

    with looks_at_assets(stack, account) as looks:
        listed(maker)
        assert looks() == 0
        listed(maker, **EXPANDED)
        assert looks() == 1


@pytest.mark.parametrize("path", ["", "/{}"])
@pytest.mark.parametrize(("words", "bad"), [("everything", "everything"), ("outputs.url,cost", "cost"), ("", "")])
def test_an_unknown_word_is_named_with_those_there_are(maker: Caller, path: str, words: str, bad: str):
    address = f"/v1/jobs{path.format(listed(maker)[0]['id'])}"

    problem = expect(400, maker.http.get(address, params={"expand": words}))

    (fault,) = problem["errors"]
    assert fault["pointer"] == "?expand"
    assert repr(bad) in fault["detail"]
    assert "outputs.url" in problem["hint"]


@contextmanager
def looks_at_assets(stack: Stack, account: str) -> Iterator:
    """How often this account's assets were looked for since, as the database itself has written down."""
    with stack.documents() as database:
        database.command("profile", 2)
        try:
            yield lambda: database["system.profile"].count_documents(
                {"ns": f"{database.name}.assets", "command.filter.account_id": account}
            )
        finally:
            database.command("profile", 0)
            database["system.profile"].drop()
