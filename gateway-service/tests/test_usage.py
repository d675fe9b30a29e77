"""What an account has used, over HTTP; counted by events and by deltas."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.settings import GatewaySettings
from testkit.caller import Caller, expect
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until

USAGE = "/v1/account/usage"


@pytest.fixture(scope="module", params=["events", "delta"])
def counting(request: pytest.FixtureRequest, mongo_url: str, s3: S3Service) -> Iterator[Stack]:
    """A Reelwork that counts in each of the two ways."""
    if request.param == "events":
        yield request.getfixturevalue("stack")
        return
    redis_url = request.getfixturevalue("valkey_url")
    with running_stack(Servers(mongo_url=mongo_url, s3=s3), usage_sync="delta", redis_url=redis_url) as running:
        yield running


def usage(caller: Caller, **asked: str) -> dict[str, Any]:
    return expect(200, caller.http.get(USAGE, params=asked))


def total(caller: Caller) -> dict[str, Any]:
    counts: dict[str, Any] = usage(caller)["total"]
    return counts


def test_a_job_and_the_requests_around_it_are_counted(counting: Stack):
    caller = counting.caller("counted")
    before = total(caller)

    done = caller.wait(caller.submit()["id"])
    until(lambda: total(caller)["jobs_completed"] == before["jobs_completed"] + 1)

    after = total(caller)
    assert after["jobs_submitted"] == before["jobs_submitted"] + 1
    assert after["output_bytes"] - before["output_bytes"] == sum(output["bytes"] for output in done["outputs"])
    assert after["run_seconds"] > before["run_seconds"]
    assert (after["jobs_failed"], after["amount_charged"]) == (0, "0.0000")
    until(lambda: total(caller)["requests"] >= before["requests"] + 3)


def test_every_answered_request_of_a_known_caller_counts_once_whatever_its_status(counting: Stack):
    caller, watcher = counting.caller("asks"), counting.caller("asks")

    for _ in range(5):
        caller.http.get("/v1/jobs/job_unknown")
    caller.http.get("/healthz")
    looks = [usage(watcher)["total"]["requests"]]
    until(lambda: looks.append(total(watcher)["requests"]) or looks[-1] >= 5)

    assert all(count <= 5 + number for number, count in enumerate(looks))


def test_what_others_do_is_not_in_it(counting: Stack):
    caller, other = counting.caller("counted"), counting.caller("idle")

    caller.wait(caller.submit()["id"])

    assert total(other)["jobs_submitted"] == 0


def test_all_days_are_listed_and_the_last_one_is_today(counting: Stack):
    today = datetime.now(UTC).date()

    shown = usage(counting.owner)

    days = [item["period"] for item in shown["items"]]
    assert shown["period"] == "daily"
    assert (len(days), days[0], shown["first"]) == (30, shown["first"], days[0])
    assert date.fromisoformat(days[-1]) - today <= timedelta(days=1)  # it may be midnight


def test_only_a_counter_can_tell_what_is_not_stored_yet(counting: Stack, stack: Stack):
    by_events = counting is stack

    assert usage(counting.owner)["includes_pending"] is not by_events


def test_months_are_sums_of_their_days(counting: Stack):
    caller = counting.caller("monthly")
    caller.wait(caller.submit()["id"])
    until(lambda: total(caller)["jobs_completed"] == 1)

    shown = usage(caller, period="monthly")

    assert len(shown["items"]) == 12
    assert shown["items"][-1]["jobs_completed"] == 1
    assert shown["first"].endswith("-01")
    assert shown["total"]["jobs_completed"] == 1


def test_a_span_that_has_passed_is_empty(owner: Caller):
    shown = usage(owner, **{"from": "2020-02-28", "to": "2020-03-01"})

    assert [item["period"] for item in shown["items"]] == ["2020-02-28", "2020-02-29", "2020-03-01"]
    assert shown["total"]["requests"] == 0


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("period=weekly", "?period"),
        ("from=yesterday", "?from"),
        ("from=2026-02-30", "?from"),
        ("from=1700000000", "?from"),
        ("to=2026-1-1", "?to"),
        ("to=", "?to"),
        ("from=2026-01-02&to=2026-01-01", "?from"),
        ("from=2025-01-01&to=2026-01-02", "?from"),
        ("period=monthly&from=2020-01-01&to=2026-01-01", "?from"),
    ],
)
def test_a_span_that_is_none_is_refused(owner: Caller, query: str, place: str):
    problem = expect(400, owner.http.get(f"{USAGE}?{query}"))

    assert [fault["pointer"] for fault in problem["errors"]] == [place]


@pytest.mark.parametrize("query", ["to=0001-01-01", "period=monthly&to=0001-01-01", "from=9999-12-31&to=9999-12-31"])
def test_the_ends_of_time_are_days_too(owner: Caller, query: str):
    expect(200, owner.http.get(f"{USAGE}?{query}"))


def test_without_a_key_there_is_nothing_to_see(nobody: Caller):
    expect(401, nobody.http.get(USAGE))


def test_deltas_need_a_counter(monkeypatch: pytest.MonkeyPatch):
    required = {"mongo_url": "mongodb://x", "broker_url": "inprocess://", "s3_endpoint_url": "http://x"}
    secrets = {"s3_access_key": "a", "s3_secret_key": "b"}
    for name, value in (required | secrets | {"usage_sync": "delta"}).items():
        monkeypatch.setenv(f"REELWORK_{name.upper()}", value)
    monkeypatch.delenv("REELWORK_REDIS_URL", raising=False)

    with pytest.raises(ValidationError, match="REELWORK_USAGE_SYNC=delta needs REELWORK_REDIS_URL"):
        GatewaySettings()  # type: ignore[call-arg]  # from the environment
