"""Hostile requests to every endpoint, made from what it declares, and what every answer has to be.

A value is a piece of JSON as it stands in the body, so that there are numbers that no parser of ours would
write, keys that stand twice, and halves of characters.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from offhook.contract.endpoint import Endpoint
from offhook.contract.errors import ContractError, Errno
from offhook.contract.params import Param, declared_params, read_request
from offhook.web.reading import NotJson, read_body, read_query

TEXTS = (
    "",
    " ",
    ",",
    ",,1000,,",
    "' OR 1=1 --",
    "1000'; DROP TABLE extensions; --",
    'x" OR "1"="1',
    "%",
    "_",
    "\\",
    "${SHELL(id)}",
    "$[1/0]",
    "${CHANNEL(state)}",
    "1000,1,System(id)",
    "1000&PJSIP/1001",
    "Local/s@from-trunk/n",
    "1000\nexten => s,1,System(id)",
    "1000\r\nAction: Command\r\nCommand: core stop now\r\n\r\n",
    "1000\rSIP/2.0 200 OK\r\n\r\n",
    "sip:1000@127.0.0.1;x=<y>",
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "/etc/passwd\0.wav",
    "C:\\boot.ini",
    "file:///etc/passwd",
    "|id",
    "`id`",
    "$(id)",
    ";reboot",
    "-rf",
    "<script>alert(1)</script>",
    "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>",
    "=cmd|' /C calc'!A0",
    "%s%n%x",
    "{0.__class__}",
    "{{7*7}}",
    "\0",
    "\x1b[2J",
    "\x7f",
    "\x85",
    "\u2028",
    "\u202e0001",
    "\ufeff1000",
    "\ud800",
    "１０００",
    "١٠٠٠",
    "10\u200b00",
    "e\u0301" * 40,
    "ﬃ",
    "İ",
    "all,1000",
    "ALL",
    "none",
    "null",
    "NaN",
    "-1",
    "0",
    "00",
    "1e3",
    "0x10",
    "1_000",
    "+1000",
    "99999999999999999999999",
    "2147483648",
    "9223372036854775808",
    "9" * 4000,
    "a" * 5000,
    "1000," * 1000,
    "2019-02-30 25:61:61",
    "0000-00-00",
    "9999-12-31 23:59:59",
)
RAW = (
    "null",
    "true",
    "false",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "[{}]",
    '[["1000"],"1001"]',
    '{"a":{"b":[1]}}',
    "-0",
    "1.0",
    "1.5",
    "1e400",
    "-1e400",
    "1E2",
    "123456789012345678901234567890",
    "1556268469.2840",
    "NaN",
    "Infinity",
    "01",
    "'1000'",
    '"\\ud800"',
    '"\\u0000"',
    "[" * 30 + "]" * 30,
    "[" * 3000 + "]" * 3000,
    '{"a":' * 30 + "1" + "}" * 30,
)
LIKELY = ("1000", "1001", "6700", "6400", "6300", "6500", "all", "on", "off", "1", "0", "2", "welcome", "1.1")


@dataclass(frozen=True, slots=True)
class Sent:
    """A request: pairs of key and JSON in the body, and of key and text in the query."""

    body: tuple[tuple[str, str], ...]
    query: tuple[tuple[str, str], ...]

    @property
    def body_bytes(self) -> bytes:
        """The body as it is sent."""
        return ("{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in self.body) + "}").encode()

    @property
    def query_text(self) -> str:
        """The query as it is sent, without the token."""
        return "&".join(
            f"{quote(key)}={quote(value, safe='', errors='replace')}" for key, value in self.query
        )


def values_of(param: Param, also: Sequence[str] = ()) -> st.SearchStrategy[str]:
    """Values for a parameter: hostile, by chance, likely, and those that it says it takes."""
    choices = param.rule.schema.get("enum")
    good = [*LIKELY, *also, *(map(str, choices) if isinstance(choices, list) else ())]
    return st.one_of(
        st.sampled_from(RAW),
        st.sampled_from(TEXTS).map(json.dumps),
        st.sampled_from(good).map(json.dumps),
        st.sampled_from(good).map(json.dumps),
        st.text(max_size=30).map(json.dumps),
    )


def requests_to(endpoint: Endpoint[Any, Any], also: Sequence[str] = ()) -> st.SearchStrategy[Sent]:
    """Requests to an endpoint; `also` are further values that may be good."""
    params = {**declared_params(endpoint.request)}

    @st.composite
    def made(draw: st.DrawFn) -> Sent:
        body: list[tuple[str, str]] = []
        query: list[tuple[str, str]] = []
        for name, param in params.items():
            how = draw(st.integers(0, 9))
            if how in {0, 1} if param.optional else how == 0:
                continue
            value = draw(values_of(param, also))
            if how == 2:
                query.append((name, draw(st.sampled_from(TEXTS))))
            body.append((name, value))
            if how == 3:
                body.append((name, draw(values_of(param, also))))
        if draw(st.integers(0, 9)) == 0:
            body.append(draw(st.sampled_from((("__proto__", "{}"), ("unknown", '"x"'), ("", "1")))))
        return Sent(tuple(body), tuple(query))

    return made()


async def sent_to(
    port: int, endpoint: Endpoint[Any, Any], sent: Sent, token: str, source: str = "127.0.0.1"
) -> tuple[bytes, bytes]:
    """Send a request on a connection of its own; head and body of the answer."""
    more = f"&{sent.query_text}" if sent.query_text else ""
    body = sent.body_bytes
    head = f"POST /api/v2.0.0/{endpoint.path}?token={token}{more} HTTP/1.1\r\nHost: x\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0), limit=1 << 20)
    try:
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        async with asyncio.timeout(30):
            answer = await reader.read()
    finally:
        writer.close()
    got, _, rest = answer.partition(b"\r\n\r\n")
    return got, rest


def declared_refusal(endpoint: Endpoint[Any, Any], sent: Sent) -> bool:
    """Whether the declaration alone already refuses the request."""
    try:
        values = {**read_query(sent.query_text), **read_body(sent.body_bytes)}
        read_request(endpoint.request, values)
    except (NotJson, ContractError):
        return True
    return False


def wrong_in(endpoint: Endpoint[Any, Any], sent: Sent, head: bytes, body: bytes) -> str:
    """What is wrong with an answer; empty when it is as every answer has to be."""
    status, *fields = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in fields if ": " in line)
    if fault := envelope_fault(int(status.split()[1]), headers, body):
        return fault
    if b'"status":"Failed"' in body[:20]:
        return ""
    return "Success for what the declaration refuses" if declared_refusal(endpoint, sent) else ""


def envelope_fault(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """What of an answer of the API is not as every one has to be; empty for a file that is delivered."""
    if status != 200:
        return f"the status is {status}"
    kind = headers.get("Content-Type", "")
    if "attachment" in headers.get("Content-Disposition", ""):
        return ""
    if not kind.startswith("application/json"):
        return f"the type is {kind!r}"
    try:
        answer = json.loads(body)
    except ValueError:
        return f"it is no JSON: {body[:200]!r}"
    if not isinstance(answer, dict) or answer.get("status") not in {"Success", "Failed"}:
        return f"it is no envelope: {body[:200]!r}"
    if (stranger := _stranger(answer)) is not None:
        return f"{stranger!r} is no string"
    if answer["status"] == "Failed":
        errno = int(answer.get("errno", 0))
        if errno not in {*Errno} or errno == Errno.NOT_HANDLED:
            return f"the code is {errno}: {answer.get('errmsg')}"
    return ""


def _stranger(value: Any) -> Any:
    """The first scalar that is no string."""
    if isinstance(value, dict | list):
        parts: Sequence[Any] = [*value.values()] if isinstance(value, dict) else value
        return next((found for part in parts if (found := _stranger(part)) is not None), None)
    return None if isinstance(value, str) else repr(value)


class Complaints(logging.Handler):
    """What the log says at level ERROR and above."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it, with its traceback."""
        self.lines.append(self.format(record))
