"""Events as the wire has them, in the format of version 2.0.0; `encode` chooses among the three formats.

Compact JSON on one line, keys in the order of the samples, every value a string, `sn` last (spec
15-events, `delivery`). Text stands as UTF-8, not as escapes, as on the appliances. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, assert_never

from offhook.events.api import (
    Alarm,
    BootUp,
    CallFailed,
    CallStatus,
    ConferenceStatus,
    ConfigChange,
    Dtmf,
    Event,
    ExtensionStatus,
    Forward,
    Incoming,
    Invite,
    NewCdr,
    PlayPromptEnd,
    Satisfaction,
    SmsSend,
    Transfer,
    UacstaCall,
    WakeupResult,
)
from offhook.events.dialect import Dialect
from offhook.events.encoding_v1 import encode_v1

Pairs = list[tuple[str, Any]]


def encode(event: Event, dialect: Dialect, sn: str) -> list[bytes]:
    """The bodies that tell `event` in `dialect`; older formats tell some events in two, some in none."""
    if dialect is not Dialect.V2_0_0:
        return encode_v1(event, dialect, sn)
    return [dump([*_pairs(event), ("sn", sn)])]


def dump(pairs: Pairs) -> bytes:
    """An object of these keys, in this order, on one line."""
    return json.dumps(dict(pairs), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def members(of: Sequence[Any]) -> list[dict[str, dict[str, str]]]:
    """Members with their states."""
    return [member.wire() for member in of]


def _pairs(event: Event) -> Pairs:
    match event:
        case BootUp():
            return [("event", "BootUp")]
        case ConfigChange(kind=kind, name=name, operation=operation):
            key = "extid" if kind == "extension" else "trunkname"
            return [("event", "ConfigChange"), ("type", kind), (key, name), ("operation", operation)]
        case ExtensionStatus(extension=extension, status=status, registered_ip=address):
            return [
                ("event", "ExtensionStatus"),
                ("extension", extension),
                ("status", status.value),
                ("registeredIP", address),
            ]
        case CallStatus(callid=callid):
            return [("event", "CallStatus"), ("callid", callid), ("members", members(event.members))]
        case Forward(callid=callid):
            return [("event", "Forward"), ("callid", callid), ("members", members(event.members))]
        case Transfer(callid=callid):
            return [("event", "Tranfer"), ("callid", callid), ("members", members(event.members))]
        case CallFailed(callid=callid, reason=reason):
            return [
                ("callid", callid),
                ("event", "CallFailed"),
                ("reason", reason),
                ("members", members(event.members)),
            ]
        case Dtmf(callid=callid, infos=infos):
            keys = [("info", event.info), ("flag", str(event.flag))] if infos is None else [("infos", infos)]
            return [("event", "DTMF"), ("callid", callid), ("members", members(event.members)), *keys]
        case PlayPromptEnd(callid=callid, prompt=prompt, ivr=ivr):
            what: Pairs = [("ivr", {"number": ivr})] if ivr else [("prompt", prompt)]
            return [
                ("event", "PlayPromptEnd"),
                ("callid", callid),
                ("members", members(event.members)),
                *what,
            ]
        case Satisfaction(callid=callid, result=result):
            return [("event", "satisfaction"), ("callid", callid), ("surveyresult", result)]
        case Invite(callid=callid):
            return [("event", "Invite"), ("callid", callid), ("members", members(event.members))]
        case Incoming(callid=callid):
            return [("event", "Incoming"), ("callid", callid), ("members", members(event.members))]
        case ConferenceStatus(callid=callid, number=number, name=name):
            return [
                ("event", "ConferenceStatus"),
                ("callid", callid),
                ("conferencenumber", number),
                ("conferencename", name),
                ("members", members(event.members)),
            ]
        case NewCdr():
            return _cdr(event)
        case UacstaCall(operation=operation, extension=extension):
            return [
                ("event", "uacstacall"),
                ("operation", operation),
                ("extnumber", extension),
                ("cstacallid", event.cstacallid),
                ("ipaddress", event.address),
            ]
        case SmsSend(status=status, smsid=smsid):
            return [("event", "sms-send"), ("status", status), ("smsid", smsid)]
        case Alarm(key=key, state=state, text=text):
            return [("event", "Alarm"), ("alarm", key), ("state", state), ("text", text)]
        case WakeupResult(callid=callid, extension=extension):
            return [
                ("event", "WakeupResult"),
                ("callid", callid),
                ("extension", extension),
                ("outcome", event.outcome),
                ("time", event.time),
            ]
        case _:
            assert_never(event)


def _cdr(cdr: NewCdr) -> Pairs:
    return [
        ("event", "NewCdr"),
        ("callid", cdr.callid),
        ("timestart", cdr.timestart),
        ("callfrom", cdr.callfrom),
        ("callto", cdr.callto),
        ("callduraction", str(cdr.call_seconds)),
        ("talkduraction", str(cdr.talk_seconds)),
        ("srctrunkname", cdr.source_trunk),
        ("dsttrcunkname", cdr.destination_trunk),
        ("pincode", cdr.pincode),
        ("status", cdr.status),
        ("type", cdr.type),
        ("recording", cdr.recording),
        ("didnumber", cdr.didnumber),
        ("agentringtime", str(cdr.agent_ring_seconds)),
    ]
