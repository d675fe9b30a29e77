import json

import pytest

from reelwork.generator import IncompleteModel, MediaGeneratorModel, ModelCard, Pool, Pricing, Resources


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

    assert document["_id"] == "acme/poster@1.2"
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
        ("rate_units", 0, "rate_units is 0"),
        ("id", "Poster", "vendor/name"),
        ("version", "", "version"),
        ("task", "Make it nice", "text-to-image"),
        ("produces", (), "no media type"),
        ("pricing", Pricing(amount=1, unit="word", by=("words",)), "its price counts 'words'"),
        ("examples", ({"words": "no picture"},), "Field required"),
    ],
)
def test_unusable_statement_is_refused(poster, attribute, value, complaint):
    wrong = type("Wrong", (poster,), {attribute: value})

    with pytest.raises(IncompleteModel, match=complaint):
        ModelCard.of(wrong)


def test_price_of_a_model_is_part_of_its_card_and_free_unless_it_says_otherwise(poster):
    priced = type("Priced", (poster,), {"pricing": Pricing(base=100, amount=200)})

    assert ModelCard.of(poster).pricing.is_free
    card = ModelCard.of(priced)
    assert card.pricing == Pricing(base=100, amount=200)
    assert ModelCard.from_document(json.loads(json.dumps(card.to_document()))) == card


def test_card_of_an_older_worker_has_no_price(poster):
    document = ModelCard.of(poster).to_document()
    del document["pricing"]

    assert ModelCard.from_document(document).pricing.is_free


def test_input_is_completed_by_the_defaults_of_the_form(poster):
    whole = ModelCard.of(poster).with_defaults({"picture": "asset_1", "size": "a3"})

    assert whole == {"picture": "asset_1", "words": "", "size": "a3", "extras": [], "seed": None}


def test_resources_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        Resources(cpus=0)
