"""Nobody sees or touches another account's anything: a foreign id is answered as an unknown one is."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.ids import job_uuid
from testkit import pictures
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack

pytestmark = pytest.mark.security

UNKNOWN = "0" * 26
ROUTES = [
    ("GET", "/v1/jobs/{job}"),
    ("DELETE", "/v1/jobs/{job}"),
    ("POST", "/v1/jobs/{job}/cancel"),
    ("GET", "/v1/jobs/{job}/events"),
    ("GET", "/v1/jobs/{job}/explain"),
    ("GET", "/v1/batches/{batch}"),
    ("POST", "/v1/batches/{batch}/cancel"),
    ("POST", "/v1/batches/{batch}/retry-failed"),
    ("GET", "/v1/batches/{batch}/outputs?format=zip"),
    ("GET", "/v1/assets/{asset}"),
    ("GET", "/v1/assets/{asset}/content"),
    ("GET", "/v1/assets/{asset}/content?proxy=true"),
    ("GET", "/v1/assets/{asset}/content?redirect=false"),
    ("GET", "/v1/assets/{output}/content?proxy=true"),
    ("GET", "/api/v1/task/{task}"),
    ("GET", "/api/v1/video/{task}"),
]


# What would not be there any more for the next test, if a stranger could.
CHANGES: list[tuple[str, str, Json | None]] = [
    ("PATCH", "/v1/jobs/{job}", {"tags": ["mine"]}),
    ("POST", "/v1/jobs/{job}/retry", None),
    ("DELETE", "/v1/jobs/{job}/data", None),
    ("PATCH", "/v1/assets/{asset}", {"retention_seconds": 60}),
    ("DELETE", "/v1/assets/{asset}", None),
    ("DELETE", "/v1/assets/{output}", None),
]


@pytest.fixture(scope="module")
def possessions(owner: Caller) -> dict[str, str]:
    """Ids that exist, all of them the owner's: a picture, a finished film job and its output, a job that waits."""
    asset = owner.upload(pictures.picture())["id"]
    values = {"image": asset, "duration_seconds": 1, "resolution": "480p", "fps": 24}
    film = owner.wait(owner.submit("builtin/camera-move", **values)["id"])
    batch = expect(202, owner.http.post("/v1/batches", json={"items": [{"model": "testkit/noop"}]}))
    return {
        "batch": batch["id"],
        "asset": asset,
        "job": film["id"],
        "output": film["outputs"][0]["asset_id"],
        "task": str(job_uuid(film["id"])),
    }


@pytest.fixture(scope="module")
def unknown() -> dict[str, str]:
    return {
        "batch": f"batch_{UNKNOWN}",
        "asset": f"asset_{UNKNOWN}",
        "job": f"job_{UNKNOWN}",
        "output": f"asset_{UNKNOWN}",
        "task": "00000000-0000-7000-8000-000000000000",
    }


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_foreign_id_answers_like_an_unknown_one(  # noqa: PLR0917  (pytest calls by keyword)
    owner: Caller, stranger: Caller, possessions: dict[str, str], unknown: dict[str, str], method: str, path: str
):
    foreign = _problem(stranger, method, path, possessions)
    absent = _problem(stranger, method, path, unknown)

    assert foreign == absent
    assert owner.http.request(method, path.format(**possessions)).status_code < 400


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_what_is_foreign_cannot_be_changed_and_seems_unknown(  # noqa: PLR0917  (pytest calls by keyword)
    owner: Caller,
    stranger: Caller,
    possessions: dict[str, str],
    unknown: dict[str, str],
    method: str,
    path: str,
    body: Json | None,
):
    before = owner.job(possessions["job"]), owner.content(possessions["output"])

    foreign = _problem(stranger, method, path, possessions, body)
    absent = _problem(stranger, method, path, unknown, body)

    assert foreign == absent
    assert (owner.job(possessions["job"]), owner.content(possessions["output"])) == before


def test_nobody_moves_a_job_before_a_foreign_one(owner: Caller, stranger: Caller, unknown: dict[str, str]):
    later = {"not_before": (datetime.now(UTC) + timedelta(days=9)).isoformat()}
    foreign, own = owner.submit(job=later)["id"], stranger.submit(job=later)["id"]

    codes = [
        expect(422, stranger.http.patch(f"/v1/jobs/{own}", json={"position": {"before": target}}))["errors"]
        for target in (foreign, unknown["job"])
    ]

    assert codes[0] == codes[1]


def test_a_foreign_picture_cannot_be_an_input(
    stranger: Caller, stack: Stack, possessions: dict[str, str], unknown: dict[str, str]
):
    before = stack.stored()
    faults = []
    for asset in (possessions["asset"], possessions["output"], unknown["asset"]):
        body = {"model": "builtin/camera-move", "input": {"image": asset}}
        faults.append(expect(422, stranger.http.post("/v1/jobs", json=body))["errors"])

    assert faults[0] == faults[1] == faults[2]
    assert faults[0][0]["pointer"] == "#/input/image"
    assert not stack.added_since(before)


def test_lists_show_ones_own_only(stranger: Caller, possessions: dict[str, str]):
    jobs = expect(200, stranger.http.get("/v1/jobs?limit=100"))["items"]
    assets = expect(200, stranger.http.get("/v1/assets?limit=100"))["items"]

    assert not {job["id"] for job in jobs} & set(possessions.values())
    assert not {asset["id"] for asset in assets} & set(possessions.values())


def test_a_foreign_id_as_a_cursor_shows_nothing_foreign(stranger: Caller, possessions: dict[str, str]):
    for path, cursor in (("/v1/jobs", possessions["job"]), ("/v1/assets", possessions["asset"])):
        items = expect(200, stranger.http.get(path, params={"cursor": cursor}))["items"]
        assert not {item["id"] for item in items} & set(possessions.values())


def test_a_stranger_cannot_cancel(owner: Caller, stranger: Caller):
    job_id = owner.submit(seconds=60)["id"]
    owner.wait(job_id, "processing")

    assert stranger.http.post(f"/v1/jobs/{job_id}/cancel").status_code == 404
    assert stranger.http.delete(f"/v1/jobs/{job_id}").status_code == 404

    assert owner.job(job_id)["status"] == "processing"
    assert owner.job(job_id)["cancel"] is None
    owner.cancel(job_id)


def _problem(caller: Caller, method: str, path: str, ids: dict[str, str], body: Json | None = None) -> Json:
    """The answer without what differs anyway: the id that was asked for, the request's own id and moment."""
    address = path.format(**ids)
    problem = expect(404, caller.http.request(method, address, json=body))
    for said in (problem, problem.get("error", {})):  # Luma's block says it once more
        for name in ("request_id", "timestamp", "instance"):
            said.pop(name, None)
    told = json.dumps(problem)
    for value in ids.values():
        told = told.replace(value, "ID")
    answer: Json = json.loads(told)
    return answer
