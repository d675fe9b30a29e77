from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from reelwork.generator import Cancelled, LocalContext, ModelCard
from worker.models.landscape import Landscape, LandscapeParameters
from worker.models.painting.painter import paint
from worker.models.painting.raycast import look
from worker.models.painting.stage import Stage
from worker.models.painting.words import read


def picture(prompt, *, seed=0, width=320, height=180):
    return paint(read(prompt, seed=seed), width=width, height=height, progress=lambda _share, _step: None)


def similarity(first, second):
    """Structural similarity (Wang et al. 2004) of the brightness, at a scale where grain does not count."""
    a, b = (
        cv2.GaussianBlur(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY).astype(np.float64), (0, 0), 1.0)
        for each in (first, second)
    )
    mean = lambda values: cv2.GaussianBlur(values, (0, 0), 3)  # noqa: E731 - local to the formula
    mean_a, mean_b = mean(a), mean(b)
    spread = mean(a * b) - mean_a * mean_b
    parts = (2 * mean_a * mean_b + 6.5) * (2 * spread + 58.5)
    return float(
        (parts / ((mean_a**2 + mean_b**2 + 6.5) * (mean(a * a) - mean_a**2 + mean(b * b) - mean_b**2 + 58.5))).mean()
    )


@pytest.fixture
def run(tmp_path):
    def generate(seed=0, **values):
        (artifact,) = Landscape().generate(LandscapeParameters(**values), LocalContext(tmp_path, seed=seed))
        return artifact

    return generate


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("A sunset over mountains", {"time": "sunset", "land": "mountains"}),
        (
            "snowy peaks at night with northern lights",
            {"time": "night", "land": "mountains", "snow": True, "aurora": True},
        ),
        ("A city skyline in the rain at dusk", {"time": "dusk", "land": "city", "rain": True, "cover": "overcast"}),
        ("a city in the mountains", {"land": "city"}),
        ("Stormy SEAS with lightning!", {"land": "sea", "cover": "storm", "lightning": True}),
        ("golden hour, desert dunes, no clouds", {"time": "golden", "land": "dunes", "cover": "clear"}),
        ("mountains without snow or lakes", {"land": "mountains", "snow": False}),
        ("a mountain, no water", {"water": False}),
        ("autumn forest by a lake", {"land": "forest", "autumn": True, "water": True, "time": "day"}),
        ("it is snowing on the hills", {"land": "hills", "snow": True, "snowfall": True, "cover": "overcast"}),
        ("a city in the snow at dusk", {"land": "city", "snow": True, "snowfall": True, "cover": "overcast"}),
        ("a frozen lake", {"water": True, "snow": True, "ice": True}),
        ("quiet reflection", {"land": "mountains", "water": True}),
        ("birds over a canyon at dawn", {"land": "canyon", "birds": True, "time": "dawn"}),
    ],
)
def test_words_choose_the_scene(prompt, expected):
    scene = read(prompt, seed=0)

    assert {name: getattr(scene, name) for name in expected} == expected


def test_colours_are_for_the_sky_unless_they_name_the_land():
    assert read("a purple sky over green hills", seed=0).tints == ("#8a45b8",)
    assert read("green hills", seed=0).tints == ()
    assert read("red and teal mountains in pink light", seed=0).tints == ("#d8342c", "#ef8fb2")


@pytest.mark.parametrize("prompt", ["asdf", "🌄", "天空", "...", "   x   ", "a" * 2000])
def test_prompt_without_known_words_still_gives_a_picture(prompt):
    pixels = picture(prompt, width=96, height=54)

    assert pixels.shape == (54, 96, 3)
    assert pixels.std() > 10


def test_prompts_in_any_script_are_told_apart():
    assert read("天空", seed=0).entropy != read("海", seed=0).entropy


def test_scenes_of_one_wordless_prompt_differ_by_seed():
    lands = {read("something nice", seed=seed).land for seed in range(12)}

    assert len(lands) >= 3


@pytest.mark.parametrize(
    "prompt",
    [
        "mountains in fog at dawn",
        "green hills at noon",
        "desert",
        "stormy sea",
        "forest in winter, snowing",
        "city at night",
        "canyon at dusk with birds",
        "frozen lake under an aurora",
        "cherry blossom hills",
        "thunderstorm with lightning over hills",
        "overcast coast",
    ],
)
def test_every_kind_of_scene_can_be_painted(prompt):
    pixels = picture(prompt, width=160, height=90)

    assert pixels.dtype == np.uint8
    assert pixels.std() > 12, "a picture, not a wall"


def test_same_prompt_and_seed_give_the_same_bytes(run):
    first = run(prompt="A sunset over mountains", resolution="480p", seed=3).path.read_bytes()

    assert run(prompt="A sunset over mountains", resolution="480p", seed=3).path.read_bytes() == first


def test_another_seed_gives_another_picture():
    assert similarity(picture("A sunset over mountains", seed=1), picture("A sunset over mountains", seed=2)) < 0.75


@pytest.mark.parametrize(
    "prompt", ["A sunset over mountains", "a city at night", "desert at golden hour", "autumn forest"]
)
def test_composition_does_not_depend_on_the_size(prompt):
    small, large = picture(prompt, width=320, height=180), picture(prompt, width=800, height=450)

    reduced = cv2.resize(large, (320, 180), interpolation=cv2.INTER_AREA)

    assert similarity(small, reduced) > (0.85 if "city" in prompt else 0.93), "windows are smaller than pixels"


def test_wider_picture_shows_the_same_middle():
    wide, square = (
        picture("A sunset over mountains", width=420, height=180),
        picture("A sunset over mountains", width=180, height=180),
    )

    assert similarity(np.ascontiguousarray(wide[20:160, 140:280]), np.ascontiguousarray(square[20:160, 20:160])) > 0.85


def test_sunset_is_warm_at_the_horizon_and_cool_above():
    pixels = picture("A sunset over mountains").astype(int)

    top, middle = pixels[:20].mean((0, 1)), pixels[70:95].mean((0, 1))
    assert middle[0] - middle[2] > top[0] - top[2] + 30
    assert pixels.max(2).max() > 235, "the sun is in it"


def test_night_is_darker_than_day():
    assert picture("hills at night, clear").mean() < picture("hills at noon, clear").mean() * 0.5


def test_winter_is_whiter_than_summer():
    assert picture("forest in winter at noon")[110:].mean() > picture("forest in summer at noon")[110:].mean() * 1.5


def test_stormy_sea_has_waves_that_hide_what_is_behind_them():
    def hidden(prompt):
        """How often, going down a column, the eye skips a piece of sea behind a crest."""
        stage = Stage.of(read(prompt, seed=4), width=160, height=90)
        depth = look(stage.view, stage.terrain).depth[60:]
        return int((depth[:-1] > 1.25 * depth[1:]).sum())

    assert hidden("overcast sea") == 0
    assert hidden("stormy sea") > 100


def test_banks_before_a_lake_are_land_with_a_shore_and_no_slabs():
    """Their edges run in and out from row to row, and what is seen of them is not level."""
    scene = read("Snow falling over a lake in the mountains", seed=2269612960)
    stage = Stage.of(scene, width=640, height=360)
    sight = look(stage.view, stage.terrain)
    ground = stage.terrain.at(sight.x, sight.z)
    bank = (ground.height > 0) & (sight.depth < 2)

    edges = [int(row.argmax()) for row in bank[:, 320:] if row.any()]
    assert len(edges) > 15
    assert max(edges) - min(edges) > 30
    assert np.hypot(ground.slope_x, ground.slope_z)[bank].std() > 0.05


def test_storm_at_night_can_be_seen():
    assert picture("stormy sea at night")[20:80].mean() > 25


def test_snow_at_night_does_not_glow():
    night, day = (picture(f"snowy hills {when}, clear")[110:].mean() for when in ("at night", "at noon"))

    assert night < 0.45 * day


def test_frozen_lake_has_no_ripples():
    lake = read("a lake in winter at noon, clear", seed=4)

    open_water, ice = (
        cv2.cvtColor(
            paint(replace(lake, ice=frozen), width=320, height=180, progress=lambda _share, _step: None)[130:],
            cv2.COLOR_RGB2GRAY,
        )[:, 80:240]  # between the banks, whose trees are the same in both
        for frozen in (False, True)
    )

    assert cv2.Laplacian(ice, cv2.CV_32F).std() < 0.6 * cv2.Laplacian(open_water, cv2.CV_32F).std()


@pytest.mark.parametrize(
    ("aspect", "size"), [("16:9", (854, 480)), ("1:1", (480, 480)), ("4:5", (480, 600)), ("21:9", (854, 366))]
)
def test_file_is_a_png_of_the_size_asked_for(run, aspect, size):
    artifact = run(prompt="hills", aspect_ratio=aspect, resolution="480p")

    with Image.open(artifact.path) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", size)
        assert "not AI" in image.text["Software"]
    assert (artifact.width, artifact.height) == size


def test_cancelled_painting_leaves_no_file(tmp_path):
    context = LocalContext(tmp_path, on_progress=lambda report: context.cancel() if report.fraction > 0.1 else None)

    with pytest.raises(Cancelled):
        list(Landscape().generate(LandscapeParameters(prompt="hills", resolution="480p"), context))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("prompt", ["", "x" * 2001])
def test_prompt_must_have_one_to_two_thousand_characters(prompt):
    with pytest.raises(ValidationError):
        LandscapeParameters(prompt=prompt)


def test_card_does_not_pretend_to_be_ai():
    card = ModelCard.of(Landscape)

    assert not card.is_ai
    assert "not AI" in card.title
    assert card.deterministic
