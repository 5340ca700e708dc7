"""Actions of the engine as typed values. The base, and what values may hold: `offhook.asterisk.ami.action`.

Source: `manager show command …` of Asterisk 22.10.1 and the engine notes, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from offhook.asterisk.ami.action import Action, ListAction, variable
from offhook.asterisk.ami.wire import WireError

# -- calls ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Originate(Action):
    """Begin a call without waiting for its end; `timeout` in milliseconds.

    When `channel` answers it goes to `exten`@`context`, or runs `application`. `channel_id` becomes its
    uniqueid and linkedid; `other_channel_id` is that of the second half of a Local channel.
    """

    NAME = "Originate"
    channel: str
    context: str = ""
    exten: str = ""
    priority: int | None = None
    application: str = ""
    data: str = ""
    timeout: int
    channel_id: str = ""
    other_channel_id: str = ""
    caller_id: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Either an extension or an application."""
        if bool(self.application) == bool(self.context and self.exten and self.priority):
            raise WireError("Originate: an extension or an application is needed, not both")
        if self.timeout < 1:
            raise WireError("Originate: without a time-out the engine gives up at once")
        super(Originate, self).__post_init__()

    def headers(self) -> list[tuple[str, str]]:
        """With Async: without it the engine would read no other action until somebody answers."""
        return [*self._pairs(), ("Async", "true")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hangup(Action):
    """Hang up a channel; `cause` by Q.850."""

    NAME = "Hangup"
    channel: str
    cause: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PJSIPHangup(Action):
    """Refuse an incoming PJSIP channel; `cause` is a SIP status (400 to 699)."""

    NAME = "PJSIPHangup"
    channel: str
    cause: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect(Action):
    """Send a channel, and at once its peer, to other extensions. With only one, the peer is hung up."""

    NAME = "Redirect"
    channel: str
    context: str
    exten: str
    priority: int = 1
    extra_channel: str = ""
    extra_context: str = ""
    extra_exten: str = ""
    extra_priority: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge(Action):
    """Join two channels; what they were joined with before is left."""

    NAME = "Bridge"
    channel1: str
    channel2: str
    tone: Literal["no", "Channel1", "Channel2", "Both"] = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindTransfer(Action):
    """Transfer the other side of `channel`, which is hung up."""

    NAME = "BlindTransfer"
    channel: str
    context: str
    exten: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Park(Action):
    """Park a channel; `timeout` in milliseconds. Set PARKINGEXTEN on it before to choose the slot."""

    NAME = "Park"
    channel: str
    timeout_channel: str = ""
    parkinglot: str = ""
    timeout: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setvar(Action):
    """Set a variable or function of a channel; an empty value empties it."""

    NAME = "Setvar"
    channel: str
    variable: str
    value: str

    def __post_init__(self) -> None:
        """The name is checked as in Originate; the value goes unchanged, the engine does not cut it."""
        variable(self.variable, "")
        super(Setvar, self).__post_init__()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetGlobal(Action):
    """Set a global variable of the dialplan."""

    NAME = "Setvar"
    variable: str
    value: str

    def __post_init__(self) -> None:
        """The name is checked as in Setvar."""
        variable(self.variable, "")
        super(SetGlobal, self).__post_init__()


@dataclass(frozen=True, slots=True, kw_only=True)
class MixMonitor(Action):
    """Record a channel: what it says into the file `said`, what it hears into `heard`.

    What these have already stays before it.
    """

    NAME = "MixMonitor"
    channel: str
    said: str
    heard: str

    def headers(self) -> list[tuple[str, str]]:
        """With the options that the dialplan uses (areas/recordings); File would be for mixed audio."""
        options = f"ar({self.said})t({self.heard})i(OFFHOOK_MIX)"
        return [("Channel", self.channel), ("Options", options)]


@dataclass(frozen=True, slots=True, kw_only=True)
class StopMixMonitor(Action):
    """End the recording of a channel."""

    NAME = "StopMixMonitor"
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Getvar(Action):
    """Ask for a variable or function of a channel; the answer has it as `Value`."""

    NAME = "Getvar"
    channel: str
    variable: str

    def __post_init__(self) -> None:
        """The name is checked as in Originate."""
        variable(self.variable, "")
        super(Getvar, self).__post_init__()


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteAudio(Action):
    """Mute a channel: `in` what it says, `out` what it hears. No event tells of it."""

    NAME = "MuteAudio"
    channel: str
    direction: Literal["in", "out", "all"]
    state: Literal["on", "off"]


# -- rooms, queues, voicemail -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfbridgeMute(Action):
    """Mute a member of a conference."""

    NAME = "ConfbridgeMute"
    conference: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfbridgeUnmute(Action):
    """Let a member of a conference be heard again."""

    NAME = "ConfbridgeUnmute"
    conference: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfbridgeKick(Action):
    """Throw a member out of a conference."""

    NAME = "ConfbridgeKick"
    conference: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueAdd(Action):
    """Add a dynamic member to a queue."""

    NAME = "QueueAdd"
    queue: str
    interface: str
    penalty: int = 0
    paused: bool = False
    member_name: str = ""
    state_interface: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRemove(Action):
    """Take a dynamic member out of a queue."""

    NAME = "QueueRemove"
    queue: str
    interface: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePause(Action):
    """Pause a member, or let it work again, in one queue or in all."""

    NAME = "QueuePause"
    queue: str = ""
    interface: str
    paused: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicemailRefresh(Action):
    """Have the lamps of a mailbox set right after messages were changed on disk."""

    NAME = "VoicemailRefresh"
    context: str = "default"
    mailbox: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicemailMove(Action):
    """Move a message from folder to folder; `id` is its msg_id."""

    NAME = "VoicemailMove"
    context: str = "default"
    mailbox: str
    folder: str
    id: str
    to_folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicemailRemove(Action):
    """Delete a message; the engine renumbers the others. `id` is its msg_id."""

    NAME = "VoicemailRemove"
    context: str = "default"
    mailbox: str
    folder: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxCount(Action):
    """Count messages; the answer has NewMessages, OldMessages and UrgMessages."""

    NAME = "MailboxCount"
    mailbox: str


# -- the engine itself ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload(Action):
    """Have a module read its configuration again."""

    NAME = "Reload"
    module: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PJSIPRegister(Action):
    """Make an outbound registration anew now."""

    NAME = "PJSIPRegister"
    registration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PJSIPUnregister(Action):
    """End an outbound registration; it stays ended until `PJSIPRegister`."""

    NAME = "PJSIPUnregister"
    registration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleCheck(Action):
    """Refused when the module is not loaded."""

    NAME = "ModuleCheck"
    module: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreStatus(Action):
    """The engine's start time and number of calls."""

    NAME = "CoreStatus"


@dataclass(frozen=True, slots=True, kw_only=True)
class DBPut(Action):
    """Write into the engine's own database."""

    NAME = "DBPut"
    family: str
    key: str
    val: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DBDel(Action):
    """Delete from the engine's own database."""

    NAME = "DBDel"
    family: str
    key: str


# -- lists ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DBGet(ListAction):
    """Read from the engine's own database: no or one event with `Val`."""

    NAME = "DBGet"
    ITEMS = frozenset({"DBGetResponse"})
    EMPTY = "Database entry not found"
    family: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DBGetTree(ListAction):
    """Read a family of the engine's own database: events with `Key`, such as /family/key, and `Val`."""

    NAME = "DBGetTree"
    ITEMS = frozenset({"DBGetTreeResponse"})
    EMPTY = "Database"
    family: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreShowChannels(ListAction):
    """Every channel."""

    NAME = "CoreShowChannels"
    ITEMS = frozenset({"CoreShowChannel"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(ListAction):
    """Every channel that has not hung up, with `variables` of each: names joined by commas.

    Each stands in a header Variable as `<name>=<value>`, `(null)` where it is not set.
    """

    NAME = "Status"
    ITEMS = frozenset({"Status"})
    variables: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PJSIPShowContacts(ListAction):
    """Every contact."""

    NAME = "PJSIPShowContacts"
    ITEMS = frozenset({"ContactList"})
    EMPTY = "No Contacts found"


@dataclass(frozen=True, slots=True, kw_only=True)
class PJSIPShowEndpoints(ListAction):
    """Every endpoint, in short."""

    NAME = "PJSIPShowEndpoints"
    ITEMS = frozenset({"EndpointList"})
    EMPTY = "No endpoints found"


@dataclass(frozen=True, slots=True, kw_only=True)
class PJSIPShowEndpoint(ListAction):
    """All about one endpoint; an empty list when there is none."""

    NAME = "PJSIPShowEndpoint"
    ITEMS = frozenset(
        {
            "EndpointDetail",
            "AorDetail",
            "AuthDetail",
            "TransportDetail",
            "IdentifyDetail",
            "ContactStatusDetail",
        }
    )
    EMPTY = "Unable to retrieve endpoint"
    endpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PJSIPShowRegistrationsOutbound(ListAction):
    """The state of every registration with a carrier. Asking also starts those that are new."""

    NAME = "PJSIPShowRegistrationsOutbound"
    ITEMS = frozenset({"OutboundRegistrationDetail"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedCalls(ListAction):
    """Every parked call."""

    NAME = "ParkedCalls"
    ITEMS = frozenset({"ParkedCall"})
    parking_lot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatus(ListAction):
    """Queues, their members and waiting callers; all queues or one."""

    NAME = "QueueStatus"
    ITEMS = frozenset({"QueueParams", "QueueMember", "QueueEntry"})
    queue: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfbridgeListRooms(ListAction):
    """Every conference that goes on."""

    NAME = "ConfbridgeListRooms"
    ITEMS = frozenset({"ConfbridgeListRooms"})
    EMPTY = "No active conferences"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfbridgeList(ListAction):
    """The members of a conference; none when it does not go on."""

    NAME = "ConfbridgeList"
    ITEMS = frozenset({"ConfbridgeList"})
    EMPTY = "No "
    conference: str
