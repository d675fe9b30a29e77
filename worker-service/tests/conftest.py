"""Workers over a real MongoDB and S3, with models that a test writes where it needs them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reelwork.domain.job import Job
from reelwork.domain.lane import LaneTerms
from reelwork.fetch import Fetcher, FetchRules
from reelwork.generator import (
    Artifact,
    Catalogue,
    GenerationContext,
    MediaGeneratorModel,
    ModelCard,
    Parameters,
    Resources,
)
from reelwork.objects.s3 import ObjectStore
from testkit.models import Noop
from testkit.services import S3Service, fresh_bucket, fresh_database
from testkit.world import World, open_world, terms
from worker import lifeline
from worker.board import Board
from worker.catalogue import Models
from worker.results import Results
from worker.runner import Runner, RunnerOptions
from worker.turn import Outside

DEADLINE_SECONDS = 20
SCRIPTED = "test/scripted"


class _Anything(Parameters, extra="allow"):
    """Takes what it is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """A world, and workers in it. `abandoned` counts the processes that would have been ended."""

    world: World
    scratch: Path
    abandoned: list[str] = field(default_factory=list)

    def runner(
        self,
        *models: type[MediaGeneratorModel[Any]],
        name: str = "w",
        grace: timedelta = timedelta(seconds=10),
        objects: ObjectStore | None = None,
        board: Board | None = None,
        outside: Outside | None = None,
        pool: str = "cpu",
    ) -> Runner:
        """A worker that has these models, else the no-op."""
        found = {model.id: model for model in models or (Noop,)}
        catalogue = Catalogue(models=found, cards={name: ModelCard.of(model) for name, model in found.items()})
        options = RunnerOptions(
            worker=name,
            scratch_directory=self.scratch,
            grace=grace,
            abandon=lambda: self.abandoned.append(name),
            board=board or Board(patience=timedelta()),
            outside=outside or Outside(results=Results(Fetcher(FetchRules()), limit_bytes=1 << 20)),
        )
        world = self.world
        models_of_worker = Models(catalogue, pool=pool)
        return Runner(world.engine, models_of_worker, objects or world.objects, world.sweeper, options)

    async def submit(self, of: LaneTerms | None = None, **fields: Any) -> Job:
        """Submit a job, of the scripted model unless told otherwise; `fields` are a job's own."""
        lane = of or terms()
        return await self.world.submit(lane, **({"model": SCRIPTED} | fields))

    async def keys(self, job: Job) -> list[str]:
        """The objects that lie in S3 for a job."""
        return [key async for key in self.world.objects.list_keys(f"accounts/{job.account_id}/jobs/{job.id}/")]

    async def content(self, key: str) -> bytes:
        """The bytes of an object."""
        async with await self.world.objects.open_range(key) as stream:
            return b"".join([chunk async for chunk in stream])


@pytest.fixture(scope="session")
async def opened(mongo_url: str, s3: S3Service) -> AsyncIterator[World]:
    with fresh_database(mongo_url) as database, fresh_bucket(s3) as bucket:
        async with open_world(mongo_url, database, bucket=bucket) as world:
            yield world


@pytest.fixture
async def workshop(opened: World, tmp_path: Path) -> Workshop:
    """Emptied before the test; objects of earlier tests lie under other accounts."""
    await opened.clear()
    return Workshop(world=World.over(opened.database, opened.objects), scratch=tmp_path)


@pytest.fixture
def quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats follow each other closely, so that a worker soon hears of a cancel."""
    monkeypatch.setattr(lifeline, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(lifeline, "REPORT_SECONDS", 0.02)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds a model back until it is set; set at the end, so that no thread outlives its test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def scripted() -> Callable[..., type[MediaGeneratorModel[Any]]]:
    """A model class from a `generate(params, ctx)`; more class attributes by name."""

    def make(generate: Callable[..., Any], *, seconds: float = 60, **attributes: Any) -> type[MediaGeneratorModel[Any]]:
        stated = {
            "id": SCRIPTED,
            "version": "1",
            "title": "Scripted",
            "description": "Does what the test wrote.",
            "task": "text-to-text",
            "produces": ("text/plain",),
            "parameters": _Anything,
            "is_ai": False,
            "resources": Resources(time_limit_seconds=seconds),
            "generate": lambda _self, params, ctx: generate(params, ctx),
        }
        return type("Scripted", (MediaGeneratorModel,), stated | attributes)

    return make


@pytest.fixture
def text() -> Callable[..., Artifact]:
    """For models: a finished text file."""

    def write(ctx: GenerationContext, content: bytes = b"done", name: str = "text.txt") -> Artifact:
        path = ctx.workdir / name
        path.write_bytes(content)
        return Artifact(name=name, media_type="text/plain", path=path)

    return write


@pytest.fixture
def eventually() -> Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]:
    """Ask again until the answer is truthy, and give it; TimeoutError if it never is."""

    async def wait(ask: Callable[[], Awaitable[Any]]) -> Any:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not (answer := await ask()):  # noqa: ASYNC110  (a database has no event)
                await asyncio.sleep(0.01)
        return answer

    return wait
