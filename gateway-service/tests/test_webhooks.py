"""Webhooks over HTTP: endpoints, what they are sent, and sending it again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reelwork.domain.webhook import MOST_WEBHOOKS
from testkit.caller import Caller, Json, expect
from testkit.forbidden_urls import FORBIDDEN, PUBLIC_V6
from testkit.receiver import Receiver, running_receiver
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until

# Nothing is ever sent there: this machine has no way to it.
FAR = f"https://[{PUBLIC_V6}]/hook"
ENDS = ["job.completed", "job.failed", "job.cancelled", "job.expired"]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def sending(mongo_url: str, s3: S3Service, receiver: Receiver) -> Iterator[Stack]:
    """A gateway that may send to this machine, as one for development may."""
    with running_stack(
        Servers(mongo_url=mongo_url, s3=s3),
        fetch_allow="127.0.0.0/8",
        fetch_plain_http=True,
        fetch_ports=f"443,80,{receiver.port}",
        signing_secret="s" * 32,
        model_modules="testkit.models,testkit.clips",
        luma_model="testkit/clip",
    ) as stack:
        yield stack


@pytest.fixture
def studio(sending: Stack, request: pytest.FixtureRequest) -> Caller:
    """The owner of an account of the test's own."""
    return sending.caller(request.node.name)


def made(caller: Caller, url: str, **fields: object) -> Json:
    return expect(201, caller.http.post("/v1/webhooks", json={"url": url, **fields}))


def log_of(caller: Caller, webhook: Json, **where: Any) -> list[Json]:
    answer = caller.http.get(f"/v1/webhooks/{webhook['id']}/deliveries", params=where)
    items: list[Json] = expect(200, answer)["items"]
    return items


def test_an_endpoint_is_made_changed_and_removed_and_its_secret_shown_once(studio: Caller):
    answer = studio.http.post("/v1/webhooks", json={"url": FAR, "description": "till"})
    webhook = expect(201, answer)
    path = answer.headers["location"]

    assert answer.headers["cache-control"] == "no-store"
    assert webhook.pop("secret").startswith("whsec_")
    assert expect(200, studio.http.get(path)) == webhook
    assert webhook["events"] == [*ENDS, "batch.completed"]
    changed = expect(200, studio.http.patch(path, json={"events": ["job.failed"], "enabled": False}))
    assert (changed["events"], changed["enabled"], changed["description"]) == (["job.failed"], False, "till")
    assert expect(200, studio.http.get("/v1/webhooks"))["items"] == [changed]
    assert studio.http.delete(path).status_code == 204
    assert expect(404, studio.http.get(path))["code"] == "webhook_not_found"


@pytest.mark.parametrize("path", ["/v1/webhooks", "/v1/webhooks/{id}"])
def test_bad_fields_are_named_with_their_cure_and_nothing_is_stored(studio: Caller, path: str):
    webhook = made(studio, FAR)
    send = studio.http.post if path == "/v1/webhooks" else studio.http.patch

    for body, pointer in [
        ({"url": FAR, "events": ["job.exploded"]}, "#/events/0"),
        ({"url": FAR, "events": []}, "#/events"),
        ({"url": FAR, "retries": 3}, "#/retries"),
        ({"url": ""}, "#/url"),
        ({"url": "https://10.0.0.1/"}, "#/url"),
    ]:
        problem = expect(422, send(path.format_map(webhook), json=body))
        assert [error["pointer"] for error in problem["errors"]] == [pointer]
    (stored,) = expect(200, studio.http.get("/v1/webhooks"))["items"]
    assert stored["url"] == FAR


@pytest.mark.security
def test_forbidden_addresses_are_refused_for_endpoints_jobs_and_batches(owner: Caller, stack: Stack):
    before = stack.stored()

    for number, form in enumerate(FORBIDDEN.values()):
        webhook = {"url": form.replace("{port}", "443")}
        job = {"model": "testkit/noop", "webhook": webhook}
        asked = [("/v1/webhooks", webhook)]
        if number % 20 == 0:  # they all go through the same check
            asked += [("/v1/jobs", job), ("/v1/batches", {"items": [job]})]
            asked += [("/v1/batches", {"items": [{"model": "testkit/noop"}], "webhook": webhook})]
        for path, body in asked:
            problem = expect(422, owner.http.post(path, json=body))
            assert problem["code"] in {"url_refused", "invalid_input"}, (path, webhook)
            assert problem["errors"][0]["pointer"].endswith("/url")

    assert not stack.added_since(before)
    assert expect(200, owner.http.get("/v1/webhooks"))["items"] == []


def test_an_account_has_so_many_endpoints_and_no_more(studio: Caller):
    for number in range(MOST_WEBHOOKS):
        made(studio, f"{FAR}/{number}", enabled=False)

    refused = expect(409, studio.http.post("/v1/webhooks", json={"url": FAR}))

    assert refused["code"] == "invalid_state"
    listed = expect(200, studio.http.get("/v1/webhooks"))["items"]
    studio.http.delete(f"/v1/webhooks/{listed[0]['id']}")
    made(studio, FAR)


def test_an_endpoint_hears_of_a_job_and_its_log_tells_what_was_answered(studio: Caller, receiver: Receiver):
    webhook = made(studio, f"{receiver.url}/heard")
    job = studio.submit(job={"metadata": {"order": "42"}})

    until(lambda: receiver.at("/heard"))

    (received,) = receiver.at("/heard")
    content = received.verified(webhook["secret"])
    assert (content["type"], content["data"]["id"]) == ("job.completed", job["id"])
    assert content["data"]["metadata"] == {"order": "42"}
    until(lambda: log_of(studio, webhook, state="delivered"))
    (delivery,) = log_of(studio, webhook)
    assert (delivery["event_id"], delivery["job_id"], delivery["tries"]) == (received.id, job["id"], 1)
    assert delivery["body"].encode() == received.body
    assert (delivery["log"][0]["status"], delivery["log"][0]["answer"]) == (200, "thanks")


def test_a_job_tells_its_own_address_signed_with_the_accounts_secret(studio: Caller, receiver: Receiver):
    secret = expect(200, studio.http.get("/v1/webhooks/signing-secret"))["secret"]
    own = {"url": f"{receiver.url}/own", "events": ["job.failed"]}

    job = studio.submit(fail="fatal", job={"webhook": own})

    until(lambda: receiver.at("/own"))
    (received,) = receiver.at("/own")
    content = received.verified(secret)
    assert (content["type"], content["data"]["error"]["code"]) == ("job.failed", "generation_failed")
    until(lambda: expect(200, studio.http.get("/v1/webhooks/deliveries", params={"job_id": job["id"]}))["items"])


def test_lumas_webhook_url_is_told_of_the_videos_end(studio: Caller, receiver: Receiver):
    secret = expect(200, studio.http.get("/v1/webhooks/signing-secret"))["secret"]
    body = {"prompt": "a sunset", "duration": 1, "webhook_url": f"{receiver.url}/luma"}

    job = expect(202, studio.http.post("/v1/generate", json=body))

    until(lambda: receiver.at("/luma"))
    content = receiver.at("/luma")[0].verified(secret)
    assert (content["type"], content["data"]["job_id"]) == ("job.completed", job["job_id"])
    assert content["data"]["video_id"] == studio.job(job["job_id"])["outputs"][0]["asset_id"]


def test_a_batch_tells_its_own_address_when_all_of_it_has_ended(studio: Caller, receiver: Receiver):
    body = {"items": [{"model": "testkit/noop"}] * 3, "webhook": {"url": f"{receiver.url}/batch"}}

    batch = expect(202, studio.http.post("/v1/batches", json=body))

    until(lambda: receiver.at("/batch"))
    content = receiver.at("/batch")[0].content()
    assert (content["type"], content["data"]["id"]) == ("batch.completed", batch["id"])
    assert content["data"]["counts"]["completed"] == 3


def test_a_replay_after_a_rotation_verifies_with_the_new_secret(studio: Caller, receiver: Receiver):
    webhook = made(studio, f"{receiver.url}/replayed")
    test = expect(202, studio.http.post(f"/v1/webhooks/{webhook['id']}/test"))
    until(lambda: receiver.at("/replayed"))
    rotated = expect(200, studio.http.post(f"/v1/webhooks/{webhook['id']}/rotate-secret", json={"overlap_seconds": 0}))

    again = expect(202, studio.http.post(f"/v1/webhooks/{webhook['id']}/deliveries/{test['id']}/replay"))

    until(lambda: len(receiver.at("/replayed")) == 2)
    first, second = receiver.at("/replayed")
    assert first.verified(webhook["secret"])["type"] == "webhook.test"
    assert second.verified(rotated["secret"]) == first.content()
    assert (second.id, second.body) == (first.id, first.body)
    assert rotated["previous_expires_at"] is None
    assert (again["replay_of"], again["event_id"]) == (test["id"], test["event_id"])


def test_what_a_job_sent_to_its_own_address_is_sent_again(studio: Caller, receiver: Receiver):
    job = studio.submit(job={"webhook": {"url": f"{receiver.url}/own-again"}})
    until(lambda: [one["state"] for one in sent(studio, job)] == ["delivered"])
    (known,) = sent(studio, job)
    secret = expect(200, studio.http.post("/v1/webhooks/signing-secret/rotate", json={"overlap_seconds": 0}))["secret"]

    again = expect(202, studio.http.post(f"/v1/webhooks/deliveries/{known['id']}/replay"))

    until(lambda: len(receiver.at("/own-again")) == 2)
    first, second = receiver.at("/own-again")
    assert (second.id, second.body) == (first.id, first.body)
    assert second.verified(secret) == first.content()
    assert (again["replay_of"], again["webhook_id"], again["job_id"]) == (known["id"], None, job["id"])
    missing = expect(404, studio.http.post("/v1/webhooks/deliveries/dlv_00000000000000000000000000/replay"))
    assert missing["code"] == "delivery_not_found"


def test_a_replay_by_the_deliverys_id_alone_goes_to_its_endpoint_if_that_is_enabled(studio: Caller, receiver: Receiver):
    webhook = made(studio, f"{receiver.url}/by-id")
    test = expect(202, studio.http.post(f"/v1/webhooks/{webhook['id']}/test"))
    until(lambda: receiver.at("/by-id"))

    again = expect(202, studio.http.post(f"/v1/webhooks/deliveries/{test['id']}/replay"))

    until(lambda: len(receiver.at("/by-id")) == 2)
    assert again["webhook_id"] == webhook["id"]
    expect(200, studio.http.patch(f"/v1/webhooks/{webhook['id']}", json={"enabled": False}))
    assert expect(409, studio.http.post(f"/v1/webhooks/deliveries/{test['id']}/replay"))["code"] == "invalid_state"


def sent(caller: Caller, job: Json) -> list[Json]:
    items: list[Json] = expect(200, caller.http.get("/v1/webhooks/deliveries", params={"job_id": job["id"]}))["items"]
    return items


def test_what_was_given_up_is_recovered(studio: Caller, receiver: Receiver):
    begun = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    receiver.answers = [(404, {}), (200, {})]
    webhook = made(studio, f"{receiver.url}/recovered")
    studio.submit()
    until(lambda: log_of(studio, webhook, state="dead"))

    answer = studio.http.post(f"/v1/webhooks/{webhook['id']}/recover", json={"since": begun})

    assert expect(202, answer) == {"recovered": 1}
    until(lambda: log_of(studio, webhook, state="delivered"))
    assert [one["status"] for one in log_of(studio, webhook)[0]["log"]] == [404, 200]


def test_a_disabled_endpoint_is_not_tried_out(studio: Caller):
    webhook = made(studio, FAR, enabled=False)

    refused = expect(409, studio.http.post(f"/v1/webhooks/{webhook['id']}/test"))

    assert "enabled" in refused["hint"]


def test_the_signing_secret_is_kept_until_it_is_rotated(studio: Caller):
    first = expect(200, studio.http.get("/v1/webhooks/signing-secret"))

    rotated = expect(200, studio.http.post("/v1/webhooks/signing-secret/rotate"))

    assert rotated["secret"] != first["secret"]
    assert rotated["previous_expires_at"] is not None
    assert expect(200, studio.http.get("/v1/webhooks/signing-secret")) == rotated


def test_secrets_are_nowhere_in_the_database_in_clear(sending: Stack, studio: Caller):
    webhook = made(studio, FAR)
    own = expect(200, studio.http.get("/v1/webhooks/signing-secret"))["secret"]

    with sending.documents() as database:
        stored = str([*database["webhooks"].find(), *database["webhook_secrets"].find()])

    assert webhook["secret"].removeprefix("whsec_") not in stored
    assert own.removeprefix("whsec_") not in stored


def test_event_types_say_what_there_is_to_hear_of(studio: Caller):
    items = expect(200, studio.http.get("/v1/webhooks/event-types"))["items"]

    assert {item["type"] for item in items if item["default"]} == {*ENDS, "batch.completed"}
    assert all(item["description"] for item in items)
