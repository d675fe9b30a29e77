"""What needs no key: health, documents, the catalogue of errors; and what every answer carries."""

import re

import httpx2 as httpx
import pytest

from testkit.caller import Caller, expect
from testkit.stack import Stack


def test_a_living_gateway_says_so_without_a_key(nobody: Caller):
    assert expect(200, nobody.http.get("/healthz"))["status"] == "ok"


def test_readiness_names_every_server_with_its_latency(nobody: Caller):
    report = expect(200, nobody.http.get("/readyz"))

    assert report["status"] == "ready"
    assert report["components"].keys() == {"mongodb", "broker", "s3"}
    for component in report["components"].values():
        assert component["status"] == "ok"
        assert component["latency_ms"] >= 0


def test_the_documents_are_for_everybody(nobody: Caller):
    for path in ("/docs", "/openapi.json", "/v1/errors"):
        assert nobody.http.get(path).status_code == 200


def test_the_root_leads_on_where_no_page_is_served(nobody: Caller):
    links = expect(200, nobody.http.get("/"))

    assert links["name"] == "reelwork"
    for path in (links["docs"], links["health"]):
        assert nobody.http.get(path).status_code == 200


def test_every_error_code_has_an_address_of_its_own(nobody: Caller):
    entries = expect(200, nobody.http.get("/v1/errors"))["items"]

    assert len({entry["code"] for entry in entries}) == len(entries)
    for entry in entries:
        assert expect(200, nobody.http.get(f"/v1/errors/{entry['code']}")) == entry
        assert 400 <= entry["status"] < 600
        assert entry["title"]
    told = {entry["code"]: entry for entry in entries}
    assert told["expired_token"]["class_name"] == "ExpiredToken"
    assert told["expired_token"]["families"] == ["InvalidApiKey", "AuthenticationError", "ReelworkError"]
    assert told["rate_limited"]["source_codes"] == ["RATE_LIMIT_EXCEEDED"]
    assert expect(404, nobody.http.get("/v1/errors/nope"))["code"] == "route_not_found"


def test_an_unknown_address_and_a_wrong_method_are_told_apart(owner: Caller):
    for path in ("/v1/nope", "/nope", "//v1/jobs", "/v1/jobs/x/y", "/%2e%2e/etc/passwd", "/%00", "/%ff"):
        assert expect(404, owner.http.get(path))["code"] == "route_not_found"
    for method in ("PUT", "PATCH", "TRACE"):
        assert expect(405, owner.http.request(method, "/v1/jobs"))["code"] == "method_not_allowed"


@pytest.mark.parametrize("request_id", ["abc-123", "req_01.x", "a" * 100])
def test_a_callers_request_id_is_kept(owner: Caller, request_id: str):
    answer = owner.http.get("/v1/jobs/nope", headers={"X-Request-ID": request_id})

    assert answer.headers["x-request-id"] == request_id
    assert answer.json()["request_id"] == request_id


@pytest.mark.parametrize("request_id", ["", "a" * 101, "a b", "<script>", "a\tb", "ü", '{"a":1}'])
def test_a_request_id_that_could_do_harm_is_replaced(owner: Caller, request_id: str):
    answer = owner.http.get("/v1/jobs", headers=[(b"X-Request-ID", request_id.encode())])

    assert re.fullmatch(r"req_[0-9a-z]{26}", answer.headers["x-request-id"])


def test_the_request_id_of_a_submit_is_kept_with_the_job(owner: Caller, stack: Stack):
    answer = owner.http.post("/v1/jobs", json={"model": "testkit/noop"}, headers={"X-Request-ID": "trace-me"})

    with stack.documents() as database:
        assert database["jobs"].find_one({"_id": expect(202, answer)["id"]})["request_id"] == "trace-me"


def test_every_answer_tells_how_long_it_took_and_forbids_guessing_its_type(owner: Caller):
    for answer in (owner.http.get("/v1/jobs"), owner.http.get("/v1/nope"), owner.http.get("/healthz")):
        assert re.fullmatch(r"total;dur=\d+\.\d", answer.headers["server-timing"])
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers


def test_the_pages_start_values_hold_no_key_unless_the_operator_named_one(nobody: Caller):
    assert expect(200, nobody.http.get("/app-config.json"))["api_key"] is None


# By what an address begins with: how it says that there is no key.
SOURCE_CODES = {
    "/api/v1/task": "missing_credentials",
    "/api/v1/video": "missing_credentials",
    "/api/v1/acct": "This address wants an API key. Send it as 'Authorization: Bearer <key>' or as 'X-API-Key: <key>'.",
    "/translate/": "Missing or invalid API key",
    "/v1/": "AUTH_MISSING_CREDENTIALS",
    "/media/": "MISSING_CREDENTIALS",
    "/tools/": "MISSING_CREDENTIALS",
}


class TestKeys:
    ROUTES = (
        ("GET", "/v1/models"),
        ("GET", "/v1/account/ledger"),
        ("GET", "/v1/account/quota"),
        ("GET", "/v1/account/usage"),
        ("POST", "/v1/admin/accounts/acct_x/grants"),
        ("POST", "/v1/admin/accounts/acct_x/refunds"),
        ("GET", "/v1/models/testkit/noop"),
        ("GET", "/v1/models/testkit/noop/versions/1"),
        ("GET", "/v1/jobs"),
        ("POST", "/v1/jobs"),
        ("GET", "/v1/jobs/job_x"),
        ("DELETE", "/v1/jobs/job_x"),
        ("POST", "/v1/jobs/job_x/cancel"),
        ("POST", "/v1/jobs/job_x/retry"),
        ("GET", "/v1/jobs/job_x/events"),
        ("DELETE", "/v1/jobs/job_x/data"),
        ("POST", "/v1/jobs/bulk"),
        ("POST", "/v1/batches"),
        ("GET", "/v1/batches"),
        ("GET", "/v1/batches/batch_x"),
        ("POST", "/v1/batches/batch_x/cancel"),
        ("POST", "/v1/batches/batch_x/retry-failed"),
        ("GET", "/v1/batches/batch_x/outputs"),
        ("POST", "/v1/series"),
        ("GET", "/v1/series"),
        ("GET", "/v1/series/ser_x"),
        ("DELETE", "/v1/series/ser_x"),
        ("POST", "/v1/series/ser_x/points"),
        ("GET", "/v1/series/ser_x/export"),
        ("PATCH", "/v1/jobs/job_x"),
        ("GET", "/v1/jobs/job_x/explain"),
        ("POST", "/v1/jobs/estimate"),
        ("POST", "/v1/uploads"),
        ("GET", "/v1/uploads/upl_x"),
        ("POST", "/v1/uploads/upl_x/parts"),
        ("POST", "/v1/uploads/upl_x/complete"),
        ("DELETE", "/v1/uploads/upl_x"),
        ("POST", "/v1/assets/from-hash"),
        ("GET", "/v1/assets/by-hash/" + "0" * 64),
        ("GET", "/v1/scaling"),
        ("GET", "/v1/account"),
        ("PATCH", "/v1/account"),
        ("GET", "/v1/account/export"),
        ("POST", "/v1/account/import"),
        ("GET", "/v1/account/queue"),
        ("POST", "/v1/account/queue/pause"),
        ("POST", "/v1/account/queue/resume"),
        ("GET", "/v1/assets"),
        ("POST", "/v1/assets"),
        ("POST", "/v1/assets/from-url"),
        ("GET", "/v1/assets/asset_x"),
        ("PATCH", "/v1/assets/asset_x"),
        ("DELETE", "/v1/assets/asset_x"),
        ("GET", "/v1/assets/asset_x/content"),
        ("POST", "/api/v1/task"),
        ("GET", "/api/v1/task/x"),
        ("GET", "/api/v1/video/x"),
        ("POST", "/v1/generate"),
        ("POST", "/v1/generate/batch"),
        ("GET", "/v1/generate/models"),
        ("GET", "/v1/videos"),
        ("GET", "/v1/videos/asset_x"),
        ("DELETE", "/v1/videos/asset_x"),
        ("GET", "/v1/videos/asset_x/stream"),
        ("POST", "/v1/scrape/playwright"),
        ("GET", "/v1/admin/queue-stats"),
        ("GET", "/v1/admin/active-jobs"),
        ("GET", "/v1/admin/users"),
        ("POST", "/translate/"),
        ("GET", "/translate/status/job_x"),
        ("POST", "/api/v1/acct_x/kalman"),
        ("POST", "/api/v1/acct_x/panas"),
        ("POST", "/media/generate"),
        ("GET", "/media/status/job_x"),
        ("GET", "/media/content/job_x"),
        ("GET", "/tools/celery_status"),
        ("GET", "/v1/admin/rate-limits"),
        ("GET", "/v1/admin/accounts"),
        ("POST", "/v1/admin/accounts"),
        ("GET", "/v1/admin/accounts/acct_x"),
        ("PATCH", "/v1/admin/accounts/acct_x"),
        ("GET", "/v1/admin/queues"),
        ("PATCH", "/v1/admin/queues/cpu"),
        ("GET", "/v1/admin/dashboard"),
        ("GET", "/v1/admin/jobs"),
        ("POST", "/v1/admin/simulate"),
        ("POST", "/v1/admin/probe"),
        ("GET", "/v1/admin/workers"),
        ("GET", "/v1/admin/workers/wrk_x"),
        ("POST", "/v1/admin/workers/wrk_x/drain"),
        ("POST", "/v1/admin/workers/wrk_x/undrain"),
        ("GET", "/v1/audit"),
        ("GET", "/v1/keys"),
        ("POST", "/v1/keys"),
        ("GET", "/v1/keys/key_x"),
        ("PATCH", "/v1/keys/key_x"),
        ("DELETE", "/v1/keys/key_x"),
        ("POST", "/v1/keys/key_x/rotate"),
        ("GET", "/v1/webhooks/event-types"),
        ("GET", "/v1/webhooks/signing-secret"),
        ("POST", "/v1/webhooks/signing-secret/rotate"),
        ("GET", "/v1/webhooks/deliveries"),
        ("POST", "/v1/webhooks/deliveries/dlv_x/replay"),
        ("GET", "/v1/webhooks"),
        ("POST", "/v1/webhooks"),
        ("GET", "/v1/webhooks/whk_x"),
        ("PATCH", "/v1/webhooks/whk_x"),
        ("DELETE", "/v1/webhooks/whk_x"),
        ("POST", "/v1/webhooks/whk_x/rotate-secret"),
        ("POST", "/v1/webhooks/whk_x/test"),
        ("POST", "/v1/webhooks/whk_x/recover"),
        ("GET", "/v1/webhooks/whk_x/deliveries"),
        ("POST", "/v1/webhooks/whk_x/deliveries/dlv_x/replay"),
        ("POST", "/v1/stream-tickets"),
    )

    @pytest.mark.parametrize(("method", "path"), ROUTES)
    def test_every_route_but_health_and_documents_wants_a_key(self, nobody: Caller, method: str, path: str):
        answer = _ask(nobody, method, path)

        code = "missing_credentials"
        if "deprecation" in answer.headers:  # an address of a replaced system, which refuses in words of its own
            code = SOURCE_CODES[next(start for start in SOURCE_CODES if path.startswith(start))]
        assert code in expect(401, answer).values() or code == expect(401, answer).get("error", {}).get("code")
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "X-API-Key" in answer.text or path.startswith("/translate/")

    def test_those_are_all_routes_that_want_one(self, stack: Stack, nobody: Caller):
        document = expect(200, nobody.http.get("/openapi.json"))
        secured = {
            (method.upper(), path)
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
            if operation.get("security")
        }

        assert len(secured) == len(self.ROUTES) == len(set(self.ROUTES))

    def test_a_key_is_taken_as_bearer_or_in_a_header_of_its_own(self, stack: Stack, owner: Caller):
        for headers in (
            {"Authorization": f"Bearer {owner.key}"},
            {"Authorization": f"bearer {owner.key}"},
            {"X-API-Key": owner.key},
            {"Authorization": "Basic eDp5", "X-API-Key": owner.key},
        ):
            assert httpx.get(f"{stack.base_url}/v1/jobs", headers=headers).status_code == 200

    def test_a_wrong_key_is_refused_in_the_same_words_whatever_is_wrong(self, stack: Stack, owner: Caller):
        head, key_id, secret = owner.key.split("_")
        wrong = [
            "x",
            "rw_",
            "rw__",
            f"{head}_{key_id}",
            f"{head}_{key_id}_{secret[:-1]}",
            f"{head}_{key_id}_{'0' * 64}",
            f"{head}_{key_id}_{secret}x",
            f"{head}_{key_id[:-1]}{'1' if key_id.endswith('0') else '0'}_{secret}",
            f"{head}_{'0' * 26}_{secret}",
            f"sk_{key_id}_{secret}",
            owner.key.upper(),
            "a" * 8000,
        ]

        answers = [stack.with_key(key).http.get("/v1/jobs") for key in wrong]

        assert {expect(401, answer)["detail"] for answer in answers} == {"The API key is unknown or was revoked."}
        assert {answer.json()["code"] for answer in answers} == {"invalid_api_key"}

    def test_keys_are_nowhere_in_the_database(self, stack: Stack, owner: Caller):
        secret = owner.key.split("_")[2]

        with stack.documents() as database:
            stored = "".join(
                str(document) for name in database.list_collection_names() for document in database[name].find()
            )

        assert owner.key not in stored
        assert secret not in stored


def _ask(caller: Caller, method: str, path: str) -> httpx.Response:
    if method == "POST" and path == "/v1/jobs":
        return caller.http.post(path, json={"model": "testkit/noop"})
    if method == "POST" and path in {"/v1/assets", "/api/v1/task", "/v1/account/import"}:
        return caller.http.post(path, files={"file": b"x"})
    return caller.http.request(method, path)
