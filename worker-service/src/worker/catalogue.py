"""The models of this worker: found once, set up when first needed, vouched for while the worker lives."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import anyio.to_thread
import structlog

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.job import Job
from reelwork.domain.lifecycle import reference
from reelwork.domain.worker import ModelOffered
from reelwork.engine.lacking import Lacking
from reelwork.generator import AnyModel, Catalogue, GenerationError, RemoteModel, discover
from reelwork.store import models as store

log = structlog.get_logger(__name__)

PUBLISH_SECONDS = 15.0


class ModelUnavailable(GenerationError):
    """This worker does not have the model; another one may."""

    code = "model_unavailable"
    default_retry_after = 0.0


class Models:
    """Instances by name; each is set up once in a process. `lacking`: models of jobs that it was given and could not
    run; it claims no more of them, but those that another of its models may do."""

    def __init__(self, catalogue: Catalogue, *, pool: str) -> None:
        self._classes = {name: cls for name, cls in catalogue.models.items() if cls.resources.pool == pool}
        self.cards = [card for name, card in catalogue.cards.items() if name in self._classes]
        self._absent = catalogue.absent
        remote = [name for name, cls in self._classes.items() if issubclass(cls, RemoteModel)]
        self.lacking = Lacking(stand_ins=remote)
        self._ready: dict[str, AnyModel] = {}
        self._setting_up = asyncio.Lock()
        self.has_remote = bool(remote)

    async def lacks(self, job: Job, cards: store.Models) -> ModelUnavailable | None:
        """Why this worker leaves the job to others: it has not its model, or another version of it, and none that may
        stand in while no worker lives that has it. None: it runs it."""
        if self._has_own(job):
            return None
        try:
            lives = await self.lacking.add(ModelOffered(name=job.model, version=job.model_version), cards)
        except StoreUnavailable as error:
            log.warning("models.not_asked", reason=error.detail)
            lives = True  # then the job waits a while longer
        if not lives and self.route(job):
            return None
        model, wanted = self._classes.get(job.model), reference(job.model, job.model_version)
        has = f"it has version {model.version}" if model is not None else self._absent.get(job.model, "no such model")
        return ModelUnavailable(f"This worker does not run {wanted}: {has}")

    def route(self, job: Job) -> list[str]:
        """The models of this worker that run at providers and may do the job, in order."""
        here = [job.model] if self._has_own(job) else []
        return [name for name in [*here, *job.fallbacks] if self.is_remote(name)]

    def _has_own(self, job: Job) -> bool:
        model = self._classes.get(job.model)
        return model is not None and model.version == job.model_version

    async def ready(self, name: str) -> AnyModel:
        """The model, set up. Raises ModelUnavailable, or whatever its `setup` raises."""
        if name not in self._classes:
            reason = self._absent.get(name, "no such model")
            raise ModelUnavailable(f"This worker does not run {name}: {reason}")
        async with self._setting_up:
            if name not in self._ready:
                model = self._classes[name]()
                await anyio.to_thread.run_sync(_set_up, model, abandon_on_cancel=True)
                self._ready[name] = model
        return self._ready[name]

    def is_remote(self, name: str) -> bool:
        """Whether it runs at a provider; False for a model that this worker does not have."""
        return name in self._classes and issubclass(self._classes[name], RemoteModel)

    async def remote(self, name: str) -> RemoteModel[Any]:
        """The same as `ready`, for a model that runs at a provider. Raises ModelUnavailable too if it does not."""
        model = await self.ready(name)
        if not isinstance(model, RemoteModel):
            raise ModelUnavailable(f"{name} does not run at a provider.")
        return model

    async def vouch(self, models: store.Models) -> None:
        """Publish the cards now and again, until cancelled."""
        if self._absent:
            log.warning("models.absent", reasons=self._absent)
        for name, model in self._classes.items():
            if caution := model.caution():
                log.warning("model.caution", model=name, reason=caution)
        log.info("models.published", names=[card.name for card in self.cards])
        while True:
            try:
                for card in self.cards:
                    await models.publish(card)
            except StoreUnavailable as error:
                log.warning("models.not_published", reason=error.detail)
            await asyncio.sleep(PUBLISH_SECONDS)


@contextmanager
def contained() -> Iterator[None]:
    """Around foreign code: it may end its own run by `sys.exit`, but not the process that other jobs are in."""
    try:
        yield
    except SystemExit as error:
        raise RuntimeError("The model tried to end its process.") from error


def _set_up(model: AnyModel) -> None:
    with contained():
        model.setup()


def find_models(modules: Sequence[str]) -> Catalogue:
    """The built-in models of `worker.models`, those of installed packages, and those of modules that were named."""
    return discover("worker.models", modules=modules)
