"""AMI on the wire: real streams in any pieces, broken input, and actions that stay one action."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from offhook.asterisk.ami import wire
from offhook.asterisk.ami.wire import Cutter, Message, WireError, encode_action

CAPTURED = {path.stem: path.read_bytes() for path in Path(__file__).parents[1].glob("data/ami/*.raw")}
BANNER = b"Asterisk Call Manager/11.0.0\r\n"


def cut(*pieces: bytes) -> list[Message]:
    cutter = Cutter()
    return [message for piece in pieces for message in cutter.feed(piece)]


def split(data: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]


def test_a_captured_call_is_cut_into_its_messages() -> None:
    messages = cut(CAPTURED["call"])
    assert [message.event or message["Response"] for message in messages] == [
        "Success",
        "Newchannel",
        "Newchannel",
        "LocalBridge",
        "DialBegin",
        "TestEvent",
        "Newstate",
        "Newstate",
        "DialEnd",
        "OriginateResponse",
        "TestEvent",
        "UserEvent",
        "Success",
        "CoreShowChannel",
        "CoreShowChannel",
        "CoreShowChannelsComplete",
        "Success",
        "SoftHangupRequest",
        "HangupRequest",
        "SoftHangupRequest",
        "Hangup",
        "Hangup",
        "Success",
        "OriginateResponse",
    ]
    assert messages[4]["DestCallerIDName"] == "Jürgen"
    assert messages[1].action_id == ""
    assert (messages[-1]["Response"], messages[-1].action_id) == ("Failure", "a-12")


def test_captured_answers_keep_their_values() -> None:
    messages = cut(CAPTURED["answers"])
    told = [(message.action_id, message.event, message.get("Message", "")) for message in messages]
    # The engine puts a line feed of its own behind some messages, and gives no ActionID to who gave none.
    assert ("a-2", "", "No Contacts found") in told
    assert ("", "", "") in told
    assert [message["Val"] for message in messages if message.event == "DBGetResponse"] == ['Jürgen, "x"']
    assert len(messages) == 12


@given(name=st.sampled_from(sorted(CAPTURED)), places=st.lists(st.integers(0, 1 << 14), max_size=40))
def test_any_split_gives_the_same_messages(name: str, places: list[int]) -> None:
    data = CAPTURED[name]
    assert list(map(dict, cut(*split(data, places)))) == list(map(dict, cut(data)))


def test_byte_by_byte_gives_the_same_messages() -> None:
    data = CAPTURED["call"]
    assert list(map(dict, cut(*(data[at : at + 1] for at in range(len(data)))))) == list(map(dict, cut(data)))


@given(st.lists(st.binary(max_size=200), max_size=10), st.booleans())
@example([b"\r\n\r\n\r\n\r\n"], True)
@example([b":\r\n\r\n"], True)
@example([b"Event:\r\n\r\n"], True)
@example([b"Event: x\r\nActionID:\r\n\r\n"], True)
def test_broken_input_raises_nothing_but_the_declared_error(pieces: list[bytes], greeted: bool) -> None:
    cutter = Cutter()
    if greeted:
        cutter.feed(BANNER)
    try:
        for piece in pieces:
            for message in cutter.feed(piece):
                assert (message.event, message.action_id) == (
                    message.event.strip(),
                    message.action_id.strip(),
                )
                assert set(message) == {name for name, _ in message.pairs()}
    except WireError:
        assert not greeted


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=6))
def test_the_fast_ways_to_a_header_agree_with_the_slow_one(lines: list[bytes]) -> None:
    raw = b"\r\n".join([b"Event: Some", *(line.replace(b"\r", b"").replace(b"\n", b"") for line in lines)])
    message = Message(raw)
    assert message.event == "Some"
    assert message.action_id == message.first("ActionID")


def test_repeated_headers_are_all_there() -> None:
    message = Message(b"Response: Success\r\nOutput: a\r\nOutput: b: c\r\nOutput:\r\nno header")
    assert message.all("Output") == ["a", "b: c", ""]
    assert (message.first("Output"), message["Output"]) == ("a", "")
    assert (message.first("Nothing", "else"), message.get("Nothing"), message.get("Nothing", 1)) == (
        "else",
        None,
        1,
    )
    assert len(message) == 2
    with pytest.raises(KeyError):
        message["no header"]


def test_an_event_may_begin_with_another_header() -> None:
    assert Message(b"Privilege: call\r\nEvent: Hangup").event == "Hangup"


def test_latin_1_is_read_line_by_line() -> None:
    message = Message("Event: X\r\nA: Jürgen".encode() + b"\r\nB: J\xfcrgen")
    assert (message["A"], message["B"]) == ("Jürgen", "Jürgen")


@pytest.mark.parametrize(
    "greeting", [b"SSH-2.0-x\r\n", b"A" * 300, b"Asterisk Call Manager" + b"x" * 300, b"\r\n"]
)
@pytest.mark.parametrize("step", [1, 1000])
def test_another_protocol_is_refused(greeting: bytes, step: int) -> None:
    with pytest.raises(WireError, match="greet"):
        cut(*(greeting[at : at + step] for at in range(0, len(greeting), step)))


@pytest.mark.parametrize("step", [1 << 16, 4 << 20])
@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
def test_an_endless_message_is_refused(step: int, end: bytes) -> None:
    data = BANNER + b"Event: " + b"x" * (wire.MESSAGE_MAX + 10) + end
    with pytest.raises(WireError, match="longer"):
        cut(*(data[at : at + step] for at in range(0, len(data), step)))


def test_the_longest_message_is_taken() -> None:
    raw = b"Event: " + b"x" * (wire.MESSAGE_MAX - 7)
    assert [message.size for message in cut(BANNER + raw + b"\r", b"\n\r\n")] == [wire.MESSAGE_MAX]


def test_an_action_is_written() -> None:
    assert encode_action([("Action", "Ping"), ("Variable", "a=ü"), ("Variable", "")]) == (
        "Action: Ping\r\nVariable: a=ü\r\nVariable: \r\n\r\n".encode()
    )


@given(st.lists(st.tuples(st.text(max_size=8) | st.just("Name"), st.text(max_size=60)), max_size=8))
@example([("Name", "x\r\nAction: Hangup")])
@example([("Name", "x\n\nAction: Hangup")])
@example([("Name\r\nAction", "x")])
@example([("Na:me", "x")])
@example([("Name", "\ud800")])
def test_what_is_written_is_what_was_given_or_nothing(headers: list[tuple[str, str]]) -> None:
    """No text makes a second header or a second action."""
    try:
        data = encode_action(headers)
    except WireError:
        return
    # The engine ends a line at CR or LF, whichever comes first.
    lines = data.decode().replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n\n").split("\n")
    assert [line for line in lines if line] == [f"{name}: {value}" for name, value in headers]


def test_a_line_that_the_engine_would_cut_is_refused() -> None:
    longest = wire.ACTION_LINE_MAX - len("Name: ")
    assert encode_action([("Name", "a" * longest)])
    with pytest.raises(WireError, match="longer"):
        encode_action([("Name", "a" * (longest + 1))])
    with pytest.raises(WireError, match="longer"):
        encode_action([("Name", "ü" * (longest // 2 + 1))])


def test_too_many_headers_are_refused() -> None:
    assert encode_action([("Name", "")] * wire.ACTION_HEADERS_MAX)
    with pytest.raises(WireError, match="headers"):
        encode_action([("Name", "")] * (wire.ACTION_HEADERS_MAX + 1))
