"""Which IP addresses may be reached on a caller's behalf: those of the public internet, in their plain form only."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from reelwork.fetch.refusal import not_public
from reelwork.fetch.rules import Address, Network

# The IANA special-purpose registries (RFC 6890 and what was added since), written out: `is_global` differs between the
# versions of Python that we run on, and knows nothing of the last lines.
_NOT_PUBLIC_V4 = (
    "0.0.0.0/8",  # this host, this network
    "10.0.0.0/8",
    "100.64.0.0/10",  # carrier-grade NAT; a cloud's metadata at 100.100.100.200
    "127.0.0.0/8",
    "169.254.0.0/16",  # link-local; most clouds' metadata
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",  # 6to4 relays
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "168.63.129.16/32",  # a cloud's own services, at an address that looks public
)
# Of IPv6 only 2000::/3 has been given out at all; these are its parts that carry another address or lead nowhere.
_GIVEN_OUT_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = (
    "2001::/23",  # Teredo, ORCHID, benchmarks
    "2001:db8::/32",
    "2002::/16",  # 6to4: an IPv4 address in disguise
    "2620:4f:8000::/48",
    "3fff::/20",
)
_CLOSED_V4 = tuple(IPv4Network(network) for network in _NOT_PUBLIC_V4)
_CLOSED_V6 = tuple(IPv6Network(network) for network in _NOT_PUBLIC_V6)

# What no production may open: the machine itself, and where clouds keep credentials.
_NEVER_IN_PRODUCTION = tuple(
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32"),
        *("::/96", "::ffff:0:0/96", "fe80::/10", "fd00:ec2::254/128", "fd20:ce::254/128"),
    )
)


def is_public(address: Address) -> bool:
    """Whether this is an address of the public internet.

    Forms that wrap an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo) are none: nobody needs them to name a
    public host, and each is a way to name a private one.
    """
    match address:
        case IPv4Address():
            return address.is_global and not any(address in network for network in _CLOSED_V4)
        case IPv6Address():
            return (
                address in _GIVEN_OUT_V6
                and address.is_global
                and address.scope_id is None
                and not any(address in network for network in _CLOSED_V6)
            )


def checked(found: Sequence[str], allow: Iterable[Network]) -> list[Address]:
    """The addresses of a name, if every one of them may be reached. Raises Refused.

    One that may not spoils the others: a name that mixes them is made to get past a check of the first.
    """
    allowed = tuple(allow)
    addresses = [ip_address(text) for text in dict.fromkeys(found)]
    if not all(is_public(address) or _is_in(address, allowed) for address in addresses):
        raise not_public()
    return addresses


def unsafe_in_production(networks: Iterable[Network]) -> Network | None:
    """The first network that would open the machine itself or a cloud's metadata; None if all are harmless."""
    return next((wide for wide in networks if any(_overlap(wide, never) for never in _NEVER_IN_PRODUCTION)), None)


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _overlap(one: Network, other: Network) -> bool:
    match one, other:
        case (IPv4Network(), IPv4Network()) | (IPv6Network(), IPv6Network()):
            return one.overlaps(other)
        case _:
            return False
