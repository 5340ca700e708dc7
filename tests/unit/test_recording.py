"""Recordings without a PBX: names, settings, what the ledger makes of them, when the disk is full."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.areas.objects.field import Row
from offhook.areas.pbxsettings.recording_settings import numbers_rule
from offhook.areas.recordings.files import RecordingFiles, read_name
from offhook.areas.recordings.guard import DiskGuard
from offhook.areas.recordings.service import findings
from offhook.contract.rules import RuleBroken
from offhook.ledger import CelRow, fold
from offhook.store.unit import Store

NAME = "20191024012719-1571909237.191-4000-4001-Internal.wav"


def test_a_name_is_taken_apart() -> None:
    parts = read_name(NAME)
    assert parts is not None
    assert (parts.day, parts.callid, parts.caller, parts.callee, parts.type) == (
        "2019-10-24",
        "1571909237.191",
        "4000",
        "4001",
        "Internal",
    )


@given(st.text(max_size=80))
def test_what_is_a_name_stays_below_the_folder(text: str) -> None:
    for name in (text, NAME.replace("4000", text), NAME.replace("20191024", text)):
        if read_name(name) is not None:
            assert "/" not in name
            assert ".." not in name
            assert name.isascii()
            assert name.isprintable()


@pytest.mark.parametrize("name", ["", "..", "../x.wav", f"{NAME}\n", f"x/{NAME}", f"\0{NAME}"])
def test_a_path_is_made_of_names_only(tmp_path: Any, name: str) -> None:
    recordings = RecordingFiles(tmp_path)
    for make in (recordings.path, recordings.raw, recordings.remove):
        with pytest.raises(ValueError, match="no name of a recording"):
            make(name)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("1000", "1000"), (" 1000, 1001 ,", "1000,1001"), ("ALL", "all"), ("1000,1000", "1000")],
)
def test_whose_calls_are_recorded(sent: str, kept: str) -> None:
    assert numbers_rule().read(sent) == kept


@pytest.mark.parametrize("sent", ["x", "1000;1001", "1000,all", "-1", "12345678", "1000%", "١٠٠٠", ","])
def test_what_is_no_list_of_extensions(sent: str) -> None:
    with pytest.raises(RuleBroken):
        numbers_rule().read(sent)


def _row(kind: str, time: float, channel: str = "PJSIP/1001-00000001", note: str = "") -> CelRow:
    unique = "1.1" if "1001" in channel else "1.0"
    return CelRow(kind, time, "1000", "1001", "from-extension", channel, unique, "1.0", {}, note)


def test_a_record_names_its_first_recording_and_keeps_all() -> None:
    second = NAME.replace("4001", "4002")
    rows = [
        _row("CHAN_START", 1.0, "PJSIP/1000-00000000"),
        _row("CHAN_START", 1.1),
        _row("ANSWER", 2.0),
        _row("OFFHOOK_RECORDING", 2.1, note=f"{NAME}|callee"),
        _row("OFFHOOK_RECORDING", 2.1, note=f"{NAME}|callee"),
        _row("OFFHOOK_RECORDING", 3.0, note=f"{second}|caller"),
        _row("OFFHOOK_RECORDING", 3.0, note="|"),
        _row("HANGUP", 4.0),
        _row("LINKEDID_END", 4.1, "PJSIP/1000-00000000"),
    ]
    record = fold("1.0", list(reversed(rows)))
    assert record is not None
    assert record.recording == NAME
    assert [(one.name, one.side, one.started) for one in record.recordings] == [
        (NAME, "callee", 2.1),
        (second, "caller", 3.0),
    ]


def test_what_is_wrong_is_told_once_for_each() -> None:
    found = findings({"a": "closed", "b": "missing", "c": "running"}, {"c", "d"})
    assert {(one.name, one.what) for one in found} == {
        ("a", "there is no file of it"),
        ("b", "there is no file of it"),
        ("d", "no record names this file"),
    }


class Engine:
    """Takes what the guard tells; `healthy` is whether it can be spoken to."""

    def __init__(self) -> None:
        self.healthy = True
        self.told: list[str] = []

    async def act(self, action: Any) -> None:
        """A global variable."""
        self.told.append(f"{action.variable}={action.value}")


async def test_the_guard_tells_each_change_once_and_ends_what_runs_when_little_is_left(tmp_path: Any) -> None:
    engine, stopped, alarms = Engine(), [], []
    runs = True

    async def settings() -> Row:
        return {"minfreemegabytes": 100, "extensions": "all", "ondemand": ""}

    async def stop() -> None:
        nonlocal runs
        runs = False
        stopped.append("all")

    guard = DiskGuard(
        cast(Store, None), cast(Any, engine), tmp_path, settings, runs=lambda: runs, stop_all=stop
    )
    guard.on_full = lambda full, free: alarms.append((full, free >> 20))
    for free in (500, 100, 99, 60, 20, 19, 19, 104, 106, 106):
        guard.free = lambda _folder, free=free: free << 20  # type: ignore[misc]
        await guard.look()
    assert engine.told == ["OFFHOOK_RECORD=1", "OFFHOOK_RECORD=0", "OFFHOOK_RECORD=1"]
    assert stopped == ["all"], "at a fifth, and once"
    assert alarms[2] == (True, 99)
    assert alarms[-1] == (False, 106)
    engine.healthy = False
    await guard.on_connected()
    engine.healthy = True
    await guard.look()
    assert engine.told[-1] == "OFFHOOK_RECORD=1", "a new engine is told again"
    assert len(engine.told) == 4
