"""Events as bytes: the samples of the contract, byte for byte (spec 15-events, 17-events-v1)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.callstate.model import ExtensionState, Member, MemberStatus, PartyKind
from offhook.events.api import (
    BootUp,
    CallFailed,
    CallStatus,
    ConfigChange,
    Dialect,
    Event,
    ExtensionStatus,
    Forward,
    Incoming,
    Invite,
    NewCdr,
    SmsSend,
    Transfer,
    UacstaCall,
)
from offhook.events.encoding import encode
from offhook.events.stored import KINDS, from_json, to_json

SN = "369451090405"
V1, V102, V2 = Dialect.V1_0_0, Dialect.V1_0_2, Dialect.V2_0_0


def ext(number: str, channel: str = "", status: MemberStatus | None = None, callpath: str = "") -> Member:
    return Member(
        kind=PartyKind.EXT, number=number, channelid=f"PJSIP/{channel}", status=status, callpath=callpath
    )


def inbound(
    from_number: str, to_number: str, trunk: str, hexes: str = "", status: MemberStatus | None = None
) -> Member:
    return Member(
        kind=PartyKind.INBOUND,
        from_number=from_number,
        to_number=to_number,
        trunk=trunk,
        channelid=f"PJSIP/trunk-{trunk}-endpoint-{hexes}",
        status=status,
    )


CDR = NewCdr(
    callid="1571897930.5",
    timestart="2019-10-23 22:18:50",
    callfrom="1023",
    callto="2023",
    call_seconds=19,
    talk_seconds=14,
    status="ANSWERED",
    type="Internal",
    recording="20171024201242-1571897930.5-203-201-Internal.wav",
)
OLD_CDR = NewCdr(
    callid="1495779310.371",
    timestart="2017-05-25 22:15:10",
    callfrom="1002",
    callto="1000",
    call_seconds=3,
    talk_seconds=2,
    status="ANSWERED",
    type="Internal",
)
OLD_INBOUND = NewCdr(
    callid="1505352445.265",
    timestart="2017-09-14 09:27:25",
    callfrom="102",
    callto="1000",
    call_seconds=38,
    talk_seconds=29,
    source_trunk="Apple_test",
    status="ANSWERED",
    type="Inbound",
    recording="20170914092747-1505352445.265-102-1000-Inbound.wav",
)

A, R = MemberStatus.ALERT, MemberStatus.RING

SAMPLES: list[tuple[Event, Dialect, list[str]]] = [
    (
        UacstaCall("callanswer", "1000", "32788", "192.168.5.70:5060"),
        V2,
        [
            '{"event":"uacstacall","operation":"callanswer","extnumber":"1000","cstacallid":"32788",'
            '"ipaddress":"192.168.5.70:5060","sn":"369451090405"}'
        ],
    ),
    (UacstaCall("callstart", "1000", "32788", "192.168.5.70:5060"), V1, []),
    (UacstaCall("callover", "1000", "32788", "192.168.5.70:5060"), V102, []),
    (BootUp(), V2, ['{"event":"BootUp","sn":"369451090405"}']),
    (BootUp(), V1, ['{"action":"BootUp"}']),
    (
        ConfigChange("extension", "1000", "update"),
        V2,
        [
            '{"event":"ConfigChange","type":"extension","extid":"1000","operation":"update","sn":"369451090405"}'
        ],
    ),
    (
        ConfigChange("trunk", "SIP-142", "del"),
        V1,
        ['{"action":"ConfigChange","type":"trunk","trunkname":"SIP-142","operation":"del"}'],
    ),
    (
        ExtensionStatus("1023", ExtensionState.RINGING, "192.168.5.100"),
        V2,
        [
            '{"event":"ExtensionStatus","extension":"1023","status":"Ringing","registeredIP":"192.168.5.100",'
            '"sn":"369451090405"}'
        ],
    ),
    (
        ExtensionStatus("1010", ExtensionState.REGISTERED, "192.168.5.100"),
        V1,
        ['{"action":"ExtensionStatus","extension":"1010","status":"Registered"}'],
    ),
    (
        CallStatus("1573468599.186", (ext("1001", "1001-00000038", A),)),
        V2,
        [
            '{"event":"CallStatus","callid":"1573468599.186","members":[{"ext":{"number":"1001",'
            '"channelid":"PJSIP/1001-00000038","memberstatus":"ALERT"}}],"sn":"369451090405"}'
        ],
    ),
    (
        CallStatus(
            "1571887584.74",
            (inbound("12345678", "1023", "siptrunk", "00000030", A), ext("1023", "1023-00000031", R)),
        ),
        V2,
        [
            '{"event":"CallStatus","callid":"1571887584.74","members":[{"inbound":{"from":"12345678","to":"1023",'
            '"trunkname":"siptrunk","channelid":"PJSIP/trunk-siptrunk-endpoint-00000030","memberstatus":"ALERT"}},'
            '{"ext":{"number":"1023","channelid":"PJSIP/1023-00000031","memberstatus":"RING"}}],'
            '"sn":"369451090405"}'
        ],
    ),
    (
        Forward("1571901993.46", (inbound("12345678", "1020", "siptrunk", "0000001c"),)),
        V2,
        [
            '{"event":"Forward","callid":"1571901993.46","members":[{"inbound":{"from":"12345678","to":"1020",'
            '"trunkname":"siptrunk","channelid":"PJSIP/trunk-siptrunk-endpoint-0000001c"}}],"sn":"369451090405"}'
        ],
    ),
    (
        Invite("1571896991.2", (inbound("2000", "1023", "siptrunk", "00000001"),)),
        V2,
        [
            '{"event":"Invite","callid":"1571896991.2","members":[{"inbound":{"from":"2000","to":"1023",'
            '"trunkname":"siptrunk","channelid":"PJSIP/trunk-siptrunk-endpoint-00000001"}}],"sn":"369451090405"}'
        ],
    ),
    (
        Incoming("1571897079.3", (inbound("2000", "1023", "siptrunk", "00000002"),)),
        V2,
        [
            '{"event":"Incoming","callid":"1571897079.3","members":[{"inbound":{"from":"2000","to":"1023",'
            '"trunkname":"siptrunk","channelid":"PJSIP/trunk-siptrunk-endpoint-00000002"}}],"sn":"369451090405"}'
        ],
    ),
    (
        Invite("1495707950.331", (inbound("1000", "1002", "sip-142"),)),
        V1,
        [
            '{"action":"Invite","callid":"1495707950.331","inbound":{"from":"1000","to":"1002",'
            '"trunk":"sip-142","inboundid":"1495707950.331"}}'
        ],
    ),
    (
        Incoming("1495707950.331", (inbound("1000", "1002", "sip-142"),)),
        V102,
        [
            '{"action":"Incoming","callid":"1495707950.331","call":[{"inbound":{"from":"1000","to":"1002",'
            '"trunk":"sip-142","inboundid":"1495707950.331"}}],"sn":"369451090405"}'
        ],
    ),
    (
        Transfer("1571981311.105", (ext("2000", "2000-00000025"), ext("1020", "1020-00000026"))),
        V2,
        [
            '{"event":"Tranfer","callid":"1571981311.105","members":[{"ext":{"number":"2000",'
            '"channelid":"PJSIP/2000-00000025"}},{"ext":{"number":"1020","channelid":"PJSIP/1020-00000026"}}],'
            '"sn":"369451090405"}'
        ],
    ),
    (
        CallFailed("1573097568.15", "NO Outbound Restriction", (ext("1023", "1023-0000000a"),)),
        V2,
        [
            '{"callid":"1573097568.15","event":"CallFailed","reason":"NO Outbound Restriction","members":'
            '[{"ext":{"number":"1023","channelid":"PJSIP/1023-0000000a"}}],"sn":"369451090405"}'
        ],
    ),
    (
        CDR,
        V2,
        [
            '{"event":"NewCdr","callid":"1571897930.5","timestart":"2019-10-23 22:18:50","callfrom":"1023",'
            '"callto":"2023","callduraction":"19","talkduraction":"14","srctrunkname":"","dsttrcunkname":"",'
            '"pincode":"","status":"ANSWERED","type":"Internal",'
            '"recording":"20171024201242-1571897930.5-203-201-Internal.wav","didnumber":"","agentringtime":"0",'
            '"sn":"369451090405"}'
        ],
    ),
    (
        CallStatus("1495706238.328", (ext("1002", status=A), ext("1000", status=R))),
        V1,
        [
            '{"action":"ALERT","callid":"1495706238.328","ext":{"extid":"1002"}}',
            '{"action":"RING","callid":"1495706238.328","ext":{"extid":"1000"},"ext":{"extid":"1002"}}',
        ],
    ),
    (
        CallStatus(
            "1495706238.328",
            (ext("1002", status=MemberStatus.ANSWERED), ext("1000", status=MemberStatus.ANSWER)),
        ),
        V1,
        [
            '{"action":"ANSWER","callid":"1495706238.328","ext":{"extid":"1000"},"ext":{"extid":"1002"}}',
            '{"action":"ANSWERED","callid":"1495706238.328","ext":{"extid":"1002"},"ext":{"extid":"1000"}}',
        ],
    ),
    (
        CallStatus(
            "1495706238.328",
            (ext("1000", status=MemberStatus.BYE),),
            (ext("1002", status=MemberStatus.ANSWERED),),
        ),
        V1,
        ['{"action":"BYE","callid":"1495706238.328","ext":{"extid":"1000"},"ext":{"extid":"1002"}}'],
    ),
    (
        CallStatus(
            "1495706238.328",
            (ext("1002", status=MemberStatus.ANSWERED), ext("1000", status=MemberStatus.HOLD)),
        ),
        V1,
        [],
    ),
    (
        CallFailed("1495186077.229", "DND", (ext("1005"),)),
        V1,
        ['{"action":"CallFailed","reason":"DND","callid":"1495186077.229","ext":{"extid":"1005"}}'],
    ),
    (
        CallFailed("1495184155.216", "Line Unreachable", (ext("1002"),)),
        V1,
        [
            '{"action":"CallFailed","reason":"Line unreachable","callid":"1495184155.216",'
            '"ext":{"extid":"1002"}}'
        ],
    ),
    (
        Transfer("1505291815.120", (ext("1000"), inbound("102", "1000", "Apple_test"))),
        V1,
        [
            '{"action":"Tranfer","callid":"1505291815.120","ext":{"extid":"1000"},"inbound":{"from":"102",'
            '"to":"1000","trunk":"Apple_test","inboundid":"1505291815.120"}}'
        ],
    ),
    (
        Transfer("1547378727.152", (ext("1005"), ext("1001"))),
        V102,
        [
            '{"action":"Tranfer","callid":"1547378727.152","call":[{"ext":{"extid":"1005"}},'
            '{"ext":{"extid":"1001"}}],"sn":"369451090405"}'
        ],
    ),
    (
        OLD_CDR,
        V1,
        [
            '{"action":"NewCdr","callid":"1495779310.371","timestart":"2017-05-25 22:15:10","callfrom":'
            '"1002","callto":"1000","desttrunkname":"","callduraction":"3","talkduraction":"2","status":"ANSWERED",'
            '"type":"Internal"}'
        ],
    ),
    (
        OLD_INBOUND,
        V1,
        [
            '{"action":"NewCdr","callid":"1505352445.265","timestart":"2017-09-14 09:27:25","callfrom":"102",'
            '"callto":"1000","srctrunkname":"Apple_test","callduraction":"38","talkduraction":"29",'
            '"status":"ANSWERED","type":"Inbound",'
            '"recording":"20170914092747-1505352445.265-102-1000-Inbound.wav"}'
        ],
    ),
    (
        SmsSend("Success", "15980751615-1571987010"),
        V2,
        ['{"event":"sms-send","status":"Success","smsid":"15980751615-1571987010","sn":"369451090405"}'],
    ),
    (
        SmsSend("Failed", "18396210850-1502874159"),
        V1,
        ['{"action":"sms-send","status":"Failed","smsid":"18396210850-1502874159"}'],
    ),
]


@pytest.mark.parametrize(("event", "dialect", "bodies"), SAMPLES)
def test_samples(event: Event, dialect: Dialect, bodies: list[str]) -> None:
    assert [body.decode() for body in encode(event, dialect, SN)] == bodies


def test_the_recorded_lengths() -> None:
    """The reference recorded two bodies of 163 and 85 bytes; the second had no registeredIP yet."""
    (first,) = encode(CallStatus("1573468599.186", (ext("1001", "1001-00000038", A),)), V2, SN)
    assert len(first) == 163
    (second,) = encode(ExtensionStatus("1001", ExtensionState.RINGING), V2, SN)
    assert len(second) - len(',"registeredIP":""') == 85


_text = st.text(max_size=20)
_members = st.builds(
    Member,
    kind=st.sampled_from(PartyKind),
    channelid=_text,
    number=_text,
    from_number=_text,
    to_number=_text,
    trunk=_text,
    status=st.sampled_from([None, *MemberStatus]),
    callpath=_text,
)
_events: st.SearchStrategy[Event] = st.one_of(
    st.builds(CallStatus, _text, st.tuples(_members, _members), st.tuples(_members)),
    st.builds(CallFailed, _text, _text, st.tuples(_members)),
    st.builds(ExtensionStatus, _text, st.sampled_from(ExtensionState), _text),
    st.builds(NewCdr),
)


def _scalars(value: object) -> list[object]:
    if isinstance(value, dict):
        return [scalar for item in value.values() for scalar in _scalars(item)]
    if isinstance(value, list):
        return [scalar for item in value for scalar in _scalars(item)]
    return [value]


@given(_events, st.sampled_from([V102, V2]))
def test_every_event_is_one_line_of_json_with_strings_and_sn_last(event: Event, dialect: Dialect) -> None:
    for body in encode(event, dialect, SN):
        assert b"\n" not in body
        assert b"\r" not in body
        value = json.loads(body)
        assert list(value)[-1] == "sn"
        assert all(isinstance(scalar, str) for scalar in _scalars(value))


@given(st.sampled_from(sorted(KINDS.values(), key=str)).flatmap(st.builds))
def test_a_stored_event_is_read_back(event: Event) -> None:
    """Every kind, with whatever text, also such as UTF-8 cannot carry."""
    body = to_json(event)
    body.encode("ascii")
    assert from_json(type(event).__name__, body) == event


@pytest.mark.parametrize(
    ("kind", "body"),
    [("NoSuch", "{}"), ("CallStatus", "[]"), ("CallStatus", "{}"), ("Dtmf", "{"), ("NewCdr", "null")],
)
def test_a_broken_row_is_refused(kind: str, body: str) -> None:
    with pytest.raises(ValueError, match=kind if kind == "NoSuch" else "."):
        from_json(kind, body)
