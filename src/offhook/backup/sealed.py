"""A stream of any length, sealed with a passphrase and read in constant memory.

    "offhook backup 1\n"  salt (16 bytes)  chunk  chunk  …  last chunk

A backup holds what lets phones register and what people said, so all of it is sealed. The key is scrypt (RFC
7914) of the passphrase and a fresh salt; each chunk of 64 KiB is AES-256-GCM with its number and whether it
is the last one as the nonce, and the head as associated data (the STREAM construction of Hoang, Reyhanitabar,
Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015): nothing can
be changed, moved, left out or cut off. The costs of scrypt are fixed here and not read from a file, which
could ask for any amount of memory.
"""

from __future__ import annotations

import os
import unicodedata
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from offhook.backup.errors import BackupError

MAGIC = b"offhook backup 1\n"
CHUNK = 64 << 10
_SALT = 16
_TAG = 16
_COST = 1 << 16  # 64 MB and some 0.2 s


def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    # One passphrase, typed on two machines, may be composed of other code points.
    text = unicodedata.normalize("NFC", passphrase).encode()
    return AESGCM(Scrypt(salt=salt, length=32, n=_COST, r=8, p=1).derive(text))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


class SealedWriter:
    """Seals what is written into `target`. Only what `close` has ended can be read."""

    def __init__(self, target: BinaryIO, passphrase: str) -> None:
        salt = os.urandom(_SALT)
        self._head = MAGIC + salt
        self._cipher = _cipher(passphrase, salt)
        self._target = target
        self._buffer = bytearray()
        self._number = 0
        target.write(self._head)

    def write(self, data: bytes) -> None:
        """Add to the stream."""
        self._buffer += data
        while len(self._buffer) > CHUNK:
            self._put(bytes(self._buffer[:CHUNK]), last=False)
            del self._buffer[:CHUNK]

    def close(self) -> None:
        """End the stream; the target stays open."""
        self._put(bytes(self._buffer), last=True)

    def _put(self, plain: bytes, *, last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._number, last=last), plain, self._head))
        self._number += 1


class SealedReader:
    """Opens what a SealedWriter has sealed. Raises BackupError for all else."""

    def __init__(self, source: BinaryIO, passphrase: str) -> None:
        self._head = source.read(len(MAGIC) + _SALT)
        if not self._head.startswith(MAGIC) or len(self._head) != len(MAGIC) + _SALT:
            raise BackupError("this is no backup of offhook, or one of a newer offhook")
        self._source = source
        self._cipher = _cipher(passphrase, self._head[len(MAGIC) :])
        self._next = source.read(CHUNK + _TAG)
        self._number = 0
        self._buffer = b""
        self._at = 0
        self._ended = False

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer only at the end of the stream."""
        parts: list[bytes] = []
        while size > 0:
            if self._at == len(self._buffer):
                if self._ended:
                    break
                self._open_next()
                continue
            part = self._buffer[self._at : self._at + size]
            self._at += len(part)
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    def _open_next(self) -> None:
        sealed, self._next = self._next, self._source.read(CHUNK + _TAG)
        last = not self._next
        try:
            self._buffer = self._cipher.decrypt(_nonce(self._number, last=last), sealed, self._head)
        except InvalidTag:
            if self._number:
                raise BackupError("the backup is damaged, or a part of it is missing") from None
            raise BackupError("the passphrase is wrong, or the backup is damaged") from None
        self._at = 0
        self._number += 1
        self._ended = last
