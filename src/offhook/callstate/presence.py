"""Extensions: what their channels and registrations make of their state. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from offhook.callstate.call import LegState
from offhook.callstate.model import ExtensionState

_HOST = re.compile(r"sips?:(?:[^@]*@)?(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:;>?]+))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Phones:
    """The registrations of one extension and what was last told about it.

    `contacts` are contact URIs, the newest last; `silent` those of phones that are registered and do not
    answer. `told` is None as long as nothing is known.
    """

    contacts: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    told: ExtensionState | None = None
    told_address: str = ""

    @property
    def address(self) -> str:
        """Address of the newest registration; empty when there is none."""
        return address_of(self.contacts[-1]) if self.contacts else ""

    def with_contact(self, uri: str, status: str) -> Phones:
        """Take in one ContactStatus: `Removed` and `Unreachable` take the contact away.

        A contact that is there already keeps its place, so that a refreshed registration changes nothing.
        Whether a phone answers is told of registered ones only: a registration begins with `NonQualified`
        (measured), and what was asked before it ended may be answered after that.
        """
        if status in ("Reachable", "Unreachable") and uri not in (*self.contacts, *self.silent):
            return self
        return self.with_listed(uri, status)

    def with_listed(self, uri: str, status: str) -> Phones:
        """Take in one contact as the engine lists it, with its status."""
        if status not in ("Removed", "Unreachable") and uri in self.contacts:
            return self
        contacts = tuple(known for known in self.contacts if known != uri)
        silent = tuple(known for known in self.silent if known != uri)
        if status == "Unreachable":
            silent = (*silent, uri)
        elif status != "Removed":
            contacts = (*contacts, uri)
        return replace(self, contacts=contacts, silent=silent)


def address_of(uri: str) -> str:
    """The host of a contact URI. With rewrite_contact this is the address that the phone sends from.

    The ViaAddr of a contact is what the phone believes, behind NAT a private address, and ContactStatus
    events of Asterisk 22 do not carry it (measured), so the URI is the one source.
    """
    match = _HOST.match(uri)
    return (match["v6"] or match["host"]) if match else ""


def state_of(legs: Iterable[LegState], phones: Phones) -> ExtensionState:
    """The state of an extension as a whole: Busy before Ringing before (un)registered."""
    states = set(legs)
    if LegState.UP in states or LegState.RING in states:
        return ExtensionState.BUSY
    if LegState.RINGING in states:
        return ExtensionState.RINGING
    return ExtensionState.REGISTERED if phones.contacts else ExtensionState.UNREGISTERED


def worth_telling(phones: Phones, state: ExtensionState) -> bool:
    """Whether this state is news: another state, or registered from another address."""
    if phones.told is None:
        return state is not ExtensionState.UNREGISTERED
    if state is not phones.told:
        return True
    return state is ExtensionState.REGISTERED and phones.address != phones.told_address
