"""Who is calling: the key behind a request, or behind the token or ticket that came with it."""

import asyncio
import functools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog

from gateway.last_use import LastUse
from gateway.meter import Meter
from gateway.tokens import TokenVerifier, looks_like_token
from reelwork.domain.access import allows_address, allows_model
from reelwork.domain.account import Account, ApiKey, Credentials, Scope, credentials_of, opens
from reelwork.domain.audit import Actor, ActorKind
from reelwork.domain.errors import (
    AccountSuspended,
    ExpiredToken,
    FieldError,
    InvalidApiKey,
    MissingCredentials,
    PermissionDenied,
    ScopeMissing,
)
from reelwork.domain.ids import AccountId, KeyId
from reelwork.store.accounts import Accounts
from reelwork.store.client import DatabaseClock

log = structlog.get_logger(__name__)

# How long a key that was revoked at another gateway may still work at this one.
CACHE_SECONDS = 5.0
CACHE_SIZE = 10_000
# How old what is known of a key may be for a stream that it opened: with the second between two looks, one ends within
# five seconds after its key did.
WATCHED_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated account, and what its key may do. `address`: where the request came from.

    With a token or a ticket `key` is the key behind it, with the scopes of the token or ticket. `meter`: of the request
    that it made; None for who is no request.
    """

    account: Account
    key: ApiKey
    address: str | None = None
    meter: Meter | None = None

    @property
    def actor(self) -> Actor:
        """Who it is, for the audit log."""
        return Actor(kind=ActorKind.KEY, key_id=self.key.id, ip=self.address)

    async def charge(self, units: int, *, field: str, cure: str) -> None:
        """Have the request count as so many; see `Meter.charge`. Raises RateLimited, InsufficientTier."""
        if self.meter is not None:
            await self.meter.charge(units, field=field, cure=cure)

    def require(self, scope: Scope) -> None:
        """Raises ScopeMissing."""
        if scope not in self.key.scopes:
            log.warning("auth.denied", scope=scope.value, **self.told())
            raise ScopeMissing(
                f"This key may not do that: it lacks the scope {scope.value!r}.",
                hint="Use a key that has the scope, or have this one changed.",
            )

    def require_model(self, model: str) -> None:
        """Raises PermissionDenied for a key that is bound to other models."""
        if not allows_model(self.key.models, model):
            log.warning("auth.denied", model=model[:128], **self.told())
            cure = f"It may use: {', '.join(self.key.models)}."
            raise PermissionDenied(
                "This key may not use that model.",
                hint=cure,
                errors=[FieldError(pointer="#/model", code="model_not_allowed", detail=cure)],
            )

    def require_every_model(self) -> None:
        """Raises PermissionDenied for a key that is bound to some models, where jobs of any could be meant."""
        if self.key.models:
            log.warning("auth.denied", **self.told())
            raise PermissionDenied(
                "This key is bound to some models, and this would queue jobs of whatever model.",
                hint="Retry the jobs one by one, or use a key without that bound.",
            )

    def told(self) -> dict[str, str | None]:
        """What a log line says of the caller."""
        return {"account_id": self.account.id, "key_id": self.key.id, "address": self.address}


class Authenticator:
    """Knows callers by their keys; remembers them for `CACHE_SECONDS`, so that most requests cost no look-up."""

    def __init__(self, accounts: Accounts, clock: DatabaseClock, tokens: TokenVerifier, last_use: LastUse) -> None:
        self._accounts = accounts
        self._clock = clock
        self._tokens = tokens
        self._last_use = last_use
        self._known: dict[KeyId, tuple[float, Caller]] = {}
        self._asked: dict[KeyId, asyncio.Future[Caller | None]] = {}

    async def caller(self, text: str | None, *, address: str | None) -> Caller:
        """The owner of the key or token, who sent it from this address.

        Raises MissingCredentials, InvalidApiKey, ExpiredToken, AccountSuspended, PermissionDenied, StoreUnavailable.
        """
        if not text:
            raise MissingCredentials(
                "This address wants an API key.",
                hint="Send it as 'Authorization: Bearer <key>' or as 'X-API-Key: <key>'.",
            )
        if not looks_like_token(text):
            return await self.client(credentials_of(text), address=address)
        with _told(None, address):
            claims = await self._tokens.verify(text)
        return await self.holder(claims.key_id, claims.scopes, account=claims.account, address=address)

    async def client(self, credentials: Credentials | None, *, address: str | None) -> Caller:
        """The owner of a key that was taken apart; None for what cannot be a key. Raises as `caller` does."""
        with _told(credentials.key_id if credentials is not None else None, address):
            found = await self._find(credentials.key_id) if credentials is not None else None
            if credentials is None or found is None or not opens(found.key, credentials):
                raise _unknown()
            return await self._admitted(found, address)

    async def holder(
        self, key_id: KeyId, scopes: frozenset[Scope], *, account: AccountId | None = None, address: str | None
    ) -> Caller:
        """Whoever holds a token or ticket for these scopes of a key, as the key is now. Raises as `caller` does.

        `account`: whose key it is said to be.
        """
        with _told(key_id, address):
            found = await self._find(key_id)
            if found is None or found.key.revoked or account not in {None, found.account.id}:
                raise _unknown()
            caller = await self._admitted(found, address)
        return replace(caller, key=replace(caller.key, scopes=caller.key.scopes & scopes))

    async def still_admits(self, caller: Caller) -> bool:
        """Whether somebody who was let in to look would be let in now: for what stays open. Raises StoreUnavailable."""
        found = await self._find(caller.key.id, age=WATCHED_SECONDS)
        if found is None or found.key.revoked or Scope.READ not in found.key.scopes:
            return False
        try:
            await self._check(found, caller.address)
        except (ExpiredToken, AccountSuspended, PermissionDenied):
            return False
        return True

    def forget(self, key: KeyId) -> None:
        """Look the key up anew at its next request: it was changed."""
        self._known.pop(key, None)
        self._asked.pop(key, None)

    def forget_account(self, account: AccountId) -> None:
        """The same for all keys of an account."""
        self._asked.clear()
        self._known = {key: known for key, known in self._known.items() if known[1].account.id != account}

    async def _admitted(self, caller: Caller, address: str | None) -> Caller:
        await self._check(caller, address)
        self._last_use.note(caller.key.id)
        return replace(caller, address=address)

    async def _check(self, caller: Caller, address: str | None) -> None:
        key = caller.key
        if key.expires_at is not None and key.expires_at <= await self._clock.now():
            raise ExpiredToken(f"The key {key.id} has expired.", hint="Use another one; POST /v1/keys makes one.")
        if caller.account.suspended_at is not None:
            raise AccountSuspended("The account is suspended.", hint="Talk to whoever runs this installation.")
        if not allows_address(key.allowed_ips, address):
            raise PermissionDenied(
                "The key does not work from this address.", hint="Have the address added to the key's allowed_ips."
            )

    async def _find(self, key_id: KeyId, *, age: float = CACHE_SECONDS) -> Caller | None:
        """Of many requests at once with a key that is not remembered, one look-up answers all."""
        remembered = self._known.get(key_id)
        if remembered is not None and time.monotonic() - remembered[0] < age:
            return remembered[1]
        asked = self._asked.get(key_id)
        if asked is None:
            asked = self._asked[key_id] = asyncio.ensure_future(self._look_up(key_id))
            asked.add_done_callback(functools.partial(self._remember, key_id, time.monotonic()))
        return await asyncio.shield(asked)  # whoever asked first may go away

    async def _look_up(self, key_id: KeyId) -> Caller | None:
        key = await self._accounts.key(key_id)
        account = await self._accounts.get(key.account_id) if key is not None else None
        return Caller(account=account, key=key) if key is not None and account is not None else None

    def _remember(self, key_id: KeyId, since: float, answer: asyncio.Future[Caller | None]) -> None:
        """Unless what was read may be what was to be forgotten meanwhile."""
        found = answer.result() if not answer.cancelled() and answer.exception() is None else None
        if self._asked.get(key_id) is not answer:
            return
        del self._asked[key_id]
        if found is not None:
            if len(self._known) >= CACHE_SIZE:
                self._known.clear()
            self._known[key_id] = (since, found)


@contextmanager
def _told(key_id: KeyId | None, address: str | None) -> Iterator[None]:
    """Every refusal is a line in the log, with the key if it is known, and where it came from."""
    try:
        yield
    except (InvalidApiKey, PermissionDenied) as error:
        log.warning("auth.refused", code=error.code, key_id=key_id, address=address)
        raise


def _unknown() -> InvalidApiKey:
    return InvalidApiKey(
        "The API key is unknown or was revoked.", hint="Check that the whole key was copied; it begins with 'rw_'."
    )
