"""Models on the wire: what can be made, and the form for it."""

from typing import Any, Literal

from reelwork.contract.base import Timestamp, Wire
from reelwork.contract.money import PricingView


class Capabilities(Wire):
    progress: bool
    cancel: bool
    seed: bool


class ModelLimits(Wire):
    run_timeout_seconds: int


class ModelExample(Wire):
    title: str
    input: dict[str, Any]  # an instance of the model's input_schema


class ModelView(Wire):
    """A model. Form and validation come from `input_schema`: JSON Schema 2020-12 with `x-order` and `x-widget`."""

    name: str
    object: Literal["model"] = "model"
    version: str
    task: str
    title: str
    description: str
    input_schema: dict[str, Any]  # a JSON Schema document
    produces: list[str]
    pool: str
    is_ai: bool
    deterministic: bool
    seconds_hint: float
    capabilities: Capabilities
    limits: ModelLimits
    pricing: PricingView
    examples: list[ModelExample]
    available: bool
    seen_at: Timestamp


class ModelPage(Wire):
    items: list[ModelView]
    next_cursor: str | None = None
    has_more: bool = False
