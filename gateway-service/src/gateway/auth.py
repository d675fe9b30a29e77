"""Who is calling: an API key in `Authorization: Bearer` or `X-API-Key`, never in an address."""

import time
from dataclasses import dataclass, replace

from reelwork.domain.account import Account, ApiKey, Credentials, Scope, opens, parse_key
from reelwork.domain.audit import Actor, ActorKind
from reelwork.domain.errors import InvalidApiKey, MissingCredentials, ScopeMissing
from reelwork.domain.ids import KeyId
from reelwork.store.accounts import Accounts

# How long a revoked key may still work on a gateway that has just seen it.
CACHE_SECONDS = 5.0
CACHE_SIZE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated account, and what its key may do. `address`: where the request came from."""

    account: Account
    key: ApiKey
    address: str | None = None

    @property
    def actor(self) -> Actor:
        """Who it is, for the audit log."""
        return Actor(kind=ActorKind.KEY, key_id=self.key.id, ip=self.address)

    def require(self, scope: Scope) -> None:
        """Raises ScopeMissing."""
        if scope not in self.key.scopes:
            raise ScopeMissing(
                f"This key may not do that: it lacks the scope {scope.value!r}.",
                hint="Use a key that has the scope, or have this one changed.",
            )


class Authenticator:
    """Knows callers by their keys; remembers them for `CACHE_SECONDS`, so that most requests cost no look-up."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._known: dict[KeyId, tuple[float, Caller]] = {}

    async def caller(self, text: str | None, *, address: str | None = None) -> Caller:
        """The owner of the key, who sent it from this address.

        Raises MissingCredentials, InvalidApiKey, StoreUnavailable.
        """
        if not text:
            raise MissingCredentials(
                "This address wants an API key.",
                hint="Send it as 'Authorization: Bearer <key>' or as 'X-API-Key: <key>'.",
            )
        credentials = parse_key(text)
        caller = await self._find(credentials) if credentials is not None else None
        if credentials is None or caller is None or not opens(caller.key, credentials):
            raise InvalidApiKey(
                "The API key is unknown or was revoked.",
                hint="Check that the whole key was copied; it begins with 'rw_'.",
            )
        return replace(caller, address=address)

    async def _find(self, credentials: Credentials) -> Caller | None:
        now = time.monotonic()
        remembered = self._known.get(credentials.key_id)
        if remembered is not None and now - remembered[0] < CACHE_SECONDS:
            return remembered[1]
        key = await self._accounts.key(credentials.key_id)
        account = await self._accounts.get(key.account_id) if key is not None else None
        if key is None or account is None:
            return None
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        caller = Caller(account=account, key=key)
        self._known[credentials.key_id] = (now, caller)
        return caller
