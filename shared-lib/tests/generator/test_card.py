import json

import pytest

from reelwork.generator import IncompleteModel, MediaGeneratorModel, ModelCard, Pool, Resources


def test_card_says_what_the_class_says(poster):
    card = ModelCard.of(poster)

    assert (card.name, card.version, card.task) == ("acme/poster", "1.2", "image-to-image")
    assert card.output_media_types == ("text/plain",)
    assert card.pool is Pool.CPU
    assert card.capabilities.seed
    assert card.asset_inputs == {"picture": ("image/*",), "extras": ("*/*",)}
    assert card.limits.run_timeout_seconds == 300


def test_card_survives_storage_and_foreign_fields(poster):
    card = ModelCard.of(poster)
    document = json.loads(json.dumps(card.to_document()))

    assert document["_id"] == "acme/poster"
    assert ModelCard.from_document({**document, "seen_at": "2026-11-21"}) == card


def test_stored_card_has_no_key_that_the_database_reads_as_an_operator(poster):
    def keys(value):
        if isinstance(value, dict):
            for key, item in value.items():
                yield key
                yield from keys(item)

    assert not [key for key in keys(ModelCard.of(poster).to_document()) if key.startswith("$") or "." in key]


def test_form_order_survives_storage(poster):
    card = ModelCard.of(poster)

    stored = ModelCard.from_document(card.to_document())

    assert list(stored.input_schema["properties"]) == list(card.input_schema["properties"])


def test_model_that_states_too_little_is_named_with_what_it_lacks(poster):
    class Silent(MediaGeneratorModel[poster.parameters]):
        id = "acme/silent"

        def generate(self, params, ctx):
            return ()

    with pytest.raises(
        IncompleteModel, match=r"Silent does not state: version, title, description, task, produces, is_ai"
    ):
        ModelCard.of(Silent)


@pytest.mark.parametrize(
    ("attribute", "value", "complaint"),
    [
        ("id", "Poster", "vendor/name"),
        ("version", "", "version"),
        ("task", "Make it nice", "text-to-image"),
        ("produces", (), "no media type"),
        ("examples", ({"words": "no picture"},), "Field required"),
    ],
)
def test_unusable_statement_is_refused(poster, attribute, value, complaint):
    wrong = type("Wrong", (poster,), {attribute: value})

    with pytest.raises(IncompleteModel, match=complaint):
        ModelCard.of(wrong)


def test_resources_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        Resources(cpus=0)
