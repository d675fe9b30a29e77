"""Reading assets: metadata, signed addresses, and bytes through the gateway."""

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from gateway.auth import Caller
from gateway.problems import not_found
from gateway.services.outputs import usable
from gateway.services.pages import Page, check_cursor
from reelwork.contract.assets import AssetLink
from reelwork.contract.paging import MOST_COUNTED, Numbered, PageMeta
from reelwork.domain.asset import Asset
from reelwork.domain.errors import AssetNotFound
from reelwork.domain.ids import AssetId
from reelwork.objects.disposition import Disposition
from reelwork.objects.s3 import ObjectStore
from reelwork.objects.stream import ObjectStream
from reelwork.store.assets import AssetFilter
from reelwork.store.stores import Stores


class AssetService:
    """Every method sees the caller's own assets only."""

    def __init__(self, stores: Stores, objects: ObjectStore, *, link_life: timedelta) -> None:
        self._stores = stores
        self._objects = objects
        self._link_life = link_life

    async def get(self, caller: Caller, asset_id: str) -> Asset:
        """Raises AssetNotFound, for other accounts' assets too.

        An output is visible as soon as its job is completed, even if its own document is not committed yet.
        """
        asset = await usable(self._stores, caller.account.id, AssetId(asset_id))
        if asset is None:
            raise not_found(AssetNotFound, "asset", asset_id)
        return asset

    async def keep(self, caller: Caller, asset_id: str, retention_seconds: int | None) -> Asset:
        """Let it go so long from now; None: not by itself. Raises AssetNotFound."""
        asset = await self.get(caller, asset_id)
        life = timedelta(seconds=retention_seconds) if retention_seconds is not None else None
        kept = await self._stores.assets.keep(caller.account.id, asset.id, life)
        if kept is None:  # it went since
            raise not_found(AssetNotFound, "asset", asset_id)
        return kept

    async def of_hash(self, caller: Caller, sha256: str) -> Asset:
        """The newest that was uploaded with these bytes. Raises AssetNotFound, whoever else may have them."""
        asset = await self._stores.assets.of_digest(caller.account.id, sha256)
        if asset is None:
            raise AssetNotFound(
                f"Your account has no asset with the SHA-256 {sha256}.", hint="POST /v1/uploads brings it."
            )
        return asset

    async def page(self, caller: Caller, where: AssetFilter, *, cursor: str | None, limit: int) -> Page[Asset]:
        """Raises InvalidCursor."""
        before = check_cursor(cursor, "asset_")
        found = await self._stores.assets.page(
            caller.account.id, where, before=AssetId(before) if before else None, limit=limit + 1
        )
        return Page.cut(found, limit)

    async def numbered(self, caller: Caller, where: AssetFilter, *, page: int, per_page: int) -> Numbered[Asset]:
        """A page by its number, from 1."""
        assets, account = self._stores.assets, caller.account.id
        skip = (page - 1) * per_page
        items, total = await assets.numbered(account, where, skip=skip, limit=per_page, most=MOST_COUNTED)
        return Numbered(items, PageMeta.of(total=total, page=page, per_page=per_page))

    def link(self, asset: Asset, disposition: Disposition, *, life: timedelta | None = None) -> AssetLink:
        """A signed address that serves the asset to anyone who has it, for a short while. No I/O.

        `life`: None as the settings say.
        """
        expires = life or self._link_life
        url = self._objects.presign_get(
            asset.key,
            expires=expires,
            filename=asset.filename,
            content_type=asset.content_type,
            disposition=disposition,
        )
        return AssetLink(url=url, expires_at=datetime.now(UTC) + expires)

    async def links(
        self, caller: Caller, assets: Collection[AssetId], disposition_of: Callable[[Asset], Disposition]
    ) -> dict[AssetId, AssetLink]:
        """Signed addresses of these assets, which jobs name as their outputs; without those that are not the caller's,
        or are gone. One query, and all signing in a thread: a page of jobs can have hundreds."""
        found = await self._stores.assets.among(caller.account.id, assets)
        return await asyncio.to_thread(lambda: {asset.id: self.link(asset, disposition_of(asset)) for asset in found})

    async def open(self, asset: Asset, start: int = 0, end: int | None = None) -> ObjectStream:
        """The bytes `start` to `end` (both included). Raises ObjectMissing, RangeOutside, ObjectStoreDown."""
        return await self._objects.open_range(asset.key, start, end)
