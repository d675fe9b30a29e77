"""Models of local diffusion pipelines are absent, with a reason and its cure, where something is missing."""

import importlib.util

import pytest

from reelwork.generator import ModelCard
from worker.models.diffusers_image_to_video import ImageToVideo
from worker.models.diffusers_text_to_image import TextToImage
from worker.models.diffusion import pipeline

BOTH = pytest.mark.parametrize("model", [TextToImage, ImageToVideo])


@pytest.fixture
def packages(monkeypatch):
    """As if all packages were installed, or these were missing."""

    def pretend(*lacking):
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in lacking else object())

    return pretend


@BOTH
def test_missing_packages_are_named(model, packages):
    packages("torch", "diffusers")

    assert "needs the packages torch, diffusers" in model.available()


@BOTH
def test_without_a_folder_the_setting_is_named(model, packages, monkeypatch):
    packages()
    monkeypatch.delenv(pipeline.FOLDER, raising=False)

    assert f"set {pipeline.FOLDER}" in model.available()


@BOTH
def test_a_folder_without_a_pipeline_is_named(model, packages, monkeypatch, tmp_path):
    packages()
    monkeypatch.setenv(pipeline.FOLDER, str(tmp_path))
    assert f"{tmp_path / model.task} holds no model_index.json" in model.available()

    (tmp_path / model.task).mkdir()
    (tmp_path / model.task / "model_index.json").write_text("{}")
    assert model.available() is None


@BOTH
def test_their_cards_are_complete(model):
    card = ModelCard.of(model)

    assert (card.name, card.pool, card.is_ai, card.deterministic) == (f"diffusers/{model.task}", "gpu", True, False)
    assert card.capabilities.seed
