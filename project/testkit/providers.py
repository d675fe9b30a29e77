"""Models of providers beside the fakes that they ask, for tests."""

import importlib
import inspect
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reelwork.generator import GenerationError, LocalContext, RemoteModel, RemoteStatus
from reelwork.testing.providers import FakeProviders
from reelwork.testing.providers.provider import FakeProvider
from worker.models import fal, heygen, luma, openai_images, replicate, runway

PICTURE, FILM = "asset_picture", "asset_film"
WEBHOOK = "https://reelwork.example/v1/provider-webhooks/t0ken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One model: which fake it asks, and what with."""

    model: type[RemoteModel[Any]]
    fake: str
    input: dict[str, Any] = field(default_factory=lambda: {"prompt": "a fox"})
    path: str = ""
    bad_code: str = ""
    """A failure after which an accepted work is over; none where a submission is answered with the result."""

    def __str__(self) -> str:
        return self.model.id


CASES = (
    Case(model=replicate.FluxSchnell, fake="replicate", bad_code="crashed"),
    Case(model=fal.FluxSchnell, fake="fal", bad_code="value_error"),
    Case(model=luma.Uni1, fake="luma", path="/v1", bad_code="content_moderated"),
    Case(model=luma.Ray, fake="luma", path="/v1", bad_code="content_moderated"),
    Case(
        model=heygen.VideoTranslation,
        fake="heygen",
        input={"video": FILM, "target_language": "es"},
        bad_code="internal",
    ),
    Case(model=runway.Gen4Turbo, fake="runway", input={"image": PICTURE}, bad_code="SAFETY.OUTPUT.VIDEO"),
    Case(model=openai_images.GptImage, fake="openai", path="/v1"),
)
POLLED = tuple(case for case in CASES if case.bad_code)


def case_of(model_id: str) -> Case:
    """Raises StopIteration."""
    return next(case for case in CASES if case.model.id == model_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A model beside the fake that it asks."""

    model: RemoteModel[Any]
    fake: FakeProvider
    fakes: FakeProviders
    context: LocalContext
    input: dict[str, Any]

    def submit(self, **parameters: Any) -> str | RemoteStatus:
        return self.model.submit(self.parameters(**parameters), self.context)

    def begin(self, **parameters: Any) -> str:
        """Submit what is answered with a handle."""
        handle = self.submit(**parameters)
        assert isinstance(handle, str)
        return handle

    def parameters(self, **parameters: Any) -> Any:
        return self.model.parameters.model_validate({**self.input, **parameters})

    def refusal(self, **parameters: Any) -> GenerationError:
        """Why a submission is refused, as it has to be."""
        try:
            self.submit(**parameters)
        except GenerationError as error:
            return error
        raise AssertionError("The submission was not refused.")

    def poll(self, handle: str) -> RemoteStatus:
        return self.model.poll(handle, self.context)

    def polled(self, handle: str) -> RemoteStatus:
        """The end of a task."""
        for _ in range(5):
            status = self.poll(handle)
            if status.state.is_over:
                return status
        raise AssertionError("The task did not end.")

    def order(self) -> dict[str, Any]:
        """What the fake was asked for, the only time that it was."""
        (work,) = self.fake.works.values()
        return work.order


def remote_models() -> list[type[RemoteModel[Any]]]:
    """Every model of the worker that runs at a provider, by its id, whether its key is set or not.

    Only modules that speak of such models are imported: others take seconds.
    """
    folder = Path(importlib.import_module("worker.models").__file__ or "").parent
    names = [path.stem for path in sorted(folder.glob("*.py")) if "ProviderModel" in path.read_text()]
    members = [vars(importlib.import_module(f"worker.models.{name}")).values() for name in names]
    found = {
        value
        for values in members
        for value in values
        if isinstance(value, type) and issubclass(value, RemoteModel) and not inspect.isabstract(value)
    }
    return sorted(found, key=lambda model: model.id)
