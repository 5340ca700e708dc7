"""A message as the engine writes it down, and its name on the wire."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.areas.voicemail.boxes import Boxes
from offhook.areas.voicemail.model import FOLDER_MAX, FOLDERS, Message, is_name, position_of, read_message

TEXT = """\
;
; Message Information file
;
[message]
origmailbox=1001
context=voicemail-deposit
rdnis=unknown
priority=9
callerchan=PJSIP/1000-00000001
callerid="User 1000" <5551000>
origdate=Wed Nov 25 11:35:49 PM UTC 2026
origtime=1795649749
category=
msg_id=1795649749-00000003
flag=
duration=3
"""


def _read(**values: str) -> Message | None:
    text = TEXT
    for name, value in values.items():
        (line,) = (one for one in TEXT.splitlines() if one.startswith(f"{name}="))
        text = text.replace(line, f"{name}={value}")
    return read_message("INBOX", 7, text.encode("utf-8", "surrogateescape"))


def test_a_message_of_an_extension() -> None:
    assert _read() == Message(
        msg_id="1795649749-00000003",
        folder="INBOX",
        position=7,
        sender="1000",
        left=1795649749,
        seconds=3,
    )


@pytest.mark.parametrize(
    ("callerchan", "callerid", "sender"),
    [
        ("PJSIP/trunk-a-endpoint-00000001", '"Ann" <+49 30 901820>', "4930901820"),
        ("PJSIP/trunk-a-endpoint-00000001", '"<110>" <901820>', "901820"),
        ("PJSIP/trunk-a-endpoint-00000001", "901820", "901820"),
        ("PJSIP/trunk-a-endpoint-00000001", "Unknown", ""),
        ("PJSIP/trunk-a-endpoint-00000001", '"110" <anonymous>', ""),
        ("Local/1001@from-extension-00000001;2", '"Ann" <1002>', "1002"),
        ("", "\udcff", ""),
    ],
)
def test_who_left_it(callerchan: str, callerid: str, sender: str) -> None:
    message = _read(callerchan=callerchan, callerid=callerid)
    assert message is not None
    assert message.sender == sender


@pytest.mark.parametrize(
    "values",
    [{"msg_id": ""}, {"msg_id": "../x"}, {"msg_id": "a b"}, {"origtime": "soon"}, {"origtime": "-1"}],
)
def test_what_is_not_whole_is_no_message(values: dict[str, str]) -> None:
    assert _read(**values) is None
    assert read_message("INBOX", 0, TEXT.partition("duration")[0].encode()) is None


def test_a_name_cannot_pass_itself_off_as_what_follows_it() -> None:
    message = _read(callerid="x\nmsg_id=1\norigtime=1")
    assert message is not None
    assert (message.msg_id, message.left) == ("1795649749-00000003", 1795649749)


@given(st.sampled_from(FOLDERS), st.sampled_from(FOLDERS), st.integers(0, 999), st.integers(0, 999))
def test_no_two_messages_of_one_status_have_one_name(one: str, two: str, first: int, second: int) -> None:
    def message(folder: str, position: int) -> Message:
        return Message(msg_id="1", folder=folder, position=position, sender="", left=0, seconds=0)

    a, b = message(one, first), message(two, second)
    assert is_name(a.name)
    assert ((a.status, a.name) == (b.status, b.name)) is ((one, first) == (two, second))


def test_only_the_engines_own_files_are_messages() -> None:
    assert position_of("msg0042.txt") == 42
    for name in ("msg042.txt", "msg0042.wav", "Msg0042.txt", "msg0042.txt~", f"msg{FOLDER_MAX}.txt", ".lock"):
        assert position_of(name) is None


def _put(folder: Path, position: int, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"msg{position:04d}.wav").write_bytes(name.encode() * 100)
    text = TEXT.replace("1795649749-00000003", name)
    (folder / f"msg{position:04d}.txt").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("order", [("wav", "txt"), ("txt", "wav")])
def test_audio_is_of_the_message_whatever_is_moved_meanwhile(tmp_path: Path, order: tuple[str, str]) -> None:
    inbox = tmp_path / "spool" / "1001" / "INBOX"
    boxes = Boxes(tmp_path / "spool", tmp_path / "taken")
    for position in range(3):
        _put(inbox, position, f"m{position}")
    stop = threading.Event()

    def turn() -> None:
        """What the engine does when the first message is deleted and another comes, again and again."""
        for number in itertools.count(3):
            if stop.is_set():
                return
            for ending in ("wav", "txt"):
                (inbox / f"msg0000.{ending}").unlink()
            for position in (1, 2):
                for ending in order:
                    source = inbox / f"msg{position:04d}.{ending}"
                    source.rename(inbox / f"msg{position - 1:04d}.{ending}")
            _put(inbox, 2, f"m{number}")
            time.sleep(0.001)

    thread = threading.Thread(target=turn)
    thread.start()
    right = 0
    try:
        for _ in range(300):
            for message in boxes.messages("1001")[1:]:
                path = boxes.take("1001", message.msg_id)
                if path is not None:
                    assert path.read_text(encoding="utf-8") == message.msg_id * 100
                    right += 1
                    path.unlink()
    finally:
        stop.set()
        thread.join()
    assert right > 30
    assert not list((tmp_path / "taken").iterdir())
