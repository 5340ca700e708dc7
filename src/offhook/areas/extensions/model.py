"""An extension as a value, and the secrets made of its passwords. Pure but for random numbers."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

REALM = "offhook"
VOICEMAIL, EXTENSION, MOBILE, CUSTOM = "Voicemail", "Extension", "Mobile Number", "Custom Number"
DESTINATIONS = (VOICEMAIL, EXTENSION, MOBILE, CUSTOM)
FORWARDS = {"alwaysforward": "a", "noanswerforward": "n", "busyforward": "b"}
"""Switch of each forward, and the letter with which its destination fields begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """One extension; names and meaning as in spec 02-extension, `language` empty for System Default.

    Passwords are kept derived only; the `_shown` fields are random and stand in for them in answers.
    `monitored` tells whether its ExtensionStatus events are wanted (spec 15-events, `gates`).
    """

    number: str
    username: str
    callerid: str
    registername: str
    ha1: str
    registerpassword_shown: str
    maxregistrations: int = 1
    loginpassword_derived: str
    loginpassword_shown: str
    email: str = ""
    mobile: str = ""
    language: str = ""
    hasvoicemail: bool = True
    vmsecret: str
    enablevmtoemail: str = "off"
    alwaysforward: bool = False
    atransferto: str = VOICEMAIL
    atransferext: str = ""
    atransferprefix: str = ""
    atransfernum: str = ""
    noanswerforward: bool = True
    ntransferto: str = VOICEMAIL
    ntransferext: str = ""
    ntransferprefix: str = ""
    ntransfernum: str = ""
    busyforward: bool = True
    btransferto: str = VOICEMAIL
    btransferext: str = ""
    btransferprefix: str = ""
    btransfernum: str = ""
    ringsimultaneous: bool = False
    mobileprefix: str = ""
    enablemobile: bool = False
    allowbeingmonitored: bool = False
    monitormode: str = "Disabled"
    ringtimeout: int = 30
    maxduration: str = "Follow System"
    dnd: bool = False
    callrestriction: bool = False
    agentid: str = ""
    monitored: bool = True

    def forwards(self) -> tuple[Forward, ...]:
        """The three forwards, switched on or not."""
        return tuple(
            Forward(
                switch=switch,
                on=getattr(self, switch),
                to=getattr(self, f"{letter}transferto"),
                ext=getattr(self, f"{letter}transferext"),
                prefix=getattr(self, f"{letter}transferprefix"),
                num=getattr(self, f"{letter}transfernum"),
            )
            for switch, letter in FORWARDS.items()
        )


@dataclass(frozen=True, slots=True)
class Forward:
    """One call forward; `to` is one of `DESTINATIONS`."""

    switch: str
    on: bool
    to: str
    ext: str
    prefix: str
    num: str


@dataclass(frozen=True, slots=True)
class LoginSecret:
    """A user password derived, and the opaque text shown for it."""

    derived: str
    shown: str


@dataclass(frozen=True, slots=True)
class ExtensionChanged:
    """What was done to an extension; the registernames are empty where there is none.

    `new_pin` tells whether its voicemail box has another PIN now.
    """

    number: str
    operation: Literal["add", "update", "del"]
    old_registername: str = ""
    new_registername: str = ""
    new_pin: bool = False

    @property
    def renamed(self) -> bool:
        """Whether phones have to register under another name now."""
        return bool(self.old_registername) and self.old_registername != self.new_registername


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionSettings:
    """What the operator allows: password rules and limits, for every way in."""

    strong_passwords: bool = True
    max_extensions: int = 2000
    max_groups: int = 200


def ha1(registername: str, password: str) -> str:
    """The digest secret that the engine checks registrations with (RFC 7616, section 3.4.2, MD5)."""
    return hashlib.md5(f"{registername}:{REALM}:{password}".encode(), usedforsecurity=False).hexdigest()


def register_secret_shown() -> str:
    """The 64 opaque digits that stand for a registration password."""
    return secrets.token_hex(32)


def login_secret(password: str | None, derive: Callable[[str], str]) -> LoginSecret:
    """The stored form of a user password; slow, so not for the event loop or the store's thread.

    Without a password one is made that nobody knows: there is no way to tell it to anyone.
    """
    shown = secrets.token_hex(48)
    if password is None:
        return LoginSecret(f"scrypt${secrets.token_hex(16)}${secrets.token_hex(32)}", shown)
    return LoginSecret(derive(password), shown)
