"""How to write a model: subclass `MediaGeneratorModel`, say what it is, and implement `generate`.

    class Blur(MediaGeneratorModel[BlurParameters]):
        id, version, task = "acme/blur", "1", "image-to-image"
        title, description = "Blur", "Softens a picture."
        produces, is_ai = ("image/png",), False

        def generate(self, params: BlurParameters, ctx: GenerationContext) -> Iterable[Artifact]:
            ...

Needs the standard library and pydantic only.
"""

from reelwork.domain.price import Pricing
from reelwork.generator.artifact import Artifact, Role
from reelwork.generator.base import MediaGeneratorModel
from reelwork.generator.card import AnyModel, Capabilities, IncompleteModel, Limits, ModelCard
from reelwork.generator.context import GenerationContext, Progress
from reelwork.generator.discovery import ENTRY_POINT_GROUP, Catalogue, DuplicateModel, discover
from reelwork.generator.errors import (
    Cancelled,
    ContentRejected,
    GenerationError,
    InsufficientCredit,
    Interruption,
    InvalidInput,
    OutOfResources,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    SubmissionUnknown,
    TimeLimitExceeded,
)
from reelwork.generator.local import LocalContext
from reelwork.generator.parameters import (
    AssetInput,
    AssetRef,
    ImageRef,
    Parameters,
    Seed,
    VideoRef,
    asset_fields,
    asset_ids,
    seed_for,
    series_fields,
    ui,
)
from reelwork.generator.remote import BadSignature, RemoteModel, RemoteOutput, RemoteState, RemoteStatus
from reelwork.generator.resources import Pool, Resources

__all__ = [
    "ENTRY_POINT_GROUP",
    "AnyModel",
    "Artifact",
    "AssetInput",
    "AssetRef",
    "BadSignature",
    "Cancelled",
    "Capabilities",
    "Catalogue",
    "ContentRejected",
    "DuplicateModel",
    "GenerationContext",
    "GenerationError",
    "ImageRef",
    "IncompleteModel",
    "InsufficientCredit",
    "Interruption",
    "InvalidInput",
    "Limits",
    "LocalContext",
    "MediaGeneratorModel",
    "ModelCard",
    "OutOfResources",
    "Parameters",
    "Pool",
    "Pricing",
    "Progress",
    "ProviderRefused",
    "ProviderUnavailable",
    "RateLimited",
    "RemoteModel",
    "RemoteOutput",
    "RemoteState",
    "RemoteStatus",
    "Resources",
    "Role",
    "Seed",
    "SubmissionUnknown",
    "TimeLimitExceeded",
    "VideoRef",
    "asset_fields",
    "asset_ids",
    "discover",
    "seed_for",
    "series_fields",
    "ui",
]
