"""Calls from outside that wait for an application's word, in the picture alone (spec 15 `inbound`)."""

from __future__ import annotations

import pytest

from offhook.callstate import Picture, resync
from offhook.callstate.facts import CallEnded, CallStatus, Fact, Incoming, Invite, PhaseChanged
from offhook.callstate.model import Direction, Member, MemberStatus, PartyKind
from offhook.callstate.phase import Phase
from tests.unit.callstate_support import Event, play

TRUNK = "PJSIP/trunk-siptrunk-endpoint-"


def channel(number: int = 1, **more: str) -> Event:
    """The headers of one caller's channel."""
    uniqueid = f"1700000000.{number}"
    return {
        "Channel": f"{TRUNK}{number:08x}",
        "ChannelStateDesc": "Ring",
        "CallerIDNum": "12345678",
        "Exten": "account",
        "Uniqueid": uniqueid,
        "Linkedid": uniqueid,
        **more,
    }


def user(name: str, number: int = 1, **more: str) -> Event:
    """A UserEvent of the dialplan."""
    return channel(number, Event="UserEvent", UserEvent=name, **more)


def arrival(number: int = 1) -> list[Event]:
    """A call comes in."""
    return [
        channel(number, Event="Newchannel"),
        user("OffhookInbound", number, Did="5503301", From="2000"),
    ]


def hangup(number: int = 1) -> list[Event]:
    """The caller gives up."""
    return [channel(number, Event="HangupRequest"), channel(number, Event="Hangup", Cause="127")]


def told(facts: list[Fact]) -> list[Fact]:
    """What the world hears, and the end."""
    return [fact for fact in facts if not isinstance(fact, PhaseChanged)]


ID = "1700000000.1"
ASKED = Member(
    kind=PartyKind.INBOUND,
    channelid=f"{TRUNK}00000001",
    from_number="2000",
    to_number="5503301",
    trunk="siptrunk",
)
INVITE, INCOMING = Invite(ID, (ASKED,)), Incoming(ID, (ASKED,))


def phase(picture: Picture) -> Phase | None:
    """Where the call stands."""
    call = picture.call(ID)
    return call.phase if call else None


def test_both_questions_and_the_transfer() -> None:
    picture, facts = play(Picture(), [*arrival(), user("OffhookInvite"), user("OffhookInvite")])
    assert told(facts) == [INVITE]
    assert phase(picture) is Phase.INVITED
    call = picture.call(ID)
    assert call is not None
    assert [member.status for member in call.members] == [MemberStatus.ALERT]
    assert call.direction is Direction.INBOUND

    picture, facts = play(picture, [user("OffhookDecided", By="accept", Word="accept-1.2")])
    assert told(facts) == []
    assert phase(picture) is Phase.IDLE
    assert (call := picture.call(ID)) is not None
    assert call.decided == "accept-1.2"

    picture, facts = play(picture, [user("OffhookIncoming"), user("OffhookIncoming")])
    assert told(facts) == [INCOMING]
    assert phase(picture) is Phase.DECIDING
    picture, facts = play(picture, [user("OffhookMoved")])
    assert told(facts) == []
    assert phase(picture) is Phase.IDLE


@pytest.mark.parametrize("question", ["OffhookInvite", "OffhookIncoming"])
def test_a_caller_who_gives_up_is_told_to_nobody(question: str) -> None:
    _, facts = play(Picture(), [*arrival(), user(question), *hangup()])
    assert told(facts)[1:] == [CallEnded(ID)]


def test_a_refused_call_ends_silently_and_is_decided_no_more() -> None:
    refused = user("OffhookDecided", By="refuse", Word="refuse-1.2")
    late = [user("OffhookDecided", By="accept", Word="accept-1.3"), user("OffhookInvite")]
    picture, facts = play(Picture(), [*arrival(), user("OffhookInvite"), refused, *late])
    assert phase(picture) is Phase.REFUSED
    assert (call := picture.call(ID)) is not None
    assert call.decided == "refuse-1.2"
    _, more = play(picture, hangup())
    assert told([*facts, *more]) == [INVITE, CallEnded(ID)]


def test_a_question_that_is_over_is_an_ordinary_call() -> None:
    timeout = user("OffhookDecided", By="timeout", Word="")
    _, facts = play(Picture(), [*arrival(), user("OffhookIncoming"), timeout, *hangup()])
    assert [type(fact) for fact in told(facts)][:2] == [Incoming, CallStatus]


def snapshot(context: str, application: str, number: int = 1) -> Event:
    """The call as the engine lists it."""
    return channel(
        number, Event="CoreShowChannel", Context=context, Application=application, Exten="5503301"
    ) | {"CallerIDNum": "2000"}


@pytest.mark.parametrize(
    ("context", "application", "expected", "stands"),
    [
        ("offhook-invite", "WaitForCondition", INVITE, Phase.INVITED),
        ("offhook-incoming", "Wait", INCOMING, Phase.DECIDING),
    ],
)
def test_a_call_that_is_found_waiting_is_asked_about_once(
    context: str, application: str, expected: Fact, stands: Phase
) -> None:
    living = [snapshot(context, application)]
    picture, facts = resync(Picture(), living, ())
    assert told(list(facts)) == [expected]
    assert phase(picture) is stands
    again, facts = resync(picture, living, ())
    assert facts == ()
    assert again == picture
    # it was decided about while nobody looked
    picture, facts = resync(picture, [snapshot("offhook-dial", "Dial")], ())
    assert told(list(facts)) == []
    assert phase(picture) is Phase.IDLE


def test_a_call_that_began_to_wait_while_nobody_looked_is_asked_about() -> None:
    picture, _ = play(Picture(), arrival())
    picture, facts = resync(picture, [snapshot("offhook-invite", "WaitForCondition")], ())
    assert told(list(facts)) == [INVITE]


def test_a_call_that_ended_while_it_waited_and_nobody_looked_ends_silently() -> None:
    picture, _ = play(Picture(), [*arrival(), user("OffhookInvite")])
    _, facts = resync(picture, (), ())
    assert told(list(facts)) == [CallEnded(ID)]
