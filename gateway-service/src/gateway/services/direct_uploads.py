"""Uploads that go straight into the object store, in parts where they are large, and can be resumed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from gateway.problems import not_found
from gateway.services.completion import Completion, refusal_again
from gateway.services.upload_terms import UploadTerms
from reelwork.contract.uploads import CompletedPart, UploadBody
from reelwork.domain.asset import Asset, AssetState
from reelwork.domain.errors import (
    AssetNotFound,
    FieldError,
    InvalidInput,
    InvalidState,
    TooManyUploads,
    UploadNotFound,
)
from reelwork.domain.ids import AccountId, UploadId, asset_of_upload, new_upload_id
from reelwork.domain.media import extension_for, safe_filename
from reelwork.domain.upload import Multipart, Parts, Upload, UploadState
from reelwork.engine.sweep import Sweeper
from reelwork.objects.direct import StoredPart
from reelwork.objects.errors import ObjectMissing
from reelwork.objects.s3 import ObjectStore
from reelwork.store.client import DatabaseClock
from reelwork.store.stores import Stores

log = structlog.get_logger(__name__)

# How long a signed address works, if the upload itself lives as long.
LINK_LIFE = timedelta(hours=1)
# So many parts are signed without being asked for.
FIRST_PARTS = 8
# So many part numbers are named in one complaint.
MOST_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """An upload, what the object store has of it, and addresses for some of the rest."""

    upload: Upload
    expired: bool = False
    received: Sequence[StoredPart] = ()
    part_urls: Sequence[tuple[int, str]] = ()
    url: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


class DirectUploads:
    """Every method sees the account's own uploads only."""

    def __init__(
        self,
        stores: Stores,
        objects: ObjectStore,
        sweeper: Sweeper,
        completion: Completion,
        *,
        clock: DatabaseClock,
        terms: UploadTerms,
    ) -> None:
        self._stores = stores
        self._objects = objects
        self._sweeper = sweeper
        self._completion = completion
        self._clock = clock
        self._terms = terms

    async def begin(self, account: AccountId, body: UploadBody) -> Progress | Asset:
        """A new upload, the unfinished one of these bytes, or the asset that the account has of them.

        Raises UnsupportedMediaType, UploadTooLarge, TooManyUploads, ObjectStoreDown, StoreUnavailable.
        """
        self._terms.check(body)
        if (known := await self._stores.assets.of_digest(account, body.sha256)) and known.size_bytes == body.bytes:
            return known
        begun = await self._stores.uploads.unfinished(account, body.sha256)
        if begun is not None and _is_the_same(begun, body):
            return await self._progress(begun)
        await self._have_room(account)
        upload = await self._opened(account, body)
        await self._stores.uploads.add(upload)
        log.info("upload.begun", upload_id=upload.id, bytes=upload.size_bytes, content_type=upload.content_type)
        return await self._progress(upload, received=())

    async def get(self, account: AccountId, upload_id: str) -> Progress:
        """How far it is, with addresses to go on. Raises UploadNotFound."""
        return await self._progress(await self._own(account, upload_id))

    async def sign(self, account: AccountId, upload_id: str, numbers: Sequence[int]) -> list[tuple[int, str]]:
        """Addresses for these parts. Raises UploadNotFound, InvalidState, InvalidInput for numbers that it has not."""
        upload = await self._own(account, upload_id)
        await self._be_open(upload)
        if upload.parts is None or upload.multipart is None:
            raise InvalidState("This upload is one piece.", hint="PUT the file to its `url`.")
        for index, number in enumerate(numbers):
            if number > upload.parts.count:
                cure = f"There are {upload.parts.count} parts."
                raise InvalidInput(cure, errors=[FieldError(pointer=f"#/parts/{index}", code="no_part", detail=cure)])
        return self._signed(upload, upload.multipart, numbers, await self._links_life(upload))

    async def complete(
        self, account: AccountId, upload_id: str, named: Sequence[CompletedPart] | None
    ) -> Asset | Progress:
        """The asset, once the bytes were checked; safe to repeat. An upload that is still being checked when the
        client has waited long enough is answered as it is: ask again.

        Raises UploadNotFound, InvalidState, InvalidInput, HashMismatch, UnsupportedMediaType, ObjectStoreDown.
        """
        upload = await self._own(account, upload_id)
        match upload.state:
            case UploadState.COMPLETED:
                return await self._become(upload)
            case UploadState.FAILED if upload.refusal is not None:
                raise refusal_again(upload.refusal)
            case UploadState.CHECKING:
                parts: Sequence[StoredPart] = ()
            case _:
                await self._be_open(upload)
                parts = await self._arrived(upload, named)
        asset = await self._completion.of(upload, parts)
        if asset is not None:
            return asset
        upload = await self._own(account, upload_id)
        if upload.is_over(await self._clock.now()):
            raise _expired()
        return Progress(upload=upload)

    async def abort(self, account: AccountId, upload_id: str) -> None:
        """Let go of it and of whatever was sent; safe to repeat. Raises UploadNotFound, InvalidState."""
        upload = await self._own(account, upload_id)
        if upload.state in {UploadState.ABORTED, UploadState.FAILED}:
            return
        if upload.state is UploadState.COMPLETED:
            cure = f"DELETE /v1/assets/{upload.asset_id} removes what it became."
            raise InvalidState("The upload is complete.", hint=cure)
        if not await self._stores.uploads.abort(upload):
            raise InvalidState("The upload is being checked.", hint="Wait for the end of it.", retry_after_seconds=2)
        log.info("upload.aborted", upload_id=upload.id)
        await self._sweeper.let_go(upload)

    async def _have_room(self, account: AccountId) -> None:
        """Requests at the same moment may each find the last place: the bound is against heaps, not exact."""
        if await self._stores.uploads.under_way(account) >= self._terms.per_account:
            raise TooManyUploads(
                f"{self._terms.per_account} uploads are unfinished.",
                hint="Complete or abort some of them; they also end by themselves.",
                retry_after_seconds=60,
            )

    async def _opened(self, account: AccountId, body: UploadBody) -> Upload:
        now, upload_id = await self._clock.now(), new_upload_id()
        extension = extension_for(body.content_type)
        key = f"accounts/{account}/uploads/{asset_of_upload(upload_id)}{extension}"
        return Upload(
            id=upload_id,
            account_id=account,
            state=UploadState.OPEN,
            key=key,
            content_type=body.content_type,
            filename=safe_filename(body.filename, fallback=f"upload{extension}"),
            size_bytes=body.bytes,
            sha256=body.sha256,
            created_at=now,
            expires_at=now + self._terms.life,
            multipart=await self._multipart(key, body),
        )

    async def _multipart(self, key: str, body: UploadBody) -> Multipart | None:
        """Begun in the store before it is known here: one that is never known is ended by the sweeper."""
        parts = self._terms.parts(body)
        if parts is None:
            return None
        name = await self._objects.direct.begin(key, body.content_type)
        return Multipart(name=name, part_bytes=parts.size_bytes)

    async def _own(self, account: AccountId, upload_id: str) -> Upload:
        upload = await self._stores.uploads.get(account, UploadId(upload_id))
        if upload is None:
            raise not_found(UploadNotFound, "upload", upload_id)
        return upload

    async def _become(self, upload: Upload) -> Asset:
        """The asset of a completed upload, which whoever completed it may have had no time to commit."""
        await self._stores.assets.commit([upload.asset_id])
        asset = await self._stores.assets.get(upload.account_id, upload.asset_id)
        if asset is None or asset.state is not AssetState.READY:
            raise not_found(AssetNotFound, "asset", upload.asset_id)
        return asset

    async def _be_open(self, upload: Upload) -> None:
        if upload.state is not UploadState.OPEN:
            raise InvalidState(f"The upload is {upload.state}.", hint="POST /v1/uploads begins a new one.")
        if upload.is_over(await self._clock.now()):
            raise _expired()

    async def _links_life(self, upload: Upload) -> timedelta:
        """Signed addresses end with the upload: nothing can be written after it was swept."""
        left = upload.expires_at - await self._clock.now()
        return max(timedelta(seconds=1), min(LINK_LIFE, left))

    async def _progress(self, upload: Upload, *, received: Sequence[StoredPart] | None = None) -> Progress:
        expired = upload.is_over(await self._clock.now())
        if expired or upload.state is not UploadState.OPEN:
            return Progress(upload=upload, expired=expired)
        life = await self._links_life(upload)
        if upload.parts is None or upload.multipart is None:
            url, headers = self._objects.direct.presign_put(
                upload.key,
                expires=life,
                size_bytes=upload.size_bytes,
                content_type=upload.content_type,
                sha256=upload.sha256,
            )
            return Progress(upload=upload, url=url, headers=dict(headers))
        there = await self._completion.parts(upload) if received is None else received
        known = {part.number for part in there}
        missing = [number for number in range(1, upload.parts.count + 1) if number not in known][:FIRST_PARTS]
        return Progress(upload=upload, received=there, part_urls=self._signed(upload, upload.multipart, missing, life))

    def _signed(
        self, upload: Upload, multipart: Multipart, numbers: Sequence[int], life: timedelta
    ) -> list[tuple[int, str]]:
        parts, direct = Parts.of(upload.size_bytes, wanted_bytes=multipart.part_bytes), self._objects.direct
        return [
            (n, direct.presign_part(upload.key, multipart.name, n, expires=life, size_bytes=parts.bytes_of(n)))
            for n in numbers
        ]

    async def _arrived(self, upload: Upload, named: Sequence[CompletedPart] | None) -> Sequence[StoredPart]:
        """The parts to put together; none where that was done, or there are none. Raises InvalidInput for what is
        missing or is not what was named, InvalidState where nothing was sent."""
        if upload.parts is None or not (there := await self._completion.parts(upload)):
            await self._be_stored(upload)
            return ()
        etags = {part.number: part.etag for part in there if part.size_bytes == upload.parts.bytes_of(part.number)}
        absent = [number for number in range(1, upload.parts.count + 1) if number not in etags]
        if absent:
            raise _wrong_parts("not_there", f"The store does not have {_listed(absent)}; send what is missing.")
        if named is not None:
            told = {part.n: part.etag.strip('"') for part in named}
            others = sorted(n for n in told.keys() | etags.keys() if told.get(n) != etags.get(n))
            if others:
                raise _wrong_parts(
                    "other_part", f"The store has something else, or you nothing, for {_listed(others)}."
                )
        return there

    async def _be_stored(self, upload: Upload) -> None:
        try:
            await self._objects.head(upload.key)
        except ObjectMissing as error:
            hint = f"Send the bytes first: GET /v1/uploads/{upload.id} says where."
            raise InvalidState("Nothing was sent for this upload.", hint=hint) from error


def _expired() -> InvalidState:
    return InvalidState("The upload has expired.", hint="POST /v1/uploads begins a new one.")


def _is_the_same(upload: Upload, body: UploadBody) -> bool:
    cut = upload.parts.size_bytes if upload.parts is not None else None
    same_bytes = (upload.size_bytes, upload.content_type) == (body.bytes, body.content_type)
    return same_bytes and body.part_bytes in {None, cut}


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:MOST_NAMED])
    return f"part {shown}" + (f" and {len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else "")


def _wrong_parts(code: str, cure: str) -> InvalidInput:
    return InvalidInput(
        cure,
        hint="GET /v1/uploads/{id} tells which parts the store has.",
        errors=[FieldError(pointer="#/parts", code=code, detail=cure)],
    )
