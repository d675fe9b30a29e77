"""OAuth 2.0 client credentials (RFC 6749, section 4.4): a key is exchanged for a token that lives 15 minutes."""

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote_plus

from gateway.auth import Authenticator, Caller
from gateway.services.rates import RateLimits
from gateway.signing import Signer
from gateway.tokens import Claims, issue
from reelwork.contract.keys import PublicKey, PublicKeys, TokenView
from reelwork.domain.account import Credentials, Scope, parse_key
from reelwork.domain.errors import InvalidApiKey, InvalidRequest
from reelwork.domain.rate import RouteClass
from reelwork.store.client import DatabaseClock
from reelwork.store.signing_keys import SigningKeys

_MOST_FIELDS = 10


class OAuthRefused(InvalidRequest):
    """A request for a token that cannot be granted; `error` is the word of RFC 6749, section 5.2."""

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(detail, hint="See RFC 6749, section 4.4.")
        self.error = error


class OAuthService:
    """Gives tokens for keys, and publishes what they can be checked with."""

    def __init__(
        self,
        authenticator: Authenticator,
        signer: Signer,
        signing_keys: SigningKeys,
        clock: DatabaseClock,
        rates: RateLimits,
    ) -> None:
        self._authenticator = authenticator
        self._rates = rates
        self._signer = signer
        self._signing_keys = signing_keys
        self._clock = clock

    async def token(self, body: bytes, *, authorization: str | None, address: str | None) -> TokenView:
        """A token for the key in the form or in HTTP Basic.

        Raises OAuthRefused, InvalidApiKey, ExpiredToken, AccountSuspended, PermissionDenied, RateLimited,
        StoreUnavailable.
        """
        form = _form(body)
        credentials = _client(form, authorization)
        if form.get("grant_type") != "client_credentials":
            known = "grant_type" not in form
            raise OAuthRefused(
                "invalid_request" if known else "unsupported_grant_type", "grant_type has to be client_credentials."
            )
        caller = await self._authenticator.client(credentials, address=address)
        await self._rates.meter(caller.account, RouteClass.MANAGE).admit()
        scopes = _scopes(form.get("scope"), caller)
        claims = Claims(account=caller.account.id, key_id=caller.key.id, scopes=scopes)
        token = issue(await self._signer.current(), claims, now=await self._clock.now(), ends=caller.key.expires_at)
        return TokenView(access_token=token.text, expires_in=token.expires_in, scope=" ".join(sorted(scopes)))

    async def public_keys(self) -> PublicKeys:
        """Those that sign now, and those whose tokens are not dead yet."""
        published = await self._signing_keys.published()
        return PublicKeys(keys=[PublicKey(kid=key.id, x=_base64url(key.public)) for key in published])


def _form(body: bytes) -> Mapping[str, str]:
    """The fields of a form. Raises OAuthRefused for what is none, and for a field that is there twice."""
    try:
        fields = parse_qsl(
            body.decode(),
            keep_blank_values=True,
            strict_parsing=bool(body),
            max_num_fields=_MOST_FIELDS,
            errors="strict",
        )
    except ValueError as error:
        raise OAuthRefused("invalid_request", "The body is not a form.") from error
    form = dict(fields)
    if len(form) < len(fields):
        raise OAuthRefused("invalid_request", "A field stands twice in the form.")
    return {name: value for name, value in form.items() if value}  # RFC 6749, 3.2: empty is as if it were not there


def _client(form: Mapping[str, str], authorization: str | None) -> Credentials | None:
    """The key in the form or in HTTP Basic; None for what cannot be one. Raises OAuthRefused for none, or both."""
    basic = _basic(authorization)
    in_form = "client_secret" in form
    if basic is not None and (in_form or form.get("client_id", basic[0]) != basic[0]):
        raise OAuthRefused("invalid_request", "Send the key either in the form or by HTTP Basic, not both.")
    if basic is None and not ("client_id" in form and in_form):
        raise InvalidApiKey(
            "The client did not show a key.",
            hint="Send client_id (the key's id) and client_secret (the key), in the form or by HTTP Basic.",
        )
    client_id, secret = basic or (form["client_id"], form["client_secret"])
    credentials = parse_key(secret) or parse_key(f"rw_{client_id.removeprefix('key_')}_{secret}")
    return credentials if credentials is not None and credentials.key_id == client_id else None


def _basic(authorization: str | None) -> tuple[str, str] | None:
    """Both parts are form-encoded inside (RFC 6749, 2.3.1)."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, separator, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (unquote_plus(user), unquote_plus(password)) if separator else ("", "")


def _scopes(asked: str | None, caller: Caller) -> frozenset[Scope]:
    """What the token is for: all that the key may do, or less. Raises OAuthRefused."""
    if asked is None:
        return caller.key.scopes
    names = asked.split(" ")
    if not set(names) <= {scope.value for scope in caller.key.scopes}:
        raise OAuthRefused("invalid_scope", "The key does not have all of these scopes.")
    return frozenset(Scope(name) for name in names)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
