"""Whether a webhook comes from whom it says: the two schemes that our providers sign by."""

import base64
import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel
from pydantic_core import from_json
from standardwebhooks import Webhook, WebhookVerificationError

from reelwork.generator import BadSignature, GenerationError

T = TypeVar("T")

TOLERANCE_SECONDS = 300
"""How old or how far ahead a signed time may be: what both schemes recommend."""
_LARGEST_BODY = 1024 * 1024


class Remembered(Generic[T]):
    """Something that a provider publishes and seldom changes, such as a key.

    Fetched when it is first needed, then kept. What seems wrong is fetched anew, at most once in `pause_seconds`: who
    sends forged webhooks must not make us ask the provider for each.
    """

    def __init__(
        self,
        fetch: Callable[[], T],
        *,
        keep_seconds: float = 3600.0,
        pause_seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._keep = keep_seconds
        self._pause = pause_seconds
        self._clock = clock
        self._known: tuple[float, T] | None = None

    def accepts(self, is_right: Callable[[T], bool]) -> bool:
        """Whether something is right by the value known, or by a newer one. Raises what `fetch` does."""
        if self._known is None or self._clock() - self._known[0] > self._keep:
            return is_right(self._renewed())
        if is_right(self._known[1]):
            return True
        return self._clock() - self._known[0] >= self._pause and is_right(self._renewed())

    def _renewed(self) -> T:
        value = self._fetch()
        self._known = (self._clock(), value)
        return value


def verify_standard(headers: Mapping[str, str], body: bytes, secrets: Remembered[str]) -> Any:
    """The JSON of a webhook signed as standardwebhooks.com says (HMAC-SHA256 over id, time and body).

    Raises BadSignature.
    """

    def is_signed(secret: str) -> bool:
        try:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError):  # ValueError: what no signature looks like
            return False
        return True

    _require(headers, "webhook-id", "webhook-timestamp", "webhook-signature")
    return _verified(headers["webhook-timestamp"], body, secrets, is_signed)


def verify_ed25519(headers: Mapping[str, str], body: bytes, keys: Remembered[list[Ed25519PublicKey]]) -> Any:
    """The JSON of a webhook signed as fal says: Ed25519 over request, user, time and the body's SHA-256, by lines.

    Raises BadSignature.
    """
    prefix = "x-fal-webhook-"
    names = [f"{prefix}{part}" for part in ("request-id", "user-id", "timestamp", "signature")]
    _require(headers, *names)
    request_id, user_id, timestamp, signature = (headers[name] for name in names)
    message = "\n".join((request_id, user_id, timestamp, hashlib.sha256(body).hexdigest())).encode()
    try:
        signed = bytes.fromhex(signature)
    except ValueError as error:
        raise BadSignature("The signature is not hexadecimal.") from error
    return _verified(timestamp, body, keys, lambda known: any(_is_by(key, signed, message) for key in known))


def read_key_set(answer: object) -> list[Ed25519PublicKey]:
    """The Ed25519 keys of a JSON Web Key Set (RFC 8037); others in it are passed over. Raises ValueError."""
    return [_public_key(key.x) for key in _KeySet.model_validate(answer).keys if key.crv == "Ed25519"]


class _Key(BaseModel):
    crv: str = "Ed25519"
    x: str = ""


class _KeySet(BaseModel):
    keys: list[_Key]


def _public_key(text: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _is_by(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _verified(timestamp: str, body: bytes, known: Remembered[T], is_signed: Callable[[T], bool]) -> Any:
    """What is cheap is checked first: a stranger's webhook seldom makes us ask the provider for its keys."""
    if len(body) > _LARGEST_BODY:
        raise BadSignature("The webhook is too long.")
    if not timestamp.isdecimal() or len(timestamp) > 12 or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        raise BadSignature("The webhook is too old, or from the future.")
    try:
        said = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise BadSignature("The webhook is not JSON.") from error
    try:
        accepted = known.accepts(is_signed)
    except (GenerationError, ValueError) as error:
        raise BadSignature("The signature cannot be checked: the provider's key cannot be had.") from error
    if not accepted:
        raise BadSignature("The webhook is not signed by the provider.")
    return said


def _require(headers: Mapping[str, str], *names: str) -> None:
    missing = [name for name in names if not headers.get(name)]
    if missing:
        raise BadSignature(f"The webhook lacks {', '.join(missing)}.")
