"""What an installation decides about models, whatever they say of themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reelwork.domain.lifecycle import Lifecycle
from reelwork.domain.tier import Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPolicy:
    """What this installation says instead of the model; None: what the model says holds."""

    min_tier: Tier | None = None
    rate_units: int | None = None
    lifecycle: Lifecycle | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseRules:
    """What this installation has decided about models. `policies`: by `name`, or by `name@version`, which goes before
    it. `aliases`: other names for a `name` or a `name@version`; they go before those that models state."""

    policies: Mapping[str, ModelPolicy] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)


NO_RULES = HouseRules()
