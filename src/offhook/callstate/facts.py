"""What the picture of the calls reports when it changes (spec 15-events); pure values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from offhook.callstate.model import ExtensionState, Member


@dataclass(frozen=True, slots=True)
class ExtensionStatus:
    """The state of an extension changed. `registered_ip` is empty when unregistered."""

    extension: str
    status: ExtensionState
    registered_ip: str = ""


@dataclass(frozen=True, slots=True)
class CallStatus:
    """A call began or a member's state changed; `members` in the order of the wire (caller first).

    `others` are members that this event does not list but the older dialects need: a BYE there names the
    party that left and then the other one, where it is still known (spec 17, `mapping_from_version_2`).
    """

    callid: str
    members: tuple[Member, ...]
    others: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Forward:
    """A call to an extension is forwarded; `members` holds the caller."""

    callid: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Transfer:
    """A phone transfers a call with a feature code ("Tranfer" on the wire), or an application does."""

    callid: str
    members: tuple[Member, ...]
    by_application: bool = False


@dataclass(frozen=True, slots=True)
class CallFailed:
    """A call could not be set up; `reason` is one of the contract's list, spelt as there."""

    callid: str
    reason: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Dtmf:
    """A key was pressed in an IVR (`info`, `flag` its position from 0), or its input is over (`infos`)."""

    callid: str
    members: tuple[Member, ...]
    info: str = ""
    flag: int = 0
    infos: str | None = None


@dataclass(frozen=True, slots=True)
class PlayPromptEnd:
    """A prompt has been played to its end: that of an IVR, or one played by call/playprompt."""

    callid: str
    members: tuple[Member, ...]
    prompt: str = ""
    ivr: str = ""


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """The caller of a queue has answered the survey; `result` is the key."""

    callid: str
    result: str


@dataclass(frozen=True, slots=True)
class Invite:
    """A call from outside waits until an application lets it in; `members` holds the caller."""

    callid: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call from outside waits until an application says where it goes; `members` holds the caller."""

    callid: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """Somebody joined or left a conference; `members` are those in it now, the newest first.

    `callid` is that of the first who joined, for as long as the room is in use; `because` that of who joined
    or left now, in the order of whose events this one stands.
    """

    callid: str
    number: str
    members: tuple[Member, ...]
    because: str


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    """What an application does with a call went on: from `old` by `event` to `new`. Stays inside offhook."""

    callid: str
    old: str
    event: str
    new: str


@dataclass(frozen=True, slots=True)
class Deserted:
    """All have left a call to which others are still being called. Stays inside offhook, which ends them."""

    callid: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartnerChanged:
    """Whom the channel `ear` breaks in on talks with somebody else now, or nobody. Stays inside offhook."""

    callid: str
    ear: str


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The last channel of a call is gone. Stays inside offhook: the ledger releases the record on it."""

    callid: str


Fact: TypeAlias = (
    ExtensionStatus
    | CallStatus
    | Forward
    | Transfer
    | CallFailed
    | Dtmf
    | PlayPromptEnd
    | Satisfaction
    | Invite
    | Incoming
    | RoomChanged
    | PhaseChanged
    | Deserted
    | PartnerChanged
    | CallEnded
)
