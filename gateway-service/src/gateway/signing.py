"""The key that access tokens are signed with: made when it is first needed, and a new one every 30 days."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.sealing import Seal, SealBroken
from reelwork.store.signing_keys import SigningKey, SigningKeys

log = structlog.get_logger(__name__)

_MOST_TRIES = 5


@dataclass(frozen=True, slots=True)
class Signing:
    """What a token is signed with; `kid` names it."""

    kid: str
    private: Ed25519PrivateKey


class Signer:
    """Keys are sealed under `secret`; without one they are stored as they are, which production refuses."""

    def __init__(self, keys: SigningKeys, secret: str | None) -> None:
        self._keys = keys
        self._seal = Seal(secret) if secret is not None else None

    async def current(self) -> Signing:
        """Raises StoreUnavailable."""
        for _ in range(_MOST_TRIES):
            latest = await self._keys.latest()
            opened = self._opened(latest) if latest is not None and not latest.retired else None
            if opened is not None:
                return opened
            made = await self._made(latest.generation + 1 if latest is not None else 1)
            if made is not None:
                return made
        raise RuntimeError("signing keys are made faster than they can be read")

    async def _made(self, generation: int) -> Signing | None:
        """A new one; None if another gateway was faster."""
        private, kid = Ed25519PrivateKey.generate(), f"sig_{secrets.token_hex(12)}"
        raw = private.private_bytes_raw()
        stored = await self._keys.add(
            SigningKey(
                id=kid,
                generation=generation,
                public=private.public_key().public_bytes_raw(),
                private=self._seal.seal(raw, kid) if self._seal is not None else raw,
                sealed=self._seal is not None,
                created_at=datetime.now(UTC),
            )
        )
        if not stored:
            return None
        log.info("signing_key.made", kid=kid, sealed=self._seal is not None)
        return Signing(kid, private)

    def _opened(self, stored: SigningKey) -> Signing | None:
        """None for one that was sealed under another secret: it signs no more, and a new one takes its place."""
        if not stored.sealed:
            return Signing(stored.id, Ed25519PrivateKey.from_private_bytes(stored.private))
        if self._seal is None:
            log.warning("signing_key.unreadable", kid=stored.id, reason="There is no secret to open it with.")
            return None
        try:
            return Signing(stored.id, Ed25519PrivateKey.from_private_bytes(self._seal.open(stored.private, stored.id)))
        except SealBroken as error:
            log.warning("signing_key.unreadable", kid=stored.id, reason=str(error))
            return None
