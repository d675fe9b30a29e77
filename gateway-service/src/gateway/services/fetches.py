"""Files from addresses: fetched under guard, and then taken in like an upload."""

import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import anyio.to_thread
import structlog

from gateway.services.berths import Berths
from gateway.services.inspection import TAKEN
from gateway.services.uploads import UploadService
from reelwork.contract.assets import AssetFromUrl
from reelwork.domain.asset import Asset, AssetState
from reelwork.domain.errors import InvalidInput, UnsupportedMediaType, UploadTooLarge
from reelwork.domain.film import FILMS
from reelwork.domain.ids import AccountId, AssetId
from reelwork.fetch import Fetcher
from reelwork.store.assets import Assets

log = structlog.get_logger(__name__)

FIELD = "#/url"


class FetchService:
    """Keeps what is found at an address, whole or not at all."""

    def __init__(
        self, fetcher: Fetcher, uploads: UploadService, assets: Assets, *, limit_bytes: int, at_once: int
    ) -> None:
        self._fetcher = fetcher
        self._uploads = uploads
        self._assets = assets
        self._limit_bytes = limit_bytes
        self._berths = Berths(at_once, "addresses fetched")

    async def fetch(self, account: AccountId, wanted: AssetFromUrl, asset_id: AssetId, *, first: bool) -> Asset:
        """What is at `wanted.url`, as the input asset `asset_id`. Unless `first` it may have been made before.

        Raises UrlRefused, FetchFailed, RateLimited and Unavailable (too many at once), and what an upload raises.
        """
        known = None if first else await self._assets.get(account, asset_id)
        if known is not None and known.state is AssetState.READY:
            return known
        return await self._fetched(account, wanted, asset_id, TAKEN)

    async def fetch_film(self, account: AccountId, wanted: AssetFromUrl, asset_id: AssetId) -> Asset:
        """The film at `wanted.url`, as the new input asset `asset_id`. Raises as `fetch` does."""
        return await self._fetched(account, wanted, asset_id, FILMS)

    async def _fetched(
        self, account: AccountId, wanted: AssetFromUrl, asset_id: AssetId, takes: Sequence[str]
    ) -> Asset:
        with self._berths.taken(account), tempfile.TemporaryFile(prefix="reelwork-fetch-") as file:
            fetched = await self._fetcher.fetch(wanted.url, _into(file), limit_bytes=self._limit_bytes, field=FIELD)
            file.seek(0)
            name = wanted.filename or unquote(urlsplit(fetched.url).path)
            try:
                asset = await self._uploads.upload(account, file, name, asset_id=asset_id, takes=takes)
            except (InvalidInput, UnsupportedMediaType, UploadTooLarge) as error:
                faults = [replace(fault, pointer=FIELD) for fault in error.errors]
                raise type(error)(error.detail, hint=error.hint, errors=faults) from error
        log.info("asset.fetched", asset_id=asset.id, bytes=fetched.size_bytes, said_to_be=fetched.content_type)
        return asset


def _into(file: BinaryIO) -> Callable[[bytes], Awaitable[None]]:
    async def write(chunk: bytes) -> None:
        await anyio.to_thread.run_sync(file.write, chunk)

    return write
