"""Secrets that have to be kept readable, such as the password at a provider: encrypted in the store.

The key lies beside the store (0600), so a copy of the store alone gives nothing away.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from offhook import disk
from offhook.store.errors import StoreError


class Vault:
    """Seals and opens texts with the key in a file, which is made when there is none."""

    def __init__(self, path: Path) -> None:
        self._fernet = Fernet(_key(path))

    def seal(self, text: str) -> str:
        """The encrypted form of a text; different at each call."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """The text. Raises StoreError when it was sealed with another key."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise StoreError(
                "store: a stored password cannot be read: secret.key is not the one that it was stored with; "
                "restore the file from the backup of this store, or set the passwords of the trunks anew"
            ) from None


def _key(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    key = Fernet.generate_key()
    disk.write(path, key)  # a password sealed with a key that a power cut took away could never be read
    return key
