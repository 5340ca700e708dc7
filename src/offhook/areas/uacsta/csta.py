"""What offhook and a phone say to each other: bodies of ECMA-323 as ECMA TR/87 uses them. Pure.

Editions of ECMA-323 differ in the namespace only as far as this goes, so any is read, and what we send has
that of the phone. Requests: RequestSystemStatus, MonitorStart, SnapshotDevice, AnswerCall, ClearConnection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from xml.sax.saxutils import escape  # nosec B406

from offhook.areas.uacsta.markup import Element, MarkupError, read_markup

CONTENT_TYPE = "application/csta+xml"
NAMESPACE = "http://www.ecma-international.org/standards/ecma-323/csta/ed3"

CALLID_PATTERN = r"[A-Za-z0-9_.:@/+=-]{1,64}"
_CALLID = re.compile(CALLID_PATTERN, re.ASCII)
_EDITION = re.compile(
    r"http://www\.ecma(?:-international\.org|\.ch)/standards/ecma-323/csta/ed[1-9]", re.ASCII
)
_MAX_DEVICE = 128
_MAX_REASON = 64


class CstaError(ValueError):
    """A body that cannot be used; the text never quotes it."""


class EventKind(StrEnum):
    """The events that say how a call of the phone is; all others are of no use here."""

    INITIATED = "ServiceInitiatedEvent"
    ORIGINATED = "OriginatedEvent"
    DELIVERED = "DeliveredEvent"
    ESTABLISHED = "EstablishedEvent"
    CLEARED = "ConnectionClearedEvent"
    CALL_CLEARED = "CallClearedEvent"
    DIVERTED = "DivertedEvent"


class Local(StrEnum):
    """How the phone's own connection in a call is, by `localConnectionInfo`; UNSAID when it is left out."""

    ALERTING = "alerting"
    CONNECTED = "connected"
    INITIATED = "initiated"
    HELD = "hold"
    QUEUED = "queued"
    FAILED = "fail"
    NONE = "null"
    UNSAID = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """An event of a call. `callid` is a token that is safe anywhere; `deviceid` is only told to the phone."""

    kind: EventKind
    callid: str
    deviceid: str = ""
    local: Local = Local.UNSAID


@dataclass(frozen=True, slots=True)
class RunningCall:
    """A call that a snapshot shows."""

    callid: str
    deviceid: str
    local: Local


@dataclass(frozen=True, slots=True)
class Reply:
    """A positive response: `name` as `MonitorStartResponse`; `calls` are those of a snapshot."""

    name: str
    calls: tuple[RunningCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """CSTAErrorCode; `reason` is the phone's word, cut and escaped for the log."""

    reason: str


@dataclass(frozen=True, slots=True)
class Other:
    """A message that we have no use for."""


Heard: TypeAlias = CallEvent | Reply | Refusal | Other


def read_csta(body: bytes) -> tuple[Heard, str]:
    """What a phone says, and the namespace to answer in (empty when it names none that is known).

    Raises CstaError for what is no XML that we take, and for an event without a call's id.
    """
    try:
        root, namespace = read_markup(body)
    except MarkupError as broken:
        raise CstaError(str(broken)) from None
    return _heard(root), namespace if _EDITION.fullmatch(namespace) else ""


_KINDS: Mapping[str, EventKind] = {kind.value: kind for kind in EventKind}
_LOCALS: Mapping[str, Local] = {local.value: local for local in Local}


def _heard(root: Element) -> Heard:
    if root.name == "CSTAErrorCode":
        return Refusal(_reason(root))
    if root.name.endswith("Response"):
        return Reply(root.name[:64], _snapshot(root))
    kind = _KINDS.get(root.name)
    if kind is None:
        return Other()
    if kind is EventKind.CALL_CLEARED and (cleared := root.child("clearedCall")) is not None:
        callid, deviceid = _connection(Element("", "", (cleared,)))
    else:
        callid, deviceid = _connection(root)
    local = _LOCALS.get(root.value("localConnectionInfo").lower(), Local.UNSAID)
    return CallEvent(kind=kind, callid=callid, deviceid=deviceid, local=local)


def _reason(root: Element) -> str:
    words = (element.text or element.name for element in root.walk() if not element.children)
    return ascii(next(words, ""))[1:-1][:_MAX_REASON]


def _connection(parent: Element) -> tuple[str, str]:
    """The first ConnectionID below `parent`: its name differs from event to event."""
    found = next((child for child in parent.children if child.child("callID") is not None), None)
    if found is None:
        raise CstaError("an event without a call's id")
    callid, deviceid = found.value("callID"), found.value("deviceID")
    if not is_callid(callid):
        raise CstaError("an event whose call's id is no token")
    usable = len(deviceid) <= _MAX_DEVICE and deviceid.isprintable()
    return callid, deviceid if usable else ""


def _snapshot(root: Element) -> tuple[RunningCall, ...]:
    calls: list[RunningCall] = []
    for info in root.walk():
        if info.name != "snapshotDeviceResponseInfo":
            continue
        try:
            callid, deviceid = _connection(info)
        except CstaError:
            continue
        states = (_LOCALS.get(part.text.lower()) for part in info.walk() if not part.children and part.text)
        calls.append(RunningCall(callid, deviceid, next((state for state in states if state), Local.UNSAID)))
    return tuple(calls)


def is_callid(text: str) -> bool:
    """Whether this may be a call's id of a phone: a short token of letters, digits and a few signs."""
    return _CALLID.fullmatch(text) is not None


def request_system_status(namespace: str = NAMESPACE) -> bytes:
    """Asks whether the phone is well: opens a session, and finds out later whether it still lives."""
    return _write("RequestSystemStatus", "", namespace)


def monitor_start(device: str, namespace: str = NAMESPACE) -> bytes:
    """Asks for the events of all calls of a device."""
    return _write("MonitorStart", f"<monitorObject>{_tag('deviceObject', device)}</monitorObject>", namespace)


def snapshot_device(device: str, namespace: str = NAMESPACE) -> bytes:
    """Asks for the calls that run now."""
    return _write("SnapshotDevice", _tag("snapshotObject", device), namespace)


def answer_call(callid: str, device: str, namespace: str = NAMESPACE) -> bytes:
    """Has the phone answer a call that rings."""
    return _write("AnswerCall", _connection_id("callToBeAnswered", callid, device), namespace)


def clear_connection(callid: str, device: str, namespace: str = NAMESPACE) -> bytes:
    """Has the phone leave a call: refuse it while it rings, hang up later."""
    return _write("ClearConnection", _connection_id("connectionToBeCleared", callid, device), namespace)


def _connection_id(name: str, callid: str, device: str) -> str:
    return f"<{name}>{_tag('callID', callid)}{_tag('deviceID', device)}</{name}>"


def _tag(name: str, value: str) -> str:
    return f"<{name}>{escape(value)}</{name}>"


def _write(name: str, inner: str, namespace: str) -> bytes:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{namespace}">{inner}</{name}>'
    return text.encode()
