"""The certificate of the port: made by ourselves on the first start, replaced by the operator at will."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from offhook import disk

VALID_DAYS = 3650


def ensure_certificate(folder: Path, now: datetime.datetime) -> tuple[Path, Path]:
    """Paths of certificate and key in `folder`; both are made if there are none. The key is 0600."""
    certificate, key = folder / "server.crt", folder / "server.key"
    if certificate.exists() and key.exists():
        return certificate, key
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = ec.generate_private_key(ec.SECP256R1())
    # half a certificate would keep the PBX from starting
    disk.write(
        key,
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    disk.write(certificate, _certificate(private, now).public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _certificate(private: ec.EllipticCurvePrivateKey, now: datetime.datetime) -> x509.Certificate:
    host = socket.gethostname()[:64] or "offhook"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    names: list[x509.GeneralName] = [x509.DNSName(one) for one in dict.fromkeys((host, "localhost"))]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 and newer with this certificate. Raises ssl.SSLError or OSError when it cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


def expires(certificate: Path) -> datetime.datetime:
    """When a certificate ends (UTC). Raises ValueError when it cannot be read."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
