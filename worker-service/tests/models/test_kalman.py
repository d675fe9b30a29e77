"""`builtin/kalman`: what it writes, in each of its ways."""

import csv
import json

import pytest
from pydantic import ValidationError

from reelwork.generator import Cancelled, InvalidInput, LocalContext, ModelCard
from reelwork.modelling import kalman
from worker.models.kalman import Kalman

FLAT = {"observation_variance": 1.0, "level_variance": 0.5}


@pytest.fixture
def run(tmp_path):
    def running(by=None, assets=None, **values):
        model = by or Kalman()
        context = LocalContext(tmp_path / "work", assets=assets)
        return list(model.generate(model.parameters.model_validate(values), context))

    return running


def content(artifacts):
    return json.loads(artifacts[0].path.read_text())


def test_one_observable_gives_plain_lists(run):
    found = content(run(values=[1.0, None, 3.0], **FLAT))

    assert found["variances"] == {"observation": 1.0, "level": 0.5}
    assert [found["points"], found["observables"], found["observed"]] == [3, 1, 2]
    assert found["filtered_data"] == pytest.approx([1.0, 1.0, 1.0 + 2 * 2 / 3])
    assert found["smooth_state"] == pytest.approx([5 / 3, 2.0, 7 / 3])
    assert found["filtered_lower"][0] == pytest.approx(1.0 - 1.959963984540054)


def test_the_band_is_as_wide_as_asked(run):
    wide, narrow = (content(run(values=[1.0, 2.0], band=band, **FLAT)) for band in (0.99, 0.5))

    widths = [found["smooth_upper"][0] - found["smooth_lower"][0] for found in (wide, narrow)]

    assert widths[0] / widths[1] == pytest.approx(2.5758293035489 / 0.6744897501960817)


# Of these the likelihood is greatest without any noise: the level does best by following each value.
WALK = [1.0, 1.5, 1.7, 2.5, 2.4, 3.0, 3.9, 4.1]


@pytest.mark.parametrize(
    ("values", "wish"), [(WALK, {}), ([5.0] * 8, {}), ([5.0], {}), ([1.0, 2.0, 3.0, 4.0], {"model": "trend"})]
)
def test_a_band_without_width_says_that_it_is_no_certainty(run, values, wish):
    found = content(run(values=values, **wish))

    assert found["smooth_upper"] == found["smooth_lower"]
    (warning,) = found["warnings"]
    assert (warning["code"], warning["observable"]) == ("zero_width_band", 0)
    assert "observation_variance" in warning["detail"]


def test_a_warning_names_its_observable_and_what_was_asked_for_needs_none(run):
    both = content(run(values=[[wild, walk] for wild, walk in zip([1.0, 3.0] * 4, WALK, strict=True)]))
    asked = content(run(values=WALK, observation_variance=0))

    assert [warning["observable"] for warning in both["warnings"]] == [1]
    assert asked["warnings"] == []
    assert content(run(values=[1.0, 3.0] * 4))["warnings"] == []


def test_28_observables_have_a_model_of_their_own_each(run):
    rows = [[float(place * column % 7) for column in range(28)] for place in range(30)]
    rows[3][5] = None

    found = content(run(values=rows))

    alone = content(run(values=[row[5] for row in rows]))
    assert [len(found[name]) for name in ("filtered_data", "raw_state", "smooth_state")] == [30, 30, 30]
    assert {len(row) for row in found["smooth_state"]} == {28}
    assert [row[5] for row in found["smooth_state"]] == alone["smooth_state"]
    assert found["variances"][5] == alone["variances"]


def test_a_trend_has_slopes_after_the_levels(run):
    found = content(run(values=[1.0, 2.0, 3.0, 4.0, 5.0], model="trend"))

    assert found["raw_state"][0] == [1.0, None]
    assert found["smooth_state"] == [pytest.approx([place + 1.0, 1.0]) for place in range(5)]


def test_filtering_alone_says_nothing_by_later_values(run):
    found = content(run(values=[1.0, 2.0], smoothing="filter", **FLAT))

    assert found["smoothing"] == "filter"
    assert not any(name.startswith("smooth_") for name in found)


def test_csv_has_the_same_numbers(run):
    artifacts = run(values=[1.0, None, 3.0], csv=True, **FLAT)

    rows = list(csv.DictReader(artifacts[1].path.read_text().splitlines()))

    found = content(artifacts)
    assert [artifact.media_type for artifact in artifacts] == ["application/json", "text/csv"]
    assert [float(row["smoothed"]) for row in rows] == found["smooth_state"]
    assert [float(row["upper"]) for row in rows] == found["smooth_upper"]
    assert rows[1]["value"] == ""


@pytest.mark.parametrize("text", ["1.5\n2.5\n2.0\n", "[1.5, 2.5, 2.0]"])
def test_a_file_is_as_good_as_values(run, tmp_path, text):
    path = tmp_path / "file"
    path.write_text(text)

    by_file = run(file="asset_1", assets={"asset_1": path}, **FLAT)[0].path.read_bytes()

    assert by_file == run(values=[1.5, 2.5, 2.0], **FLAT)[0].path.read_bytes()


def test_a_short_series_gives_the_same_bytes_here_and_in_the_gateway(run, noisy_values):
    here, there = (run(by=model, values=noisy_values)[0].path.read_bytes() for model in (Kalman(), kalman.Kalman()))

    assert here == there


def test_a_long_series_is_filtered_to_the_same_numbers(run, tmp_path, noisy_values, monkeypatch):
    path = tmp_path / "long.json"
    path.write_text(json.dumps((noisy_values * 6)[:11_000]))
    fast, plain = (
        content(run(by=m, file="asset_1", assets={"asset_1": path}, **FLAT)) for m in (Kalman(), kalman.Kalman())
    )

    assert fast["smooth_state"] == pytest.approx(plain["smooth_state"], abs=1e-9)


@pytest.fixture(scope="module")
def noisy_values():
    """Some two thousand numbers that look like a measurement."""
    return [((place * 7919) % 1000) / 500 + place / 300 for place in range(2000)]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"values": [1.0], "series": "ser_1"},
        {"values": []},
        {"values": [1.0], "band": 1.0},
        {"values": [1.0], "level_variance": -1.0},
        {"values": [1.0], "slope_variance": 1.0},
        {"values": [1.0], "observation_variance": 0, "level_variance": 0},
        {"values": [1e101]},
        {"values": [[1.0], [1.0, 2.0]]},
        {"values": [[1.0] * 65]},
    ],
)
def test_what_makes_no_sense_is_refused(values):
    with pytest.raises(ValidationError):
        Kalman.parameters.model_validate(values)


@pytest.mark.parametrize(
    "values", [{"values": [None, None]}, {"values": [[1.0, None]] * 3}, {"values": [1.0], "model": "trend"}]
)
def test_what_only_the_numbers_show_fails_with_their_field(run, values):
    with pytest.raises(InvalidInput) as caught:
        run(**values)

    assert caught.value.field == "values"


def test_what_a_file_lacks_is_held_against_the_file(run, tmp_path):
    path = tmp_path / "values.csv"
    path.write_text("value\n\n\n")

    with pytest.raises(InvalidInput, match="at least one value") as caught:
        run(file="asset_1", assets={"asset_1": path})

    assert caught.value.field == "file"


@pytest.mark.parametrize(
    ("values", "field", "cure"),
    [
        ({"slope_variance": 1.0}, "slope_variance", "trend"),
        ({"observation_variance": 0, "level_variance": 0}, "level_variance", "above 0"),
        (
            {"model": "trend", "observation_variance": 0, "level_variance": 0, "slope_variance": 0},
            "slope_variance",
            "above 0",
        ),
    ],
)
def test_fields_that_do_not_go_together_are_named(values, field, cure):
    with pytest.raises(ValidationError) as caught:
        Kalman.parameters.model_validate({"values": [1.0, 2.0], **values})

    (error,) = caught.value.errors()
    assert (error["loc"], cure in error["msg"]) == ((field,), True)


def test_it_can_be_cancelled(tmp_path, noisy_values):
    context = LocalContext(tmp_path, on_progress=lambda report: context.cancel())

    with pytest.raises(Cancelled):
        list(Kalman().generate(Kalman.parameters(values=noisy_values), context))


def test_short_is_what_takes_a_moment():
    assert Kalman.is_short({"values": [1.0] * 10_000}, 0)
    assert not Kalman.is_short({"values": [[1.0] * 11] * 1000}, 0)
    assert not Kalman.is_short({"values": [1.0] * 10_000, "model": "trend"}, 0)
    assert not Kalman.is_short({"file": "asset_1"}, 0)
    assert Kalman.is_short({"series": "ser_1"}, 10_000)
    assert not Kalman.is_short({"series": "ser_1"}, 10_001)


def test_the_card_tells_the_three_ways():
    card = ModelCard.of(Kalman)

    assert card.asset_inputs == {"file": ("text/csv", "application/json")}
    assert [way["required"] for way in card.input_schema["oneOf"]] == [["values"], ["file"], ["series"]]
