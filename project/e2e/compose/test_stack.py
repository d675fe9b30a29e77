"""The whole product in containers: through nginx, the gateway, RabbitMQ, a worker and S3, and back to this machine."""

import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from urllib.parse import urlsplit

import av
import httpx2 as httpx
import pytest

from e2e.compose.stack import ComposeStack
from testkit import pictures
from testkit.caller import Caller, Json, expect
from testkit.waiting import until
from testkit.witness import Witness

pytestmark = [pytest.mark.service, pytest.mark.slow]

OURS = ("frontend", "gateway", "worker")
LONGEST_FILM: Json = {"duration_seconds": 30, "fps": 60, "resolution": "1080p"}


@pytest.fixture(scope="module")
def caller(compose: ComposeStack) -> Iterator[Caller]:
    one = Caller(compose.url, compose.key, Witness(compose.url))
    with one.http:
        yield one


def test_every_service_is_healthy_and_every_job_of_the_start_succeeded(compose: ComposeStack) -> None:
    states = {one["Service"]: (one["State"], one["Health"] or one["ExitCode"]) for one in compose.containers()}

    assert states.pop("mongo-init") == states.pop("account") == ("exited", 0)
    assert set(states) == {"frontend", "gateway", "worker", "mongo", "rabbitmq", "valkey", "s3"}
    assert set(states.values()) == {("running", "healthy")}


def test_posted_photograph_becomes_a_film(caller: Caller) -> None:
    photograph = pictures.picture(size=(1280, 800))

    task = expect(200, caller.http.post("/api/v1/task", files={"file": ("photo.jpg", photograph)}))["id"]

    until(lambda: caller.http.get(f"/api/v1/task/{task}").json()["status"] == "COMPLETED")
    film = caller.http.get(f"/api/v1/video/{task}")
    assert film.headers["content-type"] == "video/mp4"
    with av.open(BytesIO(film.content), "r") as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert sum(1 for _ in container.decode(video=0)) == container.streams.video[0].frames > 0


def test_result_is_fetched_by_a_signed_address_that_works_from_this_machine(
    compose: ComposeStack, caller: Caller
) -> None:
    job = caller.wait(caller.submit("builtin/landscape", prompt="A sunset over mountains")["id"])
    output = job["outputs"][0]

    signed = expect(200, caller.http.get(f"/v1/assets/{output['asset_id']}/content?redirect=false"))["url"]

    assert urlsplit(signed).netloc == f"127.0.0.1:{compose.s3_port}"
    assert len(httpx.get(signed).raise_for_status().content) == output["bytes"]
    assert httpx.get(re.sub("Signature=.", "Signature=0", signed) + "0").status_code == 403


def test_job_of_a_killed_worker_container_completes_on_another(compose: ComposeStack, caller: Caller) -> None:
    compose.run("up", "--detach", "--wait", "--no-recreate", "--scale", "worker=2")
    asset = caller.upload(pictures.picture(size=(1920, 1080)))
    job = caller.submit("builtin/camera-move", image=asset["id"], **LONGEST_FILM)["id"]
    until(lambda: caller.job(job)["progress"] > 0.02)

    first = caller.job(job)["attempts"][0]["worker"]
    compose.kill(first.rpartition("-")[0])

    done = caller.wait(job, "completed")
    assert [attempt["outcome"] for attempt in done["attempts"]] == ["lost", "completed"]
    assert done["attempts"][1]["worker"].rpartition("-")[0] != first.rpartition("-")[0]
    assert len(done["outputs"]) == 1


def test_events_pass_nginx_one_by_one_and_resume_behind_the_last_one_seen(caller: Caller) -> None:
    asset = caller.upload(pictures.picture())
    job = caller.submit("builtin/camera-move", image=asset["id"], duration_seconds=8)["id"]

    with caller.stream(job) as frames:
        seen = [(frame, caller.job(job)["is_terminal"]) for frame in frames]

    assert seen[0][0].event == "snapshot"
    assert not seen[0][1], "the first event was held back until the job had ended"
    last = max(int(frame.id) for frame, _ in seen if frame.id)
    with caller.stream(job, headers={"Last-Event-ID": str(last - 1)}) as frames:
        assert [int(frame.id) for frame in frames if frame.id] == [last]


def test_page_docs_and_health_come_from_one_origin(compose: ComposeStack) -> None:
    with httpx.Client(base_url=compose.url) as browser:
        page = browser.get("/jobs/some-job-that-the-page-knows")
        script = re.search(r'src="(/assets/[^"]+\.js)"', page.text)

        assert script is not None
        assert "immutable" in browser.get(script[1]).headers["cache-control"]
        assert page.headers["cache-control"] == "no-cache"
        assert f"http://127.0.0.1:{compose.s3_port}" in page.headers["content-security-policy"]
        assert browser.get("/assets/none.js").status_code == 404
        assert browser.get("/docs").headers["content-type"].startswith("text/html")
        assert browser.get("/healthz").json()["status"] == "ok"
        assert browser.get("/readyz").status_code == 404
        assert browser.get("/app-config.json").json()["api_key"] is None


@pytest.mark.parametrize("size", [32 * 1024 * 1024 + 1, 34 * 1024 * 1024])
def test_upload_above_the_limit_is_a_problem_whoever_notices(caller: Caller, size: int) -> None:
    answer = caller.http.post("/v1/assets", files={"file": ("large.jpg", pictures.padded(size))})

    assert answer.json()["code"] == "upload_too_large"


def test_gateway_that_is_away_is_a_problem_and_is_found_again(compose: ComposeStack, caller: Caller) -> None:
    compose.run("stop", "gateway")
    try:
        answer = caller.http.get("/v1/jobs")
        assert answer.json()["code"] == "unavailable"
        assert answer.headers["retry-after"] == "2"
        for address in ("/v1/providers/acme/webhook/job_x/hush", "/v1/%70roviders/acme/webhook/job_x/hush"):
            assert caller.http.post(address).status_code == 503
    finally:
        compose.run("up", "--detach", "--wait", "--no-recreate")

    assert caller.http.get("/v1/jobs").status_code == 200
    logged = compose.run("logs", "frontend")
    assert "/v1/providers/acme/webhook/job_x/[token]" in logged
    assert "hush" not in logged, "whoever reads the logs could say that a provider's job has ended"


def test_worker_without_rabbitmq_is_unhealthy_until_it_is_back(compose: ComposeStack) -> None:
    def health() -> str:
        return str(compose.inspect("worker")["State"]["Health"]["Status"])

    compose.run("pause", "rabbitmq")
    try:
        until(lambda: health() == "unhealthy", within=timedelta(seconds=120))
    finally:
        compose.run("unpause", "rabbitmq")

    until(lambda: health() == "healthy", within=timedelta(seconds=120))


@pytest.mark.parametrize("service", OURS)
def test_our_containers_are_nobody_on_a_disk_that_they_cannot_write(compose: ComposeStack, service: str) -> None:
    host = compose.inspect(service)["HostConfig"]

    assert compose.run("exec", "-T", service, "id", "-u").strip() not in {"", "0"}
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0


def test_worker_has_no_way_to_the_internet(compose: ComposeStack) -> None:
    networks = compose.inspect("worker")["NetworkSettings"]["Networks"]

    assert set(networks) == {f"{compose.name}_back"}
    outwards = "import socket; socket.create_connection(('192.0.2.1', 80), 3)"
    with pytest.raises(subprocess.CalledProcessError) as refused:
        compose.run("exec", "-T", "worker", "python", "-c", outwards)
    assert "Network is unreachable" in refused.value.stderr


def test_second_start_finds_everything_in_place(compose: ComposeStack, caller: Caller) -> None:
    before = expect(200, caller.http.get("/v1/jobs"))["items"]

    compose.run("down", "--timeout", "60")
    compose.run("up", "--detach", "--wait")

    assert [job["id"] for job in expect(200, caller.http.get("/v1/jobs"))["items"]] == [job["id"] for job in before]


def test_operator_makes_another_account_with_a_key_of_its_own(compose: ComposeStack, caller: Caller) -> None:
    key = compose.run("run", "--rm", "-T", "account", "create", "--name", "studio", "--tier", "pro").strip()

    with Caller(compose.url, key, Witness(compose.url)).http as other:
        assert expect(200, other.get("/v1/jobs"))["items"] == []
    assert expect(200, caller.http.get("/v1/jobs"))["items"]


def test_two_hundred_requests_at_once_all_get_an_answer(caller: Caller) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: caller.http.get("/v1/models").status_code, range(200)))

    assert set(answers) == {200}
