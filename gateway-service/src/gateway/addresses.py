"""From where a request comes: the peer of its connection, unless that is a proxy that we trust to tell."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from starlette.requests import HTTPConnection

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

# Where the middleware leaves it, in the state of the request.
STATE = "client_address"


def client_address(request: HTTPConnection) -> str | None:
    """The caller's address as text, without a port, in its shortest form; an IPv4 address is never written as IPv6.

    The one to use for limits, for keys that work from certain addresses, and in logs. None where there is none, as on a
    Unix socket.
    """
    address: str | None = request.scope.get("state", {}).get(STATE)
    return address


class TrustedProxies:
    """Reads `X-Forwarded-For`, but only as far as proxies of ours have written it.

    Every proxy appends the address that it was called from. So the list is read from its end, and the first address
    that is not a trusted proxy's is the caller's; what stands before it, anybody may have made up. Without trusted
    proxies the header is not looked at. `Forwarded` (RFC 7239) never is: two lists could contradict each other.
    """

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)

    def client(self, peer: str | None, forwarded_for: Sequence[str]) -> str | None:
        """The caller's address. `peer`: the other end of the connection; `forwarded_for`: the headers, in order."""
        address = _parsed(peer or "")
        if address is None:
            return None
        told = [part for header in forwarded_for for part in header.split(",")]
        while told and self._trusts(address):
            before = _parsed(told.pop())
            if before is None:  # not an address: whoever wrote that is not to be believed about the rest either
                break
            address = before
        return str(address)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _parsed(text: str) -> Address | None:
    """An address as proxies write it: with a port, in brackets, or IPv4 inside IPv6."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
