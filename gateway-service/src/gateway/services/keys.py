"""API keys, as their owners look after them."""

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.auth import Authenticator, Caller
from gateway.services.pages import Page, check_cursor
from reelwork.contract.keys import KeyBody, KeyChanges, KeyPage, KeyView, NewKeyView, RotatedKeyView, ScopeName
from reelwork.domain.access import PRESETS, Powers, beyond
from reelwork.domain.account import ApiKey, Scope, key_prefix
from reelwork.domain.errors import FieldError, InvalidInput, PermissionDenied
from reelwork.domain.ids import KeyId
from reelwork.domain.money import dollars, ten_thousandths
from reelwork.engine.keys import NewKey, change_key, create_key, key_not_found, revoke_key, rotate_key
from reelwork.store.client import DatabaseClock
from reelwork.store.keys import KeyState
from reelwork.store.stores import Stores

_SCOPES: tuple[ScopeName, ...] = ("submit", "read", "manage", "admin")


class KeyService:
    """The caller's account's keys. Nobody gives a key more than their own may do, or gets hold of one that may."""

    def __init__(self, stores: Stores, authenticator: Authenticator, clock: DatabaseClock) -> None:
        self._stores = stores
        self._authenticator = authenticator
        self._clock = clock

    async def page(self, caller: Caller, state: KeyState | None, *, cursor: str | None, limit: int) -> KeyPage:
        """Raises InvalidCursor."""
        before = check_cursor(cursor, "key_")
        found = await self._stores.keys.page(
            caller.account.id, state, before=KeyId(before) if before else None, limit=limit + 1
        )
        page, now = Page.cut(found, limit), await self._clock.now()
        items = [key_view(key, now) for key in page.items]
        return KeyPage(items=items, next_cursor=page.next_cursor, has_more=page.next_cursor is not None)

    async def get(self, caller: Caller, key_id: str) -> KeyView:
        """Raises KeyNotFound."""
        return key_view(await self._find(caller, key_id), await self._clock.now())

    async def create(self, caller: Caller, body: KeyBody) -> NewKeyView:
        """Raises InvalidInput, InvalidState, and PermissionDenied for more than the caller's key may do."""
        now = await self._clock.now()
        powers = Powers(
            name=body.name,
            scopes=_scopes(body),
            models=tuple(dict.fromkeys(body.models)),
            allowed_ips=tuple(dict.fromkeys(body.allowed_ips)),
            spend_cap=_amount(body.spend_cap),
            expires_at=_future(body.expires_at, now),
        )
        _check_own(caller, powers)
        new = await create_key(self._stores, caller.account.id, caller.actor, powers)
        return _new_key_view(new, now)

    async def change(self, caller: Caller, key_id: str, body: KeyChanges) -> KeyView:
        """Raises KeyNotFound, InvalidInput, InvalidState, PermissionDenied."""
        key, now = await self._find(caller, key_id), await self._clock.now()
        powers = _changed(Powers.of(key), body, now)
        _check_own(caller, powers)
        changed = await change_key(self._stores, key, caller.actor, powers)
        self._authenticator.forget(key.id)
        return key_view(changed, now)

    async def rotate(self, caller: Caller, key_id: str, *, overlap: timedelta) -> RotatedKeyView:
        """Raises KeyNotFound, InvalidState, and PermissionDenied for a key that may do more than the caller's."""
        key, now = await self._find(caller, key_id), await self._clock.now()
        _check_own(caller, Powers.of(key))
        new, old = await rotate_key(self._stores, key, caller.actor, overlap=overlap)
        self._authenticator.forget(key.id)
        return RotatedKeyView(new=_new_key_view(new, now), old=key_view(old, now))

    async def revoke(self, caller: Caller, key_id: str) -> None:
        """Whatever the key may do, more than the caller's or not: a stolen one is to be stopped by whoever sees it.

        Raises KeyNotFound.
        """
        key = await self._find(caller, key_id)
        await revoke_key(self._stores, key, caller.actor)
        self._authenticator.forget(key.id)

    async def _find(self, caller: Caller, key_id: str) -> ApiKey:
        key = await self._stores.keys.get(caller.account.id, KeyId(key_id))
        if key is None:
            raise key_not_found(key_id)
        return key


def key_view(key: ApiKey, now: datetime) -> KeyView:
    expired = key.expires_at is not None and key.expires_at <= now
    return KeyView(
        id=key.id,
        name=key.name,
        prefix=key_prefix(key.id),
        state="revoked" if key.revoked else "expired" if expired else "active",
        scopes=[name for name in _SCOPES if Scope(name) in key.scopes],
        models=list(key.models),
        allowed_ips=list(key.allowed_ips),
        spend_cap=dollars(key.spend_cap) if key.spend_cap is not None else None,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        replaced_by=key.replaced_by,
    )


def _new_key_view(new: NewKey, now: datetime) -> NewKeyView:
    return NewKeyView(**dict(key_view(new.key, now)), key=new.text)


def _scopes(body: KeyBody) -> frozenset[Scope]:
    match body.scopes, body.preset:
        case list() as names, None:
            return frozenset(Scope(name) for name in names)
        case None, str() as preset:
            return PRESETS[preset]
        case _:
            raise _wrong("scopes", "one_of", "Send either 'scopes' or 'preset'.")


def _changed(powers: Powers, body: KeyChanges, now: datetime) -> Powers:
    """The powers with what the body names. Null takes a bound away; a name and scopes cannot be taken away."""
    named = body.model_fields_set
    for field in ("name", "scopes"):
        if field in named and getattr(body, field) is None:
            raise _wrong(field, "required", "Send a value, or leave it out.")
    return replace(
        powers,
        name=body.name or powers.name,
        scopes=frozenset(Scope(name) for name in body.scopes) if body.scopes else powers.scopes,
        models=tuple(dict.fromkeys(body.models or ())) if "models" in named else powers.models,
        allowed_ips=tuple(dict.fromkeys(body.allowed_ips or ())) if "allowed_ips" in named else powers.allowed_ips,
        spend_cap=_amount(body.spend_cap) if "spend_cap" in named else powers.spend_cap,
        expires_at=_future(body.expires_at, now) if "expires_at" in named else powers.expires_at,
    )


def _check_own(caller: Caller, powers: Powers) -> None:
    """Raises PermissionDenied for what is not the caller's to give."""
    field = beyond(caller.key, powers)
    if field is not None:
        cure = "A key that you make or change can do what your own key can, and no more. Use another key for this."
        fault = FieldError(pointer=f"#/{field}", code="beyond_own", detail=cure)
        raise PermissionDenied(f"Your key may not give that ({field}).", hint=cure, errors=[fault])


def _amount(text: str | None) -> int | None:
    return ten_thousandths(text) if text is not None else None


def _future(moment: datetime | None, now: datetime) -> datetime | None:
    if moment is not None and moment <= now:
        raise _wrong("expires_at", "in_the_past", "Send a moment that is still to come, or revoke the key.")
    return moment


def _wrong(field: str, code: str, cure: str) -> InvalidInput:
    fault = FieldError(pointer=f"#/{field}", code=code, detail=cure)
    return InvalidInput(f"Not valid: {fault.pointer}.", hint=cure, errors=[fault])
