"""The image-to-video paths of LeyLine: a picture in, a task to ask after, a video out."""

import io
import re
import uuid
from datetime import UTC, datetime

import av
import httpx2 as httpx
import pytest

from reelwork.domain.tier import Tier
from testkit import pictures
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack
from testkit.waiting import until


@pytest.fixture(scope="module")
def task(owner: Caller) -> str:
    """A task that is done."""
    created = expect(200, owner.http.post("/api/v1/task", files={"file": ("cat.jpg", pictures.picture())}))
    assert created.keys() == {"id"}
    task_id: str = created["id"]
    owner.wait(_job_of(owner, task_id)["id"])
    return task_id


def test_ping_needs_no_key(nobody: Caller):
    assert expect(200, nobody.http.get("/api/v1/ping")) == {"message": "pong"}


def test_a_task_has_a_uuid_and_tells_its_state_in_the_sources_words(owner: Caller, task: str):
    assert str(uuid.UUID(task)) == task

    told = expect(200, owner.http.get(f"/api/v1/task/{task}"))

    assert told.keys() == {"status", "progress", "filename", "message"}
    assert (told["status"], told["progress"], told["message"]) == ("COMPLETED", 100, None)
    assert re.fullmatch(r"/uploads/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.jpg", told["filename"])


def test_the_video_of_a_task_is_an_mp4_stream(owner: Caller, task: str):
    answer = owner.http.get(f"/api/v1/video/{task}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(answer.content)) as film:
        assert film.streams.video[0].codec_context.name == "h264"
    part = owner.http.get(f"/api/v1/video/{task}", headers={"Range": "bytes=0-99"})
    assert (part.status_code, part.content) == (206, answer.content[:100])


def test_a_task_that_waits_is_pending_and_has_no_video_yet(owner: Caller):
    blocker = owner.submit(seconds=60)["id"]
    owner.wait(blocker, "processing")
    created = expect(200, owner.http.post("/api/v1/task", files={"file": ("a.png", pictures.picture("image/png"))}))

    told = expect(200, owner.http.get(f"/api/v1/task/{created['id']}"))
    video = expect(404, owner.http.get(f"/api/v1/video/{created['id']}"))

    owner.cancel(_job_of(owner, created["id"])["id"])
    owner.cancel(blocker)
    assert (told["status"], told["progress"], told["message"]) == ("PENDING", 0, None)
    assert told["filename"].endswith(".png")
    assert video["code"] == "video_not_found"
    cancelled = expect(200, owner.http.get(f"/api/v1/task/{created['id']}"))
    assert (cancelled["status"], cancelled["message"]) == ("FAILED", "The task was cancelled.")


def test_what_the_plan_has_not_leaves_no_picture(stack: Stack):
    free = stack.caller("free task", tier=Tier.FREE)
    before = stack.stored()

    expect(403, free.http.post("/api/v1/task", files={"file": ("a.png", pictures.picture("image/png"))}))

    assert not stack.added_since(before)


def test_the_same_picture_under_a_key_is_one_task(owner: Caller):
    key = {"Idempotency-Key": "task once"}

    def post(picture: bytes) -> httpx.Response:
        return owner.http.post("/api/v1/task", files={"file": ("a.png", picture)}, headers=key)

    first, second = (post(pictures.picture("image/png")) for _ in range(2))

    assert expect(200, second) == expect(200, first)
    assert second.headers["idempotency-replayed"] == "true"
    assert expect(422, post(pictures.picture()))["code"] == "idempotency_key_mismatch"
    assert owner.content(_job_of(owner, first.json()["id"])["input"]["image"]) == pictures.picture("image/png")
    owner.cancel(_job_of(owner, first.json()["id"])["id"])


def test_the_same_picture_makes_another_task_each_time(owner: Caller):
    ids = set()
    for _ in range(2):
        created = expect(200, owner.http.post("/api/v1/task", files={"file": ("a.jpg", pictures.picture())}))
        owner.cancel(_job_of(owner, created["id"])["id"])
        ids.add(created["id"])

    assert len(ids) == 2


@pytest.mark.parametrize("task_id", ["nope", "0", str(uuid.UUID(int=0)), "%00", "a" * 5000, "job_x", "{}"])
def test_an_unknown_task_is_not_found(owner: Caller, task_id: str):
    assert expect(404, owner.http.get(f"/api/v1/task/{task_id}"))["code"] == "task_not_found"
    assert expect(404, owner.http.get(f"/api/v1/video/{task_id}"))["code"] == "video_not_found"


def test_a_job_without_a_picture_is_no_task(owner: Caller):
    job = owner.wait(owner.submit()["id"])
    task_id = str(uuid.UUID(int=_number(job["id"])))

    assert expect(404, owner.http.get(f"/api/v1/task/{task_id}"))["code"] == "task_not_found"


def test_a_job_whose_image_is_only_a_text_is_no_task(owner: Caller, stack: Stack):
    job = owner.wait(owner.submit()["id"])
    with stack.documents() as database:  # as a stranger's model may have its parameters
        database["jobs"].update_one({"_id": job["id"]}, {"$set": {"input": {"image": "a lighthouse"}}})

    task_id = str(uuid.UUID(int=_number(job["id"])))

    assert expect(404, owner.http.get(f"/api/v1/task/{task_id}"))["code"] == "task_not_found"


def test_a_task_outlives_its_picture(owner: Caller, stack: Stack):
    created = expect(200, owner.http.post("/api/v1/task", files={"file": ("a.jpg", pictures.picture())}))
    job = _job_of(owner, created["id"])
    owner.cancel(job["id"])
    owner.wait(job["id"])
    with stack.documents() as database:
        database["jobs"].update_one({"_id": job["id"]}, {"$set": {"inputs_due_at": datetime.now(UTC)}})
    until(lambda: owner.job(job["id"])["inputs_removed"])
    until(lambda: job["input"]["image"] not in stack.stored().assets)  # it goes last: later tests count what is stored

    told = expect(200, owner.http.get(f"/api/v1/task/{created['id']}"))

    assert (told["status"], told["filename"]) == ("FAILED", "")


def test_a_file_that_is_no_picture_makes_no_task(owner: Caller, stack: Stack):
    before = stack.stored()

    problem = expect(415, owner.http.post("/api/v1/task", files={"file": ("cat.png", b"I am a text.")}))

    assert problem["errors"][0]["pointer"] == "#/file"
    assert not stack.added_since(before)


def _job_of(owner: Caller, task_id: str) -> Json:
    jobs = expect(200, owner.http.get("/v1/jobs", params={"limit": 100}))["items"]
    (found,) = [job for job in jobs if _number(job["id"]) == uuid.UUID(task_id).int]
    job: Json = found
    return job


def _number(job_id: str) -> int:
    """The number behind an id, read by Crockford's alphabet and not by our own code."""
    number = 0
    for letter in job_id.removeprefix("job_"):
        number = number * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(letter)
    return number
