"""A real provider, and workers of the remote pool that ask it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from urllib.parse import urlsplit

import pytest

from reelwork.fetch import Fetcher, FetchRules
from testkit.acme import Acme, running_acme
from testkit.acme_models import Backed, Instant, Picture, Spare, Traced
from testkit.world import terms
from worker.results import Results
from worker.turn import Outside

POOL = "remote"


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> Iterator[Acme]:
    with running_acme() as running:
        monkeypatch.setenv("ACME_API_TOKEN", "secret")
        monkeypatch.setenv("ACME_BASE_URL", running.url)
        yield running


@pytest.fixture
def spare(crew, monkeypatch: pytest.MonkeyPatch) -> Iterator[Acme]:
    """A second provider."""
    with running_acme() as running:
        monkeypatch.setenv("SPARE_API_TOKEN", "other")
        monkeypatch.setenv("SPARE_BASE_URL", running.url)
        crew.more_ports.add(urlsplit(running.url).port)
        yield running


@pytest.fixture
def crew(workshop, acme, eventually):
    return Crew(workshop, acme, eventually)


class Crew:
    """Workers of the remote pool, and what a test does with them. Time passes by writing the database."""

    def __init__(self, workshop, acme, eventually):
        self.workshop, self.world, self.acme, self.eventually = workshop, workshop.world, acme, eventually
        self.more_ports = set()

    def worker(self, name="w", *, limit_bytes=1 << 20, public_url=None, allow=True, **options):
        outside = self.outside(limit_bytes=limit_bytes, public_url=public_url, allow=allow)
        return self.workshop.runner(
            Picture, Traced, Instant, Backed, Spare, name=name, outside=outside, pool=POOL, **options
        )

    def outside(self, *, limit_bytes=1 << 20, public_url=None, allow=True):
        port = urlsplit(self.acme.url).port
        rules = FetchRules(
            ports=frozenset({port, *self.more_ports}),
            plain_http=True,
            allow=(ip_network("127.0.0.0/8"),) if allow else (),
            seconds=10,
        )
        return Outside(results=Results(Fetcher(rules), limit_bytes=limit_bytes), public_url=public_url)

    async def submit(self, model=Picture, **fields):
        return await self.workshop.submit(terms(pool=POOL), model=model.id, input={"prompt": "a fox"}, **fields)

    async def due(self):
        past = datetime.now(UTC) - timedelta(seconds=1)
        waits = {"remote.due_at": {"$type": "date"}}
        await self.world.database["jobs"].update_many(waits, {"$set": {"remote.due_at": past}})

    async def until_it_ends(self, job, worker=None, *, turns=20):
        """Turn after turn, each as soon as the one before has ended."""
        worker = worker or self.worker()
        for _ in range(turns):
            await self.due()
            await self.world.come_due()
            await self.world.reconciler.run_once()
            await worker.work(POOL)
            after = await self.world.read(job)
            if after.status.is_terminal:
                return after
        raise AssertionError(f"{job.id} is {after.status}: {after.remote}")

    async def place(self, job):
        return (await self.world.lane(job.lane))["slots"]
