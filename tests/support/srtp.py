"""A phone that insists on SRTP with keys in its SDP (RFC 3711, RFC 4568): AES_CM_128_HMAC_SHA1_80 only."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.support.phone import Phone
from tests.support.rtp import RtpPort
from tests.support.sip import SipMessage, sdp

SUITE = "AES_CM_128_HMAC_SHA1_80"
_TAG = 10


def _keystream(key: bytes, start: bytes, count: int) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(start)).encryptor().update(bytes(count))


class Secret:
    """One direction of SRTP: its session keys and its packet index (RFC 3711, section 4)."""

    def __init__(self, key_and_salt: bytes) -> None:
        key, salt = key_and_salt[:16], int.from_bytes(key_and_salt[16:30], "big")

        def derived(label: int, count: int) -> bytes:
            return _keystream(key, ((salt ^ (label << 48)) << 16).to_bytes(16, "big"), count)

        self._key, self._auth = derived(0, 16), derived(1, 20)
        self._salt = int.from_bytes(derived(2, 14), "big")
        self._turns: dict[int, tuple[int, int]] = {}

    def _index(self, ssrc: int, number: int) -> int:
        turn, last = self._turns.get(ssrc, (0, number))
        if number < last and last - number > 0x8000:
            turn += 1
        self._turns[ssrc] = turn, number
        return turn << 16 | number

    def _crypt(self, ssrc: int, index: int, payload: bytes) -> bytes:
        start = (self._salt << 16) ^ (ssrc << 64) ^ (index << 16)
        stream = _keystream(self._key, start.to_bytes(16, "big"), len(payload))
        return bytes(one ^ other for one, other in zip(payload, stream, strict=True))

    def _tag(self, packet: bytes, index: int) -> bytes:
        return hmac.digest(self._auth, packet + struct.pack("!I", index >> 16), "sha1")[:_TAG]

    def seal(self, packet: bytes) -> bytes:
        """An RTP packet without extensions, encrypted."""
        number, ssrc = struct.unpack("!H", packet[2:4])[0], struct.unpack("!I", packet[8:12])[0]
        index = self._index(ssrc, number)
        sealed = packet[:12] + self._crypt(ssrc, index, packet[12:])
        return sealed + self._tag(sealed, index)

    def open(self, packet: bytes) -> bytes:
        """An SRTP packet in the clear; empty for one whose tag is wrong, as that of plain RTP is."""
        sealed, tag = packet[:-_TAG], packet[-_TAG:]
        if len(sealed) < 12:
            return b""
        number, ssrc = struct.unpack("!H", sealed[2:4])[0], struct.unpack("!I", sealed[8:12])[0]
        index = self._index(ssrc, number)
        if not hmac.compare_digest(self._tag(sealed, index), tag):
            return b""
        return sealed[:12] + self._crypt(ssrc, index, sealed[12:])


class SrtpPort(RtpPort):
    """An RTP port that sends and takes SRTP only; `plain` counts packets that were none."""

    def __init__(self, frequency: int, *, wideband: bool = False, sequence: int = 0) -> None:
        super().__init__(frequency, wideband=wideband, sequence=sequence)
        self.key = secrets.token_bytes(30)
        self._mine = Secret(self.key)
        self.theirs: Secret | None = None
        self.plain = 0

    def encode(self, packet: bytes) -> bytes:
        """Encrypt."""
        return self._mine.seal(packet)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take what can be decrypted."""
        if len(data) > 1 and 200 <= data[1] <= 210:  # RTCP
            return
        packet = self.theirs.open(data) if self.theirs is not None else b""
        self.plain += self.theirs is not None and not packet
        super().datagram_received(packet, addr)

    def describe(self, address: str, direction: str = "sendrecv", version: int = 1) -> str:
        """The offer or answer, with our key."""
        key = base64.b64encode(self.key).decode()
        text = sdp(address, self.port, direction, version).replace(" RTP/AVP ", " RTP/SAVP ")
        return f"{text}a=crypto:1 {SUITE} inline:{key}\r\n"

    def learn(self, body: str) -> None:
        """Take the other side's key from its SDP."""
        match = re.search(rf"^a=crypto:\d+ {SUITE} inline:([A-Za-z0-9+/=]+)", body, re.MULTILINE)
        if match is not None:
            self.theirs = Secret(base64.b64decode(match[1]))


class SrtpPhone(Phone):
    """A phone that takes and makes calls with SRTP only."""

    make_rtp = SrtpPort

    def _on_invite(self, message: SipMessage) -> None:
        if " RTP/SAVP " in message.body:
            super()._on_invite(message)
        else:
            self.respond(message, 488, to_tag=secrets.token_hex(4))
