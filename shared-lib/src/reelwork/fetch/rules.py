"""What may be fetched, and how much of it, as an installation has it."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# Longer addresses are not understood everywhere (RFC 9110, 4.1, asks for 8,000 octets at least of servers; what people
# share stays far below).
LONGEST_URL = 2048
# So many redirects are followed; every one is checked like the address that was given.
MOST_REDIRECTS = 3
# Everything before the body of one answer, interim answers included.
MOST_HEADER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRules:
    """`seconds` bounds a whole fetch with its redirects, `quiet_seconds` the wait for the next bytes.

    `allow`: networks that may be reached although they are not of the public internet; names without a dot are then
    looked up too. `plain_http`: http beside https.
    """

    ports: frozenset[int] = frozenset({443, 80})
    plain_http: bool = False
    allow: tuple[Network, ...] = ()
    seconds: float = 30.0
    quiet_seconds: float = 10.0
    connect_seconds: float = 5.0
    lookup_seconds: float = 3.0
