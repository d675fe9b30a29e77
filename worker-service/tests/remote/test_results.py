"""What a provider made: fetched by the guarded fetcher, looked at, stored; and not paid for twice if that fails."""

import pytest

from reelwork.domain.job import Status
from reelwork.objects.errors import ObjectStoreDown
from testkit import pictures
from testkit.acme_models import Instant, Picture
from testkit.steps import stepped_objects
from worker import pause, turn

pytestmark = pytest.mark.usefixtures("quick_beats")


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (b"", "empty"),
        (b"<html>expired</html>", "not of a kind"),
        (pictures.picture(size=(64, 48))[:40], "broken"),
        (b"\x00\x00\x00\x18ftypisom" + b"\x00" * 64, "not of a kind"),
        (b"\xff\xd8\xff" + b"x" * (1 << 20), "too large"),
    ],
)
async def test_what_a_provider_calls_a_picture_has_to_be_one(crew, acme, picture, said):
    acme.picture = picture
    job = await crew.submit()

    after = await crew.until_it_ends(job)

    assert (after.status, after.error.code, acme.paid) == (Status.FAILED, "generation_failed", 1)
    assert said in after.error.message
    assert await crew.workshop.keys(job) == []


async def test_a_result_at_a_private_address_is_not_fetched(crew, acme):
    job = await crew.submit()

    after = await crew.until_it_ends(job, crew.worker(allow=False))

    assert (after.status, after.error.code) == (Status.FAILED, "generation_failed")
    assert acme.asked("GET /files/") == 0


async def test_a_result_that_cannot_be_fetched_at_once_is_fetched_later(crew, acme):
    acme.at("GET /files/", times=2, status=503)
    job = await crew.submit()

    after = await crew.until_it_ends(job)

    assert (after.status, after.attempt, acme.paid) == (Status.COMPLETED, 1, 1)


class _Away:
    """An object store that refuses so many times."""

    def __init__(self, times):
        self.times = times

    async def __call__(self):
        if self.times:
            self.times -= 1
            raise ObjectStoreDown("away")


@pytest.mark.parametrize("model", [Picture, Instant])
async def test_a_paid_result_is_not_paid_again_because_our_storage_is_away(crew, acme, monkeypatch, model):
    monkeypatch.setattr(pause, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(turn, "AGAIN_SECONDS", 0.01)
    objects = stepped_objects(crew.world.objects, _Away(2))
    job = await crew.submit(model)

    after = await crew.until_it_ends(job, crew.worker(objects=objects))

    assert (after.status, after.attempt, acme.paid) == (Status.COMPLETED, 1, 1)
    assert len(await crew.workshop.keys(job)) == 1
