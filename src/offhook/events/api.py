"""The events that offhook tells the world (spec 15-events), as types; one `publish` puts them on their way.

These are facts, free of dialect: `offhook.events.encoding` writes them in the three formats of the wire.
What happens to calls is told by `offhook.callstate.facts`, taken over here as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from offhook.callstate.facts import (
    CallFailed,
    CallStatus,
    Dtmf,
    ExtensionStatus,
    Forward,
    Incoming,
    Invite,
    PlayPromptEnd,
    Satisfaction,
    Transfer,
)
from offhook.callstate.model import Member
from offhook.events.dialect import Dialect, dialect_of
from offhook.events.target import DEFAULT_PORT, Target, TargetError, absolute_target, relative_target

__all__ = [
    "DEFAULT_PORT",
    "FEED_ONLY",
    "Alarm",
    "BootUp",
    "CallFailed",
    "CallStatus",
    "ConferenceStatus",
    "ConfigChange",
    "Dialect",
    "Dtmf",
    "Event",
    "ExtensionStatus",
    "Forward",
    "Incoming",
    "Invite",
    "NewCdr",
    "PlayPromptEnd",
    "Satisfaction",
    "SmsSend",
    "Target",
    "TargetError",
    "Transfer",
    "UacstaCall",
    "WakeupResult",
    "absolute_target",
    "dialect_of",
    "relative_target",
]


@dataclass(frozen=True, slots=True)
class BootUp:
    """The engine has restarted; the one event that needs no living token."""


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """An extension or trunk was added, changed or deleted. `name` is the number or the trunk's name."""

    kind: Literal["extension", "trunk"]
    name: str
    operation: Literal["add", "update", "del"]


@dataclass(frozen=True, slots=True)
class ConferenceStatus:
    """Somebody joined or left a conference; `members` are those in it now, the newest first."""

    callid: str
    number: str
    name: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCdr:
    """The record of a call that is over; durations in seconds, `timestart` local time of the PBX."""

    callid: str
    timestart: str
    callfrom: str
    callto: str
    call_seconds: int
    talk_seconds: int
    source_trunk: str = ""
    destination_trunk: str = ""
    pincode: str = ""
    status: Literal["ANSWERED", "NO ANSWER", "BUSY", "VOICEMAIL"]
    type: Literal["Internal", "Inbound", "Outbound"]
    recording: str = ""
    didnumber: str = ""
    agent_ring_seconds: int = 0


@dataclass(frozen=True, slots=True)
class UacstaCall:
    """A call of a phone that speaks uaCSTA began to ring, or was answered or ended by it.

    `cstacallid` is the phone's own id of the call, `address` the phone's with port.
    """

    operation: Literal["callstart", "callanswer", "callover"]
    extension: str
    cstacallid: str
    address: str


@dataclass(frozen=True, slots=True)
class SmsSend:
    """An SMS has gone out by a GSM module, or failed; `smsid` as the sending request answered it.

    Nothing publishes it: offhook drives no GSM module, and the contract has no endpoint that sends an SMS.
    """

    status: Literal["Success", "Failed"]
    smsid: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something is wrong, or right again; for the modern feed only. `key` as in the list of alarms."""

    key: str
    state: Literal["raised", "cleared"]
    text: str


@dataclass(frozen=True, slots=True)
class WakeupResult:
    """A try of a wake-up call is over; for the modern feed only. `outcome` as in the list of tries, `time` as
    hh:mm; `callid` is empty where nothing rang."""

    callid: str
    extension: str
    outcome: str
    time: str


FEED_ONLY = (Alarm, WakeupResult)
"""Kinds that the contract does not know: receivers of the contract's formats never get them."""

Event: TypeAlias = (
    BootUp
    | ConfigChange
    | ExtensionStatus
    | CallStatus
    | Forward
    | Transfer
    | CallFailed
    | Dtmf
    | PlayPromptEnd
    | Satisfaction
    | Invite
    | Incoming
    | ConferenceStatus
    | NewCdr
    | UacstaCall
    | SmsSend
    | Alarm
    | WakeupResult
)
