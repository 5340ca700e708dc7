"""A real SMTP server in the test's own loop that keeps what it gets and can be made to misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import email
import email.policy
import ipaddress
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.pbx import free_port
from tests.support.waiting import eventually

USER, PASSWORD = "pbx@example.com", "Sm7p-Secret"


@dataclass(frozen=True)
class Received:
    """A mail that the server has taken."""

    sender: str
    recipient: str
    raw: bytes
    tls: bool
    user: bool

    @property
    def message(self) -> EmailMessage:
        """The mail, read."""
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    @property
    def text(self) -> str:
        """Its text."""
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    @property
    def attachments(self) -> list[tuple[str, str, bytes]]:
        """Name, type and content of each attachment."""
        return [
            (str(part.get_filename()), part.get_content_type(), part.get_content())
            for part in self.message.iter_attachments()
        ]


@dataclass
class MailServer:
    """`say` holds answers by command (RCPT, DATA, CONNECT, MAIL) that are given instead of the usual ones."""

    security: str = "none"
    auth: bool = False
    utf8: bool = True
    size: int = 32 << 20
    certificate: Path | None = None
    key: Path | None = None
    received: list[Received] = field(default_factory=list)
    say: dict[str, str] = field(default_factory=dict)
    drop_in_data: bool = False
    answer_after: asyncio.Event = field(default_factory=asyncio.Event)
    tries: int = 0
    port: int = 0
    _server: asyncio.Server | None = None
    _sessions: list[SMTP] = field(default_factory=list)

    async def start(self) -> None:
        """Listen, on the port it had before."""
        self.answer_after.set()
        self.port = self.port or free_port()
        context = None
        if self.security != "none":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            assert self.certificate is not None
            context.load_cert_chain(self.certificate, self.key)

        def session() -> SMTP:
            smtp = SMTP(
                self,
                hostname="mail.test",
                enable_SMTPUTF8=self.utf8,
                data_size_limit=self.size,
                tls_context=context if self.security == "starttls" else None,
                require_starttls=self.security == "starttls",
                auth_require_tls=False,
                auth_callback=None,
                authenticator=_authenticate if self.auth else None,
                loop=asyncio.get_running_loop(),
            )
            self._sessions.append(smtp)
            return smtp

        self._server = await asyncio.get_running_loop().create_server(
            session, "127.0.0.1", self.port, ssl=context if self.security == "tls" else None
        )

    async def close(self) -> None:
        """Stop listening; those that are connected are cut off."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for session in self._sessions:
            if session.transport is not None:
                session.transport.abort()  # type: ignore[attr-defined]
        self._sessions.clear()
        await asyncio.sleep(0)

    async def mail(self, count: int = 1, seconds: float = 8.0) -> list[Received]:
        """Wait until so many mails have come."""
        await eventually(lambda: len(self.received) >= count, f"{count} mails have come", seconds)
        return self.received

    # what aiosmtpd calls

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """MAIL FROM."""
        if self.auth and not session.authenticated:
            return "530 5.7.0 Authentication required"
        if "MAIL" in self.say:
            return self.say["MAIL"]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """RCPT TO."""
        self.tries += 1
        if "RCPT" in self.say:
            return self.say["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The mail's text."""
        if self.drop_in_data:
            server.transport.abort()  # type: ignore[union-attr]
            return "250 never heard"
        if "DATA" in self.say:
            return self.say["DATA"]
        content = envelope.original_content
        assert content is not None
        self.received.append(
            Received(
                str(envelope.mail_from),
                envelope.rcpt_tos[0],
                content,
                tls=server.transport.get_extra_info("ssl_object") is not None,  # type: ignore[union-attr]
                user=bool(session.authenticated),
            )
        )
        await self.answer_after.wait()
        return "250 OK: queued as 42"


def _authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=right, handled=False)


@contextlib.asynccontextmanager
async def running_mail_server(**settings: Any) -> AsyncIterator[MailServer]:
    """A server for the time of a block."""
    server = MailServer(**settings)
    await server.start()
    try:
        yield server
    finally:
        server.answer_after.set()
        await server.close()


def make_certificate(folder: Path, name: str = "127.0.0.1") -> tuple[Path, Path]:
    """A certificate for an address, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private
