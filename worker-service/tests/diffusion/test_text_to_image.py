"""`diffusers/text-to-image`, with a pipeline that is real but for what it learnt."""

import socket

import numpy as np
import pytest
from PIL import Image

from reelwork.generator import Cancelled, ContentRejected, ModelCard, ProviderUnavailable, discover
from worker.models.diffusers_text_to_image import TextToImage
from worker.models.diffusion.pipeline import FOLDER

# Warnings of libraries, about each other.
pytestmark = [pytest.mark.diffusion, pytest.mark.usefixtures("tiny"), pytest.mark.filterwarnings("ignore")]

SMALL = {"prompt": "a cat", "width": 80, "height": 64, "steps": 2}


@pytest.fixture(scope="module")
def model(pipelines):
    loaded = TextToImage(pipelines / "text-to-image")
    loaded.setup()
    return loaded


def test_words_become_a_picture_of_the_size_that_was_asked_for(model, make):
    artifact, _ = make(model, **SMALL)

    with Image.open(artifact.path) as picture:
        assert (picture.size, picture.format) == ((80, 64), "PNG")
        assert np.asarray(picture).std() > 0
        assert "made by AI" in picture.info["Software"]
    assert (artifact.width, artifact.height) == (80, 64)
    assert artifact.meta == {"seed": 1, "pipeline": "StableDiffusionPipeline", "steps": 2}


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(model, make):
    made = [make(model, seed=seed, **SMALL)[0].path.read_bytes() for seed in (7, 7, 8)]

    assert made[0] == made[1]
    assert made[0] != made[2]


def test_words_and_guidance_matter(model, make):
    plain = make(model, **SMALL)[0].path.read_bytes()

    for change in ({"prompt": "a dog"}, {"negative_prompt": "a dog"}, {"guidance": 1.5}):
        assert make(model, **(SMALL | change))[0].path.read_bytes() != plain


def test_each_step_is_told_of(model, make):
    _, reports = make(model, **SMALL)

    fractions = [report.fraction for report in reports]
    assert fractions == sorted(fractions)
    assert reports[0].stage == "generating"
    assert {report.steps for report in reports if report.step} <= {2}


def test_a_cancel_is_heard_after_the_step_and_the_model_works_on(model, make, monkeypatch):
    monkeypatch.setattr("reelwork.generator.context.REPORT_INTERVAL_SECONDS", 0)
    ran = []
    denoise = model._pipeline._pipeline.unet.forward
    monkeypatch.setattr(
        model._pipeline._pipeline.unet, "forward", lambda *args, **kw: ran.append(1) or denoise(*args, **kw)
    )

    with pytest.raises(Cancelled):
        make(model, cancel_at=1, **(SMALL | {"steps": 50}))

    assert len(ran) <= 2, "one more step at most"
    assert make(model, **SMALL)[0].path.is_file()


def test_loading_asks_no_network(pipelines, monkeypatch):
    def refuse(*_arguments):
        raise AssertionError("something wanted to connect")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)

    TextToImage(pipelines / "text-to-image").setup()


def test_weights_that_could_run_code_are_not_read(tiny, tmp_path):
    tiny.save_text_to_image(tmp_path / "pickled", pickled=True)

    with pytest.raises(ProviderUnavailable, match="pickled/ cannot be loaded"):
        TextToImage(tmp_path / "pickled").setup()


def test_what_is_no_pipeline_is_told_of_without_a_stack_trace(tmp_path):
    (tmp_path / "model_index.json").write_text('{"_class_name": "NoSuchPipeline"}')

    with pytest.raises(ProviderUnavailable, match="cannot be loaded"):
        TextToImage(tmp_path).setup()


def test_a_picture_that_the_pipelines_own_checker_refuses_is_not_handed_out(tiny, tmp_path, make):
    prudish = TextToImage(tiny.save_text_to_image(tmp_path / "prudish", prudish=True))

    with pytest.raises(ContentRejected, match="checker"):
        make(prudish, **SMALL)


def test_both_models_are_offered_where_there_are_pipelines(pipelines, monkeypatch):
    monkeypatch.setenv(FOLDER, str(pipelines))

    catalogue = discover("worker.models", entry_point_group=None)

    assert {"diffusers/text-to-image", "diffusers/image-to-video"} <= set(catalogue.models)
    assert ModelCard.of(TextToImage).pool == "gpu"
