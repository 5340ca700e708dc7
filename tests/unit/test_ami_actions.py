"""Typed actions: what goes on the wire, and values from outside that stay one value."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from offhook.asterisk.ami import actions
from offhook.asterisk.ami.action import Action, caller_id, variable
from offhook.asterisk.ami.wire import WireError


def originate(**fields: object) -> actions.Originate:
    given_fields: dict[str, object] = {
        "channel": "PJSIP/1000",
        "context": "from-extension",
        "exten": "1001",
        "priority": 1,
        "timeout": 30000,
        **fields,
    }
    return actions.Originate(**given_fields)  # type: ignore[arg-type]


def test_originate_to_an_extension() -> None:
    action = originate(
        channel_id="1600000000.1000000",
        other_channel_id="1600000000.1000001",
        caller_id="<1001>",
        variables={"__OFFHOOK_API": "1", "PJSIP_HEADER(add,Call-Info)": "<sip:x>;answer-after=0"},
    )
    assert (action.NAME, action.headers()) == (
        "Originate",
        [
            ("Channel", "PJSIP/1000"),
            ("Context", "from-extension"),
            ("Exten", "1001"),
            ("Priority", "1"),
            ("Timeout", "30000"),
            ("ChannelId", "1600000000.1000000"),
            ("OtherChannelId", "1600000000.1000001"),
            ("CallerID", "<1001>"),
            ("Variable", "__OFFHOOK_API=1"),
            ("Variable", "PJSIP_HEADER(add,Call-Info)=<sip:x>;answer-after=0"),
            ("Async", "true"),
        ],
    )


def test_originate_to_an_application() -> None:
    action = actions.Originate(channel="Local/1@x", application="ChanSpy", data="PJSIP/1-1,qE", timeout=1)
    assert ("Application", "ChanSpy") in action.headers()
    assert ("Data", "PJSIP/1-1,qE") in action.headers()


@pytest.mark.parametrize(
    "fields",
    [
        {"application": "ChanSpy"},
        {"exten": ""},
        {"priority": None},
        {"timeout": 0},
        {"timeout": -5},
        {"channel": ""},
        {"channel": "1000"},
        {"channel": "/PJSIP/"},
        {"channel": "PJSIP/1\r\n"},
        {"context": "a b"},
        {"exten": "1001,1"},
        {"exten": "${EXTEN}"},
        {"channel_id": "x"},
        {"variables": {"A=1,B": "2"}},
        {"variables": {"A": "1\r\nB: 2"}},
        {"variables": {"SHELL(rm)x": ""}},
        {"caller_id": "x\x00"},
    ],
)
def test_originate_refuses(fields: dict[str, object]) -> None:
    with pytest.raises(WireError):
        originate(**fields)


def test_lists_and_words_of_a_kind() -> None:
    queue_add = actions.QueueAdd(queue="6700", interface="PJSIP/1000", member_name="Ann", paused=True)
    assert queue_add.headers() == [
        ("Queue", "6700"),
        ("Interface", "PJSIP/1000"),
        ("Penalty", "0"),
        ("Paused", "true"),
        ("MemberName", "Ann"),
    ]
    move = actions.VoicemailMove(mailbox="1000", folder="INBOX", id="1600000000-00000001", to_folder="Old")
    assert move.headers()[2:] == [("Folder", "INBOX"), ("ID", "1600000000-00000001"), ("ToFolder", "Old")]
    assert actions.Setvar(channel="1.2", variable="A", value="").headers()[-1] == ("Value", "")
    assert actions.CoreShowChannels().headers() == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: actions.Hangup(channel="/PJSIP.*/", cause=16),
        lambda: actions.Hangup(channel="", cause=16),
        lambda: actions.Hangup(channel="PJSIP/1000-00000001", cause=-1),
        lambda: actions.PJSIPHangup(channel="*", cause=486),
        lambda: actions.Redirect(channel="PJSIP/1-1", context="x", exten="1\n"),
        lambda: actions.Bridge(channel1="PJSIP/1-1", channel2=""),
        lambda: actions.Reload(module="core; shell"),
        lambda: actions.Reload(module=""),
        lambda: actions.Setvar(channel="1.2", variable="A(", value=""),
        lambda: actions.Getvar(channel="1.2", variable="A,B"),
        lambda: actions.Getvar(channel="1.2", variable=""),
        lambda: actions.MuteAudio(channel="PJSIP/1-1", direction="both", state="on"),  # type: ignore[arg-type]
        lambda: actions.VoicemailRefresh(mailbox="../1000"),
        lambda: actions.VoicemailRefresh(mailbox=""),
        lambda: actions.Setvar(channel="", variable="A", value=""),
        lambda: actions.DBPut(family="a", key="", val=""),
        lambda: actions.QueuePause(interface="", paused=True),
        lambda: actions.ConfbridgeKick(conference="1", channel="all"),
    ],
)
def test_a_value_that_the_engine_would_misread_is_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(WireError):
        make()


def engine_reads(header: str) -> list[str]:
    """How the engine cuts a Variable header: AST_STANDARD_APP_ARGS (Asterisk, main/app.c)."""
    parts, depth, square, quoted, at = [""], 0, 0, False, 0
    while at < len(header):
        sign = header[at]
        if sign == "\\":
            at += 1
            parts[-1] += header[at : at + 1]
        elif sign == '"':
            quoted = not quoted
        elif sign == "," and not depth and not square and not quoted:
            parts.append("")
        else:
            depth = max(0, depth + {"(": 1, ")": -1}.get(sign, 0))
            square = max(0, square + {"[": 1, "]": -1}.get(sign, 0))
            parts[-1] += sign
        at += 1
    return parts


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40))
@example("1,OFFHOOK_CALLER=1000")
@example('a"b,c\\')
@example("(,)],[")
def test_a_variable_is_one_variable_whatever_its_value(value: str) -> None:
    assert engine_reads(variable("A", value)) == [f"A={value}"]
    assert engine_reads(variable("PJSIP_HEADER(add,Alert-Info)", value)) == [
        f"PJSIP_HEADER(add,Alert-Info)={value}"
    ]


@given(st.text(max_size=30), st.text(max_size=30))
@example('x" <666>', "1000> <666")
def test_a_caller_id_has_one_name_and_one_number(name: str, number: str) -> None:
    told = caller_id(name, number)
    match = re.fullmatch(r'(?:"([^"<>\\]*)" )?<([^"<>\\\s]*)>', told)
    assert match is not None
    assert (match[1] or "") in {"", re.sub(r'["\\<>\x00-\x1f\x7f]', "", name)}


def test_every_action_names_itself() -> None:
    made = [
        value for value in vars(actions).values() if isinstance(value, type) and issubclass(value, Action)
    ]
    named = [value for value in made if value.__name__ not in {"Action", "ListAction"}]
    # SetGlobal is Setvar without a channel
    assert all(value.__name__ in {value.NAME, "SetGlobal"} and value.__doc__ for value in named)
    assert len(named) > 25
