"""RTP for the scripted phone: sends its own tone, measures which tones it hears, sends and reads keys."""

from __future__ import annotations

import asyncio
import functools
import math
import socket
import struct
from collections import deque

from tests.support import g722
from tests.support.sip import sdp

_KEYS = "0123456789*#ABCD"
_RATE = 8000
_FRAME = 160


def _ulaw(sample: int) -> int:
    """G.711 mu-law of one 16-bit sample."""
    sign = 0x80 if sample < 0 else 0
    sample = min(abs(sample), 32635) + 132
    exponent = max(0, sample.bit_length() - 8)
    return ~(sign | (exponent << 4) | ((sample >> (exponent + 3)) & 0x0F)) & 0xFF


def _linear(value: int) -> int:
    value = ~value & 0xFF
    sample = (((value & 0x0F) << 3) + 132 << ((value >> 4) & 7)) - 132
    return -sample if value & 0x80 else sample


_DECODE = [_linear(value) for value in range(256)]


@functools.cache
def tone(frequency: int) -> list[bytes]:
    """One second of a tone in frames of 20 ms."""
    samples = [_ulaw(int(8000 * math.sin(2 * math.pi * frequency * n / _RATE))) for n in range(_RATE)]
    return [bytes(samples[start : start + _FRAME]) for start in range(0, _RATE, _FRAME)]


@functools.cache
def wide_tone(frequency: int) -> list[bytes]:
    """One second of a tone in frames of 20 ms, as G.722."""
    rate = 2 * _RATE
    coded = g722.encode([int(8000 * math.sin(2 * math.pi * frequency * n / rate)) for n in range(rate)])
    return [coded[start : start + _FRAME] for start in range(0, len(coded), _FRAME)]


def strength(audio: bytes, frequency: int) -> float:
    """Share of the audio's power at a frequency, 0 to 1 (Goertzel)."""
    samples = [_DECODE[value] for value in audio]
    power = sum(sample * sample for sample in samples)
    if not power:
        return 0.0
    step = 2 * math.pi * frequency / _RATE
    factor, one, two = 2 * math.cos(step), 0.0, 0.0
    for sample in samples:
        one, two = sample + factor * one - two, one
    return 2 * (one * one + two * two - factor * one * two) / (len(samples) * power)


class RtpPort(asyncio.DatagramProtocol):
    """One RTP port on the loopback address. `keys` are the DTMF keys received by RFC 4733.

    With `wideband` it speaks G.722, which it does not decode: of what comes it only counts the packets.
    """

    def __init__(self, frequency: int, *, wideband: bool = False, sequence: int = 0) -> None:
        self._kind = 9 if wideband else 0  # RFC 3551, section 6
        self._frames = wide_tone(frequency) if wideband else tone(frequency)
        self._heard: deque[bytes] = deque(maxlen=25)
        self._transport: asyncio.DatagramTransport | None = None
        self._sender: asyncio.Task[None] | None = None
        # RFC 3550, section 5.1 wants them by chance; from 0 on, a stream that begins later has lower numbers
        # than one before it, which the engine takes for late packets: so every run shows what can stand that
        self._sequence = sequence
        self._stamp = 0
        self._events: set[int] = set()
        self.keys = ""
        self.port = 0
        self.packets = 0

    async def open(self, address: str) -> None:
        """Bind to a free port."""
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=(address, 0)
        )
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    async def join(self, group: str, port: int) -> None:
        """Listen to a multicast group, on the loopback interface, instead of a port of our own."""
        ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        ear.bind((group, port))
        ear.setsockopt(
            socket.IPPROTO_IP,
            socket.IP_ADD_MEMBERSHIP,
            socket.inet_aton(group) + socket.inet_aton("127.0.0.1"),
        )
        ear.setblocking(False)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, sock=ear)
        self._transport = transport

    def close(self) -> None:
        """Stop sending and free the port."""
        self.stop()
        if self._transport is not None:
            self._transport.close()

    def send_to(self, peer: tuple[str, int]) -> None:
        """Send the tone to `peer` from now on."""
        self.stop()
        self._sender = asyncio.create_task(self._send(peer))
        self._peer = peer

    def stop(self) -> None:
        """Send nothing."""
        if self._sender is not None:
            self._sender.cancel()
            self._sender = None

    async def _send(self, peer: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        begin, frame = loop.time(), 0
        while True:
            self._packet(self._kind, self._frames[frame % len(self._frames)], self._stamp, peer)
            self._stamp += _FRAME
            frame += 1
            await asyncio.sleep(max(0.0, begin + frame * 0.02 - loop.time()))

    def _packet(self, kind: int, payload: bytes, stamp: int, peer: tuple[str, int]) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        head = struct.pack("!BBHII", 0x80, kind, self._sequence & 0xFFFF, stamp & 0xFFFFFFFF, 4711)
        self._sequence += 1
        self._transport.sendto(self.encode(head + payload), peer)

    def encode(self, packet: bytes) -> bytes:
        """The packet as it is sent."""
        return packet

    def describe(self, address: str, direction: str = "sendrecv", version: int = 1) -> str:
        """The offer or answer of this port."""
        return sdp(address, self.port, direction, version, wideband=self._kind == 9)

    def learn(self, body: str) -> None:
        """Take what the other side's SDP says beside its address."""

    async def press(self, keys: str) -> None:
        """Send keys as telephone events (RFC 4733, section 2.5)."""
        for key in keys:
            stamp = self._stamp
            for step in range(1, 6):
                self._packet(101, struct.pack("!BBH", _KEYS.index(key), 10, step * _FRAME), stamp, self._peer)
                await asyncio.sleep(0.02)
            for _ in range(3):
                self._packet(101, struct.pack("!BBH", _KEYS.index(key), 0x8A, 6 * _FRAME), stamp, self._peer)
            self._stamp += 10 * _FRAME
            await asyncio.sleep(0.08)

    def flood(self, keys: str) -> None:
        """Send keys faster than any finger: only the end of each, all at once."""
        for key in keys:
            for _ in range(3):
                self._packet(
                    101, struct.pack("!BBH", _KEYS.index(key), 0x8A, _FRAME), self._stamp, self._peer
                )
            self._stamp += _FRAME

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take audio and keys."""
        if len(data) < 12:
            return
        kind, stamp = data[1] & 0x7F, struct.unpack("!I", data[4:8])[0]
        if kind == self._kind:
            self.packets += 1
        if kind == 0:
            self._heard.append(data[12:])
        elif kind == 101 and data[13] & 0x80 and stamp not in self._events:
            self._events.add(stamp)
            self.keys += _KEYS[data[12] & 0x0F]

    def hears(self, frequency: int, share: float = 0.5) -> bool:
        """Whether more than this share of the last half second is this tone."""
        return len(self._heard) >= 20 and strength(b"".join(self._heard), frequency) > share

    def share(self, *frequencies: int) -> float:
        """How much of the last half second's power these tones have, 0 to 1."""
        audio = b"".join(self._heard)
        return sum(strength(audio, one) for one in frequencies) if len(self._heard) >= 20 else 0.0

    @property
    def level(self) -> float:
        """How loud the last half second is: the root of its mean power, in units of a 16-bit sample."""
        samples = [_DECODE[value] for value in b"".join(self._heard)]
        return math.sqrt(sum(one * one for one in samples) / len(samples)) if samples else 0.0

    @property
    def silent(self) -> bool:
        """Whether the last half second holds nothing to be heard."""
        audio = b"".join(self._heard)
        return not audio or max(abs(_DECODE[value]) for value in audio) < 200

    @property
    def last(self) -> bytes:
        """The frame that came last."""
        return self._heard[-1] if self._heard else b""

    def forget(self) -> None:
        """Forget what was heard so far."""
        self._heard.clear()
        self.packets = 0
