"""What the switch decides by itself: pace, ids, and one family of errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.asterisk.ami import actions
from offhook.asterisk.ami.client import AmiError, AmiRefused, AmiTimeout, AmiUnreachable, Headers
from offhook.asterisk.ami.wire import Message
from offhook.asterisk.switch import (
    ActionTimeout,
    EngineRefused,
    EngineUnreachable,
    OriginateRequest,
    Pace,
    Switch,
    SwitchBusy,
    SwitchError,
)
from offhook.clock import ManualClock


async def connected() -> None:
    return


def make(clock: ManualClock | None = None) -> Switch:
    return Switch(
        lambda: ("127.0.0.1", 1, "offhook", "x"),
        clock or ManualClock(),
        on_events=lambda _events: None,
        on_connected=connected,
        on_lost=lambda: None,
    )


def asking(monkeypatch: pytest.MonkeyPatch, switch: Switch, answer: AmiError | Sequence[str]) -> list[str]:
    """Let the link answer without an engine; returns the names of what it is asked."""
    asked: list[str] = []

    async def ask(name: str, _headers: Headers = (), *, seconds: float | None = None) -> list[Message]:
        asked.append(name)
        if isinstance(answer, AmiError):
            raise answer
        return [Message(f"Event: {event}".encode()) for event in answer]

    async def act(name: str, headers: Headers = (), *, seconds: float | None = None) -> Message:
        return (await ask(name, headers))[0]

    monkeypatch.setattr(switch._client, "action", act)
    monkeypatch.setattr(switch._client, "list_action", ask)
    return asked


def test_calls_up_to_the_rate_wait_their_turn_and_more_are_refused() -> None:
    clock = ManualClock()
    pace = Pace(clock, rate=100, longest=0.05)
    assert [round(pace.reserve(), 3) for _ in range(6)] == [0, 0.01, 0.02, 0.03, 0.04, 0.05]
    with pytest.raises(SwitchBusy):
        pace.reserve()
    clock.advance(0.02)
    assert round(pace.reserve(), 3) == 0.04
    clock.advance(10)
    assert [round(pace.reserve(), 3) for _ in range(2)] == [0, 0.01]


@given(st.lists(st.floats(0, 0.2), max_size=80))
def test_no_more_calls_begin_than_the_rate_allows(pauses: list[float]) -> None:
    clock = ManualClock()
    pace = Pace(clock, rate=50, longest=1)
    begins: list[float] = []
    for pause in pauses:
        clock.advance(pause)
        begins.append(clock.monotonic() + pace.reserve())
    assert all(later - earlier >= 1 / 50 - 1e-6 for earlier, later in pairwise(begins))


async def test_ids_of_calls_are_never_given_twice() -> None:
    clock = ManualClock(1_600_000_000.25)
    switch = make(clock)
    ids = [switch.next_call_id()]
    clock.advance(0.5)
    assert make(clock).next_call_id() == "1600000000.1750000", (
        "a restart within the same second goes on above"
    )
    clock.advance(3)
    ids.append(switch.next_call_id())
    clock._now -= 3600
    ids.append(switch.next_call_id())
    assert ids == ["1600000000.1250000", "1600000003.1250001", "1600000003.1250002"]


@pytest.mark.parametrize(
    ("raised", "family"),
    [
        (AmiUnreachable("gone"), EngineUnreachable),
        (AmiTimeout("late"), ActionTimeout),
        (AmiRefused("no"), EngineRefused),
    ],
)
async def test_errors_are_one_family(
    monkeypatch: pytest.MonkeyPatch, raised: AmiError, family: type[SwitchError]
) -> None:
    switch = make()
    asking(monkeypatch, switch, raised)
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: switch.hangup("PJSIP/1000-00000001", 16),
        switch.snapshot,
        lambda: switch.bridge("PJSIP/1-1", "PJSIP/2-1"),
        lambda: switch.end_registrations({"1000"}),
        lambda: switch.getvar("1.2", "A"),
    ]
    for call in calls:
        with pytest.raises(family, match=str(raised)):
            await call()


async def test_a_value_that_cannot_be_sent_is_refused_before_anything_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    switch = make()
    asked = asking(monkeypatch, switch, ["x"])
    bad = OriginateRequest(callid="1.1", channel="PJSIP/1\r\nA: b", context="c", exten="1", timeout=1)
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: switch.originate(bad),
        lambda: switch.hangup("/.*/", 16),
        lambda: switch.redirect("PJSIP/1-1", ("a b", "1")),
        lambda: switch.setvar("1.2", "A=1,B", "x"),
        lambda: switch.reload(""),
        lambda: switch.voicemail_refresh("../1000"),
    ]
    for call in calls:
        with pytest.raises(EngineRefused):
            await call()
    assert asked == []
    assert switch._pace.reserve() == 0, "what was refused took nobody's turn"


async def test_only_the_words_for_an_empty_list_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    switch = make()
    asking(monkeypatch, switch, AmiRefused("No Contacts found"))
    assert await switch.items(actions.PJSIPShowContacts()) == ()
    asking(monkeypatch, switch, AmiRefused("No permission"))
    with pytest.raises(EngineRefused, match="No permission"):
        await switch.items(actions.PJSIPShowContacts())
    with pytest.raises(EngineRefused):
        await switch.items(actions.CoreShowChannels())


async def test_a_list_holds_its_items_only(monkeypatch: pytest.MonkeyPatch) -> None:
    switch = make()
    asking(monkeypatch, switch, ["QueueParams", "Stranger", "QueueEntry"])
    items: Sequence[Mapping[str, str]] = await switch.items(actions.QueueStatus())
    assert [item["Event"] for item in items] == ["QueueParams", "QueueEntry"]


async def test_without_an_engine_nothing_is_healthy() -> None:
    switch = make()
    assert not switch.healthy
    with pytest.raises(EngineUnreachable):
        await switch.act(actions.CoreStatus())
    with pytest.raises(EngineUnreachable, match=r"0\.01 s"):
        await switch.wait_healthy(0.01)
