"""A model's inputs: one pydantic class is the validator, the JSON Schema and the form."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    JsonValue,
    ValidationError,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from reelwork.generator.errors import InvalidInput

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_SEED = 2**32 - 1

Widget: TypeAlias = Literal["prompt", "slider", "aspect", "seed", "select", "choice", "file", "toggle"]


class Parameters(BaseModel):
    """Base of every model's parameters: frozen, and unknown fields are refused.

    Fields are shown in the order of their declaration. Use `Literal` for choices (they become `enum`), `Field`
    bounds for numbers, `AssetRef`, `ImageRef` or `VideoRef` for files, `Seed` for a seed, `ui(...)` for the look of
    the form.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def from_input(cls, values: Mapping[str, object]) -> Self:
        """Those of a job. Raises InvalidInput, which names the first field that is wrong."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            said = first["msg"].removeprefix("Value error, ")  # of a model's own validators
            message = f"{field}: {said}." if field else f"{said[:1].upper()}{said[1:]}."
            raise InvalidInput(message, field=field or None) from error

    @classmethod
    def input_schema(cls) -> dict[str, JsonValue]:
        """The published JSON Schema (2020-12), each property with its place in the form as `x-order`."""
        schema: dict[str, JsonValue] = {"$schema": DIALECT, **cls.model_json_schema()}
        properties = schema.get("properties")
        if isinstance(properties, dict):
            for place, (name, field) in enumerate(properties.items()):
                if isinstance(field, dict):
                    properties[name] = {**field, "x-order": place}
        return schema


def ui(
    *,
    widget: Widget | None = None,
    labels: Mapping[str, str] | None = None,
    unit: str | None = None,
    cure: str | None = None,
) -> dict[str, Any]:
    """Hints for the form, for `Field(json_schema_extra=...)`: the widget, a label for each enum value, a unit, and what
    to write instead of a text that the pattern does not take.

    The values are `Any` because that is how pydantic types its extra schema.
    """
    hints = {
        "x-widget": widget,
        "x-enum-labels": dict(labels) if labels else None,
        "x-unit": unit,
        "x-cure": cure,
    }
    return {key: value for key, value in hints.items() if value is not None}


@dataclass(frozen=True, slots=True)
class AssetInput:
    """Marks a string parameter as the id of an asset, of one of the media types in `accept` (`image/*`)."""

    accept: tuple[str, ...] = ("*/*",)

    PATTERN: ClassVar[str] = r"^asset_[0-9A-Za-z_-]{1,64}$"

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.str_schema(pattern=self.PATTERN, strict=True)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "format": "asset", "x-accept": list(self.accept), "x-widget": "file"}


AssetRef = Annotated[str, AssetInput()]
ImageRef = Annotated[str, AssetInput(("image/*",))]
VideoRef = Annotated[str, AssetInput(("video/*",))]

Seed = Annotated[
    int | None,
    Field(ge=0, le=MAX_SEED),
    WithJsonSchema(
        {
            "type": ["integer", "null"],
            "minimum": 0,
            "maximum": MAX_SEED,
            "title": "Seed",
            "description": "The same seed gives the same result. Empty: a new one for each job.",
            "x-widget": "seed",
        }
    ),
]


def seed_for(parameters: Parameters, *, job_id: str) -> int:
    """The seed of a run: the one that was asked for, else one drawn from the job's id.

    So a second attempt of a job makes the same result as the first would have made.
    """
    asked = getattr(parameters, "seed", None)
    if isinstance(asked, int):
        return asked
    return int.from_bytes(hashlib.sha256(job_id.encode()).digest()[:4])


def asset_fields(schema: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The asset parameters of a published schema: name to accepted media types, in the form's order."""
    return {name: tuple(variant.get("x-accept", ("*/*",))) for name, variant in _of_format("asset", schema)}


def series_fields(schema: Mapping[str, Any]) -> list[str]:
    """The parameters that are saved series."""
    return [name for name, _ in _of_format("series", schema)]


def _of_format(wanted: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, field in schema.get("properties", {}).items():
        for variant in (field, field.get("items", {}), *field.get("anyOf", ())):
            if variant.get("format") == wanted:
                yield name, variant


def asset_ids(schema: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every (parameter, asset id) that a job's input names. The values are whatever JSON the caller sent."""
    for name in asset_fields(schema):
        value = values.get(name)
        for item in value if isinstance(value, list | tuple) else (value,):
            if isinstance(item, str):
                yield name, item
