"""What the contract demands of an extension beyond the form of single values (spec 02-extension). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from offhook.areas.extensions.model import CUSTOM, EXTENSION, FORWARDS, MOBILE, Extension
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Rule, pattern

STRONG_REGISTER = 16
STRONG_LOGIN = 10
_WEAK = 8
_RUN = 4  # digits in a row that count as consecutive, such as 1234 or 9876
_UP = "0123456789"
_DOWN = _UP[::-1]


SYSTEM_DEFAULT = "System Default"
"""How an extension without a language of its own is shown."""


def language_rule() -> Rule[str]:
    """A language of the prompts: the name of its folder below `sounds`."""
    return pattern(r"[a-z]{2,3}(_[A-Za-z_]{2,20})?", says="a language such as de or pt_BR", max_len=24)


def check_password(name: str, password: str, *, least: int, strong: bool, number: str, username: str) -> None:
    """Raises ContractError 10017 when `password` breaks the rules; `least` is the strong rule's length.

    Relaxed, 8 characters are enough. The text names the parameter and never quotes it.
    """
    if not strong:
        if len(password) < _WEAK:
            raise _refused(f"{name} must have at least {_WEAK} characters")
        return
    if len(password) < least:
        raise _refused(f"{name} must have at least {least} characters")
    for regex, kind in (("[0-9]", "digit"), ("[a-z]", "lower-case letter"), ("[A-Z]", "upper-case letter")):
        if not re.search(regex, password):
            raise _refused(f"{name} must hold a {kind}")
    if has_run(password):
        raise _refused(f"{name} must not hold {_RUN} consecutive digits")
    if number in password:
        raise _refused(f"{name} must not contain the extension number")
    if username.casefold() in password.casefold():
        raise _refused(f"{name} must not contain the display name")


def has_run(password: str) -> bool:
    """True when digits follow each other up or down as in 1234."""
    pieces = (password[start : start + _RUN] for start in range(len(password) - _RUN + 1))
    return any(piece in _UP or piece in _DOWN for piece in pieces)


def check_forwards(extension: Extension, exists: Callable[[str], bool]) -> None:
    """Check that every forward that is on has a destination that can be reached.

    Raises ContractError 10004 when the destination's field is empty, 10006 when the extension named does not
    exist, 10017 when an extension forwards to itself.
    """
    for forward in extension.forwards():
        if not forward.on:
            continue
        letter = FORWARDS[forward.switch]
        if forward.to == EXTENSION:
            _check_target(extension.number, f"{letter}transferext", forward.ext, exists)
        elif forward.to == MOBILE and not extension.mobile:
            raise ContractError(
                Errno.PARAMETER_EMPTY, f"mobile is empty and {forward.switch} goes to the mobile"
            )
        elif forward.to == CUSTOM and not forward.num:
            raise ContractError(Errno.PARAMETER_EMPTY, f"{letter}transfernum is missing or empty")


def _check_target(number: str, name: str, target: str, exists: Callable[[str], bool]) -> None:
    if not target:
        raise ContractError(Errno.PARAMETER_EMPTY, f"{name} is missing or empty")
    if target == number:
        raise _refused(f"{name} is the extension itself")
    if not exists(target):
        raise ContractError(Errno.NO_SUCH_EXTENSION, f"{name} is no extension")


def _refused(detail: str) -> ContractError:
    return ContractError(Errno.EXTENSION_CONFIG, detail)
