"""The fake providers, and models that ask them."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from reelwork.generator import LocalContext
from reelwork.testing.providers import FakeProviders, media, running_providers
from testkit.providers import FILM, PICTURE, Asked, Case

Ask = Callable[..., Asked]


@pytest.fixture(scope="session")
def served() -> Iterator[FakeProviders]:
    with running_providers() as fakes:
        yield fakes


@pytest.fixture
def fakes(served: FakeProviders) -> FakeProviders:
    served.reset()
    return served


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A picture and a film of a second."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "picture.png").write_bytes(media.picture("an input"))
    (folder / "film.mp4").write_bytes(media.film("an input"))
    return {PICTURE: folder / "picture.png", FILM: folder / "film.mp4"}


@pytest.fixture
def ask(fakes: FakeProviders, inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Make a model of a case ask its fake."""

    def make(
        case: Case, *, webhook_url: str | None = None, assets: dict[str, Path] | None = None, **more: Any
    ) -> Asked:
        fake = fakes.named(case.fake)
        monkeypatch.setenv(case.model.credential, fake.key)
        monkeypatch.setenv(case.model.address_setting(), fake.url + case.path)
        context = LocalContext(tmp_path / "work", assets=assets or inputs, seed=7, webhook_url=webhook_url, **more)
        return Asked(model=case.model(), fake=fake, fakes=fakes, context=context, input=case.input)

    return make


@pytest.fixture
def png_of() -> Callable[..., bytes]:
    """A picture file of a size and format, filled with noise that does not compress."""

    def make(width: int, height: int, file_format: str = "PNG", **options: Any) -> bytes:
        file = io.BytesIO()
        Image.effect_noise((width, height), 90).convert("RGB").save(file, file_format, **options)
        return file.getvalue()

    return make
