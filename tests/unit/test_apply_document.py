"""Reading the declared state."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from offhook.areas.apply.change import Change, differences
from offhook.areas.apply.document import ApplyError, beside, objects, parse

ALLOWED = frozenset({"number", "members", "dnd"})


@pytest.mark.parametrize("written", ["1000", '"1000"', "'1000'"])
def test_numbers_with_and_without_quotes_are_alike(written: str) -> None:
    document = parse(f"extensions:\n- number: {written}")
    assert objects(document["extensions"], "extensions", ALLOWED) == [{"number": "1000"}]


@pytest.mark.parametrize(
    "written", ["0100", "0o17", "1e3", "1_000", "on", "no", "null", "2026-01-01", "12:30:45"]
)
def test_values_stay_as_written(written: str) -> None:
    assert parse(f"key: {written}") == {"key": written}


@given(st.text("0123456789", min_size=1, max_size=31))
def test_any_digits_stay_as_written(digits: str) -> None:
    assert parse(f"key: {digits}") == {"key": digits}


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_what_yaml_writes_is_read_back(document: dict[str, str]) -> None:
    assert parse(yaml.safe_dump(document)) == document


def test_a_list_of_words_is_a_joined_list() -> None:
    document = parse("groups:\n- members: [1000, 1001]")
    assert objects(document["groups"], "groups", ALLOWED) == [{"members": "1000,1001"}]


@pytest.mark.parametrize("text", ["", "   ", "# nothing"])
def test_an_empty_document_declares_nothing(text: str) -> None:
    assert parse(text) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- 1", "must be a mapping"),
        ("a: [", "line 1"),
        ("a: 1\na: 2", "line 2: a is written twice"),
        ("? [1]\n: 2", "line 1: a key must be a word"),
        ("a: &x 1\nb: *x", "aliases"),
        ("a: \x01", "not valid YAML"),
        ("a: 1\n---\nb: 2", "not valid YAML"),
        ("[" * 3000, "not valid YAML"),
    ],
)
def test_what_is_no_document_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ApplyError, match=words):
        parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("e: word", "e must be a list"),
        ("e: [word]", r"e\[0\] must be a mapping"),
        ("e: [{nummer: 1}]", r"e\[0\]\.nummer is an unknown key"),
        ("e: [{number: 1}, {number: {a: b}}]", r"e\[1\]\.number must be a plain value"),
    ],
)
def test_wrong_objects_are_refused_with_their_place(text: str, words: str) -> None:
    with pytest.raises(ApplyError, match=words):
        objects(parse(text)["e"], "e", ALLOWED)


def test_differences_never_show_secrets() -> None:
    found = differences({"pin": "1", "dnd": False}, {"pin": "2", "dnd": True}, frozenset({"pin"}))
    lines = list(Change(section="s", operation="update", name="n", differences=found).lines())
    assert lines == ["~ s n", "    pin: (secret) -> (secret)", "    dnd: off -> on"]


def test_relative_files_lie_beside_the_document() -> None:
    document = parse(
        "prompts: [{name: a, file: a.wav}, {name: b, file: /srv/b.wav}, {name: c, text: x}, what]\n"
        "musiconhold: [{name: m, files: 'a.wav, sub/b.wav'}, {name: n, files: [c.wav, /srv/d.wav]}]\n"
        "extensions: [{file: a}]"
    )
    assert beside(document, Path("/etc/pbx")) == {
        "prompts": [
            {"name": "a", "file": "/etc/pbx/a.wav"},
            {"name": "b", "file": "/srv/b.wav"},
            {"name": "c", "text": "x"},
            "what",
        ],
        "musiconhold": [
            {"name": "m", "files": "/etc/pbx/a.wav,/etc/pbx/sub/b.wav"},
            {"name": "n", "files": ["/etc/pbx/c.wav", "/srv/d.wav"]},
        ],
        "extensions": [{"file": "a"}],
    }
