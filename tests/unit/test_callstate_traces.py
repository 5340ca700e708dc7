"""What is told of real calls: recorded sessions against the whole list of facts (spec 15 `sequences`)."""

from __future__ import annotations

import pytest

from offhook.callstate.facts import CallEnded, CallFailed, CallStatus, ExtensionStatus
from tests.unit.callstate_support import all_calls, callid_of, lines, load, play_call

A_DIALS_B = ["1000 is Busy", "1000 ALERT, 1001 RING", "1001 is Ringing"]
A_IS_CALLED = ["1000 ALERT", "1000 is Ringing"]
B_RINGS = ["1000 is Busy", "1000 ALERT, 1001 RING", "1001 is Ringing"]
B_ANSWERS = ["1000 ANSWERED, 1001 ANSWER", "1001 is Busy"]
A_LEAVES_FIRST = ["1000 BYE", "1001 BYE", "1000 is Registered", "1001 is Registered"]
B_LEAVES_FIRST = ["1001 BYE", "1000 BYE", "1001 is Registered", "1000 is Registered"]
A_ALONE_LEAVES = ["1000 BYE", "1000 is Registered"]

EXPECTED = {
    "answered_caller_hangs_up": [*A_DIALS_B, *B_ANSWERS, *A_LEAVES_FIRST, "ended"],
    "answered_callee_hangs_up": [*A_DIALS_B, *B_ANSWERS, *B_LEAVES_FIRST, "ended"],
    "busy_486": [*A_DIALS_B, *B_LEAVES_FIRST, "failed 486 Busy here: 1000", "ended"],
    "busy_486_unrung": ["1000 is Busy", *A_ALONE_LEAVES, "failed 486 Busy here: 1000", "ended"],
    "declined_603": [*A_DIALS_B, *B_LEAVES_FIRST, "failed 486 Busy here: 1000", "ended"],
    "no_answer": [*A_DIALS_B, *B_LEAVES_FIRST, "failed 603 Declined: 1000", "ended"],
    "caller_cancels": [*A_DIALS_B, *A_LEAVES_FIRST, "ended"],
    "dnd": ["1000 is Busy", *A_ALONE_LEAVES, "failed DND: 1000", "ended"],
    "callee_unregistered": [
        "1001 is Unregistered at ''",
        "1000 is Busy",
        *A_ALONE_LEAVES,
        "failed 408 Request Time: 1000",
        "ended",
        "1001 is Registered",
    ],
    "caller_reaches_application": ["1000 is Busy", "1000 ANSWERED", *A_ALONE_LEAVES, "ended"],
    "hold": [
        *A_DIALS_B,
        *B_ANSWERS,
        "1000 HOLD, 1001 ANSWER",
        "1000 ANSWERED, 1001 ANSWER",
        *A_LEAVES_FIRST,
        "ended",
    ],
    "hold_by_caller": [*A_DIALS_B, *B_ANSWERS, "1000 ANSWERED, 1001 HOLD", *B_LEAVES_FIRST, "ended"],
    "voicemail_noanswer": [
        *A_DIALS_B,
        "1001 BYE",
        "1001 is Registered",
        "1000 ANSWERED",
        *A_ALONE_LEAVES,
        "ended",
    ],
    "forward_noanswer": [
        *A_DIALS_B,
        "1001 BYE",
        "1001 is Registered",
        "forward 1000",
        "1000 ALERT, 1002 RING",
        "1002 is Ringing",
        "1000 ANSWERED, 1002 ANSWER",
        "1002 is Busy",
        "1000 BYE",
        "1002 BYE",
        "1000 is Registered",
        "1002 is Registered",
        "ended",
    ],
    "originate_answered": [*A_IS_CALLED, *B_RINGS, *B_ANSWERS, *A_LEAVES_FIRST, "ended"],
    "originate_api_hangup": [*A_IS_CALLED, *B_RINGS, *B_ANSWERS, *A_LEAVES_FIRST, "ended"],
    "originate_caller_busy": ["failed 486 Busy here: 1000", "ended"],
    "originate_caller_declines": [*A_IS_CALLED, *A_ALONE_LEAVES, "failed 486 Busy here: 1000", "ended"],
    "originate_caller_no_answer": [*A_IS_CALLED, *A_ALONE_LEAVES, "failed 603 Declined: 1000", "ended"],
    "originate_caller_unregistered": [
        "1000 is Unregistered at ''",
        "failed 408 Request Time: 1000",
        "ended",
        "1000 is Registered",
    ],
    "originate_callee_busy": [
        *A_IS_CALLED,
        *B_RINGS,
        *B_LEAVES_FIRST,
        "failed 486 Busy here: 1000",
        "ended",
    ],
    "originate_callee_no_answer": [
        *A_IS_CALLED,
        *B_RINGS,
        *B_LEAVES_FIRST,
        "failed 603 Declined: 1000",
        "ended",
    ],
    "originate_caller_gives_up": [*A_IS_CALLED, *B_RINGS, *A_LEAVES_FIRST, "ended"],
    "originate_two_phones_unanswered": [
        "1003 ALERT",
        "1003 is Ringing",
        "1003 BYE",
        "1003 is Registered",
        "failed 603 Declined: 1003",
        "ended",
    ],
    "originate_two_phones_busy": [
        "1003 ALERT",
        "1003 is Ringing",
        "1003 BYE",
        "1003 is Registered",
        "failed 486 Busy here: 1003",
        "ended",
    ],
    "two_phones_one_answers": [
        "1000 is Busy",
        "1000 ALERT, 1003 RING",
        "1003 is Ringing",
        "1000 ANSWERED, 1003 ANSWER",
        "1003 is Busy",
        "1000 BYE",
        "1003 BYE",
        "1000 is Registered",
        "1003 is Registered",
        "ended",
    ],
    "ring_group": [
        *A_DIALS_B,
        "1000 ALERT, 1001 RING, 1002 RING",
        "1002 is Ringing",
        *B_ANSWERS,
        "1002 BYE",
        "1002 is Registered",
        *A_LEAVES_FIRST,
        "ended",
    ],
    "outbound": [
        "1000 is Busy",
        "1000 ALERT, outbound 1000>5550000@siptrunk RING",
        "1000 ANSWERED, outbound 1000>5550000@siptrunk ANSWER",
        "1000 BYE",
        "outbound 1000>5550000@siptrunk BYE",
        "1000 is Registered",
        "ended",
    ],
}
EXPECTED["transfer_by_ami"] = [
    *A_DIALS_B,
    *B_ANSWERS,
    "1000 BYE",
    "1000 is Registered",
    "1001 ALERT, 1002 RING",
    "1002 is Ringing",
    "1001 ANSWERED, 1002 ANSWER",
    "1002 is Busy",
    "1002 BYE",
    "1001 BYE",
    "1002 is Registered",
    "1001 is Registered",
    "ended",
]
B_TRANSFERS = [*A_DIALS_B, *B_ANSWERS, "transfer 1000, 1001", "1000 HOLD, 1001 ANSWER"]
B_IS_OUT = ["1001 BYE", "1001 is Registered"]
C_TALKS = ["1000 ANSWERED, 1002 ANSWER", "1002 is Busy"]
A_AND_C_END = ["1000 BYE", "1002 BYE", "1000 is Registered", "1002 is Registered", "ended"]
EXPECTED["transfer_by_key"] = [
    *B_TRANSFERS,
    *B_IS_OUT,
    "1000 ALERT, 1002 RING",
    "1002 is Ringing",
    *C_TALKS,
    *A_AND_C_END,
]
EXPECTED["consultation_by_caller"] = [
    *A_DIALS_B,
    *B_ANSWERS,
    "transfer 1000, 1001",
    "1000 ANSWERED, 1001 HOLD",
    "1000 ALERT, 1002 RING",
    "1002 is Ringing",
    *C_TALKS,
    *A_ALONE_LEAVES,
    "1001 ANSWERED, 1002 ANSWER",
    "1002 BYE",
    "1001 BYE",
    "1002 is Registered",
    "1001 is Registered",
    "ended",
]
EXPECTED["consultation_returns"] = [
    *B_TRANSFERS,
    "1001 ALERT, 1002 RING",
    "1002 is Ringing",
    "1002 BYE",
    "1002 is Registered",
    "1000 ANSWERED, 1001 ANSWER",
    *A_LEAVES_FIRST,
    "ended",
]
EXPECTED["consultation_left_ringing"] = [
    *B_TRANSFERS,
    "1001 ALERT, 1002 RING",
    "1002 is Ringing",
    *B_IS_OUT,
    "1000 ALERT, 1002 RING",
    *C_TALKS,
    *A_AND_C_END,
]
EXPECTED["consultation_changes_over"] = [
    *B_TRANSFERS,
    "1001 ALERT, 1002 RING",
    "1002 is Ringing",
    "1001 ANSWERED, 1002 ANSWER",
    "1002 is Busy",
    "1000 ANSWERED, 1001 ANSWERED, 1002 HOLD",
    "1000 HOLD, 1001 ANSWERED, 1002 ANSWER",
    "1000 ANSWERED, 1001 ANSWER, 1002 ANSWER",
    *B_IS_OUT,
    *A_AND_C_END,
]
EXPECTED["parked_too_long"] = [
    *A_DIALS_B,
    *B_ANSWERS,
    "1000 HOLD, 1001 ANSWER",
    *B_IS_OUT,
    "1000 ALERT, 1001 RING",
    "1001 is Ringing",
    *B_ANSWERS,
    *B_LEAVES_FIRST,
    "ended",
]
EXPECTED["invited_by_a_room"] = [
    "1001 RING",
    "1001 is Ringing",
    "1001 ANSWER",
    "1001 is Busy",
    *B_IS_OUT,
    "ended",
]
EXPECTED["voicemail_busy"] = EXPECTED["voicemail_noanswer"]
EXPECTED["originate_two_phones"] = EXPECTED["originate_two_phones_optimised"] = [
    "1003 ALERT",
    "1003 is Ringing",
    "1003 is Busy",
    "1003 ALERT, 1001 RING",
    "1001 is Ringing",
    "1003 ANSWERED, 1001 ANSWER",
    "1001 is Busy",
    "1003 BYE",
    "1001 BYE",
    "1003 is Registered",
    "1001 is Registered",
    "ended",
]


def test_every_recorded_call_has_its_expectation() -> None:
    assert sorted(EXPECTED) == all_calls()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_recorded_call_tells_exactly_its_sequence(name: str) -> None:
    picture, facts = play_call(name)
    assert lines(facts) == EXPECTED[name]
    assert not picture.calls
    assert not picture.channels
    assert not picture.lines
    assert not picture.owed


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_all_facts_of_a_call_carry_its_callid(name: str) -> None:
    _, facts = play_call(name)
    callids = {fact.callid for fact in facts if not isinstance(fact, ExtensionStatus)}
    assert callids == {callid_of(load(name))}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_end_is_told_once_and_after_everything_else_of_the_call(name: str) -> None:
    _, facts = play_call(name)
    of_call = [fact for fact in facts if not isinstance(fact, ExtensionStatus)]
    assert [type(fact) for fact in of_call].count(CallEnded) == 1
    assert isinstance(of_call[-1], CallEnded)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_doubled_events_change_nothing(name: str) -> None:
    once_only = ("UserEvent",)  # the dialplan says a thing twice only if it happens twice
    doubled = [event for event in load(name) for _ in range(1 if event["Event"] in once_only else 2)]
    _, once = play_call(name)
    _, twice = play_call(name, doubled)
    assert twice == once


def test_members_are_known_by_their_channels() -> None:
    _, facts = play_call("originate_answered")
    status = [fact for fact in facts if isinstance(fact, CallStatus)]
    assert [member.channelid for member in status[2].members] == [
        "PJSIP/1000-00000019",
        "PJSIP/1001-0000001a",
    ]


def test_an_extension_with_two_phones_is_known_by_the_ringing_then_by_the_answering_one() -> None:
    _, facts = play_call("originate_two_phones")
    status = [fact for fact in facts if isinstance(fact, CallStatus)]
    up = next(
        event
        for event in load("originate_two_phones")
        if event["Event"] == "Newstate" and event["ChannelStateDesc"] == "Up"
    )
    assert status[0].members[0].channelid == "PJSIP/1003-00000024"
    assert {fact.members[0].channelid for fact in status[1:4]} == {up["Channel"]}


def test_a_bye_names_the_other_party_for_the_older_dialects() -> None:
    _, facts = play_call("answered_caller_hangs_up")
    first, second = [fact for fact in facts if isinstance(fact, CallStatus)][-2:]
    assert [member.number for member in (*first.members, *first.others)] == ["1000", "1001"]
    assert [member.number for member in (*second.members, *second.others)] == ["1001", "1000"]


def test_a_call_that_never_had_a_channel_fails_with_an_empty_channelid() -> None:
    _, facts = play_call("originate_caller_unregistered")
    failed = next(fact for fact in facts if isinstance(fact, CallFailed))
    assert failed.members[0].channelid == ""


def test_a_failed_call_names_the_callers_channel() -> None:
    _, facts = play_call("originate_caller_busy")
    failed = next(fact for fact in facts if isinstance(fact, CallFailed))
    assert failed.members[0].channelid.startswith("PJSIP/1000-")
