"""Backups as files: what is read is what was written, and nothing else is ever read or written."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import shutil
import sqlite3
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offhook.backup import contents, make, sealed
from offhook.backup.archive import About, ArchiveReader, ArchiveWriter, Sink, checked_path
from offhook.backup.contents import forget_broken_off, gathered
from offhook.backup.errors import BackupError
from offhook.backup.restore import restore_backup
from offhook.backup.sealed import CHUNK, MAGIC, SealedReader, SealedWriter
from offhook.cli import main
from offhook.cli.passphrase import VARIABLE
from tests.support.oldstore import old_folder, rows_of

ABOUT = About("0.1.0", "0007", 1_790_000_000.5, True)
SECRET = "correct horse battery"
SHARED = (HealthCheck.function_scoped_fixture,)


@pytest.fixture(autouse=True)
def _cheap_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "_COST", 1 << 4)


class _Kept(io.BytesIO):
    """A member that is kept when it is closed."""

    def __init__(self, into: dict[str, bytes], path: str) -> None:
        super().__init__()
        self._into = into
        self._path = path

    def close(self) -> None:
        self._into[self._path] = self.getvalue()
        super().close()


def _sealed(plain: bytes, secret: str = SECRET) -> bytes:
    target = io.BytesIO()
    writer = SealedWriter(target, secret)
    writer.write(plain)
    writer.close()
    return target.getvalue()


def _opened(archive: bytes, secret: str = SECRET) -> bytes:
    return SealedReader(io.BytesIO(archive), secret).read(1 << 30)


def _archive(members: dict[str, bytes], about: About = ABOUT) -> bytes:
    plain = io.BytesIO()
    writer = ArchiveWriter(plain.write, about)
    for path, content in members.items():
        writer.add(path, [content])
    writer.finish()
    return plain.getvalue()


def _read(plain: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    ArchiveReader(io.BytesIO(plain).read).members(lambda path: _Kept(found, path))
    return found


SIZES = st.sampled_from([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7])
PATHS = st.lists(st.text("abcé 0.-_", min_size=1, max_size=9), min_size=1, max_size=4).map("/".join)
GOOD_PATHS = PATHS.filter(lambda path: not {"", ".", ".."} & set(path.split("/")))


@given(SIZES, st.integers(0, 2**32))
def test_what_is_sealed_comes_back(size: int, seed: int) -> None:
    plain = (seed.to_bytes(8, "big") * (size // 8 + 1))[:size]
    archive = _sealed(plain)
    assert _opened(archive) == plain
    assert seed.to_bytes(8, "big") * 2 not in archive


@given(SIZES, st.data())
def test_a_changed_bit_a_cut_or_an_addition_is_noticed(size: int, data: st.DataObject) -> None:
    archive = _sealed(b"x" * size)
    match data.draw(st.sampled_from(["flip", "cut", "add", "swap"])):
        case "flip":
            at = data.draw(st.integers(0, len(archive) - 1))
            broken = (
                archive[:at] + bytes([archive[at] ^ 1 << data.draw(st.integers(0, 7))]) + archive[at + 1 :]
            )
        case "cut":
            broken = archive[: data.draw(st.integers(0, len(archive) - 1))]
        case "add":
            broken = archive + data.draw(st.binary(min_size=1, max_size=40))
        case _:
            head, one = len(MAGIC) + 16, CHUNK + 16
            broken = archive[:head] + archive[head + one : head + 2 * one] + archive[head : head + one]
            broken += archive[head + 2 * one :]
            if size <= CHUNK:
                return
    with pytest.raises(BackupError):
        _opened(broken)


def test_another_passphrase_opens_nothing_and_the_same_one_composed_otherwise_does() -> None:
    archive = _sealed(b"secret", "Grüße an alle")
    with pytest.raises(BackupError, match="passphrase is wrong"):
        _opened(archive, "Grüsse an alle")
    assert _opened(archive, "Gru\u0308ße an alle") == b"secret"


@given(st.dictionaries(GOOD_PATHS, st.binary(max_size=3 * 1024), max_size=8))
def test_members_come_back_as_they_were(members: dict[str, bytes]) -> None:
    assert _read(_archive(members)) == members


@given(st.binary(max_size=300))
def test_no_bytes_but_an_archive_are_read_as_one(plain: bytes) -> None:
    with pytest.raises(BackupError):
        _read(plain)


@given(st.data())
def test_an_archive_with_anything_changed_is_refused(data: st.DataObject) -> None:
    """Without the seal, as whoever has the passphrase could write it."""
    plain = _archive({"custom/a.conf": b"one" * 50, "tls/server.key": b"two"})
    at = data.draw(st.integers(0, len(plain) - 1))
    insert, drop = data.draw(st.binary(max_size=6)), data.draw(st.integers(0, 40))
    changed = plain[:at] + insert + plain[at + drop :]
    if changed == plain:
        return
    try:
        found = _read(changed)
    except BackupError:
        return
    # what an archive says of itself (version, moment) can be changed by who has the passphrase
    assert found == {"custom/a.conf": b"one" * 50, "tls/server.key": b"two"}


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/passwd", "../x", "a/../../x", "a//b", "", ".", "a/.", "a/..", "a\0b", "a\nb", "a\\b"),
        *("\ud800", "x" * 256, "/".join(["abcdefg"] * 200), "a/\u202egnp.exe"),
    ],
)
def test_a_path_that_leads_elsewhere_is_none(path: str) -> None:
    with pytest.raises(BackupError, match="no path"):
        checked_path(path)


@pytest.mark.parametrize(
    "path", ["run/offhook.lock", "asterisk/etc/pjsip.conf", "offhook.db-wal", "x", "tls"]
)
def test_a_member_that_is_no_part_of_a_pbx_is_refused(path: str, tmp_path: Path) -> None:
    _refused({path: b"x"}, tmp_path, "no part of a PBX")


def test_a_member_that_comes_twice_or_lies_below_another_is_refused(tmp_path: Path) -> None:
    _refused({"tls/a": b"x", "tls/a/b": b"y"}, tmp_path, "twice")
    plain = io.BytesIO()
    writer = ArchiveWriter(plain.write, ABOUT)
    for _ in range(2):
        writer.add("tls/a", [b"x"])
    writer.finish()
    _refused_plain(plain.getvalue(), tmp_path, "twice")


def test_an_archive_without_a_store_or_with_a_broken_one_is_refused(tmp_path: Path) -> None:
    _refused({"offhook.toml": b""}, tmp_path, "store in the backup is not whole")
    _refused({"offhook.db": b"SQLite format 3\0" + b"x" * 5000}, tmp_path, "store in the backup is not whole")


def test_a_newer_schema_is_refused_in_words(tmp_path: Path) -> None:
    about = About("9.0.0", "9999", 0.0, True)
    _refused_plain(_archive({}, about), tmp_path, r"made by a newer offhook \(9.0.0")


def test_a_part_that_says_that_it_is_huge_costs_nothing() -> None:
    for kind in (b"A", b"D", b"F"):
        with pytest.raises(BackupError, match="cannot be read"):
            _read(kind + b"\xff\xff\xff\xff" + b"x" * 100)


def test_a_deep_or_endless_text_is_refused() -> None:
    for text in (b"[" * 8000, b'{"version":' * 700, b"1" * 8000, json.dumps({"created": 1e400}).encode()):
        with pytest.raises(BackupError):
            _read(b"A" + len(text).to_bytes(4, "big") + text)


def test_the_commands_say_in_a_sentence_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "short").write_text("hunter2\n")
    (tmp_path / "cut.backup").write_bytes(_sealed(b"x" * 3 * CHUNK)[:-1])
    cut, data = str(tmp_path / "cut.backup"), str(tmp_path / "new")
    secret, short = (f"--passphrase-file={tmp_path / name}" for name in ("secret", "short"))
    for command, says in (
        (["restore", cut, secret], "cannot be read"),
        (["restore", cut, short], "passphrase is wrong"),
        (["restore", f"{cut}.absent", secret], "No such file"),
        (["backup", cut, "--check", secret], "cannot be read"),
        (["backup", f"{cut}.new", short], "at least 12 characters"),
        (["backup", f"{cut}.new"], "name a --passphrase-file"),
        (["backup", f"{cut}.new", secret], "holds no PBX"),
        (["backup", cut, secret], "is there already"),
    ):
        assert main([*command, "--data", data]) == 1
        told = capsys.readouterr().err
        assert says in told
        assert told.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.backup", "secret", "short"]


def test_a_backup_that_breaks_off_anywhere_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, archive = tmp_path / "data", tmp_path / "pbx.backup"
    old_folder(data)
    real, number = contents.blocks, 0

    def full(path: Path, size: int | None = None) -> Iterator[bytes]:
        nonlocal number
        number -= 1
        if number == 0:
            raise OSError(28, "No space left on device")
        return real(path, size)

    monkeypatch.setattr("offhook.backup.make.blocks", full)
    for broken in range(1, 9):
        number = broken
        with pytest.raises(OSError, match="No space"):
            make.make_backup(data, archive, SECRET, recordings=True, now=0.0)
        assert [path.name for path in tmp_path.iterdir()] == ["data"]
        assert [path.name for path in (data / "run").iterdir()] == ["backup.lock"]
    number = 0
    make.make_backup(data, archive, SECRET, recordings=True, now=0.0)


def test_one_backup_at_a_time_and_what_a_killed_one_left_goes(tmp_path: Path) -> None:
    data = tmp_path / "data"
    old_folder(data)
    with gathered(data, recordings=True) as found:
        with pytest.raises(BackupError, match="another backup"):
            make.make_backup(data, tmp_path / "second", SECRET, recordings=True, now=0.0)
        forget_broken_off(data)
        assert found.store.is_file()
        (data / "run" / "backup-left").mkdir()
        (data / "run" / "backup-left" / "offhook.db").write_bytes(b"plain")
    make.make_backup(data, tmp_path / "second", SECRET, recordings=True, now=0.0)
    assert [path.name for path in (data / "run").iterdir()] == ["backup.lock"]
    (data / "run" / "backup-left").mkdir()
    forget_broken_off(data)
    assert [path.name for path in (data / "run").iterdir()] == ["backup.lock"]
    forget_broken_off(tmp_path / "absent")


def test_recordings_that_retention_deletes_meanwhile_are_not_in_the_backup_either(tmp_path: Path) -> None:
    data, new = tmp_path / "data", tmp_path / "new"
    old_folder(data)
    with gathered(data, recordings=True) as found:
        (gone,) = found.recordings
        (data / gone).unlink()
        target = io.BytesIO()
        make._write(data, found, ArchiveWriter(target.write, ABOUT), recordings=True)
    (tmp_path / "pbx.backup").write_bytes(_sealed(target.getvalue()))
    restore_backup(tmp_path / "pbx.backup", new, SECRET, replace=False)
    assert rows_of(data / "offhook.db")["recordings"]
    assert rows_of(new / "offhook.db")["recordings"] == []


def test_an_old_folder_and_a_backup_change_places_at_once_where_that_is_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    old_folder(data)
    make.make_backup(data, tmp_path / "pbx.backup", SECRET, recordings=True, now=0.0)
    (data / "mine").write_text("since then")
    there: list[bool] = []
    real = Path.rename

    def look(path: Path, target: Path) -> Path:
        there.append((data / "offhook.db").is_file())
        return real(path, target)

    monkeypatch.setattr(Path, "rename", look)
    first = restore_backup(tmp_path / "pbx.backup", data, SECRET, replace=True).kept
    assert there == [True]
    assert first is not None
    assert (first / "mine").read_text() == "since then"
    assert not (data / "mine").exists()

    def cannot(one: Path, _other: Path) -> None:
        raise OSError(22, "Invalid argument", str(one))

    monkeypatch.setattr("offhook.disk.exchange", cannot)
    second = restore_backup(tmp_path / "pbx.backup", data, SECRET, replace=True).kept
    assert second is not None
    assert (second / "offhook.db").is_file()
    assert (data / "offhook.db").is_file()
    assert len(list(tmp_path.iterdir())) == 4


def test_what_a_killed_restore_left_goes_with_the_next_one(tmp_path: Path) -> None:
    """Not what another one makes just now, and not an old folder that has only not got its name yet."""
    data, archive = tmp_path / "data", tmp_path / "pbx.backup"
    old_folder(data)
    make.make_backup(data, archive, SECRET, recordings=True, now=0.0)
    left, living, old = (tmp_path / f".data.restore-{name}" for name in ("left", "living", "old"))
    for folder in (left, living, old):
        folder.mkdir()
        (folder / "offhook.db").write_bytes(b"plain")
    (left / "unfinished").touch()
    (living / "unfinished").touch()
    held = os.open(living, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    restored = restore_backup(archive, data, SECRET, replace=True)
    os.close(held)
    assert not left.exists()
    assert living.exists()
    assert old.exists()
    assert not (data / "unfinished").exists()
    assert restored.kept is not None
    assert not contents.belongs("unfinished")


def test_what_a_killed_pbx_left_in_the_log_of_its_store_is_backed_up(tmp_path: Path) -> None:
    data, new = tmp_path / "data", tmp_path / "new"
    old_folder(tmp_path / "living")
    data.mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "living" / "offhook.db")) as living:
        living.execute("PRAGMA wal_autocheckpoint=0")
        living.execute("INSERT INTO login_failures VALUES ('192.0.2.77', 1, 0, 0, 'TCP', 1)")
        living.commit()
        for name in ("offhook.db", "offhook.db-wal"):
            shutil.copyfile(tmp_path / "living" / name, data / name)
    make.make_backup(data, tmp_path / "pbx.backup", SECRET, recordings=True, now=0.0)
    restore_backup(tmp_path / "pbx.backup", new, SECRET, replace=False)
    found = [row["address"] for row in rows_of(new / "offhook.db")["login_failures"]]
    assert "192.0.2.77" in found


def test_files_that_have_no_place_in_a_backup_are_named_and_links_not_followed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    old_folder(data)
    outside = tmp_path / "outside"
    outside.write_text("of another user")
    (data / "custom").mkdir()
    (data / "custom" / "link.conf").symlink_to(outside)
    os.mkfifo(data / "custom" / "pipe")
    (data / "custom" / os.fsdecode(b"\xff.conf")).touch()
    (data / "custom" / "good.conf").write_text("[a]")
    made = make.make_backup(data, tmp_path / "pbx.backup", SECRET, recordings=False, now=0.0)
    assert len(made.left_out) == 3
    restore_backup(tmp_path / "pbx.backup", tmp_path / "new", SECRET, replace=False)
    assert [path.name for path in (tmp_path / "new" / "custom").iterdir()] == ["good.conf"]
    assert not (tmp_path / "new" / "recordings").exists()
    assert rows_of(tmp_path / "new" / "offhook.db")["recordings"] == []


def _refused(members: dict[str, bytes], folder: Path, says: str) -> None:
    _refused_plain(_archive(members), folder, says)


def _refused_plain(plain: bytes, folder: Path, says: str) -> None:
    """Restoring is refused, and leaves both an old folder and the place of a new one as they were."""
    archive = folder / "hostile.backup"
    archive.write_bytes(_sealed(plain))
    used = folder / "used"
    used.mkdir(exist_ok=True)
    (used / "offhook.db").write_bytes(b"mine")
    before = sorted(path.name for path in folder.iterdir())
    for data, replace in ((folder / "new", False), (used, True)):
        with pytest.raises(BackupError, match=says):
            restore_backup(archive, data, SECRET, replace=replace)
    assert sorted(path.name for path in folder.iterdir()) == before
    assert [path.name for path in used.iterdir()] == ["offhook.db"]
    assert (used / "offhook.db").read_bytes() == b"mine"


def test_a_backup_of_any_size_needs_little_memory(tmp_path: Path) -> None:
    def content() -> Iterator[bytes]:
        for _ in range(64):
            yield os.urandom(1 << 20)

    class Nowhere:
        def write(self, _data: bytes, /) -> None:
            pass

        def close(self) -> None:
            pass

    def nowhere(_path: str) -> Sink:
        return Nowhere()

    tracemalloc.start()
    try:
        with (tmp_path / "large.backup").open("wb") as file:
            writer = SealedWriter(file, SECRET)
            archive = ArchiveWriter(writer.write, ABOUT)
            archive.add("recordings/2026-01-01/x.wav", content())
            written = archive.finish()
            writer.close()
        with (tmp_path / "large.backup").open("rb") as large:
            assert ArchiveReader(SealedReader(large, SECRET).read).members(nowhere) == written
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert written.bytes == 64 << 20


@settings(suppress_health_check=SHARED, max_examples=30)
@given(st.binary(max_size=400))
def test_restoring_garbage_touches_nothing(tmp_path: Path, garbage: bytes) -> None:
    archive = tmp_path / "garbage.backup"
    archive.write_bytes(_sealed(garbage) if len(garbage) % 2 else MAGIC + garbage)
    with pytest.raises(BackupError):
        restore_backup(archive, tmp_path / "new", SECRET, replace=False)
    assert [path.name for path in tmp_path.iterdir()] == ["garbage.backup"]
