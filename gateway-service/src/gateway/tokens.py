"""Access tokens: JWTs by RFC 9068, signed with Ed25519, good for 15 minutes, never longer than the key behind them."""

import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.types import Options

from gateway.signing import Signing
from reelwork.domain.account import Scope
from reelwork.domain.errors import ExpiredToken, InvalidApiKey
from reelwork.domain.ids import AccountId, KeyId
from reelwork.store.client import DatabaseClock
from reelwork.store.signing_keys import TOKEN_LIFE, SigningKeys

ISSUER = "reelwork"
AUDIENCE = "reelwork-api"
TYPE = "at+jwt"
_ALGORITHM = "EdDSA"
# How far what two gateways take for the database's time may be apart.
_LEEWAY = timedelta(seconds=5)
_LONGEST = 4096
_KID = re.compile(r"sig_[0-9a-f]{24}")
_CLAIMS = ("iss", "aud", "sub", "client_id", "scope", "iat", "nbf", "exp", "jti")
# The times are checked by the database's: the library would look at the machine's clock.
_OPTIONS: Options = {
    "require": list(_CLAIMS),
    "strict_aud": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}
# Anything else in a header (jku, jwk, x5u, x5c, crit, b64, zip) says where to find a key or how to read on: refused.
_HEADERS = frozenset({"alg", "typ", "kid"})
# How long a signing key that was withdrawn may still be believed.
_CACHE_SECONDS = 5.0
_CACHE_SIZE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token says: whose it is, by which key, and what it is good for."""

    account: AccountId
    key_id: KeyId
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token that was just made. `text` is all that it takes to use it."""

    text: str = field(repr=False)
    expires_in: int


def looks_like_token(text: str) -> bool:
    """Whether it has the three parts of a JWT; a key has none."""
    return text.count(".") == 2


def issue(signing: Signing, claims: Claims, *, now: datetime, ends: datetime | None) -> Token:
    """A token for these claims. `ends`: when the key behind it ends, None for never; in the future."""
    until = min(now + TOKEN_LIFE, ends) if ends is not None else now + TOKEN_LIFE
    payload = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": claims.account,
        "client_id": claims.key_id,
        "scope": " ".join(sorted(claims.scopes)),
        "iat": now,
        "nbf": now,
        "exp": until,
        "jti": str(uuid.uuid4()),
    }
    headers = {"typ": TYPE, "kid": signing.kid}
    text = jwt.encode(payload, signing.private, algorithm=_ALGORITHM, headers=headers)
    return Token(text=text, expires_in=max(1, int((until - now).total_seconds())))


class TokenVerifier:
    """Believes tokens of ours and no others."""

    def __init__(self, keys: SigningKeys, clock: DatabaseClock) -> None:
        self._keys = keys
        self._clock = clock
        self._known: dict[str, tuple[float, Ed25519PublicKey]] = {}

    async def verify(self, text: str) -> Claims:
        """What the token says. Raises InvalidApiKey, ExpiredToken, StoreUnavailable."""
        kid = _checked_header(text)
        public = await self._public(kid)
        try:
            payload = jwt.decode(
                text,
                key=public,
                algorithms=[_ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options=_OPTIONS,
            )
        except jwt.PyJWTError as error:
            raise _refused() from error
        _check_times(payload, await self._clock.now())
        return _claims(payload)

    async def _public(self, kid: str) -> Ed25519PublicKey:
        now = time.monotonic()
        known = self._known.get(kid)
        if known is not None and now - known[0] < _CACHE_SECONDS:
            return known[1]
        found = await self._keys.published(kid)
        if not found:
            raise _refused()
        if len(self._known) >= _CACHE_SIZE:
            self._known.clear()
        public = Ed25519PublicKey.from_public_bytes(found[0].public)
        self._known[kid] = (now, public)
        return public


def _check_times(payload: Mapping[str, Any], now: datetime) -> None:
    """By the database's time, in which tokens are made. Raises InvalidApiKey, ExpiredToken."""
    times = [payload[name] for name in ("iat", "nbf", "exp")]
    if not all(isinstance(time_, int | float) and not isinstance(time_, bool) for time_ in times):
        raise _refused()
    if max(payload["iat"], payload["nbf"]) > (now + _LEEWAY).timestamp():
        raise _refused()
    if payload["exp"] <= (now - _LEEWAY).timestamp():
        raise ExpiredToken("The token has expired.", hint="Get a new one: POST /v1/oauth/token.")


def _checked_header(text: str) -> str:
    """The name of the key that the token says it is signed with. Raises InvalidApiKey."""
    if len(text) > _LONGEST or not text.isascii():
        raise _refused()
    try:
        header: Mapping[str, Any] = jwt.get_unverified_header(text)  # Any: whatever somebody wrote into it
    except jwt.PyJWTError as error:
        raise _refused() from error
    kid = header.get("kid")
    plain = header.get("alg") == _ALGORITHM and header.get("typ") == TYPE and header.keys() == _HEADERS
    if not plain or not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise _refused()
    return kid


def _claims(payload: Mapping[str, Any]) -> Claims:
    try:
        scopes = frozenset(Scope(name) for name in str(payload["scope"]).split())
    except ValueError as error:
        raise _refused() from error
    return Claims(account=AccountId(payload["sub"]), key_id=KeyId(str(payload["client_id"])), scopes=scopes)


def _refused() -> InvalidApiKey:
    """One answer for every way of being wrong: whoever forges tokens learns nothing from it."""
    return InvalidApiKey("The token is not valid.", hint="Get a new one: POST /v1/oauth/token.")
