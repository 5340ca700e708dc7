"""One event to one HTTP receiver: a fresh connection, one write, a bounded look at the answer.

Receivers in the field read once from the socket, so head and body leave in one segment (spec 15-events
`delivery`, 19-tolerances `push`). A general HTTP client would cost more than the rest of us together.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from enum import StrEnum

from offhook.events.target import Target

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 5.0
FIRST_ANSWER_SECONDS = 1.0
_STATUS_LINE_MAX = 4096


class Outcome(StrEnum):
    """What became of one try."""

    OK = "ok"  # 2xx
    REFUSED = "refused"  # 4xx: the receiver does not want it, a repeat would not help
    TAKEN = "taken"  # the bytes were taken, and no sensible answer came
    FAILED = "failed"  # no connection, or another status


@dataclass(frozen=True, slots=True)
class Try:
    """The outcome and, for the log, what happened."""

    outcome: Outcome
    says: str = ""


def request_bytes(target: Target, body: bytes) -> bytes:
    """Head and body as the appliances send them, in their order of headers."""
    head = (
        f"POST {target.path} HTTP/1.1\r\n"
        f"Host: {target.authority}\r\n"
        "Accept: application/json\r\n"
        "User-Agent: WebAPI\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def tls_context() -> ssl.SSLContext:
    """Receivers by https have certificates of their own making; the appliances never looked at them."""
    # not the default context: it would read every authority of the machine, for nothing
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def push(
    target: Target, body: bytes, tls: ssl.SSLContext, *, answer_seconds: float = ANSWER_SECONDS
) -> Try:
    """Send one body once. Never raises for what the other side does."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                target.host,
                target.port,
                ssl=tls if target.scheme == "https" else None,
                limit=_STATUS_LINE_MAX,
            )
    except (OSError, TimeoutError, ssl.SSLError) as failure:
        return Try(Outcome.FAILED, f"no connection: {failure or 'time-out'}")
    try:
        writer.write(request_bytes(target, body))
        async with asyncio.timeout(answer_seconds):
            await writer.drain()
            line = await reader.readline()
    except TimeoutError:
        return Try(Outcome.TAKEN, "no answer in time")
    except (OSError, ValueError) as failure:
        return Try(Outcome.TAKEN, f"no answer: {failure}")
    finally:
        writer.close()
    return _judge(line)


def _judge(line: bytes) -> Try:
    parts = line.split(None, 2)
    status = parts[1] if len(parts) > 1 and parts[0].upper().startswith(b"HTTP/") else b""
    if status[:1] == b"2" and len(status) == 3:
        return Try(Outcome.OK)
    if status[:1] == b"4" and len(status) == 3:
        return Try(Outcome.REFUSED, f"status {status.decode('ascii', 'replace')}")
    if status:
        return Try(Outcome.FAILED, f"status {status[:3].decode('ascii', 'replace')}")
    return Try(Outcome.TAKEN, "closed without an answer" if not line else "no HTTP answer")
