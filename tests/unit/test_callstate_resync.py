"""After an interruption the picture is made right from the engine's snapshot, and nothing is told twice."""

from __future__ import annotations

import pytest

from offhook.callstate import Picture, expect, fold, resync
from offhook.callstate.model import MemberStatus
from offhook.callstate.phase import Phase
from tests.unit.callstate_support import Event, at_rest, callid_of, contacts, lines, load, play

TALKING, RINGING = "1795516998.58", "1795516998.60"


def channels() -> list[Event]:
    """1000 talks with 1001; 1002 rings 1003 at two phones."""
    return [event for event in load("snapshot") if event["Event"] == "CoreShowChannel"]


def statuses(picture: Picture, callid: str) -> list[tuple[str, str | None]]:
    call = picture.call(callid)
    assert call is not None
    return [(member.number, member.status) for member in call.members]


def test_running_calls_are_found_with_their_roles_and_states_silently() -> None:
    picture, facts = resync(Picture(), channels(), contacts())
    assert facts == ()
    assert statuses(picture, TALKING) == [("1000", MemberStatus.ANSWERED), ("1001", MemberStatus.ANSWER)]
    assert statuses(picture, RINGING) == [("1002", MemberStatus.ALERT), ("1003", MemberStatus.RING)]
    words = {extension: str(picture.status_word(extension)) for extension in ("1000", "1001", "1002", "1003")}
    assert words == {"1000": "Busy", "1001": "Busy", "1002": "Busy", "1003": "Ringing"}


def test_the_order_of_the_snapshot_does_not_matter() -> None:
    forth, _ = resync(Picture(), channels(), contacts())
    back, _ = resync(Picture(), channels()[::-1], contacts())
    assert statuses(back, TALKING) == statuses(forth, TALKING)
    assert statuses(back, RINGING) == statuses(forth, RINGING)


def test_a_call_that_was_found_goes_on_as_any_other() -> None:
    picture, _ = resync(Picture(), channels(), contacts())
    _, facts = play(
        picture,
        [
            {"Event": "Newstate", "Uniqueid": "1795516998.62", "Linkedid": RINGING, "ChannelStateDesc": "Up"},
            {"Event": "Hangup", "Uniqueid": "1795516998.61", "Linkedid": RINGING, "Cause": "26"},
            {"Event": "HangupRequest", "Uniqueid": "1795516998.60", "Linkedid": RINGING},
            {"Event": "Hangup", "Uniqueid": "1795516998.62", "Linkedid": RINGING, "Cause": "16"},
            {"Event": "Hangup", "Uniqueid": "1795516998.60", "Linkedid": RINGING, "Cause": "16"},
        ],
    )
    assert lines(facts) == [
        "1002 ANSWERED, 1003 ANSWER",
        "1003 is Busy",
        "1002 BYE",
        "1003 BYE",
        "1002 is Registered",
        "1003 is Registered",
        "ended",
    ]


def test_a_dead_engine_ends_all_calls_but_takes_no_registration() -> None:
    picture, _ = resync(Picture(), channels(), contacts())
    picture, facts = resync(picture, [], None)
    assert not picture.calls
    assert "1000 is Registered" in lines(facts)
    assert not [text for text in lines(facts) if "Unregistered" in text]


def test_the_same_snapshot_again_tells_nothing() -> None:
    picture, _ = resync(Picture(), channels(), contacts())
    assert resync(picture, channels(), contacts()) == (picture, ())


def test_calls_that_are_gone_end_without_a_reason() -> None:
    picture, _ = resync(Picture(), channels(), contacts())
    picture, facts = resync(picture, channels()[2:], contacts())
    assert lines(facts) == ["1000 BYE", "1001 BYE", "1000 is Registered", "1001 is Registered", "ended"]
    assert set(picture.calls) == {RINGING}


def test_a_call_that_vanished_while_it_rang_has_not_failed() -> None:
    picture, _ = resync(Picture(), channels(), contacts())
    _, facts = resync(picture, channels()[:2], contacts())
    assert lines(facts) == ["1002 BYE", "1003 BYE", "1002 is Registered", "1003 is Registered", "ended"]


def test_the_older_of_two_parties_is_the_caller_where_the_first_channel_is_gone() -> None:
    one, other = (
        {**event, "Linkedid": "1795516998.50", "Application": "AppDial"} for event in channels()[:2]
    )
    picture, _ = resync(Picture(), [other, one], contacts())
    assert statuses(picture, "1795516998.50") == [("1000", "ANSWERED"), ("1001", "ANSWER")]


def test_what_a_known_call_did_meanwhile_is_told() -> None:
    events = load("answered_caller_hangs_up")
    ringing = next(index for index, event in enumerate(events) if event["Event"] == "DialEnd") - 1
    picture, _ = play(at_rest(), events[:ringing])
    snapshot = [
        {
            "Uniqueid": "1795516946.0",
            "Linkedid": "1795516946.0",
            "Channel": "PJSIP/1000-00000000",
            "ChannelStateDesc": "Up",
            "Application": "Dial",
        },
        {
            "Uniqueid": "1795516946.1",
            "Linkedid": "1795516946.0",
            "Channel": "PJSIP/1001-00000001",
            "ChannelStateDesc": "Up",
            "Application": "AppDial",
        },
    ]
    picture, facts = resync(picture, snapshot, contacts())
    assert lines(facts) == ["1000 ANSWERED, 1001 ANSWER", "1001 is Busy"]
    _, rest = play(picture, events[ringing:])
    assert lines(rest) == ["1000 BYE", "1001 BYE", "1000 is Registered", "1001 is Registered", "ended"]


def test_an_originated_call_without_a_channel_has_failed() -> None:
    picture = expect(at_rest(), "1795516980.1000001", "1000", "1001")
    picture, facts = resync(picture, [], contacts())
    assert lines(facts) == ["failed 408 Request Time: 1000", "ended"]
    assert not picture.calls


@pytest.mark.parametrize(
    "name", ["originate_answered", "originate_two_phones", "originate_two_phones_optimised"]
)
def test_an_originated_call_is_found_in_each_of_its_states(name: str) -> None:
    """Only the events before the interruption are known to one picture, only the snapshot to the other."""
    events = load(name)
    callid = callid_of(events)
    whole = at_rest()
    checked = 0
    for event in events:
        if event["Event"] == "HangupRequest" and event["Channel"].startswith("PJSIP"):
            break
        whole, _ = fold(whole, event)
        call = whole.call(callid)
        if call is None or not call.members or any(leg.state == "Down" for leg in call.legs.values()):
            continue
        snapshot = [
            {
                "Uniqueid": leg.uniqueid,
                "Linkedid": callid,
                "Channel": leg.channelid,
                "ChannelStateDesc": leg.state.value,
                "Application": _application(leg.channelid, leg.dialled, leg.uniqueid == callid, leg.state),
            }
            for leg in call.legs.values()
        ]
        found, facts = resync(Picture(), snapshot, contacts())
        assert facts == ()
        assert sorted(statuses(found, callid)) == sorted(statuses(whole, callid)), event
        checked += 1
    assert checked >= 5


def _application(channel: str, dialled: bool, first: bool, state: str) -> str:
    """What CoreShowChannels names: AppDial for a dialled leg, Dial for one that has entered the dialplan."""
    if first:
        return "Dial" if state == "Up" else "AppDial2"
    return "AppDial" if dialled else "Dial"


def _found(*channels: tuple[str, str, str, str, str]) -> Picture:
    """What a first snapshot gives; channels by name, context, application, account code and bridge."""
    call = "1795000000.1"
    found = [
        {
            "Channel": f"PJSIP/{name}-0000000{at}",
            "Uniqueid": f"1795000000.{at}",
            "Linkedid": call,
            "ChannelStateDesc": "Ringing" if application == "AppDial" and not bridge else "Up",
            "Context": context,
            "Application": application,
            "AccountCode": code,
            "BridgeId": bridge,
        }
        for at, (name, context, application, code, bridge) in enumerate(channels, 1)
    ]
    picture, facts = resync(Picture(), found, ())
    assert facts == ()
    return picture


CONSULTS = "called||~PJSIP/1000-00000001|1002"


def test_a_party_that_an_application_holds_is_found_held() -> None:
    picture = _found(
        ("1000", "offhook-silent", "BridgeWait", "", "b"),
        ("1001", "offhook-held", "MusicOnHold", "called||", ""),
    )
    assert statuses(picture, "1795000000.1") == [("1000", MemberStatus.ANSWERED), ("1001", MemberStatus.HOLD)]
    assert picture.calls["1795000000.1"].phase is Phase.HELD


@pytest.mark.parametrize(
    ("held", "transferring", "third", "phase"),
    [
        (("offhook-held", ""), ("offhook-dial", ""), ("from-extension", "AppDial", ""), Phase.CONSULTING),
        (("offhook-held", ""), ("offhook-dial", "b"), ("from-extension", "AppDial", "b"), Phase.CONSULTED),
        (("offhook-held", "b"), ("offhook-talk", "b"), ("offhook-held", "MusicOnHold", ""), Phase.SWAPPED),
    ],
)
def test_a_consultation_is_found(
    held: tuple[str, str], transferring: tuple[str, str], third: tuple[str, str, str], phase: Phase
) -> None:
    picture = _found(
        ("1000", held[0], "MusicOnHold", "", held[1]),
        ("1001", transferring[0], "Dial", CONSULTS, transferring[1]),
        ("1002", third[0], third[1], CONSULTS, third[2]),
    )
    call = picture.calls["1795000000.1"]
    assert call.phase is phase
    assert call.consultation is not None
    assert call.consultation.number == "1002"
    waits = "1002" if phase is Phase.SWAPPED else "1000"
    assert [number for number, status in statuses(picture, call.callid) if status is MemberStatus.HOLD] == [
        waits
    ]


def test_a_code_of_a_consultation_that_is_over_means_nothing() -> None:
    picture = _found(("1000", "offhook-held", "", "", "b"), ("1001", "offhook-dial", "Dial", CONSULTS, "b"))
    assert picture.calls["1795000000.1"].phase is Phase.IDLE


def test_a_parked_party_is_found_on_hold() -> None:
    channel = {
        "Channel": "PJSIP/1000-00000001",
        "Uniqueid": "1795000000.1",
        "Linkedid": "1795000000.1",
        "ChannelStateDesc": "Up",
        "Application": "Park",
    }
    picture, _ = resync(Picture(), [channel], (), (), [{"ParkeeUniqueid": "1795000000.1"}])
    assert statuses(picture, "1795000000.1") == [("1000", MemberStatus.HOLD)]
    assert picture.calls["1795000000.1"].phase is Phase.PARKED
