"""What the platform publishes about a model; built from its class, never written by hand."""

import inspect
import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from reelwork.domain.lifecycle import ACTIVE, LATEST, Lifecycle, reference
from reelwork.domain.price import FREE, Pricing, uncounted
from reelwork.domain.tier import Tier
from reelwork.generator.base import MediaGeneratorModel
from reelwork.generator.parameters import asset_fields
from reelwork.generator.remote import RemoteModel
from reelwork.generator.resources import Pool

_ID = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9._-]*)+")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,31}")
_ALIAS = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TASK = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_STATED = ("id", "version", "title", "description", "task", "parameters", "produces", "is_ai")

AnyModel = MediaGeneratorModel[Any]  # a model of unknown parameters: they are known to the model alone


class IncompleteModel(TypeError):
    """A model class does not say all that the platform must know; the message lists what is wrong."""


class Limits(BaseModel):
    """Bounds of one run."""

    model_config = ConfigDict(frozen=True)

    run_timeout_seconds: float
    cpus: int
    memory_mb: int
    gpu_memory_mb: int = 0


class Capabilities(BaseModel):
    """What a client may count on while a job of this model runs."""

    model_config = ConfigDict(frozen=True)

    progress: bool = True
    cancel: bool = True
    seed: bool = False


class ModelCard(BaseModel):
    """One model, as published by workers and served by the gateway, which never sees the class."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    task: str
    title: str
    description: str
    input_schema: dict[str, JsonValue]
    output_media_types: tuple[str, ...]
    pool: Pool
    is_ai: bool
    deterministic: bool
    limits: Limits
    capabilities: Capabilities
    seconds_hint: float = Field(gt=0)
    pricing: Pricing = FREE
    min_tier: Tier = Tier.FREE
    rate_units: int = Field(default=1, ge=1)
    aliases: tuple[str, ...] = ()
    lifecycle: Lifecycle = ACTIVE
    examples: tuple[dict[str, JsonValue], ...] = ()
    asset_inputs: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Parameters that are assets, with the media types they accept."""

    fallbacks: tuple[str, ...] = ()
    """Models that may do its jobs where its provider cannot, best first."""

    SCHEMA_AS_TEXT: ClassVar[str] = "input_schema"

    @property
    def reference(self) -> str:
        """`name@version`: what tells it from every other card."""
        return reference(self.name, self.version)

    @classmethod
    def of(cls, model: type[AnyModel]) -> Self:
        """The card of a model class. Raises IncompleteModel."""
        _verify(model)
        needs, schema = model.resources, model.parameters.input_schema()
        return cls(
            name=model.id,
            version=model.version,
            task=model.task,
            title=model.title,
            description=inspect.cleandoc(model.description),
            input_schema=schema,
            output_media_types=model.produces,
            pool=needs.pool,
            is_ai=model.is_ai,
            deterministic=model.deterministic,
            limits=Limits(
                run_timeout_seconds=needs.time_limit_seconds,
                cpus=needs.cpus,
                memory_mb=needs.memory_mb,
                gpu_memory_mb=needs.gpu_memory_mb,
            ),
            capabilities=Capabilities(seed="seed" in model.parameters.model_fields),
            seconds_hint=model.seconds_hint,
            pricing=model.pricing,
            min_tier=model.min_tier,
            rate_units=model.rate_units,
            aliases=model.aliases,
            lifecycle=model.lifecycle,
            examples=tuple(dict(example) for example in model.examples),
            asset_inputs=asset_fields(schema),
            fallbacks=model.fallbacks if issubclass(model, RemoteModel) else (),
        )

    def with_defaults(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The whole input of a job: these values, of any JSON that the schema allows, and its defaults for the rest."""
        properties = cast("Mapping[str, Mapping[str, Any]]", self.input_schema.get("properties", {}))
        return {name: field["default"] for name, field in properties.items() if "default" in field} | dict(values)

    def to_document(self) -> dict[str, Any]:
        """The card for MongoDB. The schema is stored as text: its keys begin with `$`, and their order counts."""
        document = self.model_dump(mode="json")
        document[self.SCHEMA_AS_TEXT] = json.dumps(self.input_schema)
        return {"_id": self.reference, **document}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """A card read back; fields that others added to the document are left out."""
        values = {name: document[name] for name in cls.model_fields if name in document}
        return cls.model_validate({**values, cls.SCHEMA_AS_TEXT: json.loads(document[cls.SCHEMA_AS_TEXT])})


def _verify(model: type[AnyModel]) -> None:
    missing = [name for name in _STATED if not hasattr(model, name)]
    if missing:
        raise IncompleteModel(f"{model.__qualname__} does not state: {', '.join(missing)}.")
    wrong = list(_wrong(model))
    if wrong:
        raise IncompleteModel(f"{model.__qualname__} is not a usable model: {'; '.join(wrong)}.")


def _wrong(model: type[AnyModel]) -> list[str]:
    found = []
    if not _ID.fullmatch(model.id):
        found.append(f"id {model.id!r} is not of the form 'vendor/name'")
    if not _VERSION.fullmatch(model.version) or model.version == LATEST:
        found.append(f"version {model.version!r} is not a version")
    if not _TASK.fullmatch(model.task):
        found.append(f"task {model.task!r} is not a word such as 'text-to-image'")
    found += [
        f"alias {alias!r} is not a name such as 'dream-machine'" for alias in model.aliases if not is_alias(alias)
    ]
    if model.rate_units < 1:
        found.append(f"rate_units is {model.rate_units}: a job counts as one request at least")
    if not model.produces:
        found.append("produces names no media type")
    return [*found, *_bad_pricing(model), *_bad_examples(model)]


def is_alias(name: str) -> bool:
    """Whether it can stand for a model: no slash, so that it is never the name of one."""
    return _ALIAS.fullmatch(name) is not None


def _bad_pricing(model: type[AnyModel]) -> list[str]:
    names = uncounted(model.pricing, model.parameters.input_schema())
    return [f"its price counts {name!r}, which is not a number of at least 0 in every input" for name in names]


def _bad_examples(model: type[AnyModel]) -> list[str]:
    found = []
    for example in model.examples:
        try:
            model.parameters.model_validate(example)
        except ValidationError as error:
            found.append(f"the example {dict(example)!r} is not valid: {error.errors()[0]['msg']}")
    return found
