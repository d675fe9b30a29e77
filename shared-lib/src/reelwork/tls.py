"""What TLS to our own servers is checked against: the same files for all of them.

Whether a connection is encrypted is said by its address (`tls=true`, `amqps://`, `https://`, `rediss://`), never by
these files. Names and certificates are always checked; there is no way to switch that off.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Files in PEM. `ca_file`: authorities that are trusted instead of the system's; `cert_file`: our own certificate
    with its private key, for servers that want one."""

    ca_file: Path | None = None
    cert_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """For a client. Raises OSError or ssl.SSLError for files that cannot be read."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file)
        return context

    def of_redis(self, url: str) -> dict[str, Any]:
        """Keyword arguments for a Redis client at this address. Any: they differ in type."""
        if not is_encrypted(url):
            return {}
        cert = _text(self.cert_file)
        return _given(ssl_ca_certs=_text(self.ca_file), ssl_certfile=cert, ssl_keyfile=cert) | {
            "ssl_cert_reqs": "required",
            "ssl_check_hostname": True,
        }

    def of_mongo(self, url: str) -> dict[str, str]:
        """Keyword arguments for a MongoDB client at this address; there any of them would switch TLS on."""
        if not is_encrypted(url):
            return {}
        return _given(tlsCAFile=_text(self.ca_file), tlsCertificateKeyFile=_text(self.cert_file))

    def of_celery(self, url: str) -> dict[str, Any] | None:
        """Celery's `broker_use_ssl` for this address; without it names are not checked. Any: they differ in type."""
        if not is_encrypted(url):
            return None
        return _given(ca_certs=_text(self.ca_file), certfile=_text(self.cert_file)) | {
            "cert_reqs": ssl.CERT_REQUIRED,
            "server_hostname": urlsplit(url).hostname,
        }


NO_FILES = TlsFiles()


def is_encrypted(url: str) -> bool:
    """Whether a connection to this address of a server is encrypted."""
    parts = urlsplit(url)
    match parts.scheme:
        case "https" | "amqps" | "rediss":
            return True
        case "mongodb" | "mongodb+srv":
            options = {name.lower(): values[-1].lower() for name, values in parse_qs(parts.query).items()}
            by_default = "true" if parts.scheme == "mongodb+srv" else "false"
            return options.get("tls", options.get("ssl", by_default)) == "true"
        case _:
            return False


def _text(file: Path | None) -> str | None:
    return str(file) if file is not None else None


def _given(**arguments: str | None) -> dict[str, str]:
    return {name: value for name, value in arguments.items() if value is not None}
