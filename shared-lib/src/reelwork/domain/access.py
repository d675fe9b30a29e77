"""What a key may do, and that nobody gives away more than they have."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from reelwork.domain.account import OWNERS_SCOPES, ApiKey, Scope

PRESETS: dict[str, frozenset[Scope]] = {
    "submit_only": frozenset({Scope.SUBMIT}),
    "observer": frozenset({Scope.READ}),
    "operator": OWNERS_SCOPES,
    "admin": frozenset(Scope),
}
"""Sets of scopes under a name."""

# What an account may have at once of keys that are neither revoked nor expired.
MOST_KEYS = 100

_Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Powers:
    """What a key may do, as its owner chooses it; see `ApiKey` for the words."""

    name: str
    scopes: frozenset[Scope]
    models: tuple[str, ...] = ()
    allowed_ips: tuple[str, ...] = ()
    spend_cap: int | None = None
    expires_at: datetime | None = None

    @classmethod
    def of(cls, key: ApiKey) -> "Powers":
        return cls(
            name=key.name,
            scopes=key.scopes,
            models=key.models,
            allowed_ips=key.allowed_ips,
            spend_cap=key.spend_cap,
            expires_at=key.expires_at,
        )


def allows_model(patterns: Sequence[str], model: str) -> bool:
    """Whether a key with these patterns may use the model: exact names, or all behind a prefix by `prefix/*`."""
    return not patterns or any(_matches(pattern, model) for pattern in patterns)


def allows_address(allowed: Sequence[str], address: str | None) -> bool:
    """Whether a request from there may use a key that is bound to these addresses and networks.

    An IPv4 address inside an IPv6 one (`::ffff:192.0.2.1`) counts as what it is.
    """
    if not allowed:
        return True
    try:
        here = ip_address(address or "")
    except ValueError:
        return False
    here = getattr(here, "ipv4_mapped", None) or here
    return any(here in _network(one) for one in allowed)


def beyond(maker: ApiKey, wanted: Powers) -> str | None:
    """The field of `wanted` that goes beyond what its maker has; None if all of it is the maker's to give."""
    if not wanted.scopes <= maker.scopes:
        return "scopes"
    if maker.models and not _all_within(wanted.models, maker.models):
        return "models"
    if maker.allowed_ips and not _all_inside(wanted.allowed_ips, maker.allowed_ips):
        return "allowed_ips"
    if maker.expires_at is not None and (wanted.expires_at is None or wanted.expires_at > maker.expires_at):
        return "expires_at"
    # What two keys spend is counted apart, so a capped key that made another would have its cap twice.
    return "spend_cap" if maker.spend_cap is not None else None


@lru_cache(maxsize=4096)
def _network(text: str) -> _Network:
    """Read once: a bound key is held against its networks at every request."""
    return ip_network(text)


def _matches(pattern: str, model: str) -> bool:
    return model.startswith(pattern[:-1]) if pattern.endswith("/*") else model == pattern


def _all_within(patterns: Sequence[str], of: Sequence[str]) -> bool:
    """Whether there are any, and each names no model that `of` does not."""
    return bool(patterns) and all(any(_matches(wider, pattern) for wider in of) for pattern in patterns)


def _all_inside(networks: Sequence[str], of: Sequence[str]) -> bool:
    return bool(networks) and all(_is_inside(_network(one), map(_network, of)) for one in networks)


def _is_inside(network: _Network, of: Iterable[_Network]) -> bool:
    low, high = network.network_address, network.broadcast_address
    return any(wider.version == network.version and low in wider and high in wider for wider in of)
