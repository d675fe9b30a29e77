"""fal's own SDK takes our fake for the service: so does the adapter that is tested against it."""

from collections.abc import Iterator

import fal_client
import fal_client.client
import pytest

from reelwork.testing.providers import FakeProviders


@pytest.fixture
def fal(fakes: FakeProviders, monkeypatch: pytest.MonkeyPatch) -> Iterator[fal_client.SyncClient]:
    """The client knows https only, and its own host."""
    monkeypatch.setattr(fal_client.client, "QUEUE_URL_FORMAT", f"{fakes.fal.url}/")
    client = fal_client.SyncClient(key=fakes.fal.key)
    yield client
    client._client.close()


def test_fal_queues_runs_and_answers(fakes: FakeProviders, fal: fal_client.SyncClient):
    fakes.fal.behaviour.hold = True
    handle = fal.submit("fal-ai/flux/schnell", {"prompt": "a fox", "num_images": 2})
    assert handle.status() == fal_client.Queued(position=2)

    fakes.fal.behaviour.hold = False
    running = handle.status(with_logs=True)
    assert isinstance(running, fal_client.InProgress)
    assert running.logs
    assert isinstance(handle.status(), fal_client.Completed)

    result = handle.get()
    assert [image["content_type"] for image in result["images"]] == ["image/png"] * 2
    assert fakes.fal.paid == 1


def test_fal_finds_a_request_by_its_id(fal: fal_client.SyncClient):
    """The path below the application's name is no part of the address."""
    handle = fal.submit("fal-ai/flux/schnell", {"prompt": "a fox"})

    found = fal.get_handle("fal-ai/flux/schnell", handle.request_id)

    assert found.status_url == handle.status_url
    assert isinstance(found.status(), fal_client.InProgress)


def test_fal_cancels(fakes: FakeProviders, fal: fal_client.SyncClient):
    handle = fal.submit("fal-ai/flux/schnell", {"prompt": "a fox"})

    handle.cancel()

    assert fakes.fal.works[handle.request_id].state == "cancelled"


@pytest.mark.parametrize(("code", "status"), [("runner_server_error", 500), ("content_policy_violation", 422)])
def test_fal_tells_why_it_failed(fakes: FakeProviders, fal: fal_client.SyncClient, code: str, status: int):
    fakes.fal.behaviour.fail = code
    handle = fal.submit("fal-ai/flux/schnell", {"prompt": "a fox"})
    handle.status()
    ended = handle.status()
    assert isinstance(ended, fal_client.Completed)
    assert ended.error_type == code

    with pytest.raises(fal_client.FalClientHTTPError) as raised:
        handle.get(interval=0)

    assert (raised.value.status_code, raised.value.error_type) == (status, code)


def test_fal_is_told_that_its_key_is_wrong(fakes: FakeProviders, fal: fal_client.SyncClient):
    fakes.fal.key = "another"

    with pytest.raises(fal_client.FalClientHTTPError) as raised:
        fal.submit("fal-ai/flux/schnell", {"prompt": "a fox"})

    assert raised.value.status_code == 401
