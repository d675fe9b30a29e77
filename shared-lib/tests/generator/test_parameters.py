import jsonschema_rs
import pytest
from pydantic import ValidationError

from reelwork.generator import InvalidInput, LocalContext, asset_fields, asset_ids, seed_for


def test_schema_is_of_the_2020_12_dialect_and_valid(poster):
    schema = poster.parameters.input_schema()

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.meta.validate(schema)


def test_fields_are_numbered_in_the_order_of_their_declaration(poster):
    properties = poster.parameters.input_schema()["properties"]

    by_place = sorted(properties, key=lambda name: properties[name]["x-order"])
    assert by_place == ["picture", "words", "size", "extras", "seed"]


def test_form_hints_are_published(poster):
    properties = poster.parameters.input_schema()["properties"]

    assert properties["words"]["x-widget"] == "prompt"
    assert properties["size"]["x-enum-labels"] == {"a4": "A4", "a3": "A3"}
    assert (
        properties["picture"] | {"format": "asset", "x-accept": ["image/*"], "x-widget": "file"}
        == properties["picture"]
    )


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"picture": "https://example.com/cat.png"},
        {"picture": "asset_1", "colour": "red"},
        {"picture": "asset_1", "size": "a5"},
        {"picture": "asset_1", "seed": -1},
        {"picture": "asset_1", "words": "x" * 81},
        {"picture": 7},
    ],
)
def test_schema_and_class_refuse_the_same_values(poster, values):
    validator = jsonschema_rs.validator_for(poster.parameters.input_schema())

    assert not validator.is_valid(values)
    with pytest.raises(ValidationError):
        poster.parameters.model_validate(values)


@pytest.mark.parametrize(
    "values",
    [
        {"picture": "asset_1"},
        {"picture": "asset_1", "seed": None, "extras": ["asset_2"]},
        {"picture": "asset_1", "seed": 4294967295},
    ],
)
def test_schema_and_class_accept_the_same_values(poster, values):
    validator = jsonschema_rs.validator_for(poster.parameters.input_schema())

    assert validator.is_valid(values)
    assert poster.parameters.model_validate(values).picture == "asset_1"


def test_parameters_cannot_be_changed(poster):
    params = poster.parameters(picture="asset_1")

    with pytest.raises(ValidationError):
        params.words = "late"


def test_assets_of_a_job_are_found_by_the_schema_alone(poster):
    schema = poster.parameters.input_schema()

    assert asset_fields(schema) == {"picture": ("image/*",), "extras": ("*/*",)}
    values = {"picture": "asset_1", "words": "asset_9", "extras": ["asset_2", "asset_3"]}
    assert list(asset_ids(schema, values)) == [("picture", "asset_1"), ("extras", "asset_2"), ("extras", "asset_3")]


def test_optional_asset_is_found():
    schema = {
        "properties": {
            "mask": {"anyOf": [{"type": "string", "format": "asset", "x-accept": ["image/png"]}, {"type": "null"}]}
        }
    }

    assert asset_fields(schema) == {"mask": ("image/png",)}
    assert list(asset_ids(schema, {"mask": None})) == []


def test_asked_seed_is_used(poster):
    assert seed_for(poster.parameters(picture="asset_1", seed=0), job_id="job_1") == 0


def test_seed_nobody_asked_for_stays_the_same_for_all_attempts_of_a_job(poster):
    params = poster.parameters(picture="asset_1")

    first, again, other = (seed_for(params, job_id=job) for job in ("job_1", "job_1", "job_2"))

    assert first == again != other
    assert 0 <= first <= 4294967295


def test_model_runs_in_a_plain_folder(poster, tmp_path):
    (made,) = poster().generate(poster.parameters(picture="asset_1", words="Hello"), LocalContext(tmp_path))

    assert made.path.read_text() == "Hello"


def test_a_fault_of_no_field_begins_with_its_message():
    error = InvalidInput("Send a or b.", field="")

    assert (str(error), error.field) == ("Send a or b.", None)
