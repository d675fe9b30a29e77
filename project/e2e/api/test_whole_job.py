"""A person's or a program's whole way through Reelwork, over HTTP, in both ways of running it.

A photograph becomes a film; a sentence becomes a picture; the film plays and the picture shows something.
"""

import hashlib
import io
import time

import av
import numpy as np
from PIL import Image

from e2e.api.ledger import check_ended_once
from testkit import pictures
from testkit.caller import Json, expect
from testkit.stack import Stack
from testkit.waiting import pauses


def test_a_photograph_becomes_a_film(stack: Stack):
    owner = stack.owner
    asset = owner.upload(pictures.picture(size=(1200, 800), orientation=6), "holiday.jpg")
    values = {"image": asset["id"], "duration_seconds": 2, "resolution": "480p", "fps": 24, "motion": "zoom-in"}

    submitted = owner.submit("builtin/camera-move", **values)
    with owner.stream(submitted["id"]) as frames:
        told = list(frames)

    assert [frame.event for frame in told if frame.id] == ["job.queued", "job.processing", "job.completed"]
    job = owner.job(submitted["id"])
    (output,) = job["outputs"]
    content = owner.content(output["asset_id"])
    assert (output["content_type"], output["type"]) == ("video/mp4", "video")
    assert (output["bytes"], output["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    with av.open(io.BytesIO(content)) as film:
        stream = film.streams.video[0]
        shown = [frame.to_ndarray(format="rgb24") for frame in film.decode(stream)]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
    assert len(shown) == 48
    assert (output["width"], output["height"]) == (shown[0].shape[1], shown[0].shape[0])
    assert output["height"] > output["width"], "the photograph is shown upright"
    assert output["duration_seconds"] == 2
    assert np.abs(shown[0].astype(int) - shown[-1]).mean() > 1, "the camera moves"
    check_ended_once(stack, [job["id"]])


def test_a_sentence_becomes_a_picture(stack: Stack):
    owner = stack.owner

    job = owner.wait(owner.submit("builtin/landscape", prompt="A sunset over mountains")["id"])

    (output,) = job["outputs"]
    assert output["content_type"] == "image/png"
    with Image.open(io.BytesIO(owner.content(output["asset_id"]))) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert (output["width"], output["height"]) == (pixels.shape[1], pixels.shape[0])
    assert pixels.std() > 20, "there is something to see"
    sky, ground = pixels[: len(pixels) // 4], pixels[-len(pixels) // 4 :]
    assert np.abs(sky.mean(axis=(0, 1)) - ground.mean(axis=(0, 1))).max() > 10, "above is not as below"
    check_ended_once(stack, [job["id"]])


def test_the_same_seed_gives_the_same_picture(stack: Stack):
    owner = stack.owner

    jobs = [
        owner.submit("builtin/landscape", prompt="Hills at dawn", resolution="480p", seed=seed) for seed in (5, 5, 6)
    ]

    sums = [owner.wait(job["id"])["outputs"][0]["sha256"] for job in jobs]
    assert sums[0] == sums[1] != sums[2]


def test_the_result_of_one_job_is_the_input_of_the_next(stack: Stack):
    owner = stack.owner
    painted = owner.wait(owner.submit("builtin/landscape", prompt="A lake", resolution="480p")["id"])["outputs"][0]

    values = {"image": painted["asset_id"], "duration_seconds": 1, "resolution": "480p", "fps": 24}
    film = owner.wait(owner.submit("builtin/camera-move", **values)["id"])

    assert film["outputs"][0]["content_type"] == "video/mp4"


def test_a_leyline_client_gets_its_video(stack: Stack):
    http = stack.owner.http
    created = expect(200, http.post("/api/v1/task", files={"file": ("cat.jpg", pictures.picture())}))

    seen = [_task(stack, created["id"])]
    for pause in pauses():
        if seen[-1]["status"] not in {"PENDING", "PROCESSING"}:
            break
        time.sleep(pause)
        seen.append(_task(stack, created["id"]))

    assert (seen[-1]["status"], seen[-1]["progress"], seen[-1]["message"]) == ("COMPLETED", 100, None)
    progress = [task["progress"] for task in seen]
    assert progress == sorted(progress)
    video = http.get(f"/api/v1/video/{created['id']}")
    assert (video.status_code, video.headers["content-type"]) == (200, "video/mp4")
    with av.open(io.BytesIO(video.content)) as film:
        assert sum(1 for _ in film.decode(video=0)) > 10


def test_a_running_job_is_cancelled_within_the_grace_of_its_worker(stack: Stack):
    owner = stack.owner
    job_id = owner.submit(seconds=120)["id"]
    owner.wait(job_id, "processing")

    owner.cancel(job_id)

    assert owner.wait(job_id)["status"] == "cancelled"
    (job,) = check_ended_once(stack, [job_id])
    assert job["outputs"] == []


def test_many_jobs_of_several_accounts_all_end_once(stack: Stack):
    callers = [stack.caller(f"crowd {number}") for number in range(4)]

    submitted = [(caller, caller.submit(seconds=0.05)["id"]) for _ in range(8) for caller in callers]

    for caller, job_id in submitted:
        assert caller.wait(job_id)["status"] == "completed"
    jobs = check_ended_once(stack, [job_id for _, job_id in submitted])
    assert {job["attempt"] for job in jobs} == {1}


def _task(stack: Stack, task_id: str) -> Json:
    return expect(200, stack.owner.http.get(f"/api/v1/task/{task_id}"))
