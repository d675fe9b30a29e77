"""What may be uploaded: which kinds, how large, and how many at once."""

from dataclasses import dataclass
from datetime import timedelta

from gateway.problems import size
from gateway.services.inspection import PICTURES, TAKEN
from reelwork.contract.uploads import UploadBody
from reelwork.domain.errors import FieldError, InvalidInput, UnsupportedMediaType, UploadTooLarge
from reelwork.domain.upload import MOST_PARTS, Parts
from reelwork.modelling.table import MOST_FILE_BYTES, TABLES

_Refusal = InvalidInput | UnsupportedMediaType | UploadTooLarge


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadTerms:
    """Pictures are decoded, so they may be as large as those that come by form; numbers, as large as a model reads."""

    limit_bytes: int
    picture_limit_bytes: int
    multipart_bytes: int
    part_bytes: int
    life: timedelta
    per_account: int

    def check(self, body: UploadBody) -> None:
        """Raises UnsupportedMediaType, UploadTooLarge, InvalidInput."""
        if body.content_type not in TAKEN:
            cure = f"One of {', '.join(TAKEN)}."
            raise _refused(UnsupportedMediaType, "#/content_type", "unknown_type", cure)
        limit = self._limit(body.content_type)
        if body.bytes > limit:
            raise _refused(UploadTooLarge, "#/bytes", "too_large", f"At most {size(limit)} of {body.content_type}.")
        parts = self.parts(body)
        if parts is not None and body.part_bytes not in {None, parts.size_bytes}:
            cure = f"At least {parts.size_bytes} bytes, or there are more than {MOST_PARTS:,} parts."
            raise _refused(InvalidInput, "#/part_bytes", "too_small", cure)

    def _limit(self, content_type: str) -> int:
        if content_type in PICTURES:
            return min(self.limit_bytes, self.picture_limit_bytes)
        return min(self.limit_bytes, MOST_FILE_BYTES) if content_type in TABLES else self.limit_bytes

    def parts(self, body: UploadBody) -> Parts | None:
        """How it is to be cut; None: in one piece."""
        if body.part_bytes is None and body.bytes < self.multipart_bytes:
            return None
        return Parts.of(body.bytes, wanted_bytes=body.part_bytes or self.part_bytes)


def _refused(error: type[_Refusal], pointer: str, code: str, cure: str) -> _Refusal:
    return error(f"This cannot be uploaded: {cure}", errors=[FieldError(pointer=pointer, code=code, detail=cure)])
