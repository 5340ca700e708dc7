"""Parties, roles, reasons, and the questions that the API asks of the picture."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.callstate import Picture, abandon, expect, fold
from offhook.callstate.call import ALLOWED, Role, Seat, set_role, set_status
from offhook.callstate.facts import CallEnded
from offhook.callstate.model import Direction, Member, MemberStatus, PartyKind
from offhook.callstate.party import (
    Party,
    PartyType,
    browser_endpoint_of,
    endpoint_of,
    party_of_channel,
    party_of_endpoint,
)
from offhook.callstate.reasons import Reason, by_cause, by_originate, by_sip, by_text, heavier
from tests.unit.callstate_support import Event, at_rest, lines, load, play

A = Party(PartyType.EXTENSION, "1000")
EXTENSIONS = st.from_regex(r"[0-9]{1,7}", fullmatch=True)
TRUNKS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30)


def seat(status: MemberStatus | None, role: Role = Role.CALLER) -> Seat:
    member = Member(kind=PartyKind.EXT, number="1000", channelid="PJSIP/1000-1", status=status)
    return Seat(party=A, role=role, legs=("1.1",), member=member)


# Parties


@given(EXTENSIONS)
def test_an_extensions_endpoints_lead_back_to_it(number: str) -> None:
    party = Party(PartyType.EXTENSION, number)
    assert party_of_endpoint(endpoint_of(party)) == party
    assert party_of_endpoint(browser_endpoint_of(number)) == party
    assert party_of_channel(f"PJSIP/{browser_endpoint_of(number)}-0000001f") == party


@given(TRUNKS)
def test_a_trunks_endpoint_leads_back_to_it_whatever_its_name(name: str) -> None:
    party = Party(PartyType.TRUNK, name)
    assert party_of_endpoint(endpoint_of(party)) == party
    assert party_of_channel(f"PJSIP/{endpoint_of(party)}-0000001f") == party


@pytest.mark.parametrize(
    "channel", ["Local/1000@ring-extension-00000001;1", "PJSIP/1000", "Message/ast_msg_queue", "PJSIP/-1", ""]
)
def test_other_channels_have_no_party(channel: str) -> None:
    assert party_of_channel(channel) is None


# Statuses


@given(st.sampled_from([None, *MemberStatus]), st.sampled_from(list(MemberStatus)))
def test_a_status_changes_only_as_allowed(old: MemberStatus | None, new: MemberStatus) -> None:
    changed = set_status(seat(old), new)
    assert changed.status is (new if new in ALLOWED[old] else old)


def test_nothing_follows_bye() -> None:
    assert all(set_status(seat(MemberStatus.BYE), new).status is MemberStatus.BYE for new in MemberStatus)


@pytest.mark.parametrize(
    ("caller", "callee"),
    [
        (MemberStatus.ALERT, MemberStatus.RING),
        (MemberStatus.ANSWERED, MemberStatus.ANSWER),
        (MemberStatus.HOLD, MemberStatus.HOLD),
        (None, None),
    ],
)
def test_a_status_has_its_word_on_each_side(caller: MemberStatus | None, callee: MemberStatus | None) -> None:
    assert set_role(seat(caller), Role.CALLEE).status is callee
    assert set_role(seat(callee, Role.CALLEE), Role.CALLER).status is caller


# Reasons


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (200, None),
        (404, "404 NOT found"),
        (408, "408 Request Time"),
        (410, "410 Gone"),
        (480, "480 Temporatily Unavailable"),
        (484, "484 Address incomplete"),
        (486, "486 Busy here"),
        (487, None),
        (488, "480 Temporatily Unavailable"),
        (500, "Line Unreachable"),
        (503, "Circuit/channel congestion"),
        (603, "486 Busy here"),
    ],
)
def test_a_phones_answer_has_the_reason_that_the_contract_means(code: int, reason: str | None) -> None:
    assert by_sip(code) == reason


def test_causes_without_a_meaning_give_no_reason() -> None:
    assert [by_cause(cause) for cause in (0, 16, 26, 127)] == [None] * 4
    assert by_cause(17) is Reason.BUSY
    assert [by_originate(code) for code in (0, 1, 3, 5)] == [None, None, Reason.RANG_OUT, Reason.BUSY]


def test_a_person_who_refused_outweighs_a_phone_that_is_off() -> None:
    assert heavier(Reason.PHONE_OFF, Reason.REFUSED) is Reason.REFUSED
    assert heavier(None, Reason.PHONE_OFF) is Reason.PHONE_OFF
    assert heavier(None, None) is None


@given(st.text())
def test_the_dialplans_reason_is_always_one_of_the_contract(text: str) -> None:
    assert by_text(text) in Reason


# What the API asks


def in_talk(name: str) -> Picture:
    picture = at_rest()
    for event in load(name):
        picture, _ = fold(picture, event)
        if any(len(call.members) == 2 and call.connected for call in picture.calls.values()):
            return picture
    raise AssertionError("nobody talks")


def test_a_call_is_found_by_id_channel_and_extension() -> None:
    picture = in_talk("answered_caller_hangs_up")
    call = picture.call("1795516946.0")
    assert call is not None
    assert [member.number for member in call.members] == ["1000", "1001"]
    assert call.direction is Direction.INTERNAL
    assert picture.by_channel("PJSIP/1001-00000001") is call
    assert picture.calls_of("1000") == picture.calls_of("1001") == (call,)
    assert picture.calls_of("1002") == ()
    assert picture.by_channel("PJSIP/1001-00000002") is None
    assert picture.call("1795516946.1") is None


def test_a_call_over_a_trunk_has_its_direction() -> None:
    (call,) = in_talk("outbound").calls.values()
    assert call.direction is Direction.OUTBOUND
    events: list[Event] = [
        {
            "Event": "Newchannel",
            "Channel": "PJSIP/trunk-To6.36-endpoint-0000003d",
            "ChannelStateDesc": "Ring",
            "CallerIDNum": "192929500",
            "Exten": "1020",
            "Uniqueid": "1.1",
            "Linkedid": "1.1",
        },
        {
            "Event": "Newchannel",
            "Channel": "PJSIP/1020-0000003e",
            "ChannelStateDesc": "Down",
            "Uniqueid": "1.2",
            "Linkedid": "1.1",
        },
        {"Event": "Newstate", "ChannelStateDesc": "Ringing", "Uniqueid": "1.2", "Linkedid": "1.1"},
    ]
    picture, facts = play(Picture(), events)
    assert lines(facts)[0] == "inbound 192929500>1020@To6.36 ALERT, 1020 RING"
    assert picture.calls["1.1"].direction is Direction.INBOUND


def test_an_ended_call_is_gone_at_once() -> None:
    picture, _ = play(at_rest(), load("answered_caller_hangs_up"))
    assert picture.call("1795516946.0") is None
    assert picture.calls_of("1000") == ()


# Originated calls


def test_an_announced_call_is_known_before_its_first_channel() -> None:
    picture = expect(at_rest(), "1.1000000", "1000", "1001")
    call = picture.call("1.1000000")
    assert call is not None
    assert call.members == ()
    assert expect(picture, "1.1000000", "1000", "1001") is picture


def test_an_originate_that_has_a_channel_is_not_abandoned() -> None:
    events = load("originate_answered")
    picture = expect(at_rest(), "1795516979.1000001", "1000", "1001")
    picture, _ = play(picture, events[:1])
    assert abandon(picture, "1795516979.1000001", "Line Unreachable") == (picture, ())


def test_a_call_that_nobody_was_promised_ends_silently() -> None:
    picture = expect(at_rest(), "1.1000000", "1000", "1001")
    picture, facts = abandon(picture, "1.1000000")
    assert lines(facts) == ["ended"]
    assert not picture.calls


def test_a_refused_originate_fails_the_call() -> None:
    picture = expect(at_rest(), "1.1000000", "1000", "1001")
    picture, facts = abandon(picture, "1.1000000", "Line Unreachable")
    assert lines(facts) == ["failed Line Unreachable: 1000", "ended"]
    assert abandon(picture, "1.1000000", "Line Unreachable") == (picture, ())


def test_an_originated_call_that_reaches_voicemail_is_answered_and_does_not_fail() -> None:
    events = load("originate_callee_busy")
    busy = next(
        index for index, event in enumerate(events) if event["Event"] == "DialEnd" and "Channel" in event
    )
    callid = "1795516983.1000006"
    voicemail = {
        "Event": "UserEvent",
        "UserEvent": "OffhookVoicemail",
        "Mailbox": "1001",
        "Reason": "busy",
        "Uniqueid": callid,
        "Linkedid": callid,
    }
    picture = expect(at_rest(), callid, "1000", "1001")
    _, facts = play(picture, [*events[: busy + 1], voicemail, *events[busy + 1 :]])
    assert lines(facts)[5:] == [
        "1001 BYE",
        "1001 is Registered",
        "1000 ANSWERED",
        "1000 BYE",
        "1000 is Registered",
        "ended",
    ]


def test_a_destination_of_a_forward_that_fails_gives_its_own_reason() -> None:
    events = load("forward_noanswer")
    cut = next(
        i for i, e in enumerate(events) if e["Event"] == "Newstate" and e["Channel"].startswith("PJSIP/1002")
    )
    # the first destination rang out, which would weigh more
    down: list[Event] = [
        {"Event": "HangupRequest", "Uniqueid": "1795516976.20", "Linkedid": "1795516974.18"},
        {
            "Event": "Hangup",
            "Uniqueid": "1795516976.20",
            "Linkedid": "1795516974.18",
            "TechCause": "404",
            "Cause": "1",
        },
        {"Event": "Hangup", "Uniqueid": "1795516974.18", "Linkedid": "1795516974.18", "Cause": "17"},
    ]
    _, facts = play(at_rest(), [*events[: cut + 1], *down])
    assert lines(facts)[-2:] == ["failed 404 NOT found: 1000", "ended"]


def test_a_caller_who_hangs_up_while_one_still_rings_has_given_up_whoever_declined_before() -> None:
    events = load("ring_group")
    both_ring = next(i for i, e in enumerate(events) if e.get("ChannelStateDesc") == "Up")
    caller, b, c = (event["Uniqueid"] for event in events if event["Event"] == "Newchannel")
    down: list[Event] = [
        {"Event": "HangupRequest", "Uniqueid": b, "Linkedid": caller},
        {"Event": "Hangup", "Uniqueid": b, "Linkedid": caller, "TechCause": "486", "Cause": "17"},
        {"Event": "HangupRequest", "Uniqueid": caller, "Linkedid": caller},
        {"Event": "Hangup", "Uniqueid": c, "Linkedid": caller, "Cause": "127", "TechCause": "500"},
        {"Event": "Hangup", "Uniqueid": caller, "Linkedid": caller, "Cause": "127", "TechCause": "487"},
    ]
    _, facts = play(at_rest(), [*events[:both_ring], *down])
    assert lines(facts)[-5:] == ["1000 BYE", "1002 BYE", "1000 is Registered", "1002 is Registered", "ended"]


def test_a_caller_who_cancels_has_given_up_also_where_only_the_dial_says_so() -> None:
    events = [event for event in load("caller_cancels") if event["Event"] != "HangupRequest"]
    _, facts = play(at_rest(), events)
    assert "ended" in lines(facts)
    assert not [text for text in lines(facts) if text.startswith("failed")]


def test_a_call_that_was_answered_does_not_fail_afterwards() -> None:
    says: Event = {
        "Event": "UserEvent",
        "UserEvent": "OffhookFailed",
        "Reason": "410 Gone",
        "Uniqueid": "1795516946.0",
        "Linkedid": "1795516946.0",
    }
    picture, _ = fold(in_talk("answered_caller_hangs_up"), says)
    _, facts = play(picture, [e for e in load("answered_caller_hangs_up") if e["Event"].startswith("Hangup")])
    assert lines(facts)[-1] == "ended"
    assert not [text for text in lines(facts) if text.startswith("failed")]


def test_the_phone_that_lost_holds_nobody_up() -> None:
    events = load("two_phones_one_answers")
    loser = next(e for e in events if e["Event"] == "Hangup" and e["Cause"] == "26")
    events.remove(loser)
    picture, facts = play(at_rest(), events)
    assert [text for text in lines(facts) if "BYE" in text] == ["1000 BYE", "1003 BYE"]
    _, facts = play(picture, [loser])
    assert lines(facts) == ["1000 is Registered", "1003 is Registered", "ended"]


def test_what_the_dialplan_says_outweighs_what_a_phone_said() -> None:
    events = load("busy_486")
    end = next(i for i, e in enumerate(events) if e["Event"] == "DialEnd")
    caller = events[0]["Uniqueid"]
    says: Event = {
        "Event": "UserEvent",
        "UserEvent": "OffhookFailed",
        "Reason": "410 Gone",
        "Uniqueid": caller,
        "Linkedid": caller,
    }
    _, facts = play(at_rest(), [*events[: end + 1], says, *events[end + 1 :]])
    assert lines(facts)[-2:] == ["failed 410 Gone: 1000", "ended"]


@pytest.mark.parametrize(
    "channel", ["Message/ast_msg_queue", "CBAnn/8001-00000001;1", "Surrogate/PJSIP/1000-1"]
)
def test_channels_of_the_engines_own_make_no_call(channel: str) -> None:
    event: Event = {
        "Event": "Newchannel",
        "Channel": channel,
        "ChannelStateDesc": "Up",
        "Uniqueid": "1.1",
        "Linkedid": "1.1",
    }
    assert fold(Picture(), event) == (Picture(), ())


@pytest.mark.parametrize("external", ["No", "Yes"])
def test_a_transfer_by_feature_code_is_told_one_by_the_api_is_not(external: str) -> None:
    event: Event = {
        "Event": "BlindTransfer",
        "TransfererUniqueid": "1795516946.1",
        "TransfererLinkedid": "1795516946.0",
        "IsExternal": external,
    }
    _, facts = fold(in_talk("answered_caller_hangs_up"), event)
    told = ["transfer 1000, 1001"] if external == "No" else []
    assert lines(facts) == [*told, "1001 BYE", "1001 is Registered"]


def test_a_carrier_that_plays_a_tone_instead_of_ringing_is_told_as_ringing() -> None:
    events = [e for e in load("outbound") if e.get("ChannelStateDesc") != "Ringing"]
    progress = [{**e, "DialStatus": "PROGRESS"} if e["Event"] == "DialState" else e for e in events]
    _, facts = play(at_rest(), progress)
    assert "1000 ALERT, outbound 1000>5550000@siptrunk RING" in lines(facts)


def test_a_thousand_calls_at_a_time_are_kept_apart() -> None:
    runs = [_numbered(load("answered_caller_hangs_up"), run) for run in range(1000)]
    picture, most, ended = at_rest(), 0, []
    for turn in range(len(runs[0])):
        for run in runs:
            picture, facts = fold(picture, run[turn])
            ended += [fact.callid for fact in facts if isinstance(fact, CallEnded)]
        most = max(most, len(picture.calls))
    assert most == 1000
    assert len(ended) == len(set(ended)) == 1000
    assert not picture.calls


def _numbered(events: list[Event], run: int) -> list[Event]:
    new = {
        "PJSIP/1000-": f"PJSIP/{2000 + run}-",
        "PJSIP/1001-": f"PJSIP/{4000 + run}-",
        "1795516946.": f"{run + 1}.",
    }
    text = json.dumps(events)
    for old, value in new.items():
        text = text.replace(old, value)
    renamed: list[Event] = json.loads(text)
    return renamed


def test_a_callers_phone_code_is_the_reason_when_nobody_was_called() -> None:
    start = load("dnd")[0]
    end = {**start, "Event": "Hangup", "Cause": "1", "TechCause": "404"}
    _, facts = play(at_rest(), [start, end])
    assert lines(facts)[-2:] == ["failed 404 NOT found: 1000", "ended"]
