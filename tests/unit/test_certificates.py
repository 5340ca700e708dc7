"""A new certificate is taken when it is whole, and only then; what is wrong is an alarm."""

from __future__ import annotations

import datetime
import shutil
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from offhook.asterisk.switch import SwitchError
from offhook.certificates import KEY, CertificateWatch
from offhook.clock import ManualClock
from offhook.web.tls import PortCertificate, ensure_certificate

NOW = datetime.datetime(2026, 11, 26, tzinfo=datetime.UTC)


def made(folder: Path, now: datetime.datetime = NOW) -> tuple[Path, Path]:
    """A certificate of its own in a folder."""
    return ensure_certificate(folder, now)


def served(certificate: PortCertificate) -> bytes:
    """The certificate that a client is shown."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with certificate.context.wrap_socket(ours, server_side=True) as secured:
            secured.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    with client.wrap_socket(theirs) as secured:
        shown = secured.getpeercert(True)
        secured.send(b"x")
    thread.join(5)
    return shown or b""


def plain(path: Path) -> bytes:
    return x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(serialization.Encoding.DER)


@pytest.fixture
def port(tmp_path: Path) -> PortCertificate:
    return PortCertificate(tmp_path / "tls", tmp_path / "copies", NOW)


def test_a_new_pair_is_served_at_once_and_half_of_one_is_not(tmp_path: Path, port: PortCertificate) -> None:
    first = served(port)
    assert first == plain(tmp_path / "tls" / "server.crt")
    assert not port.look()
    certificate, key = made(tmp_path / "new")
    shutil.copy(certificate, tmp_path / "tls" / "server.crt")
    assert not port.look()
    assert port.refused
    assert served(port) == first
    assert plain(port.certificate) == first, "the engine's copy is a pair still"
    shutil.copy(key, tmp_path / "tls" / "server.key")
    assert port.look()
    assert not port.refused
    assert served(port) == plain(certificate) == plain(port.certificate)
    assert port.key.read_bytes() == key.read_bytes()
    assert port.key.stat().st_mode & 0o777 == 0o600
    assert not port.look()


def test_a_key_of_another_kind_is_served_alone(tmp_path: Path, port: PortCertificate) -> None:
    """Ours are elliptic; with one of each kind in a context OpenSSL goes on choosing the old one."""
    private = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pbx.example")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + datetime.timedelta(days=90))
        .sign(private, hashes.SHA256())
    )
    pem, plain_key = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (tmp_path / "tls" / "server.crt").write_bytes(certificate.public_bytes(pem))
    (tmp_path / "tls" / "server.key").write_bytes(
        private.private_bytes(pem, plain_key, serialization.NoEncryption())
    )
    assert port.look()
    assert served(port) == certificate.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("wrong", [b"", b"garbage", None])
def test_what_cannot_be_used_changes_nothing_also_over_a_start(
    tmp_path: Path, port: PortCertificate, wrong: bytes | None
) -> None:
    first = served(port)
    file = tmp_path / "tls" / "server.crt"
    if wrong is None:
        file.unlink()
        (tmp_path / "tls" / "server.key").write_bytes(b"")
        file.symlink_to(tmp_path / "nowhere")
    else:
        file.write_bytes(wrong)
    assert not port.look()
    assert port.refused
    assert served(port) == first
    if wrong is not None:
        again = PortCertificate(tmp_path / "tls", tmp_path / "copies", NOW)
        assert again.refused
        assert served(again) == first
        with pytest.raises((ssl.SSLError, OSError)):
            PortCertificate(tmp_path / "tls", tmp_path / "none", NOW)


def test_an_encrypted_key_is_refused_and_nobody_is_asked(tmp_path: Path, port: PortCertificate) -> None:
    certificate, key = made(tmp_path / "new")
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    sealed = serialization.BestAvailableEncryption(b"secret")
    pem = serialization.Encoding.PEM
    shutil.copy(certificate, tmp_path / "tls" / "server.crt")
    (tmp_path / "tls" / "server.key").write_bytes(
        private.private_bytes(pem, serialization.PrivateFormat.PKCS8, sealed)
    )
    assert not port.look()
    assert port.refused


class Engine:
    """Counts what it is told to read again; refuses while it is away."""

    def __init__(self) -> None:
        self.away = False
        self.reloads: list[str] = []

    async def reload(self, module: str) -> None:
        if self.away:
            raise SwitchError("away")
        self.reloads.append(module)


class Board:
    """The alarms that last."""

    def __init__(self) -> None:
        self.shown: dict[str, str] = {}

    def raise_(self, key: str, text: str) -> None:
        self.shown[key] = text

    def clear(self, key: str, _text: str) -> None:
        self.shown.pop(key, None)


async def test_the_engine_is_told_until_it_has_heard(tmp_path: Path, port: PortCertificate) -> None:
    engine, board, clock = Engine(), Board(), ManualClock(NOW.timestamp())
    watch = CertificateWatch(port, engine, clock, board)
    await watch.look()
    assert not engine.reloads
    for path in made(tmp_path / "new"):
        shutil.copy(path, tmp_path / "tls")
    engine.away = True
    await watch.look()
    engine.away = False
    await watch.look()
    await watch.look()
    assert engine.reloads == ["res_pjsip.so"]
    assert not board.shown


async def test_half_a_pair_is_an_alarm_when_it_stays_so(tmp_path: Path, port: PortCertificate) -> None:
    board, clock = Board(), ManualClock(NOW.timestamp())
    watch = CertificateWatch(port, Engine(), clock, board)
    certificate, key = made(tmp_path / "new")
    shutil.copy(certificate, tmp_path / "tls")
    await watch.look()
    clock.advance(59)
    await watch.look()
    assert not board.shown
    clock.advance(2)
    await watch.look()
    assert "cannot be used" in board.shown[KEY]
    shutil.copy(key, tmp_path / "tls")
    await watch.look()
    assert not board.shown


@pytest.mark.parametrize(("days", "says"), [(3640, "ends in 10 days"), (3651, "has ended")])
async def test_one_that_ends_is_an_alarm(port: PortCertificate, days: int, says: str) -> None:
    board, clock = Board(), ManualClock(NOW.timestamp())
    watch = CertificateWatch(port, Engine(), clock, board)
    await watch.look()
    assert not board.shown
    clock.advance(days * 86400)
    await watch.look()
    assert says in board.shown[KEY]
