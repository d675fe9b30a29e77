"""The models that can be asked for, as workers published them: by name, by version, by another name."""

import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from reelwork.domain.errors import FieldError, ModelNotFound, ModelRetired, StoreUnavailable
from reelwork.domain.job import Job
from reelwork.domain.lifecycle import ACTIVE, Lifecycle, Stage, reference, split_reference
from reelwork.domain.policy import NO_RULES, HouseRules, ModelPolicy
from reelwork.domain.price import Pricing, uncounted
from reelwork.domain.route import AWAY, GONE_AFTER
from reelwork.store.models import Listing, Models

CACHE_SECONDS = 2.0

log = structlog.get_logger(__name__)
_LISTED = "GET /v1/models lists them. A model is among them when a worker runs that has what it needs."


class Catalogue:
    """All models, remembered for `CACHE_SECONDS`. `prices`: what this installation takes instead of their own."""

    def __init__(self, models: Models, prices: Mapping[str, Pricing], rules: HouseRules = NO_RULES) -> None:
        self._models = models
        self._prices = prices
        self._rules = rules
        self._doubted: set[str] = set()
        self._versions: dict[str, dict[str, Listing]] = {}
        self._aliases: dict[str, str] = {}
        self._read_at = -CACHE_SECONDS

    async def all(self) -> list[Listing]:
        """Each model once, by name: in the version that a job gets which names none."""
        await self._read()
        return [_current(versions.values()) for versions in self._versions.values()]

    async def versions(self, name: str) -> list[Listing]:
        """Every version of a model, the newest first; none of one that is not known."""
        await self._read()
        return list(self._versions.get(name, {}).values())

    async def aliases_of(self, name: str) -> list[str]:
        await self._read()
        return sorted(alias for alias, target in self._aliases.items() if split_reference(target)[0] == name)

    async def plain(self, wanted: str) -> str:
        """What is wanted, by the model's own name where it was given by another one."""
        await self._read()
        name, version = split_reference(wanted)
        target = self._aliases.get(name)
        if target is None:
            return wanted
        return reference(target, version) if version and "@" not in target else target

    async def get(self, wanted: str, *, pointer: str | None = None) -> Listing:
        """The model `name`, `name@version` or `alias`. Raises ModelNotFound, naming the field at `pointer`."""
        name, version = split_reference(await self.plain(wanted))
        versions = self._versions.get(name, {})
        current = _current(versions.values()) if versions else None
        listing = versions.get(version) if version else current
        asked = split_reference(wanted)[1]
        if listing is not None and asked in {"", listing.card.version}:
            return listing
        raise self._not_found(wanted, name, asked, pointer)

    async def usable(self, wanted: str, *, pointer: str | None = None) -> Listing:
        """The same, for a new job. Raises ModelNotFound, and ModelRetired for one that takes no more jobs."""
        refused = self._retired(await self.plain(wanted), pointer)
        if refused is not None:
            raise refused
        listing = await self.get(wanted, pointer=pointer)
        refused = self._retired(listing.card.reference, pointer)
        if refused is not None:
            raise refused
        return listing

    async def life_of(self, job: Job) -> Lifecycle:
        """Of the job's model, also of one that no worker offers any more as far as the installation says anything of
        it. From what was read last: only the first question reads."""
        if not self._versions:
            await self._read()
        return self._life(job.model, job.model_version)

    async def runs(self, job: Job) -> bool:
        """Whether some worker has the job's model now, in its version, or one that may stand in for it."""
        with suppress(StoreUnavailable):  # what was read last will do: the job is stored, and stays so
            await self._read()
        if not self._versions:
            return True
        own = self._versions.get(job.model, {}).get(job.model_version)
        others = [listing for name in job.fallbacks for listing in self._versions.get(name, {}).values()]
        return any(listing is not None and listing.available for listing in (own, *others))

    async def first_available(self, *names: str) -> Listing:
        """The first of these models that a worker runs now, else the first that is known. Raises ModelNotFound."""
        await self._read()
        known = [_current(self._versions[name].values()) for name in names if name in self._versions]
        available = [listing for listing in known if listing.available]
        for listing in available or known:
            return listing
        raise ModelNotFound(f"None of {', '.join(names)} is known.", hint="Start a worker that has one of them.")

    async def _read(self) -> None:
        if time.monotonic() - self._read_at < CACHE_SECONDS:
            return
        versions: dict[str, dict[str, Listing]] = {}
        aliases: dict[str, str] = {}
        for listing in await self._models.all(fresh=AWAY, known=GONE_AFTER):
            card = listing.card
            versions.setdefault(card.name, {})[card.version] = self._by_house_rules(listing)
            for alias in card.aliases:
                aliases.setdefault(alias, card.name)
        self._versions, self._aliases = versions, {**aliases, **self._rules.aliases}
        self._read_at = time.monotonic()

    def _by_house_rules(self, listing: Listing) -> Listing:
        card = listing.card
        changes: dict[str, object] = {"lifecycle": self._life(card.name, card.version, own=card.lifecycle)}
        for policy in self._policies(card.name, card.version):
            if policy.min_tier is not None:
                changes.setdefault("min_tier", policy.min_tier)
            if policy.rate_units is not None:
                changes.setdefault("rate_units", policy.rate_units)
        pricing = self._prices.get(card.name)
        if pricing is not None:
            changes["pricing"] = pricing
            self._doubt(pricing, listing)
        return replace(listing, card=card.model_copy(update=changes))

    def _policies(self, name: str, version: str) -> list[ModelPolicy]:
        """The most special first."""
        known = self._rules.policies
        return [known[key] for key in (reference(name, version), name) if key in known]

    def _life(self, name: str, version: str, *, own: Lifecycle | None = None) -> Lifecycle:
        for policy in self._policies(name, version):
            if policy.lifecycle is not None:
                return policy.lifecycle
        listing = self._versions.get(name, {}).get(version)
        return own or (listing.card.lifecycle if listing is not None else ACTIVE)

    def _retired(self, wanted: str, pointer: str | None) -> ModelRetired | None:
        name, version = split_reference(wanted)
        life = self._life(name, version)
        if life.stage(datetime.now(UTC)) is not Stage.RETIRED:
            return None
        cure = f"Use {life.replacement}." if life.replacement else "GET /v1/models lists those that take jobs."
        errors = [FieldError(pointer=pointer, code="model_retired", detail=cure)] if pointer else []
        return ModelRetired(
            f"{wanted[:100]} takes no more jobs since {life.sunset_at:%Y-%m-%d}.", hint=cure, errors=errors
        )

    def _not_found(self, wanted: str, name: str, version: str, pointer: str | None) -> ModelNotFound:
        known = ", ".join(sorted(self._versions)) or "none: no worker is running yet"
        detail = f"There is no model {wanted[:100]!r}."
        if name in self._versions:
            there = list(self._versions[name])
            words = f"its version is {there[0]}" if len(there) == 1 else f"its versions are {', '.join(there)}"
            detail = f"{name} has no version {version[:32]!r}; {words}."
        errors = [FieldError(pointer=pointer, code="unknown_model", detail=f"Known: {known}.")] if pointer else []
        return ModelNotFound(detail, hint=_LISTED, errors=errors)

    def _doubt(self, pricing: Pricing, listing: Listing) -> None:
        """Say once that a price of this installation may count what an input does not have."""
        card = listing.card
        doubtful = uncounted(pricing, card.input_schema)
        if doubtful and card.name not in self._doubted:
            self._doubted.add(card.name)
            log.warning("price.parameter_uncertain", model=card.name, parameters=doubtful)


def _current(versions: Collection[Listing]) -> Listing:
    """The version for whoever names none: the newest that takes jobs and has a worker, else the newest that takes jobs.
    `versions`: at least one, the newest first."""
    now = datetime.now(UTC)

    def fitness(listing: Listing) -> tuple[bool, bool]:
        return listing.card.lifecycle.stage(now) is not Stage.RETIRED, listing.available

    return max(versions, key=fitness)  # of equals the first
