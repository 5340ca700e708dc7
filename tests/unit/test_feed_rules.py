"""What readers of the feed and webhooks want and get, as pure rules."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from offhook.areas.webhooks.kind import url_rule
from offhook.areas.webhooks.model import Settings, delivery_of, pause_after
from offhook.areas.webhooks.signing import key_of, new_secret, signature_headers
from offhook.callstate.model import ExtensionState, Member, PartyKind
from offhook.contract.feed import as_message, as_sse
from offhook.contract.rules import RuleBroken
from offhook.events.api import BootUp, CallStatus, ConfigChange, Dialect, Event, ExtensionStatus, NewCdr
from offhook.events.encoding import encode
from offhook.events.feed import FeedItem
from offhook.events.stored import KINDS
from offhook.events.wanted import WIRE_KINDS, concerns, wanted

EVENTS = st.sampled_from(sorted(KINDS.values(), key=str)).flatmap(st.builds)


@settings(max_examples=40)
@given(EVENTS)
def test_a_kind_is_called_as_on_the_wire(event: Event) -> None:
    (body,) = encode(event, Dialect.V2_0_0, "1")
    name = type(event).__name__
    assert WIRE_KINDS[name] == json.loads(body)["event"]
    assert wanted([name.upper(), WIRE_KINDS[name]], "").kinds == (name,)


@settings(max_examples=40)
@given(EVENTS, st.integers(0, 1 << 60), st.floats(0, 4e9))
def test_an_event_is_one_line_of_each_form(event: Event, number: int, at: float) -> None:
    (body,) = encode(event, Dialect.V2_0_0, "1")
    item = FeedItem(number, WIRE_KINDS[type(event).__name__], at, body)
    lines = as_sse([item]).split(b"\n")
    assert lines[0] == b"id: %d" % number
    assert lines[2] == b"data: " + body
    assert lines[3:] == [b"", b""]
    assert b"\r" not in as_sse([item])
    assert json.loads(as_message(item))["event"] == json.loads(body)
    sent = json.loads(delivery_of(7, item).body)
    assert list(sent) == ["id", "type", "timestamp", "data"]
    assert sent["data"] == json.loads(body)
    assert abs(datetime.fromisoformat(sent["timestamp"]).timestamp() - at) <= 0.001


def cdr(callfrom: str, callto: str) -> NewCdr:
    return NewCdr(
        callid="1.1",
        timestart="",
        callfrom=callfrom,
        callto=callto,
        call_seconds=0,
        talk_seconds=0,
        status="ANSWERED",
        type="Internal",
    )


EXT = Member(kind=PartyKind.EXT, channelid="PJSIP/1000-1", number="1000")
OUT = Member(kind=PartyKind.OUTBOUND, channelid="PJSIP/t-1", from_number="1000", to_number="5550001")


@pytest.mark.parametrize(
    ("event", "does"),
    [
        (BootUp(), True),
        (ExtensionStatus("1000", ExtensionState.BUSY, ""), True),
        (ExtensionStatus("10001", ExtensionState.BUSY, ""), False),
        (ConfigChange("extension", "1000", "add"), True),
        (ConfigChange("trunk", "1000", "add"), False),
        (CallStatus("1.1", (EXT,)), True),
        (CallStatus("1.1", (OUT,)), True),
        (CallStatus("1.1", (), (EXT,)), True),
        (CallStatus("1000", ()), False),
        (cdr("1000", "1001"), True),
        (cdr("1001", "1000"), True),
        (cdr("1001", "6200(1000)"), True),
        (cdr("1001", "1000(1002)"), False),
        (cdr("5550001000", "1002"), False),
    ],
)
def test_which_events_name_an_extension(event: Event, does: bool) -> None:
    assert concerns(event, "1000") is does


@given(st.binary(max_size=500), st.integers(0, 1 << 33))
def test_signatures_are_those_of_the_standards_library(body: bytes, at: int) -> None:
    secret, other = new_secret(), new_secret()
    headers = signature_headers("evt_1", at, body, [key_of(other), key_of(secret)])
    moment = datetime.fromtimestamp(at, UTC)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return
    assert Webhook(secret).sign("evt_1", moment, text) in headers["webhook-signature"].split(" ")


@pytest.mark.parametrize("size", [0, 23, 65])
def test_secrets_of_a_wrong_size(size: int) -> None:
    with pytest.raises(ValueError, match="24 to 64"):
        key_of("whsec_" + base64.b64encode(b"x" * size).decode())


@given(st.integers(1, 10_000), st.floats(0, 1e9), st.floats(0, 1))
def test_pauses_grow_and_end(tries: int, asked: float, spread: float) -> None:
    pause = pause_after(tries, asked, spread)
    assert 0.8 <= pause <= 1.21 * 3600
    assert pause >= min(asked, 3600)
    assert pause_after(tries + 1, 0, spread) >= pause_after(tries, 0, spread)


def test_keys_are_in_no_words() -> None:
    single = Settings(1, "a", "https://a/", "", "", True, (b"secret-key",), 100.0)
    assert "secret-key" not in repr(single)
    both = Settings(1, "a", "https://a/", "", "", True, (b"new", b"old"), 100.0)
    assert list(both.keys_at(99.0)) == [b"new", b"old"]
    assert list(both.keys_at(100.0)) == [b"new"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example",
        "ftp://a/",
        "http://",
        "http://a b/",
        "http://u:p@a/",
        "https://a:0/",
        "http:///x",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(RuleBroken):
        url_rule().take(url)
