"""What Luma's enterprise API shows: videos, pages as markdown, health, and the views of its operators."""

import io

import av
import httpx2 as httpx
import pytest

from reelwork.domain.tier import Tier
from testkit.caller import Caller, Json, expect
from testkit.sources import luma_refusal
from testkit.stack import Stack
from testkit.waiting import until

REQUEST = {"prompt": "A sunset over mountains", "duration": 2, "resolution": "720p", "aspect_ratio": "9:16"}


@pytest.fixture(scope="module")
def pro(stack: Stack) -> Caller:
    return stack.caller("luma-pro", tier=Tier.PRO)


@pytest.fixture(scope="module")
def job(pro: Caller) -> Json:
    """A video's job that is done."""
    return pro.wait(expect(202, pro.http.post("/v1/generate", json=REQUEST))["job_id"])


class TestVideos:
    def test_a_video_is_told_as_luma_told_it(self, pro: Caller, job: Json):
        video = expect(200, pro.http.get(f"/v1/videos/{job['outputs'][0]['asset_id']}"))

        assert (video["title"], video["description"]) == ("A sunset over mountains", "A sunset over mountains")
        assert (video["duration"], video["resolution"], video["aspect_ratio"]) == (2.0, "36p", "16:9")
        assert (video["status"], video["job_id"], video["thumbnail_url"]) == ("ready", job["id"], None)

    def test_videos_come_in_pages_by_number(self, stack: Stack):
        reader = stack.caller("luma-videos", tier=Tier.PRO)
        jobs = [expect(202, reader.http.post("/v1/generate", json=REQUEST))["id"] for _ in range(2)]
        made = [reader.wait(job_id)["outputs"][0]["asset_id"] for job_id in jobs]
        reader.wait(reader.submit()["id"])

        page = expect(200, reader.http.get("/v1/videos", params={"per_page": 1}))

        assert page["meta"]["total"] == 2
        assert page["items"][0]["id"] in made
        assert page["items"][0]["job_id"] in jobs
        assert expect(200, reader.http.get("/v1/videos", params={"status": "failed"}))["meta"]["total"] == 0

    def test_a_stream_is_a_signed_address_for_an_hour(self, pro: Caller, job: Json):
        video = job["outputs"][0]["asset_id"]

        stream = expect(200, pro.http.get(f"/v1/videos/{video}/stream"))

        assert (stream["video_id"], stream["expires_in"]) == (video, 3600)
        with av.open(io.BytesIO(httpx.get(stream["stream_url"]).content)) as film:
            assert film.streams.video[0].frames == 2

    def test_a_deleted_video_is_gone(self, pro: Caller):
        made = expect(202, pro.http.post("/v1/generate", json=REQUEST))["id"]
        video = pro.wait(made)["outputs"][0]["asset_id"]

        assert pro.http.delete(f"/v1/videos/{video}").status_code == 204

        assert luma_refusal(404, pro.http.get(f"/v1/videos/{video}"))["code"] == "VIDEO_NOT_FOUND"

    def test_what_is_no_video_and_a_foreign_one_are_not_found(self, pro: Caller, stranger: Caller, job: Json):
        text = pro.wait(pro.submit()["id"])["outputs"][0]["asset_id"]

        for caller, name in ((pro, text), (pro, "asset_x"), (stranger, job["outputs"][0]["asset_id"])):
            for path in (f"/v1/videos/{name}", f"/v1/videos/{name}/stream"):
                assert luma_refusal(404, caller.http.get(path))["code"] == "VIDEO_NOT_FOUND"
            assert luma_refusal(404, caller.http.delete(f"/v1/videos/{name}"))["code"] == "VIDEO_NOT_FOUND"


class TestScrape:
    def test_a_page_comes_back_as_markdown(self, pro: Caller):
        page = expect(200, pro.http.post("/v1/scrape/playwright", json={"url": "https://example.com/a"}))

        assert page == {
            "markdown": "# The page of https://example.com/a\n",
            "url": "https://example.com/a",
            "source": "playwright",
        }

    def test_a_page_asked_for_again_under_a_key_is_not_read_twice(self, pro: Caller):
        asked = {"json": {"url": "https://example.com/once"}, "headers": {"Idempotency-Key": "scrape once"}}

        first = pro.http.post("/v1/scrape/playwright", **asked)
        newest = expect(200, pro.http.get("/v1/jobs?limit=1"))["items"]
        second = pro.http.post("/v1/scrape/playwright", **asked)

        assert expect(200, second) == expect(200, first)
        assert second.headers["idempotency-replayed"] == "true"
        assert expect(200, pro.http.get("/v1/jobs?limit=1"))["items"] == newest

    def test_a_page_that_was_erased_is_not_replayed(self, pro: Caller):
        asked = {"json": {"url": "https://example.com/erased"}, "headers": {"Idempotency-Key": "scrape erased"}}
        expect(200, pro.http.post("/v1/scrape/playwright", **asked))
        (job,) = expect(200, pro.http.get("/v1/jobs?limit=1"))["items"]
        expect(200, pro.http.delete(f"/v1/jobs/{job['id']}/data"))

        again = pro.http.post("/v1/scrape/playwright", **asked)

        assert luma_refusal(502, again)["code"] == "GENERATION_FAILED"
        assert "The page of" not in again.text
        assert expect(200, pro.http.get("/v1/jobs?limit=1"))["items"][0]["id"] == job["id"]

    def test_a_page_that_cannot_be_had_is_a_failed_generation(self, pro: Caller):
        answer = pro.http.post("/v1/scrape/playwright", json={"url": "https://example.com/broken"})

        error = luma_refusal(502, answer)
        assert (error["code"], error["message"]) == ("GENERATION_FAILED", "The page does not answer.")


def test_an_account_has_lumas_names_beside_ours(pro: Caller):
    account = expect(200, pro.http.get("/v1/account"))

    assert (account["user_id"], account["email"], account["is_active"]) == (account["id"], None, True)


def test_health_names_lumas_components_with_their_latency(nobody: Caller):
    health = expect(200, nobody.http.get("/health"))

    assert health["status"] == "healthy"
    assert health["components"].keys() == {"api", "database", "broker", "s3"}
    assert all(component["latency_ms"] >= 0 for component in health["components"].values())


class TestOperators:
    def test_queues_are_told_by_lumas_names_and_weights(self, almighty: Caller):
        stats = expect(200, almighty.http.get("/v1/admin/queue-stats"))

        weights = {name: queue["weight"] for name, queue in stats["queues"].items()}
        assert {"critical": 10, "high": 5, "normal": 1}.items() <= weights.items()

    def test_jobs_that_run_are_told_with_their_users(self, almighty: Caller, owner: Caller):
        blocker = owner.submit(seconds=60)["id"]
        owner.wait(blocker, "processing")

        def counted() -> bool:  # what was counted serves for a second
            return bool(expect(200, almighty.http.get("/v1/admin/active-jobs"))["total"])

        until(counted)
        active = expect(200, almighty.http.get("/v1/admin/active-jobs"))

        owner.cancel(blocker)
        assert blocker in {item["job_id"] for item in active["items"]}

    def test_users_are_told_without_their_keys(self, almighty: Caller, owner: Caller):
        answer = almighty.http.get("/v1/admin/users")

        users = expect(200, answer)["items"]
        assert {"user_id", "name", "tier", "is_active", "created_at"} == users[0].keys()
        assert owner.key.split("_")[1] not in answer.text

    @pytest.mark.parametrize("path", ["queue-stats", "active-jobs", "users"])
    def test_they_are_for_operators_alone(self, owner: Caller, path: str):
        assert luma_refusal(403, owner.http.get(f"/v1/admin/{path}"))["code"] == "AUTH_PERMISSION_DENIED"
