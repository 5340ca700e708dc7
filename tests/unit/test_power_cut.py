"""What is acknowledged is on disk: it is there after a power cut, which leaves only what was synced."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from offhook.areas.fax.service import FaxInbox
from offhook.areas.mail.spool import Spool
from offhook.areas.prompts.files import SoundFolder
from offhook.areas.recordings.files import RecordingFiles
from offhook.areas.records import tail as tail_module
from offhook.areas.records.tail import CelTail, Position
from offhook.areas.voicemail.boxes import Boxes
from offhook.asterisk.config import private_folder
from tests.support.mail import mail_bench
from tests.support.power import Disk
from tests.unit.test_fax import _record

NAME = "20191024012719-1571909237.191-4000-4001-Internal.wav"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def disk(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    disk = Disk(data, monkeypatch)
    yield disk
    disk.close()


@pytest.fixture
def after(tmp_path: Path) -> Path:
    return tmp_path / "after"


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_stand_in_forgets_what_was_not_put_on_disk(data: Path, disk: Disk, after: Path) -> None:
    folder = private_folder(data / "folder")
    with (folder / "file").open("wb") as file:
        file.write(b"kept")
        file.flush()
        os.fsync(file.fileno())
        file.write(b" and lost")
    disk.cut(after)
    assert tree(after) == {}, "no name"
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    (folder / "file").rename(folder / "another")
    disk.cut(after)
    assert tree(after) == {"folder/file": b"kept"}


@pytest.mark.parametrize("count", [1, 40])
def test_what_the_engine_hands_over_of_a_recording_is_on_disk_at_the_next_look(
    data: Path, disk: Disk, after: Path, count: int
) -> None:
    recordings = RecordingFiles(data)
    assert not recordings.on_disk.look(), "nothing is recorded"
    for part in (b"", b"abcd", b"efgh"):
        for index in range(count):
            with (recordings.running / f"{index}.in.sln16").open("ab") as file:
                file.write(part)
        assert recordings.on_disk.look()
    (recordings.running / "0.in.sln16").write_bytes(b"abcdefgh, and not seen")
    disk.cut(after)
    left = {path.removeprefix("recordings/running/"): content for path, content in tree(after).items()}
    assert left == {f"{index}.in.sln16": b"abcdefgh" for index in range(count)}


def test_what_did_not_grow_is_not_put_on_disk_again(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = RecordingFiles(data)
    said, heard = (recordings.running / f"x.{side}.sln16" for side in ("in", "out"))
    said.write_bytes(b"a")
    heard.write_bytes(b"b")
    synced: list[Path] = []
    monkeypatch.setattr("offhook.disk.sync", synced.append)
    recordings.on_disk.look()
    assert set(synced) == {said, heard, recordings.running}
    synced.clear()
    recordings.on_disk.look()
    heard.write_bytes(b"bb")
    recordings.on_disk.look()
    assert synced == [heard]


def test_what_could_not_be_put_on_disk_is_tried_again(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = RecordingFiles(data)
    (recordings.running / "x.in.sln16").write_bytes(b"a")

    def fail(_path: Path) -> None:
        raise OSError("the disk is away")

    with monkeypatch.context() as patch:
        patch.setattr("offhook.disk.sync", fail)
        with pytest.raises(OSError, match="away"):
            recordings.on_disk.look()
    synced: list[Path] = []
    monkeypatch.setattr("offhook.disk.sync", synced.append)
    recordings.on_disk.look()
    assert recordings.running / "x.in.sln16" in synced


def test_a_closed_recording_stays(data: Path, disk: Disk, after: Path) -> None:
    recordings = RecordingFiles(data)
    for path in recordings.raw(NAME):
        path.write_bytes(b"\1\0" * 100)
    recordings.close(NAME, stereo=False, caller_heard=True)
    recordings.forget_raw(NAME)
    disk.cut(after)
    assert tree(after) == {f"recordings/2019-10-24/{NAME}": recordings.path(NAME).read_bytes()}


def _line(number: int) -> bytes:
    row = {"eventtype": "ANSWER", "eventtime": "1.0", "channame": "PJSIP/1000-0000", "linkedid": "1"}
    return json.dumps({**row, "uniqueid": str(number)}).encode() + b"\n"


def _add(path: Path, *numbers: int) -> None:
    with path.open("ab") as file:
        file.writelines(map(_line, numbers))


def _read(tail: CelTail) -> list[str]:
    return [row.uniqueid for row, _ in tail.read()]


def test_rows_that_were_read_are_on_disk_over_rotations(
    data: Path, disk: Disk, after: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_module, "ROTATE_BYTES", 100)
    path = private_folder(data / "cel") / "cel.json"
    tail = CelTail(path, Position(0, 0))
    _add(path, 1)
    assert _read(tail) == ["1"]
    assert tail.durable == Position(0, 0)
    tail.sync()
    assert tail.durable == tail.position
    # read, and rotated before it is on disk; written, and rotated before it is read
    _add(path, 2)
    assert _read(tail) == ["2"]
    _add(path, 3)
    tail.rotate()
    assert tail.durable < tail.position
    assert _read(tail) == ["3"]
    tail.sync()
    disk.cut(after)
    assert _read(CelTail(after / "cel/cel.json", Position(0, 0))) == ["1", "2", "3"]
    _add(path, 4)
    assert _read(tail) == ["4"]
    tail.sync()
    disk.cut(after)
    assert sorted(tree(after)) == ["cel/cel-000001.json", "cel/cel.json"]
    later = CelTail(after / "cel/cel.json", tail.durable)
    assert _read(later) == [], "what is noted as read is not read again"
    assert _read(CelTail(after / "cel/cel.json", Position(0, 0))) == ["1", "2", "3", "4"]


def test_a_torn_row_costs_only_itself(data: Path) -> None:
    path = data / "cel.json"
    path.write_bytes(_line(1) + _line(2)[:-9])
    CelTail(path, Position(0, 0)).mend()
    assert path.read_bytes().endswith(_line(2)[:-9]), "the engine may be writing it"
    os.utime(path, (1.0, 1.0))
    for _ in range(2):
        CelTail(path, Position(0, 0)).mend()
        os.utime(path, (1.0, 1.0))
    _add(path, 3)
    with path.open("ab") as file:
        file.write(b"\0" * (tail_module.LINE_MAX + 5) + b"\n")
    _add(path, 4)
    assert _read(CelTail(path, Position(0, 0))) == ["1", "3", "4"]


@pytest.mark.parametrize("size", [None, 10])
def test_another_file_than_the_one_noted_is_read_from_its_beginning(data: Path, size: int | None) -> None:
    path = data / "cel.json"
    if size is not None:
        path.write_bytes(b"x" * (size - 1) + b"\n")
    tail = CelTail(path, Position(1, 1000))
    _add(path, *range(100))
    assert _read(tail) == [str(number) for number in range(100)]


def test_attachments_prompts_and_messages_stay(data: Path, disk: Disk, after: Path) -> None:
    source = private_folder(data / "voicemail") / "audio.wav"
    source.write_bytes(b"spoken")
    spool = Spool(data / "mail")
    names = [spool.take(source)[0], spool.take(b"made")[0]]
    prompts = SoundFolder(private_folder(data / "sounds") / "record")
    prompts.store("welcome", b"old")
    prompts.store("welcome", b"new")
    prompts.store("gone", b"x")
    prompts.delete("gone")
    disk.cut(after)
    assert tree(after) == {
        f"mail/{names[0]}": b"spoken",
        f"mail/{names[1]}": b"made",
        "sounds/record/welcome.wav": b"new",
    }


def test_messages_and_their_deletion_stay(data: Path, disk: Disk, after: Path) -> None:
    folder = private_folder(data / "default")
    inbox = folder / "1000/INBOX"
    inbox.mkdir(parents=True)
    for position in range(2):
        (inbox / f"msg{position:04d}.wav").write_bytes(b"spoken")
        text = f"msg_id=1-{position}\norigtime=1\nduration=1\n"
        (inbox / f"msg{position:04d}.txt").write_text(text)
    boxes = Boxes(folder, data / "taken")
    boxes.keep("1000", boxes.messages("1000"))
    disk.cut(after)
    left = Boxes(after / "default", after / "taken")
    assert left.messages("1000") == boxes.messages("1000")
    assert tree(after) == tree(data)
    boxes.discard("1000", {"1-1"})
    boxes.keep_names("1000")
    again = after.with_name("again")
    disk.cut(again)
    assert [one.msg_id for one in Boxes(again / "default", again / "taken").messages("1000")] == ["1-0"]


def test_what_a_killed_engine_left_of_a_message_is_no_message_and_goes(tmp_path: Path) -> None:
    folder = tmp_path / "default/1000"
    for name in ("tmp/AbCdEf.wav", "tmp/AbCdEf.txt", "tmp/new.wav", "INBOX/msg0000.wav"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        os.utime(path, (1000, 3000 if "new" in name else 1000))
    boxes = Boxes(tmp_path / "default", tmp_path / "taken")
    assert boxes.messages("1000") == [], "without its text"
    engine = tmp_path / "engine.json"
    boxes.sweep(engine)
    assert (folder / "tmp/AbCdEf.wav").exists(), "no engine has begun"
    engine.touch()
    os.utime(engine, (1000, 2000))
    boxes.sweep(engine)
    assert sorted(tree(folder)) == ["INBOX/msg0000.wav", "tmp/new.wav"]


@pytest.mark.parametrize("killed", [False, True])
async def test_a_fax_whose_record_is_stored_stays(
    data: Path, disk: Disk, after: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    async with mail_bench(data) as bench:
        inbox = FaxInbox(bench.store, data, bench.mailer, bench.settings, ZoneInfo("UTC"))
        (data / "fax/part/whole.tif").write_bytes(b"pages")
        await _record(bench.store, "whole.tif", 2)
        if killed:
            monkeypatch.setattr(inbox, "_move", lambda _fax: None)
        await inbox.settle()
        await disk.cut_with(bench.store, after)
        left = {path for path, content in tree(after).items() if content == b"pages"}
        assert ("fax/part/whole.tif" if killed else "fax/whole.tif") in left
