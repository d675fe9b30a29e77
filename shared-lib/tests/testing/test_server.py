"""What the fakes can be told to do, and HeyGen's contract, for which there is no SDK."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import av
import httpx2 as httpx
import pytest
from PIL import Image

from reelwork.testing.providers import FakeProviders
from reelwork.testing.providers.provider import FakeProvider

TRANSLATION = {"video": {"type": "url", "url": "https://example.com/a.mp4"}, "output_languages": ["Spanish (Spain)"]}


@pytest.fixture
def heygen(fakes: FakeProviders) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{fakes.heygen.url}/v3", headers={"X-Api-Key": fakes.heygen.key}) as client:
        yield client


@pytest.fixture
def luma(fakes: FakeProviders) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {fakes.luma.key}"}
    with httpx.Client(base_url=f"{fakes.luma.url}/v1", headers=headers) as client:
        yield client


def translate(heygen: httpx.Client, **fields: object) -> list[str]:
    answer = heygen.post("/video-translations", json={**TRANSLATION, **fields})
    assert answer.status_code == 200, answer.text
    ids: list[str] = answer.json()["data"]["video_translation_ids"]
    return ids


def test_heygen_translates_into_each_language_by_its_name(fakes: FakeProviders, heygen: httpx.Client):
    ids = translate(heygen, output_languages=["Spanish (Spain)", "Japanese (Japan)"], enable_caption=True)
    states = [heygen.get(f"/video-translations/{ids[0]}").json()["data"]["status"] for _ in range(2)]
    done = heygen.get(f"/video-translations/{ids[0]}").json()["data"]
    caption = heygen.get(f"/video-translations/{ids[0]}/caption", params={"format": "vtt"}).json()["data"]

    assert states == ["running", "completed"]
    assert done["output_language"] == "Spanish (Spain)"
    assert httpx.get(caption["caption_url"]).text.startswith("WEBVTT")
    assert (fakes.heygen.paid, len(ids)) == (2, 2)


def test_heygen_refuses_a_language_code_and_names_the_field(heygen: httpx.Client):
    answer = heygen.post("/video-translations", json={**TRANSLATION, "output_languages": ["es"]})

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_parameter"
    assert answer.json()["error"]["param"] == "output_languages"


def test_heygen_lists_by_time_and_deletes(heygen: httpx.Client):
    first, second = translate(heygen, callback_id="one")[0], translate(heygen, callback_id="two")[0]
    listed = heygen.get("/video-translations", params={"limit": 100}).json()["data"]
    assert [(item["id"], item["callback_id"]) for item in listed] == [(second, "two"), (first, "one")]

    assert heygen.delete(f"/video-translations/{first}").json() == {"data": {"id": first}}
    assert heygen.get(f"/video-translations/{first}").status_code == 404


def test_heygen_takes_files_and_knows_them_by_their_id(fakes: FakeProviders, heygen: httpx.Client):
    sent = heygen.post("/assets", files={"file": ("a.mp4", b"film", "video/mp4")}).json()["data"]

    assert translate(heygen, video={"type": "asset_id", "asset_id": sent["asset_id"]})
    assert fakes.heygen.uploads == {sent["asset_id"]: b"film"}
    unknown = {**TRANSLATION, "video": {"type": "asset_id", "asset_id": "none"}}
    assert heygen.post("/video-translations", json=unknown).status_code == 404


def test_heygen_refuses_its_key_and_too_many_requests(fakes: FakeProviders, heygen: httpx.Client):
    fakes.heygen.behaviour.throttle = 1
    throttled = heygen.post("/video-translations", json=TRANSLATION)
    strange = heygen.get("/video-translations", headers={"X-Api-Key": "x"})

    assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "7")
    assert throttled.json()["error"]["code"] == "rate_limit_exceeded"
    assert (strange.status_code, strange.json()["error"]["code"]) == (401, "unauthorized")


def test_a_connection_may_break_after_the_order_was_taken(fakes: FakeProviders, luma: httpx.Client):
    fakes.luma.behaviour.die_after_accept = 1

    with pytest.raises(httpx.RemoteProtocolError):
        luma.post("/generations", json={"prompt": "a fox"})

    assert (fakes.luma.paid, len(fakes.luma.works)) == (1, 1)
    assert luma.post("/generations", json={"prompt": "a fox"}).status_code == 201


def test_what_is_down_says_so_in_html(fakes: FakeProviders, luma: httpx.Client):
    fakes.luma.behaviour.down = True

    answer = luma.post("/generations", json={"prompt": "a fox"})

    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert fakes.luma.paid == 0


def test_what_is_slow_is_not_waited_for(fakes: FakeProviders, luma: httpx.Client):
    fakes.luma.behaviour.delay_seconds = 60

    with pytest.raises(httpx.ReadTimeout):
        luma.get("/generations/x", timeout=0.05)


def made(luma: httpx.Client, order: dict[str, object]) -> str:
    """The address of what came out."""
    work = luma.post("/generations", json=order).json()["id"]
    luma.get(f"/generations/{work}")
    address: str = luma.get(f"/generations/{work}").json()["output"][0]["url"]
    return address


def test_outputs_are_real_files_until_they_expire(fakes: FakeProviders, luma: httpx.Client):
    picture = made(luma, {"prompt": "a fox"})
    film = made(luma, {"prompt": "a fox", "model": "ray-3.2", "type": "video"})

    assert Image.open(io.BytesIO(httpx.get(picture).content)).size == (192, 108)
    with av.open(io.BytesIO(httpx.get(film).content)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 12
    fakes.luma.behaviour.outputs_expired = True
    assert httpx.get(picture).status_code == 403


def test_a_work_can_be_held_and_finished_at_will(fakes: FakeProviders, luma: httpx.Client):
    fakes.luma.behaviour.hold = True
    work = luma.post("/generations", json={"prompt": "a fox"}).json()["id"]
    assert luma.get(f"/generations/{work}").json()["state"] == "queued"

    fakes.luma.finish(work)

    assert luma.get(f"/generations/{work}").json()["state"] == "completed"


@pytest.mark.parametrize("name", ["replicate", "fal", "luma", "heygen", "runway", "openai"])
def test_other_processes_can_switch_and_count(fakes: FakeProviders, name: str):
    address = f"{fakes.url}/control/{name}"

    httpx.patch(address, json={"down": True})
    assert fakes.named(name).behaviour.down
    assert httpx.get(address).json()["paid"] == 0
    httpx.delete(address)

    assert not fakes.named(name).behaviour.down


def test_each_fake_knows_how_it_refuses_and_fails(fakes: FakeProviders):
    def is_complete(fake: FakeProvider) -> bool:
        return bool(fake.REFUSALS) and (bool(fake.FAILURES) or fake is fakes.openai)

    assert all(is_complete(fake) for fake in fakes.all)


def test_it_can_be_started_from_a_shell_and_says_how_to_reach_it():
    command = [sys.executable, "-m", "reelwork.testing.providers", "--seconds", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  (our own module)
        assert process.stdout is not None
        lines = [process.stdout.readline().removeprefix("export ").strip() for _ in range(12)]
        settings = dict(line.split("=", 1) for line in lines)
        answer = httpx.post(
            f"{settings['LUMA_BASE_URL']}/generations",
            json={"prompt": "a fox"},
            headers={"Authorization": f"Bearer {settings['LUMA_AGENTS_API_KEY']}"},
        )
        os.kill(process.pid, signal.SIGTERM)

    assert json.loads(answer.content)["state"] == "queued"
    assert process.returncode == 0
