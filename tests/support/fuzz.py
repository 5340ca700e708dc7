"""Messages that are nearly SIP: mutations of valid ones, the same for a seed; and a process that sends them.

python -m tests.support.fuzz udp 127.0.0.9 127.0.0.1:5060 --rate 1000 --seconds 5 --seed 1
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import sys
import time
from collections.abc import Iterator

SECONDS_MAX = 600.0
_METHODS = (
    "INVITE",
    "REGISTER",
    "OPTIONS",
    "SUBSCRIBE",
    "ACK",
    "BYE",
    "CANCEL",
    "NOTIFY",
    "REFER",
    "MESSAGE",
)
_SPLICES = (
    b"",
    b"\x00",
    b"\r\n",
    b"\r\n\r\n",
    b"\xff\xfe",
    b"%00",
    b"%n%s%x",
    b"A" * 3000,
    b"-1",
    b"4294967296",
    b"99999999999999999999",
    b"'\"`${SHELL(id)}",
    b"<>;,@:?=",
    b"[::1]",
    "é€\U0001f600".encode(),
)


def template(chance: random.Random, transport: str, here: tuple[str, int], there: tuple[str, int]) -> bytes:
    """A valid request of a random kind."""
    method = chance.choice(_METHODS)
    user, host = chance.choice(("1000", "1001", "7777", "anna")), f"{there[0]}:{there[1]}"
    token = f"{chance.getrandbits(64):016x}"
    body = ""
    if method == "INVITE":
        body = (
            f"v=0\r\no=- 1 1 IN IP4 {here[0]}\r\ns=-\r\nc=IN IP4 {here[0]}\r\nt=0 0\r\n"
            "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
        )
    lines = [
        f"{method} sip:1000@{host} SIP/2.0",
        f"Via: SIP/2.0/{transport.upper()} {here[0]}:{here[1]};branch=z9hG4bK{token};rport",
        "Max-Forwards: 70",
        f'From: "User" <sip:{user}@{host}>;tag={token[:8]}',
        f"To: <sip:1000@{host}>" + (";tag=abc" if method in {"BYE", "NOTIFY", "REFER"} else ""),
        f"Call-ID: {token}@fuzz",
        f"CSeq: 1 {method}",
        f"Contact: <sip:{user}@{here[0]}:{here[1]}>",
        "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS",
        "Supported: timer, replaces, 100rel",
        f'Authorization: Digest username="{user}", realm="offhook", nonce="1/{token}", uri="sip:{host}", '
        f'response="{token * 2}", algorithm=MD5, qop=auth, nc=00000001, cnonce="{token}"',
        "Event: presence",
        "Refer-To: <sip:1001@example.com>",
        "Session-Expires: 1800;refresher=uac",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", body]).encode()


def mutated(chance: random.Random, message: bytes) -> bytes:
    """A message with one to five things wrong."""
    for _ in range(chance.randint(1, 5)):
        if not message:
            return b"\x00"
        at = chance.randrange(len(message))
        match chance.randrange(8):
            case 0:  # one byte
                message = message[:at] + bytes([chance.randrange(256)]) + message[at + 1 :]
            case 1:  # something put in
                message = message[:at] + chance.choice(_SPLICES) + message[at:]
            case 2:  # cut off
                message = message[:at]
            case 3:  # a part left out
                message = message[:at] + message[at + chance.randint(1, 60) :]
            case 4:  # a line doubled
                lines = message.split(b"\r\n")
                line = chance.randrange(len(lines))
                message = b"\r\n".join(lines[: line + 1] + lines[line:])
            case 5:  # lines in another order
                lines = message.split(b"\r\n")
                chance.shuffle(lines)
                message = b"\r\n".join(lines)
            case 6:  # a value replaced
                lines = message.split(b"\r\n")
                line = chance.randrange(len(lines))
                name = lines[line].partition(b":")[0]
                lines[line] = name + b": " + chance.choice(_SPLICES)
                message = b"\r\n".join(lines)
            case _:  # a wrong length
                wrong = str(chance.choice((-1, 0, 1, 65536, 2**31, 2**32))).encode()
                message = message.replace(b"Content-Length: ", b"Content-Length: " + wrong, 1)
    return message[:60000]


def messages(seed: int, transport: str, here: tuple[str, int], there: tuple[str, int]) -> Iterator[bytes]:
    """Endless messages, nine of ten broken."""
    chance = random.Random(seed)
    while True:
        message = template(chance, transport, here, there)
        yield message if chance.random() < 0.1 else mutated(chance, message)


class _Udp:
    def __init__(self, address: str, there: tuple[str, int]) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self._socket.setblocking(False)
        self._there = there
        self.here: tuple[str, int] = self._socket.getsockname()

    def send(self, data: bytes) -> None:
        try:
            self._socket.sendto(data, self._there)
            while self._socket.recv(65536):
                pass
        except OSError:
            return


class _Tcp:
    """A connection, made anew when the other side has had enough of it."""

    def __init__(self, address: str, there: tuple[str, int]) -> None:
        self._address = address
        self._there = there
        self.here = (address, 5060)
        self._socket: socket.socket | None = None
        self._sent = 0

    def send(self, data: bytes) -> None:
        try:
            if self._socket is None or self._sent > 50:
                if self._socket is not None:
                    self._socket.close()
                self._sent = 0
                self._socket = socket.create_connection(
                    self._there, timeout=0.5, source_address=(self._address, 0)
                )
                self._socket.settimeout(0.05)
            self._socket.sendall(data)
            self._sent += 1
        except OSError:
            if self._socket is not None:
                self._socket.close()
            self._socket = None


def flood(
    transport: str, address: str, there: tuple[str, int], rate: float, seconds: float, seed: int
) -> int:
    """Send; returns how many messages it were. Ends by itself."""
    if not (there[0].startswith("127.") and address.startswith("127.")):
        raise SystemExit("only loopback addresses are attacked")
    sender = _Udp(address, there) if transport == "udp" else _Tcp(address, there)
    begin, sent = time.monotonic(), 0
    for message in messages(seed, transport, sender.here, there):
        now = time.monotonic() - begin
        if now >= min(seconds, SECONDS_MAX):
            return sent
        if sent > now * rate:
            time.sleep(1 / rate)
        sender.send(message)
        sent += 1
    return sent


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("transport", choices=["udp", "tcp"])
    parser.add_argument("address")
    parser.add_argument("target")
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    host, _, port = given.target.partition(":")
    count = flood(given.transport, given.address, (host, int(port)), given.rate, given.seconds, given.seed)
    json.dump({"sent": count}, sys.stdout)
