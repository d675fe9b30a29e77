"""A certificate authority of a test's own, and certificates by it: good ones, expired ones, ones for other names."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files in PEM: a certificate and its private key."""

    cert_file: Path
    key_file: Path

    def serving(self, *, clients_by: Path | None = None) -> ssl.SSLContext:
        """For a server. `clients_by`: only clients with a certificate by this authority are let in."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=clients_by)
        context.load_cert_chain(self.cert_file, self.key_file)
        if clients_by is not None:
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class Authority:
    """Signs certificates and keeps them in a folder. `ca_file` is what its clients have to trust."""

    def __init__(self, folder: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self.ca_file = folder / "ca.pem"
        self._folder = folder
        self._key = key
        self._certificate = certificate

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """A new authority, whose files lie in this new folder."""
        folder.mkdir(parents=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"Authority in {folder.name}")
        builder = _builder(name, name, key, valid=_YEAR)
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            **dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False),
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        authority = cls(folder, key, certificate)
        authority.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return authority

    def issue(self, *names: str, valid: timedelta = _YEAR) -> Certificate:
        """A certificate for names and IP addresses, for servers and clients; `valid` may lie in the past."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(names[0])
        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _builder(subject, self._certificate.subject, key, valid=valid)
            .add_extension(alternatives, critical=False)
            .add_extension(purposes, critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        stem = f"{certificate.serial_number:x}"
        made = Certificate(self._folder / f"{stem}.pem", self._folder / f"{stem}.key")
        made.cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        made.key_file.touch(mode=0o600)
        made.key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return made


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, valid: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * _YEAR)
        .not_valid_after(now + valid)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
