"""Addresses that a server must not fetch for anybody: forms of private hosts, and what is no web address at all.

`FORBIDDEN` needs no resolver and no network: each is refused for its form. In `{port}` goes the port of a listener on
this machine that must never be reached. `NAMES` is what a lying, or merely private, name server answers.
"""

from collections.abc import Iterator

_V4 = {
    "loopback": "127.0.0.1",
    "the end of loopback": "127.255.255.254",
    "this host": "0.0.0.0",
    "this network": "0.1.2.3",
    "private, class A": "10.0.0.1",
    "private, class B": "172.16.0.1",
    "private, class C": "192.168.1.1",
    "link-local": "169.254.0.1",
    "metadata of most clouds": "169.254.169.254",
    "metadata of containers": "169.254.170.2",
    "metadata behind NAT": "100.100.100.200",
    "carrier-grade NAT": "100.64.0.1",
    "benchmarks": "198.18.0.1",
    "metadata of another cloud": "192.0.0.192",
    "6to4 relay": "192.88.99.1",
    "documentation": "192.0.2.1",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "a cloud's wire server": "168.63.129.16",
}
_V6 = {
    "loopback, IPv6": "[::1]",
    "unspecified, IPv6": "[::]",
    "mapped loopback": "[::ffff:127.0.0.1]",
    "mapped metadata": "[::ffff:169.254.169.254]",
    "mapped metadata in hexadecimal": "[::ffff:a9fe:a9fe]",
    "mapped public": "[::ffff:93.184.216.34]",
    "NAT64 metadata": "[64:ff9b::a9fe:a9fe]",
    "local NAT64": "[64:ff9b:1::1]",
    "6to4 metadata": "[2002:a9fe:a9fe::]",
    "Teredo": "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "compatible loopback": "[::127.0.0.1]",
    "site-local": "[fec0::1]",
    "unique local": "[fd00::1]",
    "unique local metadata": "[fd00:ec2::254]",
    "link-local, IPv6": "[fe80::1]",
    "link-local with its zone": "[fe80::1%25eth0]",
    "link-local with a bare zone": "[fe80::1%eth0]",
    "documentation, IPv6": "[2001:db8::1]",
    "multicast, IPv6": "[ff02::1]",
    "discard": "[100::1]",
    "loopback written long": "[0:0:0:0:0:0:0:1]",
}
_ODD_HOSTS = {
    "zero": "0",
    "two numbers": "127.1",
    "three numbers": "127.0.1",
    "hexadecimal": "0x7f.1",
    "one hexadecimal number": "0x7f000001",
    "one number": "2130706433",
    "octal": "017700000001",
    "octal parts": "0177.0.0.1",
    "circled digits": "①②⑦.⓪.⓪.①",
    "full-width dots": "127。0。0。1",
    "more than a byte": "256.256.256.256",
    "five numbers": "1.2.3.4.5",
    "loopback with a dot behind": "127.0.0.1.",
    "a percent sign": "127.0.0.1%2f.example.com",
    "localhost": "localhost",
    "localhost with a dot behind": "localhost.",
    "localhost in capitals": "LOCALHOST",
    "below localhost": "a.localhost",
    "metadata by name": "metadata.google.internal",
    "an mDNS name": "printer.local",
    "the database's name": "mongo",
    "the broker's name": "rabbitmq",
    "the object store's name": "localstack",
    "a homograph": "gооgle.com",  # the two letters in the middle are Cyrillic
    "a label of 300 letters": f"{'a' * 300}.example.com",
    "a name of 300 letters": f"{'abcdefghi.' * 30}com",
    "an empty label": "a..example.com",
    "a label that begins with a hyphen": "-a.example.com",
    "no host": "",
    "an unclosed bracket": "[::1",
    "brackets around a name": "[localhost]",
}
_WHOLE = {
    "credentials": "https://good@127.0.0.1:{port}/",
    "credentials with a password": "https://user:word@example.com/",
    "credentials that look like a host": "https://example.com:443@127.0.0.1:{port}/",
    "a host behind the fragment": "http://127.0.0.1:{port}#@example.com/",
    "backslashes": "http:\\\\127.0.0.1:{port}",
    "a backslash in the host": "https://example.com\\@127.0.0.1:{port}/",
    "a tab in the scheme": "ht\ttps://127.0.0.1:{port}/",
    "a line end in the host": "https://127.0.0\n.1:{port}/",
    "a line end in the path": "https://example.com/\r\nX-Evil: 1",
    "a space before": " https://127.0.0.1:{port}/",
    "NUL": "https://example.com\0.127.0.0.1/",
    "no scheme": "//127.0.0.1:{port}/",
    "one slash": "https:/127.0.0.1:{port}/",
    "no slash": "https:127.0.0.1:{port}",
    "three slashes": "https:///127.0.0.1:{port}/",
    "a file": "file:///etc/passwd",
    "a file at a host": "file://127.0.0.1/etc/passwd",
    "gopher": "gopher://127.0.0.1:{port}/_x",
    "FTP": "ftp://127.0.0.1:{port}/x",
    "data": "data:image/png;base64,iVBORw0KGgo=",
    "script": "javascript:alert(1)",
    "an object": "s3://reelwork/key",
    "dict": "dict://127.0.0.1:{port}/stat",
    "LDAP": "ldap://127.0.0.1:{port}/",
    "a relative address": "/v1/assets",
    "nothing": " ",
    "port 22": "https://93.184.216.34:22/",
    "port 25": "https://93.184.216.34:25/",
    "the broker's port": "https://93.184.216.34:5672/",
    "the database's port": "https://93.184.216.34:27017/",
    "the object store's port": "https://93.184.216.34:4566/",
    "the broker's page": "https://93.184.216.34:15672/",
    "port 0": "https://93.184.216.34:0/",
    "port 65536": "https://93.184.216.34:65536/",
    "a port that wraps around": "https://93.184.216.34:65979/",
    "a port with a sign": "https://93.184.216.34:+443/",
}


def _forbidden() -> Iterator[tuple[str, str]]:
    for name, host in (_V4 | _V6 | _ODD_HOSTS).items():
        yield f"{name}, https", f"https://{host}:{{port}}/picture.png"
        yield f"{name}, http", f"http://{host}:{{port}}/picture.png"
    yield from _WHOLE.items()


FORBIDDEN: dict[str, str] = dict(_forbidden())

# Of the public internet: a test may name them, and never connects to them.
PUBLIC, OTHER_PUBLIC, PUBLIC_V6 = "93.184.216.34", "1.1.1.1", "2606:4700:4700::1111"
NAMES: dict[str, tuple[str, ...]] = {
    "loopback.example.com": ("127.0.0.1",),
    "loopback6.example.com": ("::1",),
    "inside.example.com": ("10.1.2.3",),
    "metadata.example.com": ("169.254.169.254",),
    "mapped.example.com": ("::ffff:127.0.0.1",),
    "nat64.example.com": ("64:ff9b::7f00:1",),
    "zone.example.com": ("fe80::1%eth0",),
    "public-then-private.example.com": (PUBLIC, "127.0.0.1"),
    "private-then-public.example.com": ("127.0.0.1", PUBLIC),
    "public-and-private6.example.com": (PUBLIC, "fd00::1"),
}
