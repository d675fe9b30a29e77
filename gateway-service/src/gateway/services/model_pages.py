"""Models as callers see them: the catalogue, and how each version has been doing."""

import time
from collections.abc import Sequence

from gateway.model_views import Terms, model_view
from gateway.services.models import Catalogue
from gateway.services.pages import foreign_cursor
from reelwork.contract.models import ModelView
from reelwork.domain.lifecycle import Lifecycle, reference
from reelwork.store.models import Listing
from reelwork.store.statistics import Outcomes, Statistics

# Statistics change slowly; asking for them less often keeps the list of models as cheap as without them.
FRESH_SECONDS = 5.0
_NONE = Outcomes()


class ModelPages:
    """Read-only."""

    def __init__(self, catalogue: Catalogue, statistics: Statistics, terms: Terms) -> None:
        self._catalogue = catalogue
        self._statistics = statistics
        self._terms = terms
        self._outcomes: dict[str, Outcomes] = {}
        self._read_at = -FRESH_SECONDS

    async def page(self, *, cursor: str | None, limit: int | None) -> tuple[list[ModelView], str | None]:
        """Models once each, by name, behind the one that is the cursor; and the next cursor. Raises InvalidCursor."""
        if cursor is not None and "/" not in cursor:  # as every name has it
            raise foreign_cursor()
        behind = (listing for listing in await self._catalogue.all() if listing.card.name > (cursor or ""))
        found = sorted(behind, key=lambda listing: listing.card.name)
        shown = found[:limit]
        return await self._views(shown), shown[-1].card.name if len(shown) < len(found) else None

    async def one(self, wanted: str) -> tuple[ModelView, Lifecycle]:
        """The model `name`, `name@version` or `alias`, and its life. Raises ModelNotFound."""
        listing = await self._catalogue.get(wanted)
        (view,) = await self._views([listing])
        return view, listing.card.lifecycle

    async def version(self, name: str, version: str) -> tuple[ModelView, Lifecycle]:
        """One version of a model. Raises ModelNotFound."""
        return await self.one(reference(name, version))

    async def _views(self, listings: Sequence[Listing]) -> list[ModelView]:
        outcomes = await self._read()
        return [
            model_view(
                listing,
                self._terms,
                versions=[each.card.version for each in await self._catalogue.versions(listing.card.name)],
                aliases=await self._catalogue.aliases_of(listing.card.name),
                outcomes=outcomes.get(listing.card.reference, _NONE),
            )
            for listing in listings
        ]

    async def _read(self) -> dict[str, Outcomes]:
        """Of all versions together, however few are asked for."""
        if time.monotonic() - self._read_at >= FRESH_SECONDS:
            names = [listing.card.name for listing in await self._catalogue.all()]
            versions = [each.card.reference for name in names for each in await self._catalogue.versions(name)]
            self._outcomes = await self._statistics.of(versions)
            self._read_at = time.monotonic()
        return self._outcomes
