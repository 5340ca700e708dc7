"""The pure parts of call records as files: local times, plain fields, who took part."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.areas.records.localtime import LocalTime
from offhook.areas.records.plaincsv import COLUMNS, is_harmless, lines, plain
from offhook.ledger import parties

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia")


@given(st.sampled_from(ZONES), st.floats(0, 4e9))
def test_a_moment_reads_as_in_the_event(zone: str, moment: float) -> None:
    known = datetime.fromtimestamp(moment, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
    assert LocalTime(ZoneInfo(zone)).text(moment) == known


@given(st.sampled_from(ZONES), st.floats(1e9, 3e9))
def test_a_moment_lies_within_its_own_second(zone: str, moment: float) -> None:
    local = LocalTime(ZoneInfo(zone))
    read = datetime.fromisoformat(local.text(moment))
    assert local.first(read) <= moment + 1e-6
    assert moment < local.after(read)


def _hours(local: LocalTime, text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (local.after(moment) - 1 - local.first(moment)) / 3600


def test_times_that_come_twice_or_never_are_taken_widely() -> None:
    local = LocalTime(BERLIN)
    assert _hours(local, "2026-10-25 02:30:00") == 1  # twice
    assert _hours(local, "2026-03-29 02:30:00") == 1  # never
    assert _hours(local, "2026-03-29 03:30:00") == 0


@given(st.lists(st.text(), min_size=len(COLUMNS), max_size=len(COLUMNS)))
def test_whatever_a_field_holds_the_line_keeps_its_columns(fields: list[str]) -> None:
    line = lines([fields, fields])
    first, second = line.encode().decode().split("\n")
    assert first == second
    assert len(line.splitlines()) == 2
    assert '"' not in line
    assert next(csv.reader(io.StringIO(first))) == first.split(",")
    assert len(first.split(",")) == len(COLUMNS)
    assert first == ",".join(plain(field) for field in fields)


_ODD = st.text(st.sampled_from('=+-@,"\n\t 1aä\u2028\x85＝\xa0'), max_size=4)


@given(st.integers(0, 2), st.integers(0, len(COLUMNS) - 1), _ODD)
def test_the_quick_look_never_lets_pass_what_the_close_look_would_change(row: int, at: int, odd: str) -> None:
    rows = [["a"] * len(COLUMNS) for _ in range(3)]
    rows[row][at] = odd
    text = "\n".join(",".join(row) for row in rows)
    assert not is_harmless(text, 3) or lines(rows) == text


def test_the_quick_look_lets_pass_what_is_common() -> None:
    row = [
        "1571918400.1",
        "2019-10-24 12:00:00",
        "1000",
        "6200(1001)",
        "9",
        "8",
        "",
        "",
        "NO ANSWER",
        "Internal",
    ]
    row += ["4711", "20191024120000-1.1-1000-1001-Internal.wav", "", "369451090405"]
    assert is_harmless("\n".join([",".join(row)] * 3), 3)


@given(_ODD)
def test_no_field_is_a_formula(field: str) -> None:
    shown = plain(field)
    assert shown.lstrip()[:1] not in set("=-@＝＠＋－")
    assert not shown.lstrip().startswith("+") or shown[1:].isdigit()
    assert plain(shown) == shown


@pytest.mark.parametrize(
    ("direction", "callfrom", "callto", "inside", "outside"),
    [
        ("Internal", "1000", "1001", "1000 1001", ""),
        ("Internal", "1000", "6200(1002)", "1000 1002", "6200"),
        ("Internal", "1000", "6500", "1000 6500", ""),  # no extension has this number
        ("Inbound", "1001", "1000", "1000", "1001"),
        ("Inbound", "+49151", "6700(1000)", "1000", "+49151 6700"),
        ("Outbound", "1000", "1001", "1000", "1001"),
        ("Outbound", "1000", "0151 / 12", "1000", "0151 / 12"),
        ("Inbound", "anonymous", "", "", "anonymous"),
        ("Inbound", "", "12345678", "", "12345678"),
        ("Internal", "1000", "()(1)", "1000", "()(1)"),
    ],
)
def test_who_took_part(direction: str, callfrom: str, callto: str, inside: str, outside: str) -> None:
    found = parties(direction=direction, callfrom=callfrom, callto=callto, others=("",), channels=())
    assert sorted(number for number, own in found.items() if own) == sorted(inside.split())
    assert {number for number, own in found.items() if not own} == (
        {outside} if "/" in outside else set(outside.split())
    )


def test_legs_take_part_and_trunks_do_not() -> None:
    found = parties(
        direction="Outbound",
        callfrom="1000",
        callto="1001",
        others=("91001", "5503301"),
        channels=(
            "PJSIP/1002-0000000a",
            "PJSIP/1003w-0000000a",
            "PJSIP/trunk-a-endpoint-0000000b",
            "Local/1004@x-1",
        ),
    )
    assert {number for number, own in found.items() if own} == {"1000", "1002", "1003"}
    assert {number for number, own in found.items() if not own} == {"1001", "91001", "5503301"}
