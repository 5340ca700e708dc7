"""The certificate of the ports: made by ourselves on the first start, replaced by the operator at will.

    tls/server.crt, server.key ─► drafts ─► do they fit? ─► the copies in use, which the engine reads too
                                              └─ no ─► nothing changes

One may be there for a moment without the other, so nobody serves the operator's files themselves.
"""

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
from offhook.web.hosts import certificate_names

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
    # an encrypted key is refused: OpenSSL would ask on the terminal
    context.load_cert_chain(certificate, key, password=lambda: b"")
    return context


class PortCertificate:
    """The certificate in use: its `context` for our ports, and the files `certificate` and `key`.

    `source` is the operator's folder, one of our own making if there is none; `folder` holds the copies.
    Raises ssl.SSLError or OSError when neither can be used.
    """

    def __init__(self, source: Path, folder: Path, now: datetime.datetime) -> None:
        self._source = ensure_certificate(source, now)
        self.certificate, self.key = folder / "server.crt", folder / "server.key"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.refused = ""
        """Why what the operator has put there is not in use; empty when it is."""
        self._seen = self._signature()
        try:
            self._now = self._take()
        except (ssl.SSLError, OSError) as failure:
            self._now = server_context(self.certificate, self.key)
            self.refused = str(failure)
        self.context = self._now
        # another context for each connection: one into which another certificate is loaded keeps the first,
        # and goes on showing it where the keys are of two kinds
        self.context.sni_callback = self._choose
        self.names = certificate_names(self.certificate)

    def look(self) -> bool:
        """Use what the operator has put there since; tells whether there was something new that fits."""
        signature = self._signature()
        if signature == self._seen:
            return False
        try:
            self._now = self._take()
        except (ssl.SSLError, OSError) as failure:
            self.refused = str(failure)
            return False
        self.refused, self._seen = "", signature
        self.names = certificate_names(self.certificate)
        return True

    def _choose(
        self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _first: ssl.SSLContext
    ) -> None:
        connection.context = self._now

    def expires(self) -> datetime.datetime:
        """When the one in use ends (UTC)."""
        return expires(self.certificate)

    def _signature(self) -> tuple[tuple[int, int, int], ...]:
        found = []
        for path in self._source:
            try:
                stat = path.stat()
            except OSError:
                found.append((0, 0, 0))
            else:
                found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(found)

    def _take(self) -> ssl.SSLContext:
        pairs = list(zip(self._source, (self.certificate, self.key), strict=True))
        drafts = [copy.with_name(f"{copy.name}.draft") for _, copy in pairs]
        try:
            for (source, _), draft in zip(pairs, drafts, strict=True):
                disk.put(draft, source.read_bytes())
            context = server_context(*drafts)
            # the engine takes what has another time for another one
            copies = [copy for _, copy in pairs]
            if [draft.read_bytes() for draft in drafts] != [_content(copy) for copy in copies]:
                for draft, copy in zip(drafts, copies, strict=True):
                    draft.replace(copy)
        finally:
            for draft in drafts:
                draft.unlink(missing_ok=True)
        return context


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def expires(certificate: Path) -> datetime.datetime:
    """When a certificate ends (UTC). Raises ValueError when it cannot be read."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
