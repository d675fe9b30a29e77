"""An address as we read it, once: what is checked here, looked up and asked for are the same pieces."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Self
from urllib.parse import urljoin

from reelwork.fetch.refusal import Refused, not_public
from reelwork.fetch.rules import LONGEST_URL, Address, FetchRules

_DEFAULT_PORTS = {"https": 443, "http": 80}
# RFC 3986, without what parsers disagree about: backslashes, white space, anything beyond ASCII.
_PRINTABLE = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
_PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(/[^?#]*)?(\?[^#]*)?(#.*)?")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]@]+)(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# A name that ends like this is read as a number by browsers and by many resolvers: 127.1, 0x7f.1 (WHATWG URL, 3.5).
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_NAME = 253
# Names that mean something in a private network only (RFC 6761, 6762, 8375, and `.internal` as ICANN reserved it).
_LOCAL = frozenset(
    {"localhost", "local", "internal", "intranet", "private", "corp", "home", "lan", "arpa", "localdomain"}
)


@dataclass(frozen=True, slots=True)
class Target:
    """`host` is a name in lower case, or an IP address without brackets; `resource` is the path with the query."""

    scheme: str
    host: str
    port: int
    resource: str
    literal: Address | None = None

    @classmethod
    def parse(cls, url: str, rules: FetchRules) -> Self:
        """Read an absolute address. Raises Refused for whatever is not plainly a web address that the rules take."""
        if len(url) > LONGEST_URL:
            raise Refused("too_long", f"An address has at most {LONGEST_URL} characters.")
        if not _PRINTABLE.fullmatch(url):
            raise Refused(
                "characters", "Write it in plain ASCII: other characters as %XX, names of other scripts as xn--…."
            )
        parts = _PARTS.fullmatch(url)
        scheme = parts[1].lower() if parts is not None else ""
        if parts is None or scheme not in ({"https", "http"} if rules.plain_http else {"https"}):
            raise Refused("scheme", f"It has to begin with https://{' or http://' if rules.plain_http else ''}.")
        host, literal, port = _authority(parts[2], _DEFAULT_PORTS[scheme])
        if port not in rules.ports:
            raise Refused("port", f"Of ports only {', '.join(map(str, sorted(rules.ports)))} are fetched from.")
        if literal is None and not rules.allow and _is_local(host):
            raise not_public()
        return cls(scheme, host, port, f"{parts[3] or '/'}{parts[4] or ''}", literal)

    def moved(self, location: str, rules: FetchRules) -> Self:
        """Where an answer from here sends us. Raises Refused."""
        try:
            absolute = urljoin(self.url, location)
        except ValueError as error:  # it looks at brackets even of what it only joins
            raise _no_host() from error
        return self.parse(absolute, rules)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.resource}"

    @property
    def authority(self) -> str:
        """Host and port as they stand in an address and in the header Host."""
        host = f"[{self.host}]" if isinstance(self.literal, IPv6Address) else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def _authority(text: str, default_port: int) -> tuple[str, Address | None, int]:
    if "@" in text:
        raise Refused("credentials", "Leave user name and password out of it.")
    parts = _AUTHORITY.fullmatch(text)
    if parts is None:
        raise _no_host()
    host, literal = _host(parts[1].lower())
    return host, literal, int(parts[2]) if parts[2] is not None else default_port


def _host(text: str) -> tuple[str, Address | None]:
    name = text.removesuffix(".")
    try:
        if text.startswith("["):
            v6 = IPv6Address(text[1:-1])
            return str(v6), v6
        if _NUMBER.fullmatch(name.rpartition(".")[2]):
            v4 = IPv4Address(name)
            return str(v4), v4
    except AddressValueError as error:
        raise _no_host() from error
    if len(name) > _LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise _no_host()
    return name, None


def _is_local(name: str) -> bool:
    _, dot, last = name.rpartition(".")
    return not dot or last in _LOCAL


def _no_host() -> Refused:
    return Refused("host", "Its host is neither a name of the internet nor an IP address in its usual form.")
