"""States of extensions: told when the extension as a whole changes, and the words of extension/list."""

from __future__ import annotations

import pytest

from offhook.callstate import Picture, fold, resync, settle
from offhook.callstate.model import ExtensionWord
from offhook.callstate.presence import address_of
from tests.unit.callstate_support import Event, at_rest, contacts, lines, load, play


def contact(extension: str, host: str, status: str = "NonQualified") -> Event:
    return {
        "Event": "ContactStatus",
        "EndpointName": extension,
        "AOR": f"name{extension}",
        "URI": f"sip:{extension}@{host}:5060",
        "ContactStatus": status,
    }


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("sip:1000@192.168.5.100:5060", "192.168.5.100"),
        ("sips:1000@192.168.5.100;transport=tls", "192.168.5.100"),
        ("sip:192.168.5.100", "192.168.5.100"),
        ("sip:1000@[2001:db8::1]:5060;ob", "2001:db8::1"),
        ("sip:jh7@10.0.0.9:49152;transport=ws;x-ast-orig-host=a.invalid:0", "10.0.0.9"),
        ("not a uri", ""),
    ],
)
def test_the_registered_address_is_the_host_of_the_contact(uri: str, address: str) -> None:
    assert address_of(uri) == address


def test_a_phone_that_registers_leaves_and_comes_back() -> None:
    _, facts = play(
        Picture(synced=True),
        [
            contact("1000", "10.0.0.1"),
            contact("1000", "10.0.0.1"),
            contact("1000", "10.0.0.1", "Removed"),
            contact("1000", "10.0.0.1", "Removed"),
            contact("1000", "10.0.0.2"),
            contact("1000", "10.0.0.2", "Reachable"),
        ],
    )
    assert lines(facts) == [
        "1000 is Registered at '10.0.0.1'",
        "1000 is Unregistered at ''",
        "1000 is Registered at '10.0.0.2'",
    ]


def test_an_answer_that_comes_after_the_registration_has_ended_is_nobodys() -> None:
    picture, facts = play(
        Picture(synced=True),
        [
            contact("1000", "10.0.0.1"),
            contact("1000", "10.0.0.1", "Removed"),
            contact("1000", "10.0.0.1", "Reachable"),
            contact("1000", "10.0.0.1", "Unreachable"),
            contact("1000", "10.0.0.1", "Reachable"),
        ],
    )
    assert lines(facts) == ["1000 is Registered at '10.0.0.1'", "1000 is Unregistered at ''"]
    assert not picture.phones["1000"].contacts


def test_a_phone_that_does_not_answer_for_a_while_comes_back() -> None:
    picture, facts = play(
        Picture(synced=True),
        [
            contact("1000", "10.0.0.1"),
            contact("1000", "10.0.0.1", "Unreachable"),
            contact("1000", "10.0.0.1", "Unreachable"),
            contact("1000", "10.0.0.1", "Reachable"),
        ],
    )
    assert [line.split(" at ")[0] for line in lines(facts)] == [
        "1000 is Registered",
        "1000 is Unregistered",
        "1000 is Registered",
    ]
    assert not picture.phones["1000"].silent


def test_recorded_registrations_tell_only_what_changes_the_extension() -> None:
    _, facts = play(at_rest(), load("registrations"))
    # 1001 has one phone, which leaves and comes back; the second of 1003's two makes no difference
    assert lines(facts) == ["1001 is Unregistered at ''", "1001 is Registered"]


def test_a_new_address_is_told_a_second_phone_at_the_same_one_is_not() -> None:
    _, facts = play(
        Picture(),
        [
            contact("1000", "10.0.0.1"),
            {**contact("1000", "10.0.0.1"), "URI": "sip:1000@10.0.0.1:5070"},
            contact("1000", "10.0.0.9"),
            contact("1000", "10.0.0.1"),
        ],
    )
    assert lines(facts) == ["1000 is Registered at '10.0.0.1'", "1000 is Registered at '10.0.0.9'"]


def test_the_browser_phone_is_a_phone_of_its_extension() -> None:
    _, facts = play(
        Picture(),
        [contact("1000w", "10.0.0.1"), contact("1000", "10.0.0.1"), contact("1000w", "10.0.0.1", "Removed")],
    )
    assert lines(facts) == ["1000 is Registered at '10.0.0.1'"]


def test_trunks_and_strange_endpoints_are_no_extensions() -> None:
    picture, facts = play(
        Picture(), [contact("trunk-x-endpoint", "10.0.0.1"), contact("anonymous", "10.0.0.1")]
    )
    assert facts == []
    assert not picture.phones


def test_a_phone_that_no_longer_answers_its_qualify_is_off() -> None:
    picture, facts = play(
        Picture(), [contact("1000", "10.0.0.1"), contact("1000", "10.0.0.1", "Unreachable")]
    )
    assert lines(facts)[-1] == "1000 is Unregistered at ''"
    assert picture.status_word("1000") is ExtensionWord.UNAVAILABLE


def test_words_of_the_list_follow_a_call() -> None:
    picture = at_rest()
    seen: dict[str, list[str]] = {"1000": [], "1001": []}
    for event in load("hold"):
        picture, _ = fold(picture, event)
        for extension, words in seen.items():
            word = picture.status_word(extension)
            if not words or words[-1] != word:
                words.append(word)
    assert seen["1000"] == ["Busy", "Hold", "Busy", "Registered"]
    assert seen["1001"] == ["Registered", "Ringing", "Busy", "Registered"]
    assert picture.status_word("4711") is ExtensionWord.UNAVAILABLE


def test_an_extension_in_two_calls_is_told_once_busy_and_once_idle() -> None:
    first = load("answered_caller_hangs_up")
    second = [
        {key: value.replace("1795516946.", "1795516999.") for key, value in event.items()}
        for event in load("answered_caller_hangs_up")
    ]
    half = len(first) // 2
    _, facts = play(at_rest(), [*first[:half], *second[:half], *first[half:], *second[half:]])
    assert [text for text in lines(facts) if text.startswith("1000 is")] == [
        "1000 is Busy",
        "1000 is Registered",
    ]


def test_the_state_held_back_is_told_when_the_call_goes_on_silently() -> None:
    events = load("answered_callee_hangs_up")
    last = max(index for index, event in enumerate(events) if event["Event"] == "Hangup")
    picture, facts = play(at_rest(), events[:last])
    assert lines(facts)[-1] == "1001 BYE"
    picture, settled = settle(picture)
    assert lines(settled) == ["1001 is Registered"]
    assert settle(picture) == (picture, ())
    _, rest = play(picture, events[last:])
    assert lines(rest) == ["1000 BYE", "1000 is Registered", "ended"]


def test_the_first_snapshot_tells_nothing_and_later_ones_what_has_changed() -> None:
    picture, facts = resync(Picture(), [], contacts())
    assert facts == ()
    without_1001 = [event for event in contacts() if event["Endpoint"] != "1001"]
    picture, facts = resync(picture, [], without_1001)
    assert lines(facts) == ["1001 is Unregistered at ''"]
    picture, facts = resync(picture, [], contacts())
    assert lines(facts) == ["1001 is Registered"]
