import pytest
from PIL import Image

from reelwork.generator import LocalContext, ModelCard, ProviderUnavailable
from worker.models.simulated_image import SimulatedImage, SimulatedImageParameters


def run(tmp_path, *, seed=0, **values):
    context = LocalContext(tmp_path / "work", seed=seed)
    params = SimulatedImageParameters(**{"prompt": "A lighthouse", "delay_seconds": 0, **values})
    return list(SimulatedImage().generate(params, context))


def test_a_card_with_the_words_is_drawn_and_says_that_it_is_simulated(tmp_path):
    (artifact,) = run(tmp_path, failure_rate=0)

    with Image.open(artifact.path) as card:
        assert (card.format, card.size) == ("PNG", (artifact.width, artifact.height))
        assert len(card.getcolors(maxcolors=1 << 20)) > 2, "there are letters on it"
    assert artifact.meta["simulated"] is True


def test_other_words_make_another_card(tmp_path):
    first, second = (run(tmp_path / word, failure_rate=0, prompt=word)[0].path.read_bytes() for word in ("sea", "sky"))

    assert first != second


def test_a_very_long_prompt_in_any_script_is_cut_and_drawn(tmp_path):
    (artifact,) = run(tmp_path, failure_rate=0, prompt="漢字 \N{GRINNING FACE} \x07 " * 200)

    assert artifact.path.stat().st_size > 0


def test_a_failure_may_be_tried_again(tmp_path):
    with pytest.raises(ProviderUnavailable) as failed:
        run(tmp_path, failure_rate=1)

    assert failed.value.retryable


def test_its_title_and_card_do_not_pretend():
    card = ModelCard.of(SimulatedImage)

    assert "simulated" in card.title.lower()
    assert (card.is_ai, card.deterministic) == (False, False)
