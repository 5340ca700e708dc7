"""The words of a call: parties, their states, and what the picture tells the world (spec 13-call, 15-events).

Pure: nothing here does I/O or knows the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MemberStatus(StrEnum):
    """State of one party as the contract names it (spec 13-call, `MemberStatus`)."""

    ALERT = "ALERT"
    RING = "RING"
    ANSWERED = "ANSWERED"
    ANSWER = "ANSWER"
    HOLD = "HOLD"
    BYE = "BYE"


class PartyKind(StrEnum):
    """Key under which a party stands in `members`."""

    EXT = "ext"
    INBOUND = "inbound"
    OUTBOUND = "outbound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One party of a call as shown to clients.

    For `ext`, `number` is the extension; for `inbound` and `outbound`, `from_number`, `to_number` and
    `trunk` are set instead. `channelid` is Asterisk's channel name. `status` is None where the contract
    leaves memberstatus out; `callpath` is empty when the call runs through no IVR, queue or group.
    """

    kind: PartyKind
    channelid: str
    number: str = ""
    from_number: str = ""
    to_number: str = ""
    trunk: str = ""
    status: MemberStatus | None = None
    callpath: str = ""

    def wire(self) -> dict[str, dict[str, str]]:
        """The member as the contract writes it, keys in its order (spec 15-events, `types.key_order`)."""
        if self.kind is PartyKind.EXT:
            fields = {"number": self.number}
        else:
            fields = {"from": self.from_number, "to": self.to_number, "trunkname": self.trunk}
        fields["channelid"] = self.channelid
        if self.status is not None:
            fields["memberstatus"] = self.status.value
        if self.callpath:
            fields["callpath"] = self.callpath
        return {self.kind.value: fields}


class ExtensionState(StrEnum):
    """Status of an ExtensionStatus event (spec 15-events)."""

    RINGING = "Ringing"
    BUSY = "Busy"
    REGISTERED = "Registered"
    UNREGISTERED = "Unregistered"


class Direction(StrEnum):
    """Direction of a call (spec 13-call `call/query`, 15-events NewCdr `type`)."""

    INTERNAL = "internal"
    INBOUND = "inbound"
    OUTBOUND = "outbound"


class ExtensionWord(StrEnum):
    """Status of an extension in extension/list and extension/query (spec 02-extension)."""

    UNAVAILABLE = "Unavailable"
    REGISTERED = "Registered"
    RINGING = "Ringing"
    BUSY = "Busy"
    HOLD = "Hold"
    MALFUNCTION = "Malfunction"
    IDLE = "Idle"
