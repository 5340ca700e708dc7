"""One mail to one SMTP server, and what became of it (RFC 5321, 3207, 8314).

A fault of the server or of our settings for it concerns every mail; an answer to a mail only that one. What
is not sure (the line broke after the text) is told as not sent: a mail twice, with one Message-ID, is better
than none.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import ssl
from dataclasses import dataclass, field

import aiosmtplib

from offhook.areas.mail.message import one_line

_ANSWER_MAX = 300
_TOO_LARGE = 552


class Result(enum.Enum):
    """SENT; refused for NOW or for GOOD; or the SERVER cannot be used at all."""

    SENT = enum.auto()
    NOW = enum.auto()
    GOOD = enum.auto()
    SERVER = enum.auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a try; `answer` is what the server or the network said, for people."""

    result: Result
    answer: str


@dataclass(frozen=True, slots=True)
class Server:
    """How the server is spoken to; `security` is `none`, `starttls` or `tls`."""

    host: str
    port: int
    security: str
    verify: bool
    cafile: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait: for the connection, for each answer, and for all of it."""

    connect: float = 15.0
    answer: float = 60.0
    whole: float = 300.0


async def deliver(
    server: Server, sender: str, recipient: str, message: bytes, *, utf8: bool, patience: Patience
) -> Outcome:
    """Try once. Never raises for what server, network or settings do."""
    try:
        async with asyncio.timeout(patience.whole):
            return await _deliver(server, sender, recipient, message, utf8, patience)
    except TimeoutError:
        return _outcome(Result.NOW, "the server is too slow")


async def _deliver(
    server: Server, sender: str, recipient: str, message: bytes, utf8: bool, patience: Patience
) -> Outcome:
    client: aiosmtplib.SMTP | None = None
    try:
        try:
            context = await asyncio.to_thread(_context, server)
            client = aiosmtplib.SMTP(
                hostname=server.host,
                port=server.port,
                use_tls=server.security == "tls",
                start_tls=server.security == "starttls",
                tls_context=context,
                local_hostname=sender.rpartition("@")[2],
                timeout=patience.answer,
            )
            await client.connect(timeout=patience.connect)
            if server.username:
                await client.login(server.username, server.password)
        except (aiosmtplib.SMTPException, OSError, ValueError) as fault:
            return _outcome(Result.SERVER, _said(fault))
        return await _hand_over(client, sender, recipient, message, utf8)
    finally:
        if client is not None:
            client.close()


async def _hand_over(
    client: aiosmtplib.SMTP, sender: str, recipient: str, message: bytes, utf8: bool
) -> Outcome:
    options = ["SMTPUTF8", "BODY=8BITMIME"] if utf8 else []
    try:
        _, answer = await client.sendmail(sender, [recipient], message, mail_options=options)
    except aiosmtplib.SMTPSenderRefused as refused:
        mine = refused.code == _TOO_LARGE
        return _outcome(Result.GOOD if mine else Result.SERVER, _said(refused))
    except aiosmtplib.SMTPRecipientsRefused as refused:
        one = refused.recipients[0]
        return _outcome(_by_code(one.code), _said(one))
    except aiosmtplib.SMTPResponseException as refused:
        return _outcome(_by_code(refused.code), _said(refused))
    except (aiosmtplib.SMTPNotSupported, ValueError) as refused:
        return _outcome(Result.GOOD, _said(refused))
    except (aiosmtplib.SMTPException, OSError) as broken:
        return _outcome(Result.NOW, _said(broken))
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        await client.quit(timeout=5)
    return _outcome(Result.SENT, answer)


def _by_code(code: int) -> Result:
    return Result.GOOD if 500 <= code < 600 else Result.NOW


def _context(server: Server) -> ssl.SSLContext | None:
    if server.security == "none":
        return None
    context = ssl.create_default_context(cafile=server.cafile or None)
    if not server.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _said(fault: Exception) -> str:
    if isinstance(fault, aiosmtplib.SMTPResponseException):
        return f"{fault.code} {fault.message}"
    return str(fault) or type(fault).__name__


def _outcome(result: Result, answer: str) -> Outcome:
    return Outcome(result, one_line(answer, _ANSWER_MAX))
