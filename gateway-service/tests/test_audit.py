"""`GET /v1/audit`: everybody's own chain, and the installation's for administrators."""

import pytest

from reelwork.domain.account import Scope
from reelwork.domain.audit import THE_INSTALLATION, Action
from reelwork.domain.ids import AccountId
from reelwork.domain.webhook import MOST_WEBHOOKS
from reelwork.store.audit import AuditLog
from reelwork.store.client import Database
from testkit.caller import Caller, Json, expect
from testkit.forbidden_urls import PUBLIC_V6
from testkit.stack import Stack

pytestmark = pytest.mark.security

AUDIT = "/v1/audit"


@pytest.fixture(scope="module")
def auditor(stack: Stack) -> Caller:
    """The owner of an account with three entries of its own."""
    caller = stack.caller("auditor")
    _record(stack, "auditor", 3)
    return caller


def test_a_chain_is_read_page_by_page_and_holds(auditor: Caller):
    first = expect(200, auditor.http.get(AUDIT, params={"limit": 2}))
    second = expect(200, auditor.http.get(AUDIT, params={"limit": 2, "cursor": first["next_cursor"], "verify": True}))

    entries = [*first["items"], *second["items"]]
    assert [entry["target"] for entry in entries if entry["target"].startswith("thing")] == [
        "thing-2",
        "thing-1",
        "thing-0",
    ]
    assert [later["previous"] for later in entries[:-1]] == [earlier["hash"] for earlier in entries[1:]]
    assert first["verification"] is None
    assert second["verification"]["holds"]
    assert second["verification"]["head_hash"] == entries[0]["hash"]


def test_nobody_sees_another_accounts_chain(auditor: Caller, stranger: Caller):
    seen = expect(200, stranger.http.get(AUDIT, params={"limit": 100}))["items"]

    assert not {entry["target"] for entry in seen} & {f"thing-{number}" for number in range(3)}


def test_a_chain_that_was_altered_says_where(stack: Stack):
    caller = stack.caller("altered")
    _record(stack, "altered", 3)
    with stack.documents() as database:
        account = database["accounts"].find_one({"name": "altered"})["_id"]
        (last,) = database["audit"].find({"chain": account}).sort("seq", -1).limit(1)
        database["audit"].update_one({"_id": last["_id"]}, {"$set": {"target": "nothing"}})

    found = expect(200, caller.http.get(AUDIT, params={"verify": True}))["verification"]

    assert (found["holds"], found["broken_at"]) == (False, last["seq"])


@pytest.mark.parametrize("cursor", ["", "seq_", "seq_0", "seq_x", "job_1", "seq_-1", "seq_" + "9" * 40])
def test_a_cursor_that_no_page_gave_out_is_refused(auditor: Caller, cursor: str):
    assert expect(400, auditor.http.get(AUDIT, params={"cursor": cursor}))["code"] == "invalid_cursor"


@pytest.mark.parametrize("scopes", [{Scope.READ}, {Scope.SUBMIT}, {Scope.READ, Scope.SUBMIT}])
def test_reading_it_wants_the_scope_manage(stack: Stack, scopes: set[Scope]):
    caller = stack.caller("limited", scopes=frozenset(scopes))

    assert expect(403, caller.http.get(AUDIT))["code"] == "scope_missing"


def test_the_installations_chain_is_for_administrators(stack: Stack, auditor: Caller):
    admin = stack.caller("operators", scopes=frozenset(Scope))

    refused = expect(403, auditor.http.get(AUDIT, params={"installation": True}))
    seen = expect(200, admin.http.get(AUDIT, params={"installation": True, "verify": True}))

    assert refused["code"] == "scope_missing"
    assert seen["verification"]["holds"]


def told_of(webhook: Json) -> dict[str, str]:
    """What the audit log says of a new one."""
    events = " ".join(webhook["events"])
    return {"address": f"https://[{PUBLIC_V6}]", "events": events, "enabled": "true", "description": "till"}


def test_what_was_done_to_endpoints_and_secrets_is_in_the_audit_log_without_the_secrets(stack: Stack):
    studio = stack.caller("studio with webhooks")
    body = {"url": f"https://[{PUBLIC_V6}]/hook?token=hush", "description": "till"}
    webhook = expect(201, studio.http.post("/v1/webhooks", json=body))
    path = f"/v1/webhooks/{webhook['id']}"
    expect(200, studio.http.patch(path, json={"events": ["job.failed"], "enabled": False}))
    rotated = expect(200, studio.http.post(f"{path}/rotate-secret", json={"overlap_seconds": 60}))
    own = expect(200, studio.http.post("/v1/webhooks/signing-secret/rotate"))
    studio.http.delete(path)
    assert studio.http.delete(path).status_code == 404
    assert studio.http.post(f"{path}/rotate-secret").status_code == 404

    answer = studio.http.get("/v1/audit", params={"verify": True, "limit": 100})

    entries = expect(200, answer)["items"][::-1]
    told = [(entry["action"], entry["details"]) for entry in entries if entry["target"] == webhook["id"]]
    assert told == [
        ("webhook.created", told_of(webhook)),
        ("webhook.changed", {"events": "job.failed", "enabled": "false"}),
        ("webhook.secret_rotated", {"overlap_seconds": "60"}),
        ("webhook.removed", {"address": f"https://[{PUBLIC_V6}]"}),
    ]
    assert [entry["details"] for entry in entries if entry["action"] == "webhook.signing_secret_rotated"] == [
        {"overlap_seconds": "86400"}
    ]
    assert {entry["actor"]["kind"] for entry in entries if entry["action"].startswith("webhook.")} == {"key"}
    assert not any(secret in answer.text for secret in ("hush", webhook["secret"], rotated["secret"], own["secret"]))


def webhook_entries(caller: Caller) -> list[tuple[str, Json]]:
    """What the audit log tells of the caller's endpoints, oldest first."""
    entries = expect(200, caller.http.get(AUDIT, params={"limit": 100}))["items"][::-1]
    return [(entry["action"], entry["details"]) for entry in entries if entry["action"].startswith("webhook.")]


def test_an_endpoint_that_is_one_too_many_is_not_told_as_made(stack: Stack):
    studio = stack.caller("studio with many webhooks")
    body = {"url": f"https://[{PUBLIC_V6}]/hook"}

    answers = [studio.http.post("/v1/webhooks", json=body).status_code for _ in range(MOST_WEBHOOKS + 1)]

    assert answers == [201] * MOST_WEBHOOKS + [409]
    assert [action for action, _ in webhook_entries(studio)] == ["webhook.created"] * MOST_WEBHOOKS


def test_a_change_of_nothing_leaves_no_entry_and_an_emptied_description_does(stack: Stack):
    studio = stack.caller("studio with a plain webhook")
    body = {"url": f"https://[{PUBLIC_V6}]/hook", "description": "till"}
    webhook = expect(201, studio.http.post("/v1/webhooks", json=body))
    path = f"/v1/webhooks/{webhook['id']}"

    unchanged = expect(200, studio.http.patch(path, json={}))
    emptied = expect(200, studio.http.patch(path, json={"description": ""}))

    assert (unchanged["description"], emptied["description"]) == ("till", "")
    assert expect(404, studio.http.patch("/v1/webhooks/whk_none", json={}))["code"] == "webhook_not_found"
    assert webhook_entries(studio)[1:] == [("webhook.changed", {"description": ""})]


def _record(stack: Stack, name: str, count: int) -> None:
    with stack.documents() as database:
        account = AccountId(database["accounts"].find_one({"name": name})["_id"])

    async def fill(database: Database) -> None:
        log = AuditLog(database)
        for number in range(count):
            await log.record(account, THE_INSTALLATION, Action.ACCOUNT_CHANGED, f"thing-{number}")

    stack.on_database(fill)
