"""Sends the tones of many phones in a process of its own: one system call for a frame of many of them.

`python -m bench.sender` reads lines `<address> <port> <tone in Hz>` and sends to each from its line on. When
its input ends it prints, as JSON, each batch that was late: when (epoch seconds) and by how much. The batches
are spread over the length of a frame, as phones do not speak in step.
"""

from __future__ import annotations

import ctypes
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Sequence

import numpy as np
from tests.support.rtp import tone

FRAME = 0.02
SAMPLES = 160  # of a packet
LATE = 0.01  # what is noted
_HEAD = 12
_BATCHES = 8  # of a frame
_MOST = 128  # phones of a batch


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vector", ctypes.POINTER(_Vector)),
        ("vectors", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    _fields_ = (("header", _Header), ("sent", ctypes.c_uint))


class Batch:
    """Phones that speak at once: their packets lie in one array, which one sendmmsg hands to the kernel."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        # what the PBX sends to us is dropped by the kernel as soon as this little is full
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self._packets = np.zeros((_MOST, _HEAD + SAMPLES), dtype=np.uint8)
        self._addresses = (ctypes.c_char * 16 * _MOST)()
        self._vectors = (_Vector * _MOST)()
        self._messages = (_Message * _MOST)()
        self._frames: dict[int, np.ndarray] = {}
        self._tones = np.zeros(_MOST, dtype=np.int64)
        self.count = 0

    def add(self, address: str, port: int, frequency: int) -> None:
        """Send a tone there from now on."""
        at = self.count
        if frequency not in self._frames:
            coded = b"".join(tone(frequency))
            self._frames[frequency] = np.frombuffer(coded, dtype=np.uint8).reshape(-1, SAMPLES)
        raw = struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(address)
        self._addresses[at].raw = raw.ljust(16, b"\0")
        self._packets[at, :_HEAD] = np.frombuffer(struct.pack("!BBHII", 0x80, 0, 0, 0, 4711 + at), np.uint8)
        self._vectors[at] = _Vector(self._packets[at:].ctypes.data, _HEAD + SAMPLES)
        header = self._messages[at].header
        header.name, header.name_length = ctypes.addressof(self._addresses[at]), 16
        header.vector, header.vectors = ctypes.pointer(self._vectors[at]), 1
        self._tones[at] = frequency
        self.count = at + 1

    def send(self, frame: int) -> None:
        """Send the n-th frame to all."""
        count = self.count
        head = struct.pack("!HI", frame & 0xFFFF, frame * SAMPLES & 0xFFFFFFFF)
        self._packets[:count, 2:8] = np.frombuffer(head, dtype=np.uint8)
        for frequency, frames in self._frames.items():
            which = np.flatnonzero(self._tones[:count] == frequency)
            self._packets[which, _HEAD:] = frames[frame % len(frames)]
        done = 0
        while done < count:
            start = ctypes.byref(self._messages, done * ctypes.sizeof(_Message))
            sent = self._libc.sendmmsg(self._socket.fileno(), start, count - done, 0)
            done += max(1, sent)  # one that the kernel refuses, as its call has ended, is left out


def run(batches: Sequence[Batch], late: list[tuple[float, float]], over: threading.Event) -> None:
    """Send until it is over; notes in `late` what was."""
    begin, turn = time.perf_counter(), 0
    pause = FRAME / len(batches)
    while not over.is_set():
        by = time.perf_counter() - begin - turn * pause
        if by > LATE:
            late.append((time.time(), by))
        batches[turn % len(batches)].send(turn // len(batches))
        turn += 1
        time.sleep(max(0.0, begin + turn * pause - time.perf_counter()))


def main() -> None:
    """Take lines, send, and tell how late it was."""
    batches, over = [Batch() for _ in range(_BATCHES)], threading.Event()
    late: list[tuple[float, float]] = []
    thread = threading.Thread(target=run, args=(batches, late, over))
    thread.start()
    for at, line in enumerate(sys.stdin):
        address, port, frequency = line.split()
        batches[at % len(batches)].add(address, int(port), int(frequency))
    over.set()
    thread.join()
    print(json.dumps({"late": late}))


if __name__ == "__main__":
    main()
