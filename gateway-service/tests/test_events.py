"""GET /v1/jobs/{id}/events: a job's story, live or afterwards, without a gap."""

from collections.abc import Iterator

import pytest

from testkit.caller import Caller
from testkit.services import S3Service
from testkit.sse import Frame
from testkit.stack import Servers, Stack, running_stack

LIFE = ["job.queued", "job.processing", "job.completed"]


def test_a_stream_begins_with_a_snapshot_of_the_job_which_has_no_id(owner: Caller):
    job_id = owner.submit()["id"]

    with owner.stream(job_id) as frames:
        first = next(frames)

    assert (first.event, first.id, first.retry) == ("snapshot", None, 3000)
    assert first.data["id"] == job_id
    assert first.data.keys() == owner.job(job_id).keys()


def test_a_stream_tells_every_durable_event_once_in_order_and_ends_after_the_last(owner: Caller):
    with owner.stream(owner.submit(seconds=0.5)["id"]) as frames:
        told = _durable(list(frames))

    assert [frame.event for frame in told] == LIFE
    assert [frame.id for frame in told] == ["1", "2", "3"]
    assert [frame.data["seq"] for frame in told] == [1, 2, 3]
    assert [frame.data["status"] for frame in told] == ["queued", "processing", "completed"]


def test_progress_passes_through_without_id_and_never_falls(owner: Caller):
    with owner.stream(owner.submit(seconds=2)["id"]) as frames:
        reports = [frame for frame in frames if frame.event == "progress"]

    fractions = [report.data["progress"] for report in reports]
    assert fractions
    assert fractions == sorted(fractions)
    assert all(report.id is None for report in reports)
    assert reports[0].data.keys() == {"progress", "stage", "message", "step", "steps"}


def test_a_stream_of_an_ended_job_tells_its_whole_story_and_ends(owner: Caller):
    job_id = owner.wait(owner.submit()["id"])["id"]

    with owner.stream(job_id) as frames:
        told = list(frames)

    assert [frame.event for frame in told] == ["snapshot", *LIFE]


@pytest.mark.parametrize("resume", [{"headers": {"Last-Event-ID": "1"}}, {"params": {"after": 1}}])
def test_who_comes_back_gets_what_was_missed_and_no_more(owner: Caller, resume: dict[str, dict[str, str]]):
    job_id = owner.wait(owner.submit()["id"])["id"]

    with owner.stream(job_id, **resume) as frames:
        told = list(frames)

    assert [(frame.event, frame.id) for frame in told] == [
        ("snapshot", None),
        ("job.processing", "2"),
        ("job.completed", "3"),
    ]


def test_the_header_of_a_browser_that_reconnects_goes_before_the_address(owner: Caller):
    job_id = owner.wait(owner.submit()["id"])["id"]

    with owner.stream(job_id, headers={"Last-Event-ID": "2"}, params={"after": 0}) as frames:
        assert [frame.id for frame in _durable(list(frames))] == ["3"]


def test_who_has_seen_everything_gets_the_snapshot_alone(owner: Caller):
    job_id = owner.wait(owner.submit()["id"])["id"]

    for seen in ("3", "4", str(10**30)):
        with owner.stream(job_id, headers={"Last-Event-ID": seen}) as frames:
            assert [frame.event for frame in frames] == ["snapshot"]


def test_several_watchers_are_told_the_same(owner: Caller):
    job_id = owner.submit(seconds=1)["id"]

    with owner.stream(job_id) as first, owner.stream(job_id) as second:
        stories = [[frame.data for frame in _durable(list(frames))] for frames in (first, second)]

    assert stories[0] == stories[1]
    assert len(stories[0]) == len(LIFE)


def test_a_cancel_is_told_to_watchers(owner: Caller):
    job_id = owner.submit(seconds=60)["id"]
    owner.wait(job_id, "processing")

    with owner.stream(job_id) as frames:
        owner.cancel(job_id)
        told = [frame.event for frame in _durable(list(frames))]

    assert told == ["job.queued", "job.processing", "job.cancelling", "job.cancelled"]


def test_a_failure_is_told_with_its_reason(owner: Caller):
    with owner.stream(owner.submit(fail="fatal")["id"]) as frames:
        last = _durable(list(frames))[-1]

    assert last.event == "job.failed"
    assert last.data["error"]["message"] == "The test asked for a failure that stays."


def test_the_history_is_a_list_for_those_who_ask_for_json(owner: Caller):
    job_id = owner.wait(owner.submit()["id"])["id"]

    events = owner.events(job_id)

    assert [(event["seq"], event["type"]) for event in events] == list(enumerate(LIFE, start=1))
    later = owner.http.get(f"/v1/jobs/{job_id}/events?after=2", headers={"Accept": "application/json"}).json()
    assert later["items"] == events[2:]


def test_proxies_are_told_not_to_hold_a_stream_back(owner: Caller):
    with owner.http.stream("GET", f"/v1/jobs/{owner.submit()['id']}/events") as response:
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"


@pytest.fixture(scope="module")
def brief(mongo_url: str, s3: S3Service) -> Iterator[Stack]:
    """A Reelwork with a short life of streams, and two at a time for an account."""
    with running_stack(Servers(mongo_url=mongo_url, s3=s3), stream_seconds=1, streams_per_account=2) as running:
        yield running


def test_a_stream_ends_after_its_life_and_nothing_is_missed_by_coming_back(brief: Stack):
    job_id = brief.owner.submit(seconds=4)["id"]

    told: list[Frame] = []
    visits = 0
    while not told or told[-1].event != "job.completed":
        visits += 1
        seen = {"Last-Event-ID": told[-1].id or "0"} if told else {}
        with brief.owner.stream(job_id, headers=seen) as frames:
            told += _durable(list(frames))

    assert visits > 1
    assert [frame.id for frame in told] == ["1", "2", "3"]


def test_one_stream_too_many_is_refused_while_polling_and_other_accounts_go_on(brief: Stack):
    caller, other = brief.owner, brief.caller("somebody else")
    job_id = caller.submit(seconds=60)["id"]
    theirs = other.submit()["id"]
    other.cancel(theirs)

    with caller.stream(job_id) as first, caller.stream(job_id) as second:
        next(first), next(second)
        refused = caller.http.get(f"/v1/jobs/{job_id}/events")
        history = caller.events(job_id)
        with other.stream(theirs) as frames:
            told = list(frames)
    caller.cancel(job_id)

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
    assert int(refused.headers["retry-after"]) > 0
    assert history
    assert told


def test_a_stream_that_was_left_makes_room_for_another(brief: Stack):
    caller = brief.owner
    job_id = caller.wait(caller.submit()["id"])["id"]

    for _ in range(5):
        with caller.stream(job_id) as frames:
            next(frames)


def _durable(frames: list[Frame]) -> list[Frame]:
    return [frame for frame in frames if frame.id is not None]
