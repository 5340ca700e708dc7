"""Calls that the PBX makes by itself: who is shown, what is told once, what a snapshot says of them."""

from __future__ import annotations

from offhook.callstate import Picture, expect, fold, resync
from offhook.callstate.facts import CallFailed, CallStatus, PlayPromptEnd
from offhook.callstate.model import Member, PartyKind
from tests.unit.callstate_support import Event, at_rest, play

CALL = "1795000000.1000001"
TRUNK = "PJSIP/trunk-first-endpoint"


def event(name: str, channel: str, uniqueid: str, state: str = "Down", **more: str) -> Event:
    """An AMI event of a channel of the call."""
    head = {"Event": name, "Channel": channel, "Uniqueid": uniqueid, "Linkedid": CALL}
    return {**head, "ChannelStateDesc": state, **more}


def opened(context: str) -> list[Event]:
    """The Local channel by which somebody is rung."""
    name = f"Local/95550001@{context}-00000000"
    return [
        event("Newchannel", f"{name};1", CALL),
        event("Newchannel", f"{name};2", "1795000000.1000002", "Ring"),
    ]


def outside(number: str, uniqueid: str) -> list[Event]:
    """A leg to the outside that begins."""
    leg = {"DestChannel": f"{TRUNK}-{number}", "DestUniqueid": uniqueid, "DestLinkedid": CALL}
    return [
        event("Newchannel", f"{TRUNK}-{number}", uniqueid),
        {"Event": "DialBegin", **leg, "DialString": f"{number}@trunk-first-endpoint"},
    ]


def test_who_was_called_is_shown_when_nobody_has_called() -> None:
    first = Member(kind=PartyKind.OUTBOUND, from_number="6500", to_number="95550001", channelid="")
    picture = expect(at_rest(), CALL, "95550001", "95550001", first=first, called=True)
    picture, _ = play(picture, opened("offhook-called"))
    ends = [event("Hangup", "Local/x", CALL), event("Hangup", "Local/x", "1795000000.1000002")]
    _, told = play(picture, ends)
    assert [fact.members for fact in told if isinstance(fact, CallFailed)] == [(first,)]
    # and by its channel once it has one, also if it never rings
    tells = {"UserEvent": "OffhookOutbound", "From": "6500", "To": "95550001"}
    begun = event("UserEvent", "Local/x", "1795000000.1000002", **tells)
    leg = event("Hangup", f"{TRUNK}-00000001", "1795000000.7", Cause="17", TechCause="486")
    _, told = play(picture, [begun, *outside("00000001", "1795000000.7"), leg, *ends])
    (failed,) = (fact for fact in told if isinstance(fact, CallFailed))
    (shown,) = failed.members
    assert (shown.from_number, shown.to_number, shown.trunk) == ("6500", "95550001", "first")
    assert shown.status is None


def test_a_leg_to_the_outside_that_rings_before_dial_begin_has_its_numbers() -> None:
    """The engine tells DialBegin after it has sent the INVITE: a carrier's 180 may be quicker."""
    first = Member(kind=PartyKind.OUTBOUND, from_number="6500", to_number="95550001", channelid="")
    picture = expect(at_rest(), CALL, "95550001", "95550001", first=first, called=True)
    tells = {"UserEvent": "OffhookOutbound", "From": "6500", "To": "95550001"}
    begun = event("UserEvent", "Local/x", "1795000000.1000002", **tells)
    new, dial = outside("00000001", "1795000000.7")
    rings = event("Newstate", f"{TRUNK}-00000001", "1795000000.7", "Ringing")
    _, told = play(picture, [*opened("offhook-called"), begun, new, rings, dial])
    statuses = [fact for fact in told if isinstance(fact, CallStatus)]
    assert [(m.from_number, m.to_number) for fact in statuses for m in fact.members] == [("6500", "95550001")]


def test_the_end_of_what_is_played_is_told_once_for_all_who_hear_it() -> None:
    picture = expect(at_rest(), CALL, "6300", "6300", called=True)
    picture, _ = play(picture, opened("offhook-playprompt"))
    phones = [(f"PJSIP/{number}-00000001", f"1795000000.{number}") for number in ("1001", "1002", "1000")]
    for channel, uniqueid in phones:
        picture, _ = play(picture, [event("Newchannel", channel, uniqueid)])
    for channel, uniqueid in phones[:2]:
        picture, _ = play(
            picture,
            [event("Newstate", channel, uniqueid, "Ringing"), event("Newstate", channel, uniqueid, "Up")],
        )
    played = [
        event("UserEvent", channel, uniqueid, "Up", UserEvent="OffhookPlayed", Prompt="a+b")
        for channel, uniqueid in phones[:2]
    ]
    _, told = play(picture, played)
    (end,) = (fact for fact in told if isinstance(fact, PlayPromptEnd))
    assert [member.number for member in end.members] == ["1001", "1002"], "1000 has not answered"
    assert end.prompt == "a+b"
    assert all(member.status is None and member.callpath == "" for member in end.members)


def test_the_end_of_the_local_channel_is_no_failure_of_who_goes_on() -> None:
    picture = expect(at_rest(), CALL, "95550001", "85550002")
    picture, _ = play(picture, [*opened("offhook-calling"), *outside("00000001", "1795000000.7")])
    picture, _ = play(picture, [event("Newstate", f"{TRUNK}-00000001", "1795000000.7", "Up")])
    gone = [event("Hangup", "Local/x", CALL), event("Hangup", "Local/x", "1795000000.1000002")]
    response = {"Event": "OriginateResponse", "Response": "Failure", "Uniqueid": CALL, "Reason": "3"}
    picture, told = play(picture, [*gone, response])
    assert told == []
    assert picture.calls[CALL].failure is None


def test_a_call_that_an_application_ends_has_not_failed() -> None:
    picture = expect(at_rest(), CALL, "1000", "1001")
    ringing = [
        event("Newchannel", "PJSIP/1000-00000001", CALL),
        event("Newstate", "PJSIP/1000-00000001", CALL, "Ringing"),
    ]
    picture, _ = play(picture, ringing)
    wish = event("SoftHangupRequest", "PJSIP/1000-00000001", CALL)
    ends = [event("Hangup", "PJSIP/1000-00000001", CALL, Cause="16")]
    _, told = play(picture, [wish | {"ByApplication": "yes"}, *ends])
    assert not any(isinstance(fact, CallFailed) for fact in told)
    _, told = play(picture, [wish, *ends])
    assert any(isinstance(fact, CallFailed) for fact in told), "the engine's own word is no wish of anybody"


def test_a_snapshot_tells_who_was_called() -> None:
    shown = {
        "Channel": f"{TRUNK}-00000001",
        "Uniqueid": "1795000000.7",
        "Linkedid": CALL,
        "ChannelStateDesc": "Up",
    }
    for application, code, kind in (
        ("Read", "called|6500|95550001", PartyKind.OUTBOUND),
        ("Read", "", PartyKind.INBOUND),
    ):
        event = {**shown, "Application": application, "AccountCode": code, "CallerIDNum": "95550001"}
        picture, _ = resync(Picture(), [event], [])
        (member,) = picture.calls[CALL].members
        assert member.kind is kind
        if kind is PartyKind.OUTBOUND:
            assert (member.from_number, member.to_number) == ("6500", "95550001")
    # what it calls in its turn has the same code, and is a leg that was dialled anyway
    dialled = {**shown, "Application": "AppDial", "AccountCode": "called|6500|95550001"}
    picture, _ = resync(Picture(), [dialled], [])
    (member,) = picture.calls[CALL].members
    assert (member.kind, member.to_number) == (PartyKind.OUTBOUND, "")


def test_a_second_end_of_prompts_and_foreign_events_change_nothing() -> None:
    picture = at_rest()
    same, told = fold(picture, {"Event": "UserEvent", "UserEvent": "OffhookPlayed", "Prompt": "x"})
    assert (same.calls, told) == (picture.calls, ())
