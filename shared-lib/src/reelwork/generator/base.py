"""The one interface that everything Reelwork can make goes through."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Generic, TypeVar, get_args

from reelwork.domain.lifecycle import ACTIVE, Lifecycle
from reelwork.domain.price import FREE, Pricing
from reelwork.domain.tier import Tier
from reelwork.generator.artifact import Artifact
from reelwork.generator.context import GenerationContext
from reelwork.generator.parameters import Parameters
from reelwork.generator.resources import Resources

P = TypeVar("P", bound=Parameters)


class MediaGeneratorModel(ABC, Generic[P]):
    """Makes files from parameters. A subclass states what it is as class attributes and implements `generate`.

    One instance lives as long as its worker process and runs one job at a time. `parameters` is taken from
    the generic argument: `class Blur(MediaGeneratorModel[BlurParameters])`.
    """

    id: ClassVar[str]
    """`vendor/name`, lower case; what a job names as its `model`."""
    version: ClassVar[str]
    """Changes whenever the same parameters may give another result."""
    title: ClassVar[str]
    description: ClassVar[str]
    task: ClassVar[str]
    """The kind of work, in Hugging Face's words: `text-to-image`, `image-to-video`."""
    parameters: ClassVar[type[Parameters]]
    produces: ClassVar[tuple[str, ...]]
    """Media types of the artifacts."""
    resources: ClassVar[Resources] = Resources()
    deterministic: ClassVar[bool] = False
    """The same version, parameters and seed always give the same bytes."""
    is_ai: ClassVar[bool]
    """A learned model decides what the result looks like."""
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    """Parameters worth trying; shown to users (JSON values)."""
    seconds_hint: ClassVar[float] = 10.0
    """How long a typical run takes; only a first guess for queues, measured times replace it."""
    pricing: ClassVar[Pricing] = FREE
    """What a job costs, by its input alone; an installation may set its own price."""
    min_tier: ClassVar[Tier] = Tier.FREE
    """The lowest plan that may use it; an installation may set its own."""
    rate_units: ClassVar[int] = 1
    """How many submits of its plan's minute a job counts as, at least 1; an installation may set its own."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other names for it, without a slash: `dream-machine`; an installation may give its own."""
    lifecycle: ClassVar[Lifecycle] = ACTIVE
    """When this version is deprecated and ends, and what to use instead; an installation may say otherwise."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in cls.__dict__.get("__orig_bases__", ()):
            for argument in get_args(base):
                if "parameters" not in cls.__dict__ and isinstance(argument, type) and issubclass(argument, Parameters):
                    cls.parameters = argument

    @classmethod
    def available(cls) -> str | None:
        """Why this model cannot run here, in a sentence with the cure; None when it can. Must be quick."""
        return None

    @classmethod
    def caution(cls) -> str | None:
        """What an operator should know of how it runs here, with the cure; logged once, when the worker starts."""
        return None

    def setup(self) -> None:
        """Load what takes long (weights). Called once in a process, before the first `generate`."""
        return

    @abstractmethod
    def generate(self, params: P, ctx: GenerationContext) -> Iterable[Artifact]:
        """Make the outputs, handing over each as soon as it is complete.

        Raises `GenerationError` subclasses; anything else that escapes counts as a fault of the model.
        """
