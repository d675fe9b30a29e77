"""What deliveries are signed with: made, kept sealed, and used. Standard Webhooks 1.0.0, symmetric signatures."""

import base64
import os
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from standardwebhooks import Webhook as Signature

from gateway.sealing import Seal, SealBroken
from reelwork.domain.webhook import Secret

log = structlog.get_logger(__name__)

# The standard asks for 24 to 64.
SECRET_BYTES = 32
_PREFIX = "whsec_"


class SecretUnreadable(Exception):
    """It was sealed under another secret of the installation: only rotating it helps."""


class Secrets:
    """Seals secrets under `secret` of the installation; without one they are stored as they are, which production
    refuses. `owner` binds each to whom it is for: an endpoint's or an account's id."""

    def __init__(self, secret: str | None) -> None:
        self._seal = Seal(secret) if secret is not None else None

    def new(self, owner: str) -> tuple[Secret, str]:
        """A secret to store, and the text that its owner verifies with."""
        raw = os.urandom(SECRET_BYTES)
        value = self._seal.seal(raw, _bound(owner)) if self._seal is not None else raw
        return Secret(value=value, sealed=self._seal is not None, created_at=datetime.now(UTC)), _text(raw)

    def text(self, secret: Secret, owner: str) -> str:
        """`whsec_…`. Raises SecretUnreadable."""
        if not secret.sealed:
            return _text(secret.value)
        if self._seal is None:
            log.warning("webhook.secret_unreadable", owner=owner, reason="There is no secret to open it with.")
            raise SecretUnreadable
        try:
            return _text(self._seal.open(secret.value, _bound(owner)))
        except SealBroken as error:
            log.warning("webhook.secret_unreadable", owner=owner, reason=str(error))
            raise SecretUnreadable from error

    def headers(
        self, secrets: Sequence[Secret], owner: str, *, event_id: str, at: datetime, body: str
    ) -> dict[str, str]:
        """Those that say who sent this, when, and that it is unaltered: one signature by each secret.

        Raises SecretUnreadable where there is none that can be read.
        """
        signatures = []
        for secret in secrets:
            try:
                signature = Signature(self.text(secret, owner))
            except SecretUnreadable:
                continue
            signatures.append(signature.sign(msg_id=event_id, timestamp=at, data=body))
        if not signatures:
            raise SecretUnreadable
        return {
            "webhook-id": event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signatures),
        }


def _text(raw: bytes) -> str:
    return _PREFIX + base64.b64encode(raw).decode()


def _bound(owner: str) -> str:
    return f"webhook secret of {owner}"
