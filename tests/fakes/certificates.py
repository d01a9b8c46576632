"""Authorities, and pairs that they sign, as a Secret for TLS holds them."""

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "dspex.dspex-system.svc"
"""Name that the API server asks for."""


class Authority:
    """One authority; `pair` signs a server's certificate."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        public = self._key.public_key()
        self.certificate = (
            _builder(self._name, self._name, public)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def pair(self, host: str = HOST) -> tuple[bytes, bytes]:
        """Return tls.crt and tls.key for a name, and for 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        local = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _builder(name, self._name, key.public_key())
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host), local]), critical=False)
            .add_extension(above, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM), key_text(key)

    def trust(self) -> ssl.SSLContext:
        """Return the context of a client that trusts this authority alone, and verifies."""
        pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)


def key_text(key: ec.EllipticCurvePrivateKey, password: str = "") -> bytes:
    """Return a key as tls.key holds it."""
    cipher: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        cipher = serialization.BestAvailableEncryption(password.encode())
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, cipher)


class Mounted:
    """A folder as the kubelet mounts a Secret: links to a folder that is swapped as a whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0
        folder.mkdir(exist_ok=True)

    def put(self, chain: bytes, key: bytes) -> None:
        """Swap the pair."""
        self._count += 1
        data = self.folder / f"..2026_11_25_{self._count}"
        data.mkdir()
        (data / "tls.crt").write_bytes(chain)
        (data / "tls.key").write_bytes(key)
        fresh = self.folder / "..data_tmp"
        fresh.symlink_to(data.name)
        fresh.replace(self.folder / "..data")
        for name in ("tls.crt", "tls.key"):
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")


def _builder(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    hour = datetime.timedelta(hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - hour)
        .not_valid_after(now + hour)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
