"""Transfers by keys and holds by phones in calls that a first snapshot finds running."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from offhook.callstate import Picture, resync
from offhook.callstate.call import Call, Role
from offhook.callstate.model import MemberStatus
from tests.unit.callstate_support import Event

CALLID = "1795000000.1"
ONE, TWO, THREE = "PJSIP/1000-00000001", "PJSIP/1001-00000002", "PJSIP/1002-00000005"
FIRST, SECOND = "Local/1002@from-extension-00000000;1", "Local/1002@from-extension-00000000;2"


def channel(name: str, number: int, bridge: str, **headers: str) -> Event:
    """One of the call's channels, up and called unless `headers` say otherwise."""
    return {
        "Channel": name,
        "Uniqueid": f"1795000000.{number}",
        "Linkedid": CALLID,
        "ChannelStateDesc": "Up",
        "Application": "AppDial",
        "BridgeId": bridge,
        **headers,
    }


def consultation(
    by: str, bridges: Sequence[str], *, third: str = "phone", ringing: bool = False, group: str = ""
) -> list[Event]:
    """1000 and 1001 in the first two `bridges`; the Local channel of who asks in the third one.

    `third` is who is asked: a phone that rings or has answered, a machine, or a machine that calls a phone.
    """
    asks = {"ConsultedBy": by}
    up = not ringing or third == "machine calls"
    runs = {"phone": "Dial", "machine": "WaitExten", "machine calls": "Dial"}[third]
    path = {"Path": group} if group else {}
    found = [
        channel(ONE, 1, bridges[0], Application="Dial"),
        channel(TWO, 2, bridges[1]),
        channel(FIRST, 3, bridges[2], Application="", ChannelStateDesc="Up" if up else "Ringing", **asks),
        channel(
            SECOND,
            4,
            "" if ringing or third == "machine" else "z",
            Application=runs,
            ChannelStateDesc="Up" if up else "Ring",
            **asks,
            **path,
        ),
    ]
    if third != "machine":
        rings = {"ChannelStateDesc": "Ringing"} if ringing else {}
        found.append(channel(THREE, 5, "" if ringing else "z", **rings, **path))
    return found


def find(channels: Sequence[Event]) -> Call:
    """The one call that a first snapshot shows, of which nothing is told; in whatever order it comes."""
    picture, facts = resync(Picture(), channels, ())
    again, _ = resync(Picture(), channels[::-1], ())
    assert facts == ()
    call, other = picture.calls[CALLID], again.calls[CALLID]
    assert call.members == other.members
    assert call.key_transfer == other.key_transfer
    return call


def members(call: Call) -> list[str]:
    return [" ".join(filter(None, (one.number, one.status, one.callpath))) for one in call.members]


@pytest.mark.parametrize(
    ("by", "bridges", "expected"),
    [
        (TWO, "xyy", ["1000 HOLD", "1001 ANSWERED", "1002 ANSWER"]),
        (ONE, "yxy", ["1000 ANSWERED", "1001 HOLD", "1002 ANSWER"]),
        # they have changed over
        (TWO, "xxy", ["1000 ANSWERED", "1001 ANSWERED", "1002 HOLD"]),
        (ONE, "xxy", ["1000 ANSWERED", "1001 ANSWER", "1002 HOLD"]),
    ],
)
def test_a_consultation(by: str, bridges: str, expected: list[str]) -> None:
    call = find(consultation(by, bridges))
    assert members(call) == expected
    transfer = call.key_transfer
    assert transfer is not None
    assert (transfer.leg, transfer.role) == {
        ONE: ("1795000000.1", Role.CALLER),
        TWO: ("1795000000.2", Role.CALLEE),
    }[by]
    assert transfer.waiting == {"1795000000.1", "1795000000.2"} - {transfer.leg}
    assert (transfer.called, transfer.there, transfer.away) == (True, "y", bridges != "xxy")


@pytest.mark.parametrize(
    ("third", "expected"),
    [
        ("phone", ["1000 HOLD", "1001 ALERT", "1002 RING"]),
        ("machine", ["1000 HOLD", "1001 ANSWERED"]),
        ("machine calls", ["1000 HOLD", "1001 ALERT", "1002 RING"]),
    ],
)
def test_whom_it_is_for(third: str, expected: list[str]) -> None:
    call = find(consultation(TWO, "xyy", third=third, ringing=third != "machine"))
    assert members(call) == expected
    assert call.key_transfer is not None


def test_several_phones_ring_for_who_asks_and_his_path_is_not_that_of_who_waits() -> None:
    channels = consultation(ONE, "yxy", ringing=True, group="ringgroup|6200")
    channels[0]["Path"] = "ivr|6500"
    more = channel("PJSIP/1003-00000006", 6, "", ChannelStateDesc="Ringing", Path="ringgroup|6200")
    call = find([*channels, more])
    assert members(call) == ["1000 ALERT 6200", "1001 HOLD 6500", "1002 RING 6200", "1003 RING 6200"]
    assert call.key_transfer is not None
    assert call.key_transfer.path == ("ivr", "6500")
    assert (call.path_kind, call.callpath) == ("ringgroup", "6200")


@pytest.mark.parametrize("bridges", [("x", "", ""), ("x", "y", ""), ("x", "y", "y")])
def test_nobody_rings_yet_for_who_asks(bridges: Sequence[str]) -> None:
    call = find(consultation(TWO, bridges, ringing=True)[:4])
    assert members(call) == ["1000 HOLD", "1001 ANSWER"]
    assert call.key_transfer is not None
    assert call.key_transfer.there == bridges[2]


@pytest.mark.parametrize("bridges", ["yyy", ("x", "x", "x")])
def test_all_three_talk(bridges: Sequence[str]) -> None:
    call = find(consultation(TWO, bridges))
    assert members(call) == ["1000 ANSWERED", "1001 ANSWER", "1002 ANSWER"]
    assert call.key_transfer is None


def test_of_a_talk_of_three_one_asks_again() -> None:
    """The Local channel of the first consultation is still there."""
    channels = consultation(TWO, ("x", "y", "x"))
    again = [
        channel(FIRST.replace("00000000", "00000001"), 7, "y", Application="", ConsultedBy=TWO),
        channel(SECOND.replace("00000000", "00000001"), 8, "w", Application="Dial", ConsultedBy=TWO),
        channel("PJSIP/1003-00000009", 9, "w"),
    ]
    call = find([*channels, *again])
    assert members(call) == ["1000 HOLD", "1001 ANSWERED", "1002 HOLD", "1003 ANSWER"]
    assert call.key_transfer is not None
    assert call.key_transfer.there == "y"


# Who asked has left -----------------------------------------------------------------------------------


def left(by: str, **options: object) -> list[Event]:
    """Who asked has hung up, and the engine keeps him in its list while the third rings."""
    at = 0 if by == ONE else 1
    channels = consultation(by, ("y", "y", "y"), **options)  # type: ignore[arg-type]
    channels[at] = {**channels[at], "BridgeId": "", "Ended": "1"}
    return channels


@pytest.mark.parametrize(("by", "stays"), [(ONE, "1001"), (TWO, "1000")])
def test_it_is_left_while_the_third_rings(by: str, stays: str) -> None:
    call = find(left(by, ringing=True))
    assert members(call) == [f"{stays} ALERT", "1002 RING"]
    assert (call.answered, call.connected, call.key_transfer) == (False, False, None)
    assert call.caller is not None
    assert call.caller.number == stays


@pytest.mark.parametrize(("by", "stays"), [(ONE, "1001"), (TWO, "1000")])
def test_it_is_left_to_a_machine(by: str, stays: str) -> None:
    assert members(find(left(by, third="machine"))) == [f"{stays} ANSWERED"]


@pytest.mark.parametrize(("by", "stays"), [(ONE, "1001"), (TWO, "1000")])
def test_it_is_done(by: str, stays: str) -> None:
    channels = [one for one in consultation(by, "yyy") if one["Channel"] != by]
    assert members(find(channels)) == [f"{stays} ANSWERED", "1002 ANSWER"]


def test_who_hangs_up_between_the_engines_two_lists_is_still_there() -> None:
    """His end is told after the snapshot."""
    channels = consultation(TWO, "xyy", ringing=True)
    channels[1]["Ended"] = "1"
    assert members(find(channels)) == ["1000 HOLD", "1001 ALERT", "1002 RING"]


# A number is being typed ------------------------------------------------------------------------------


def talk(one: dict[str, str], two: dict[str, str], *others: dict[str, str]) -> list[Event]:
    """1000, 1001 and `others` in one bridge."""
    more = (channel(f"PJSIP/100{at}-0000000{at}", at, "b", **each) for at, each in enumerate(others, 3))
    return [channel(ONE, 1, "b", Application="Dial", **one), channel(TWO, 2, "b", **two), *more]


@pytest.mark.parametrize(("by", "held"), [("1000", "1001"), ("1001", "1000")])
def test_a_number_is_being_typed(by: str, held: str) -> None:
    on_hold = {"OnHold": "1"}
    call = find(talk(on_hold if held == "1000" else {}, on_hold if held == "1001" else {}))
    assert {one.number for one in call.members if one.status is MemberStatus.HOLD} == {held}
    assert call.key_transfer is not None
    assert call.legs[call.key_transfer.leg].party is not None
    assert not call.key_transfer.called
    assert not call.key_transfer.there


def test_a_phone_holds() -> None:
    call = find(talk({"OnHold": "1"}, {"Holds": "1"}))
    assert members(call) == ["1000 HOLD", "1001 ANSWER"]
    assert call.key_transfer is None
    assert call.legs["1795000000.2"].holds == {"1795000000.1"}


@pytest.mark.parametrize(
    "channels",
    [
        talk({}, {}),
        talk({"OnHold": "1"}, {"OnHold": "1"}),  # nobody is left who could hold them
        talk({"OnHold": "1"}, {}, {}),  # one of two does, and nobody can tell which
        talk({"OnHold": "1", "BridgeId": ""}, {}),
    ],
)
def test_nobody_holds(channels: list[Event]) -> None:
    call = find(channels)
    assert call.key_transfer is None
    assert not any(one.status is MemberStatus.HOLD for one in call.members)
