"""The models that can be asked for, as workers published them."""

import dataclasses
import time
from collections.abc import Mapping
from datetime import timedelta

import structlog

from reelwork.domain.errors import FieldError, ModelNotFound
from reelwork.domain.price import Pricing, uncounted
from reelwork.store.models import Listing, Models

# Workers vouch for their models every 15 s; three missed heartbeats make a model unavailable.
FRESH = timedelta(seconds=50)
# After this long without any worker a model is not offered any more; until then its jobs wait.
KNOWN = timedelta(hours=24)
CACHE_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Catalogue:
    """All models, remembered for `CACHE_SECONDS`. `prices`: what this installation takes instead of their own."""

    def __init__(self, models: Models, prices: Mapping[str, Pricing]) -> None:
        self._models = models
        self._prices = prices
        self._doubted: set[str] = set()
        self._listings: dict[str, Listing] = {}
        self._read_at = -CACHE_SECONDS

    async def all(self) -> list[Listing]:
        if time.monotonic() - self._read_at >= CACHE_SECONDS:
            listings = await self._models.all(fresh=FRESH, known=KNOWN)
            self._listings = {listing.card.name: self._priced(listing) for listing in listings}
            self._read_at = time.monotonic()
        return list(self._listings.values())

    async def get(self, wanted: str, *, pointer: str | None = None) -> Listing:
        """The model `name` or `name@version`. Raises ModelNotFound, naming the field at `pointer`."""
        await self.all()
        name, _, version = wanted.partition("@")
        listing = self._listings.get(name)
        if listing is not None and version in {"", "latest", listing.card.version}:
            return listing
        known = ", ".join(sorted(self._listings)) or "none: no worker is running yet"
        detail = f"There is no model {wanted[:100]!r}."
        if listing is not None:
            detail = f"{name} has no version {version[:32]!r}; its version is {listing.card.version}."
        errors = [FieldError(pointer=pointer, code="unknown_model", detail=f"Known: {known}.")] if pointer else []
        raise ModelNotFound(detail, hint="GET /v1/models lists them.", errors=errors)

    def _priced(self, listing: Listing) -> Listing:
        card = listing.card
        pricing = self._prices.get(card.name)
        if pricing is None:
            return listing
        doubtful = uncounted(pricing, card.input_schema)
        if doubtful and card.name not in self._doubted:
            self._doubted.add(card.name)
            log.warning("price.parameter_uncertain", model=card.name, parameters=doubtful)
        return dataclasses.replace(listing, card=card.model_copy(update={"pricing": pricing}))

    async def first_available(self, *names: str) -> Listing:
        """The first of these models that a worker runs now, else the first that is known. Raises ModelNotFound."""
        await self.all()
        known = [self._listings[name] for name in names if name in self._listings]
        available = [listing for listing in known if listing.available]
        for listing in available or known:
            return listing
        raise ModelNotFound(f"None of {', '.join(names)} is known.", hint="Start a worker that has one of them.")
