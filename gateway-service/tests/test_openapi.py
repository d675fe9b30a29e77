"""The OpenAPI document: what generated clients and the page's types are made of."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from gateway.openapi import document
from reelwork.domain.errors import all_errors
from testkit.caller import Caller, expect
from testkit.documents import openapi

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = ROOT / "docs" / "openapi.json"
OPERATIONS = {
    "healthz",
    "readyz",
    "list_errors",
    "get_error",
    "list_models",
    "get_model_version",
    "get_model",
    "create_job",
    "list_jobs",
    "get_job",
    "cancel_job",
    "retry_job",
    "delete_asset",
    "edit_asset",
    "bulk_action",
    "create_batch",
    "list_batches",
    "get_batch",
    "cancel_batch",
    "retry_failed",
    "batch_outputs",
    "delete_job",
    "erase_job_data",
    "edit_job",
    "explain_job",
    "estimate_job",
    "get_account",
    "edit_account",
    "export_account",
    "import_account",
    "list_ledger",
    "get_quota",
    "grant_credit",
    "refund_job",
    "get_queue",
    "pause_queue",
    "resume_queue",
    "get_usage",
    "job_events",
    "upload_asset",
    "create_upload",
    "get_upload",
    "sign_parts",
    "complete_upload",
    "abort_upload",
    "asset_from_hash",
    "find_asset_by_hash",
    "fetch_asset",
    "list_assets",
    "get_asset",
    "asset_content",
    "ping",
    "create_task",
    "get_task",
    "get_video",
    "generate_media",
    "media_status",
    "media_content",
    "tools_status",
    "celery_status",
    "translate_video",
    "translation_status",
    "filter_series",
    "score_panas",
    "luna_health",
    "luna_database_health",
    "generate_video",
    "generate_videos",
    "list_dream_machines",
    "scrape_page",
    "health",
    "list_videos",
    "get_luma_video",
    "stream_video",
    "delete_video",
    "queue_stats",
    "list_luma_jobs",
    "list_users",
    "list_rate_limits",
    "list_workers",
    "get_worker",
    "drain_worker",
    "undrain_worker",
    "list_accounts",
    "create_account",
    "get_account_of",
    "change_account",
    "list_queues",
    "change_queue",
    "get_dashboard",
    "get_scaling",
    "list_active_jobs",
    "simulate",
    "probe",
    "list_audit_entries",
    "list_keys",
    "create_key",
    "get_key",
    "change_key",
    "revoke_key",
    "rotate_key",
    "list_event_types",
    "get_signing_secret",
    "rotate_signing_secret",
    "list_all_deliveries",
    "replay_any_delivery",
    "list_webhooks",
    "create_webhook",
    "get_webhook",
    "change_webhook",
    "delete_webhook",
    "rotate_webhook_secret",
    "test_webhook",
    "recover_webhook",
    "list_deliveries",
    "replay_delivery",
    "create_token",
    "get_public_keys",
    "create_stream_ticket",
    "create_series",
    "list_series",
    "get_series",
    "delete_series",
    "add_points",
    "export_series",
}


ERRORS = {error.__name__: {"status": error.status, "code": error.code} for error in all_errors()}


def _named(schema: dict[str, Any]) -> list[str]:
    """The error classes that a problem's schema names."""
    return [option["$ref"].rsplit("/", 1)[1] for option in schema.get("oneOf", [schema])]


@pytest.fixture(scope="module")
def operations() -> dict[str, Any]:
    """Operation id to operation."""
    paths = openapi()["paths"]
    return {operation["operationId"]: operation for methods in paths.values() for operation in methods.values()}


def test_the_written_document_is_the_generated_one():
    assert WRITTEN.read_text() == document(), "run `make openapi`"


def test_a_running_gateway_serves_that_document(nobody: Caller):
    assert expect(200, nobody.http.get("/openapi.json")) == openapi()


def test_operations_keep_their_names(operations: dict[str, Any]):
    assert operations.keys() == OPERATIONS


def test_every_error_is_documented_as_a_problem_and_as_nothing_else(operations: dict[str, Any]):
    for name, operation in operations.items():
        if _refuses_in_its_own_words(operation):
            continue
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and (name, status) != ("readyz", "503"):
                codes = [ERRORS[cls]["code"] for cls in _named(answer["content"]["application/problem+json"]["schema"])]
                assert answer["content"].keys() == {"application/problem+json"}, (name, status)
                assert answer["description"] == ", ".join(f"`{code}`" for code in codes), (name, status)


def test_every_error_of_a_replaced_system_is_documented_in_its_one_shape(operations: dict[str, Any]):
    for name, operation in operations.items():
        if _refuses_in_its_own_words(operation):
            errors = [answer["content"] for status, answer in operation["responses"].items() if int(status) >= 400]
            assert {str(content["application/json"]["schema"]) for content in errors} == {
                str(errors[0]["application/json"]["schema"])
            }, name
            assert {tuple(content) for content in errors} == {("application/json",)}, name


def test_every_address_of_a_replaced_system_is_deprecated(operations: dict[str, Any]):
    for name, operation in operations.items():
        of_source = any(tag.startswith("sources: ") for tag in operation["tags"])
        assert operation.get("deprecated", False) == of_source, name


def _refuses_in_its_own_words(operation: dict[str, Any]) -> bool:
    of_source = any(tag.startswith("sources: ") for tag in operation["tags"])
    return of_source and "application/problem+json" not in str(operation["responses"])


def test_every_error_class_has_a_schema_of_its_own():
    schemas = openapi()["components"]["schemas"]

    assert schemas.keys() >= ERRORS.keys()
    for name, error in ERRORS.items():
        assert schemas[name]["properties"] == {name: {"const": value} for name, value in error.items()}


def test_every_operation_that_wants_a_key_says_how_it_refuses(operations: dict[str, Any]):
    for name, operation in operations.items():
        if operation.get("security"):
            assert {"401", "403", "503"} <= operation["responses"].keys(), name
        assert operation["summary"], name
        assert operation["description"], name


@pytest.mark.parametrize("status", ["200", "206"])
def test_the_bytes_of_an_asset_may_be_of_any_media_type(operations: dict[str, Any], status: str):
    assert "*/*" in operations["asset_content"]["responses"][status]["content"]


def test_a_submit_has_examples(operations: dict[str, Any]):
    examples = operations["create_job"]["requestBody"]["content"]["application/json"]["examples"]

    assert {example["value"]["model"] for example in examples.values()} == {"builtin/landscape", "builtin/camera-move"}


def test_the_readme_has_a_batch_that_the_document_allows():
    (example,) = re.findall(r"/v1/batches .*\n *-d '(.*)'", (ROOT / "README.md").read_text())
    batch = json.loads(example)
    allowed = jsonschema_rs.validator_for(openapi() | {"$ref": "#/components/schemas/BatchBody"})

    assert allowed.is_valid(batch)
    assert not allowed.is_valid(batch | {"items": [{"colour": 1}]})
