"""Models of numbers that need no package: their code is here too, so the gateway can ask them and run them."""

from collections.abc import Mapping
from typing import Any

from gateway.services.schema_faults import escape
from reelwork.domain.errors import FieldError
from reelwork.generator import InvalidInput, ModelCard
from reelwork.modelling.kalman import Kalman
from reelwork.modelling.panas import Panas

MODELS: Mapping[str, type[Kalman | Panas]] = {model.id: model for model in (Kalman, Panas)}


def own_faults(card: ModelCard, values: Mapping[str, Any]) -> list[FieldError]:
    """What such a model finds wrong with an input of its schema that no schema can say; of others nothing."""
    model = MODELS.get(card.name)
    if model is None or model.version != card.version:
        return []
    try:
        model.parameters.from_input(values)
    except InvalidInput as error:
        field = (error.field or "").partition(".")[0]
        place = f"#/input/{escape(field)}" if field else "#/input"
        said = error.message.removeprefix(f"{error.field}: ")
        return [FieldError(pointer=place, code="not_valid", detail=f"{said[:1].upper()}{said[1:]}")]
    return []
