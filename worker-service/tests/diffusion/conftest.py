"""Real diffusers pipelines with random weights, made here; skipped where torch is not installed."""

import importlib.util
from pathlib import Path

import pytest

from reelwork.generator import LocalContext, MediaGeneratorModel


@pytest.fixture(scope="session")
def tiny():
    """What makes tiny pipelines. Skips without torch."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed here: make test-diffusion")
    from testkit import tiny_pipelines  # noqa: PLC0415  (importing it takes seconds, and torch)

    return tiny_pipelines


@pytest.fixture(scope="session")
def pipelines(tiny, tmp_path_factory) -> Path:
    """A folder as REELWORK_DIFFUSION_DIR wants it."""
    folder = tmp_path_factory.mktemp("pipelines")
    tiny.save_text_to_image(folder / "text-to-image")
    tiny.save_image_to_video(folder / "image-to-video")
    return folder


@pytest.fixture
def make(tmp_path):
    """Run a model; gives its artifact and what it reported."""

    def run(model: MediaGeneratorModel, *, seed: int = 1, assets=None, cancel_at: int | None = None, **values):
        reports = []

        def note(report):
            reports.append(report)
            if report.step is not None and report.step == cancel_at:
                context.cancel()

        context = LocalContext(tmp_path / "work", assets=assets or {}, seed=seed, on_progress=note)
        (artifact,) = model.generate(model.parameters(**values), context)
        return artifact, reports

    return run
