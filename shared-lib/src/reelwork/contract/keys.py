"""API keys on the wire."""

import re
from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from reelwork.contract.base import JSON_MOMENT, JSON_NUMBER, Moment, Timestamp, Wire
from reelwork.domain.money import WRITTEN

ScopeName = Literal["submit", "read", "manage", "admin"]
PresetName = Literal["submit_only", "observer", "operator", "admin"]
KeyStateName = Literal["active", "expired", "revoked"]

_PATTERN = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*(/\*)?")
_SEVEN_DAYS = 7 * 86400


def _network(text: str) -> str:
    """As the standard library writes it: `192.0.2.7` becomes `192.0.2.7/32`."""
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise PydanticCustomError("ip_network", "Send an address, or a network such as 192.0.2.0/24.") from error


def _model(text: str) -> str:
    if not _PATTERN.fullmatch(text):
        raise PydanticCustomError("model_pattern", "Send a model's name, or a prefix such as builtin/*.")
    return text


KeyName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]
Network = Annotated[str, StringConstraints(max_length=64), AfterValidator(_network)]
ModelPattern = Annotated[str, StringConstraints(max_length=128), AfterValidator(_model)]
Amount = Annotated[str, StringConstraints(max_length=16, pattern=WRITTEN)]
Scopes = Annotated[list[ScopeName], Field(min_length=1, max_length=4)]
Models = Annotated[list[ModelPattern], Field(max_length=50)]
Networks = Annotated[list[Network], Field(max_length=50)]

_MODELS = "Names of models, or prefixes such as `builtin/*`. Empty: every model."
_NETWORKS = "Addresses or networks (CIDR) from which the key works. Empty: from everywhere."
_CAP = "US dollars that the key may spend over its whole life, such as `25.00`. Null: no bound."
_EXPIRES = "When the key ends. Null: never."


class KeyBody(Wire):
    """A new key. Say what it may do either by `scopes` or by `preset`. It can never do more than the key that makes
    it."""

    name: Annotated[KeyName, Field(examples=["ci"])]
    scopes: Annotated[Scopes | None, Field(description="What it may do; instead of `preset`.")] = None
    preset: Annotated[
        PresetName | None,
        Field(description="`submit_only`: submit. `observer`: read. `operator`: submit, read, manage. `admin`: all."),
    ] = None
    models: Annotated[Models, Field(description=_MODELS)] = []
    allowed_ips: Annotated[Networks, Field(description=_NETWORKS, examples=[["192.0.2.0/24"]])] = []
    spend_cap: Annotated[Amount | None, Field(description=_CAP, examples=["25.00"])] = None
    expires_at: Annotated[Moment | None, Field(description=_EXPIRES), JSON_MOMENT] = None


class KeyChanges(Wire):
    """What to change of a key; what is left out stays."""

    name: KeyName | None = None
    scopes: Scopes | None = None
    models: Annotated[Models | None, Field(description=_MODELS)] = None
    allowed_ips: Annotated[Networks | None, Field(description=_NETWORKS)] = None
    spend_cap: Annotated[Amount | None, Field(description=_CAP)] = None
    expires_at: Annotated[Moment | None, Field(description=_EXPIRES), JSON_MOMENT] = None


class RotateBody(Wire):
    """`overlap_seconds`: how long the old key goes on working."""

    overlap_seconds: Annotated[int, Field(ge=0, le=_SEVEN_DAYS), JSON_NUMBER] = 86400


class KeyView(Wire):
    """A key, without what opens the door. `prefix`: how the key begins. `last_used_at`: to a minute.

    `replaced_by`: the key that took its place by a rotation.
    """

    id: str
    object: Literal["key"] = "key"
    name: str
    prefix: str
    state: KeyStateName
    scopes: list[ScopeName]
    models: list[str]
    allowed_ips: list[str]
    spend_cap: str | None
    created_at: Timestamp
    expires_at: Timestamp | None
    last_used_at: Timestamp | None
    replaced_by: str | None


class NewKeyView(KeyView):
    """A key that was just made: `key` is shown now and never again."""

    key: str


class RotatedKeyView(Wire):
    """`new`: the key that takes the place. `old`: the one that ends, and when."""

    new: NewKeyView
    old: KeyView


class KeyPage(Wire):
    """`next_cursor` goes into `cursor` for the next page; null at the end. Newest first."""

    items: list[KeyView]
    next_cursor: str | None
    has_more: bool


class StreamTicketView(Wire):
    """`ticket` opens one event stream, once, until `expires_at`: `GET /v1/jobs/{id}/events?ticket=…`."""

    ticket: str
    expires_at: Timestamp


class TokenView(Wire):
    """The answer of RFC 6749, section 5.1. `expires_in`: seconds. `scope`: names with blanks in between."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  (not a secret)
    expires_in: int
    scope: str


class PublicKey(Wire):
    """An Ed25519 key as RFC 8037 writes it."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"
    kid: str
    x: str


class PublicKeys(Wire):
    """The keys that access tokens may be signed with (RFC 7517)."""

    keys: list[PublicKey]
