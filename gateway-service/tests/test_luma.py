"""The enterprise API of Luma: videos from prompts, alone and in batches, and their jobs."""

import re

import pytest

from reelwork.domain.account import Scope
from reelwork.domain.tier import Tier
from testkit.caller import Caller, Json, expect
from testkit.sources import BLOCK, luma_refusal
from testkit.stack import Stack

REQUEST = {"prompt": "A sunset over mountains", "duration": 2, "resolution": "720p", "aspect_ratio": "9:16"}


@pytest.fixture(scope="module")
def pro(stack: Stack) -> Caller:
    return stack.caller("luma-pro", tier=Tier.PRO)


@pytest.fixture(scope="module")
def job(pro: Caller) -> Json:
    """A video's job that is done."""
    extra = {"style": "anime", "metadata": {"order": 42, "note": "x"}}
    created = expect(202, pro.http.post("/v1/generate", json=REQUEST | extra))
    assert created["job_id"] == created["id"]
    assert created["status"] == "queued"
    return pro.wait(created["job_id"])


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/generate", REQUEST), ("/v1/generate/batch", {"requests": [REQUEST, REQUEST]})]
)
def test_the_same_request_under_a_key_makes_nothing_twice(pro: Caller, path: str, body: Json):
    before = len(listed(pro))
    first, second = (pro.http.post(path, json=body, headers={"Idempotency-Key": "luma once"}) for _ in range(2))

    assert expect(202, second) == expect(202, first)
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers.get("location") == first.headers.get("location")
    made = listed(pro)[: len(listed(pro)) - before]
    assert len(made) == len(body.get("requests", [body]))
    for job in made:
        pro.cancel(job["id"])


def listed(caller: Caller) -> list[Json]:
    items: list[Json] = expect(200, caller.http.get("/v1/jobs", params={"limit": 100}))["items"]
    return items


class TestGenerate:
    def test_the_readmes_request_is_enough(self, pro: Caller):
        answer = pro.http.post("/v1/generate", json={"prompt": "A sunset over mountains"})

        created = expect(202, answer)
        assert answer.headers["location"] == f"/v1/jobs/{created['id']}"
        assert created["input"] == {
            "prompt": "A sunset over mountains",
            "duration_seconds": 10,
            "resolution": "720p",  # the best that there is below Luma's default
            "aspect_ratio": "16:9",
        }

    def test_what_was_asked_for_is_what_is_made_and_the_rest_is_kept(self, job: Json):
        assert job["input"] == {
            "prompt": "A sunset over mountains",
            "duration_seconds": 2,
            "resolution": "720p",
            "aspect_ratio": "9:16",
        }
        assert job["metadata"] == {
            "order": "42",
            "note": "x",
            "style_not_applied": "anime",
            "dream_machine": "dream-machine-1.5",
            "source": "luma",
        }

    @pytest.mark.parametrize(
        ("change", "code", "field"),
        [
            ({"prompt": ""}, "VALIDATION_ERROR", "body.prompt"),
            ({"duration": 301}, "VALIDATION_ERROR", "body.duration"),
            ({"duration": "2"}, "VALIDATION_ERROR", "body.duration"),
            ({"style": "cubist"}, "VALIDATION_ERROR", "body.style"),
            ({"model": "dream-machine-9"}, "VALIDATION_ERROR", "body.model"),
            ({"webhook_url": "ftp://example.com"}, "INVALID_PARAMETERS", "body.webhook_url"),
            ({"metadata": {"a b": "x"}}, "VALIDATION_ERROR", "body.metadata"),
            ({"resolution": "4k"}, "INVALID_PARAMETERS", "body.resolution"),
            ({"aspect_ratio": "4:3"}, "INVALID_PARAMETERS", "body.aspect_ratio"),
            ({"duration": 61}, "INVALID_PARAMETERS", "body.duration"),
            ({"colour": "red"}, "VALIDATION_ERROR", "body.colour"),
        ],
    )
    def test_what_cannot_be_made_is_named_as_luma_named_it(
        self, pro: Caller, stack: Stack, change: Json, code: str, field: str
    ):
        before = stack.stored().jobs

        error = luma_refusal(400, pro.http.post("/v1/generate", json=REQUEST | change))

        assert error["code"] == code
        assert any(fault["field"].startswith(field) for fault in error["details"]["errors"])
        assert all(fault.keys() == {"field", "message", "type"} for fault in error["details"]["errors"])
        assert stack.stored().jobs == before

    def test_a_prompt_against_the_policy_has_a_code_of_its_own(self, pro: Caller):
        error = luma_refusal(422, pro.http.post("/v1/generate", json={"prompt": "something unspeakable"}))

        assert error["code"] == "CONTENT_POLICY_VIOLATION"

    def test_a_video_longer_than_the_plan_is_refused_by_the_tier(self, stack: Stack):
        developer = stack.caller("luma-developer", tier=Tier.DEVELOPER)

        error = luma_refusal(403, developer.http.post("/v1/generate", json=REQUEST | {"duration": 31}))

        assert error["code"] == "AUTH_INSUFFICIENT_TIER"

    def test_free_accounts_generate_nothing(self, stack: Stack):
        free = stack.caller("luma-free", tier=Tier.FREE)

        assert luma_refusal(403, free.http.post("/v1/generate", json=REQUEST))["code"] == "AUTH_INSUFFICIENT_TIER"

    def test_nobody_and_a_stranger_are_told_apart(self, stack: Stack, nobody: Caller):
        assert luma_refusal(401, nobody.http.post("/v1/generate", json=REQUEST))["code"] == "AUTH_MISSING_CREDENTIALS"
        wrong = stack.with_key("x").http.post("/v1/generate", json=REQUEST)
        assert luma_refusal(401, wrong)["code"] == "AUTH_INVALID_KEY"

    def test_a_key_without_the_scope_is_denied(self, stack: Stack):
        reader = stack.caller("luma-pro", scopes=frozenset({Scope.READ}))

        assert luma_refusal(403, reader.http.post("/v1/generate", json=REQUEST))["code"] == "AUTH_PERMISSION_DENIED"


class TestBatch:
    def test_up_to_ten_are_accepted_at_once(self, pro: Caller):
        made = expect(202, pro.http.post("/v1/generate/batch", json={"requests": [REQUEST, {"prompt": "A storm"}]}))

        assert made.keys() == {"job_ids", "total_queued", "batch_id"}
        assert made["total_queued"] == 2
        assert [pro.job(job_id)["input"]["prompt"] for job_id in made["job_ids"]] == [REQUEST["prompt"], "A storm"]

    def test_one_that_cannot_be_made_spoils_all(self, pro: Caller, stack: Stack):
        before = stack.stored().jobs

        bad = luma_refusal(
            400, pro.http.post("/v1/generate/batch", json={"requests": [REQUEST, REQUEST | {"resolution": "4k"}]})
        )
        many = luma_refusal(400, pro.http.post("/v1/generate/batch", json={"requests": [REQUEST] * 11}))

        assert [fault["field"] for fault in bad["details"]["errors"]] == ["body.requests.1.resolution"]
        assert many["code"] == "VALIDATION_ERROR"
        assert stack.stored().jobs == before

    def test_a_plan_without_batches_has_none(self, stack: Stack):
        developer = stack.caller("luma-developer", tier=Tier.DEVELOPER)

        answer = developer.http.post("/v1/generate/batch", json={"requests": [REQUEST]})

        assert luma_refusal(403, answer)["code"] == "AUTH_INSUFFICIENT_TIER"


def test_the_models_say_what_there_is_here(pro: Caller):
    models = expect(200, pro.http.get("/v1/generate/models"))["models"]

    assert [(model["id"], model["default"]) for model in models] == [
        ("dream-machine-1.5", True),
        ("dream-machine-1.0", False),
    ]
    for model in models:
        assert model["max_duration"] == 60
        assert model["supported_resolutions"] == ["480p", "720p"]
        assert model["supported_aspect_ratios"] == ["16:9", "9:16", "1:1"]
        assert model["supported_styles"] == []
        assert model["served_by"] == "testkit/clip"


class TestJobs:
    def test_a_job_has_lumas_names_beside_ours(self, pro: Caller, job: Json):
        found = pro.job(job["id"])

        assert found["job_id"] == found["id"]
        assert found["video_id"] == found["outputs"][0]["asset_id"]
        assert (found["queue_position"], found["estimated_wait"], found["progress"]) == (None, None, 1.0)

    def test_a_waiting_job_tells_its_place_and_how_long_it_waits(self, stack: Stack):
        busy = stack.caller("luma-busy", tier=Tier.PRO)
        blocker = busy.submit(seconds=60)["id"]
        busy.wait(blocker, "processing")
        created = expect(202, busy.http.post("/v1/generate", json=REQUEST))

        waiting = busy.job(created["id"])

        busy.cancel(created["id"])
        busy.cancel(blocker)
        assert waiting["queue_position"] == waiting["queue"]["position"] == 1
        wait = waiting["estimated_wait"]
        assert wait is None if waiting["queue"]["starts_at"] is None else re.fullmatch(r"PT\d+S", wait)

    def test_jobs_come_in_pages_by_number(self, stack: Stack):
        reader = stack.caller("luma-pages", tier=Tier.PRO)
        made = [expect(202, reader.http.post("/v1/generate", json=REQUEST))["id"] for _ in range(3)]

        first = expect(200, reader.http.get("/v1/jobs", params={"page": 1, "per_page": 2}))
        second = expect(200, reader.http.get("/v1/jobs", params={"page": 2, "per_page": 2}))

        assert [item["job_id"] for item in first["items"] + second["items"]] == made[::-1]
        assert first["meta"] == {
            "total": 3,
            "page": 1,
            "per_page": 2,
            "total_pages": 2,
            "has_next": True,
            "has_prev": False,
        }
        assert (second["meta"]["has_next"], second["meta"]["has_prev"]) == (False, True)
        assert "meta" not in expect(200, reader.http.get("/v1/jobs"))

    def test_a_problem_at_an_address_that_luma_had_too_carries_its_block(self, pro: Caller):
        problem = expect(404, pro.http.get("/v1/jobs/job_x"))

        assert problem["code"] == "job_not_found"
        assert problem["error"].keys() == BLOCK
        assert problem["error"]["code"] == "JOB_NOT_FOUND"
        assert "error" not in expect(404, pro.http.get("/v1/assets/asset_x"))

    def test_a_delete_cancels(self, pro: Caller):
        created = expect(202, pro.http.post("/v1/generate", json=REQUEST))

        assert expect(200, pro.http.delete(f"/v1/jobs/{created['id']}"))["status"] in {
            "cancelled",
            "cancelling",
            "completed",
        }
