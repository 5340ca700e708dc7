"""Events in the older formats 1.0.0 and 1.0.2 (spec 17-events-v1). Pure.

1.0.0 puts the parties at the top level, so two extensions give the key `ext` twice; clients that cut the
text themselves rely on both. Hence objects are written from pairs, never from a mapping. 1.0.2 has the
parties in a list `call` and ends with `sn`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, assert_never

from offhook.callstate.model import Member, MemberStatus, PartyKind
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

Pairs = list[tuple[str, Any]]

_REASONS = {
    "Line Unreachable": "Line unreachable",
    "User Busy": "User busy",
    "486 Busy here": "486 Busy Here",
    "480 Temporatily Unavailable": "480 Temporarily unavailable",
    "484 Address incomplete": "484 Address Incomplete",
}
"""Reasons that version 1 spells otherwise."""


def encode_v1(event: Event, dialect: Dialect, sn: str) -> list[bytes]:
    """The bodies that tell `event` in an older format: none, one or two."""
    return [
        _dump(_finish(pairs, parties, dialect, sn, tail)) for pairs, parties, tail in _actions(event, dialect)
    ]


def _dump(pairs: Pairs) -> bytes:
    inner = ",".join(f"{_text(key)}:{_text(value)}" for key, value in pairs)
    return f"{{{inner}}}".encode("utf-8", "replace")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _finish(head: Pairs, parties: Sequence[Member], dialect: Dialect, sn: str, tail: Pairs) -> Pairs:
    party_pairs = [_party(member, head) for member in parties]
    if dialect is Dialect.V1_0_2:
        listed: Pairs = [("call", [dict([pair]) for pair in party_pairs])] if party_pairs else []
        return [*head, *listed, *tail, ("sn", sn)]
    return [*head, *party_pairs, *tail]


def _party(member: Member, head: Pairs) -> tuple[str, dict[str, str]]:
    if member.kind is PartyKind.EXT:
        return "ext", {"extid": member.number}
    callid = next((value for key, value in head if key == "callid"), "")
    legs = {"from": member.from_number, "to": member.to_number, "trunk": member.trunk}
    if member.kind is PartyKind.INBOUND:
        return "inbound", {**legs, "inboundid": callid}
    return "outbound", {**legs, "outboundid": _next_id(callid)}


def _next_id(callid: str) -> str:
    """An outbound leg's id is one above the callid in all samples."""
    epoch, _, number = callid.partition(".")
    return f"{epoch}.{int(number) + 1}" if number.isdecimal() else callid


Action = tuple[Pairs, Sequence[Member], Pairs]


def _actions(event: Event, dialect: Dialect) -> list[Action]:
    match event:
        case BootUp():
            return [([("action", "BootUp")], (), [])]
        case ConfigChange(kind=kind, name=name, operation=operation):
            key = "extid" if kind == "extension" else "trunkname"
            return [
                ([("action", "ConfigChange"), ("type", kind), (key, name), ("operation", operation)], (), [])
            ]
        case ExtensionStatus(extension=extension, status=status):
            return [
                (
                    [("action", "ExtensionStatus"), ("extension", extension), ("status", status.value)],
                    (),
                    [],
                )
            ]
        case CallStatus():
            return _call_status(event)
        case Forward(callid=callid):
            return [([("action", "Tranfer"), ("callid", callid)], event.members, [])]
        case Transfer(callid=callid):
            return [([("action", "Tranfer"), ("callid", callid)], event.members, [])]
        case CallFailed(callid=callid, reason=reason):
            head: Pairs = [
                ("action", "CallFailed"),
                ("reason", _REASONS.get(reason, reason)),
                ("callid", callid),
            ]
            return [(head, event.members, [])]
        case Dtmf():
            return _dtmf(event, dialect)
        case PlayPromptEnd():
            return _prompt_end(event, dialect)
        case Satisfaction(callid=callid, result=result):
            return [([("action", "satisfaction"), ("surveyresult", result), ("callid", callid)], (), [])]
        case Invite(callid=callid):
            return [([("action", "Invite"), ("callid", callid)], event.members, [])]
        case Incoming(callid=callid):
            return [([("action", "Incoming"), ("callid", callid)], event.members, [])]
        case ConferenceStatus():
            return []  # came with 2.0.0
        case NewCdr():
            return [(_cdr(event, dialect), (), [])]
        case UacstaCall():
            return []  # spec 17-events-v1, `no_version_1_form`
        case SmsSend(status=status, smsid=smsid):
            word = "Succeed" if status == "Success" else status
            return [([("action", "sms-send"), ("status", word), ("smsid", smsid)], (), [])]
        case Alarm() | WakeupResult():
            return []  # of the modern feed
        case _:
            assert_never(event)


def _call_status(event: CallStatus) -> list[Action]:
    def action(name: str, *parties: Member) -> Action:
        return ([("action", name), ("callid", event.callid)], parties, [])

    by_status = {member.status: member for member in event.members}
    leaving = [member for member in event.members if member.status is MemberStatus.BYE]
    if leaving:
        stay = [m for m in (*event.members, *event.others) if m.status is not MemberStatus.BYE]
        return [action("BYE", gone, *stay[:1]) for gone in leaving]
    if MemberStatus.HOLD in by_status:
        return []
    caller, callee = by_status.get(MemberStatus.ALERT), by_status.get(MemberStatus.RING)
    if caller and callee:
        return [action("ALERT", caller), action("RING", *_callee_first(callee, caller))]
    if callee:
        return [action("RING", *_callee_first(callee, by_status.get(MemberStatus.ANSWERED)))]
    if caller:
        return [action("ALERT", caller)]
    caller, callee = by_status.get(MemberStatus.ANSWERED), by_status.get(MemberStatus.ANSWER)
    if caller and callee:
        return [action("ANSWER", callee, caller), action("ANSWERED", caller, callee)]
    if callee:
        return [action("ANSWER", callee)]
    return [action("ANSWERED", caller)] if caller else []


def _dtmf(event: Dtmf, dialect: Dialect) -> list[Action]:
    head: Pairs = [("action", "DTMF"), ("callid", event.callid)]
    if event.infos is not None:
        # only 1.0.2 knows the closing event
        return [(head, event.members, [("infos", event.infos)])] if dialect is Dialect.V1_0_2 else []
    flag: Pairs = [("flag", str(event.flag))] if dialect is Dialect.V1_0_2 else []
    return [(head, event.members, [("info", event.info), *flag])]


def _prompt_end(event: PlayPromptEnd, dialect: Dialect) -> list[Action]:
    head: Pairs = [("action", "PlayPromptEnd"), ("callid", event.callid)]
    if not event.ivr:
        return [(head, event.members, [("prompt", event.prompt)])]
    if dialect is not Dialect.V1_0_2:
        return []  # the form of an IVR came with 1.0.2
    heard = event.members[0].number or event.members[0].to_number if event.members else ""
    return [(head, event.members, [("ivr", {"ivrid": event.ivr}), ("playtonum", heard)])]


def _callee_first(callee: Member, caller: Member | None) -> tuple[Member, ...]:
    return (callee, caller) if caller else (callee,)


def _cdr(cdr: NewCdr, dialect: Dialect) -> Pairs:
    pairs: Pairs = [
        ("action", "NewCdr"),
        ("callid", cdr.callid),
        ("timestart", cdr.timestart),
        ("callfrom", cdr.callfrom),
        ("callto", cdr.callto),
    ]
    if cdr.type == "Inbound":
        pairs.append(("srctrunkname", cdr.source_trunk))
    else:
        pairs.append(("desttrunkname", cdr.destination_trunk))
    pairs += [
        ("callduraction", str(cdr.call_seconds)),
        ("talkduraction", str(cdr.talk_seconds)),
        ("status", cdr.status),
        ("type", cdr.type),
    ]
    if cdr.pincode:
        pairs.append(("pincode", cdr.pincode))
    if cdr.recording:
        pairs.append(("recording", cdr.recording))
    if dialect is Dialect.V1_0_2:
        pairs += [("didnumber", cdr.didnumber), ("agentringtime", str(cdr.agent_ring_seconds))]
    return pairs
