import cv2
import numpy as np
import pytest
from PIL import Image

from reelwork.generator import Cancelled, LocalContext, ModelCard
from worker.models.painting.silk import weave
from worker.models.silk import Silk, SilkParameters


def picture(prompt, *, seed=0, width=160, height=90):
    return weave(prompt, seed=seed, width=width, height=height, progress=lambda _share, _step: None)


def difference(first, second):
    """Mean distance of the brightness, 0 to 255, at a scale where grain does not count."""
    return float(np.abs(cv2.blur(first, (5, 5)).astype(int) - cv2.blur(second, (5, 5))).mean())


def test_composition_does_not_depend_on_the_size():
    reduced = cv2.resize(picture("an idea", width=480, height=270), (160, 90), interpolation=cv2.INTER_AREA)

    assert difference(picture("an idea"), reduced) < 3


def test_wider_picture_shows_the_same_middle():
    wide, square = picture("an idea"), picture("an idea", width=90)

    assert difference(wide[:, 35:125][10:80, 10:80], square[10:80, 10:80]) < 3


def test_prompt_and_seed_decide_the_picture():
    first = picture("an idea", seed=1)

    assert (picture("an  Idea", seed=1) == first).all(), "case and spaces do not count"
    assert difference(picture("an idea", seed=2), first) > 15
    assert difference(picture("a thought", seed=1), first) > 15


@pytest.mark.parametrize(
    ("prompt", "channel"), [("red", 0), ("fire", 0), ("green", 1), ("blue", 2), ("deep ocean blue", 2)]
)
def test_words_choose_the_colours(prompt, channel):
    means = np.mean([picture(prompt, seed=seed).mean((0, 1)) for seed in range(3)], axis=0)

    assert means.argmax() == channel


@pytest.mark.parametrize(
    "prompt", ["asdf", "🌄", "天空", "...", "gold", "red red red", "red green blue pink teal", "a" * 2000]
)
def test_every_prompt_gives_a_picture(prompt):
    pixels = picture(prompt)

    assert pixels.shape == (90, 160, 3)
    assert pixels.std() > 12, "a picture, not a wall"


def test_wild_words_make_more_folds_than_calm_ones():
    def edges(prompt):
        return np.mean([cv2.Laplacian(picture(prompt, seed=seed), cv2.CV_32F).std() for seed in range(4)])

    assert edges("wild red chaos") > edges("calm red peace") * 1.1


@pytest.fixture
def run(tmp_path):
    def generate(seed=0, **values):
        (artifact,) = Silk().generate(SilkParameters(**values), LocalContext(tmp_path, seed=seed))
        return artifact

    return generate


def test_file_is_a_png_that_says_how_it_was_made_and_the_same_again(run):
    artifact = run(prompt="jazz", aspect_ratio="4:5", resolution="480p", seed=3)
    first = artifact.path.read_bytes()

    with Image.open(artifact.path) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (480, 600))
        assert "not AI" in image.text["Software"]
    assert (artifact.width, artifact.height) == (480, 600)
    assert run(prompt="jazz", aspect_ratio="4:5", resolution="480p", seed=3).path.read_bytes() == first


def test_cancelled_weaving_leaves_no_file(tmp_path):
    context = LocalContext(tmp_path, on_progress=lambda _report: context.cancel())

    with pytest.raises(Cancelled):
        list(Silk().generate(SilkParameters(prompt="calm", resolution="480p"), context))

    assert list(tmp_path.iterdir()) == []


def test_card_does_not_pretend_to_be_ai():
    card = ModelCard.of(Silk)

    assert not card.is_ai
    assert "not AI" in card.title
    assert card.deterministic


@pytest.mark.parametrize(
    ("prompt", "low", "high"), [("white", 150, 256), ("black", 0, 90), ("black and white", 40, 200)]
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_black_and_white_are_no_colours(prompt, low, high, seed):
    pixels = picture(prompt, seed=seed).astype(int)

    assert low < pixels.mean() < high
    assert np.ptp(pixels, axis=2).mean() < 25
