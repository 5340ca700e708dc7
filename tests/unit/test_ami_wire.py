"""AMI on the wire: any cutting of the stream gives the same messages, and no value ends its line."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.asterisk.ami.wire import MESSAGE_MAX, Cutter, Message, WireError, encode_action

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
STREAM = (
    BANNER + b"Response: Success\r\nActionID: 1\r\nMessage: Authentication accepted\r\n\r\n"
    b"Event: Newchannel\r\nPrivilege: call,all\r\nChannel: PJSIP/1000-00000001\r\nUniqueid: 1.1\r\n\r\n"
    b"Response: Follows\r\nActionID: 2\r\nOutput: one\r\nOutput: two\r\n\r\n"
    b"Event: UserEvent\r\nReason: 404 NOT found\r\nCallerIDName: J\xc3\xbcrgen\r\n\r\n"
)


def cut(pieces: list[bytes]) -> list[Message]:
    cutter = Cutter()
    return [message for piece in pieces for message in cutter.feed(piece)]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_cutting_gives_the_same_messages(places: list[int]) -> None:
    edges = [0, *sorted(places), len(STREAM)]
    pieces = [STREAM[begin:end] for begin, end in pairwise(edges)]
    assert [dict(message) for message in cut(pieces)] == [dict(message) for message in cut([STREAM])]


def test_messages_are_read() -> None:
    response, channel, follows, event = cut([STREAM])
    assert (response["Response"], response.event) == ("Success", "")
    assert (channel.event, channel["Channel"]) == ("Newchannel", "PJSIP/1000-00000001")
    assert follows.all("Output") == ["one", "two"]
    assert event["CallerIDName"] == "Jürgen"
    assert "Nothing" not in event


@given(st.binary(max_size=400))
def test_broken_streams_raise_only_wire_errors(noise: bytes) -> None:
    cutter = Cutter()
    try:
        for message in cutter.feed(BANNER + noise):
            dict(message)
            str(message.event)
    except WireError:
        pass


def test_what_is_no_ami_is_told() -> None:
    with pytest.raises(WireError):
        Cutter().feed(b"HTTP/1.1 400 Bad Request\r\n")
    with pytest.raises(WireError):
        Cutter().feed(b"x" * 300)
    cutter = Cutter()
    cutter.feed(BANNER)
    with pytest.raises(WireError):
        cutter.feed(b"x" * (MESSAGE_MAX + 1))


@given(st.lists(st.tuples(st.text(min_size=1, max_size=10), st.text(max_size=30)), min_size=1, max_size=5))
def test_an_action_is_as_many_lines_as_it_has_headers(headers: list[tuple[str, str]]) -> None:
    try:
        data = encode_action(headers)
    except WireError:
        return
    assert data.count(b"\r\n") == len(headers) + 1
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert b"\n" not in data.replace(b"\r\n", b"")


@pytest.mark.parametrize("value", ["a\r\nAction: Logoff", "a\nb", "a\rb", "a\0b"])
def test_a_value_cannot_end_its_line(value: str) -> None:
    with pytest.raises(WireError):
        encode_action([("Channel", value)])
    with pytest.raises(WireError):
        encode_action([(value, "x")])
