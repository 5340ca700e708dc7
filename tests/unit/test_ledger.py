"""From CEL rows to records: who called whom, how long, and how it ended (spec 15-events, NewCdr)."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.areas.records.tail import RESERVE_BYTES, CelTail, Position
from offhook.ledger import Assembler, CelRow, Intent, RowError, fold, parse_row

CALL = "1795000000.10"


def row(
    time: float,
    kind: str,
    channel: str,
    uniqueid: str,
    linkedid: str = CALL,
    *,
    exten: str = "",
    extra: object = "",
    num: str = "1000",
) -> CelRow:
    return parse_row(
        json.dumps(
            {
                "eventtype": kind,
                "eventtime": str(1795000000 + time),
                "num": num,
                "exten": exten,
                "context": "from-extension",
                "channame": channel,
                "uniqueid": uniqueid,
                "linkedid": linkedid,
                "eventextra": json.dumps(extra) if extra else "",
            }
        ).encode()
    )


A, B = "PJSIP/1000-00000001", "PJSIP/1001-00000002"
U_A, U_B = CALL, "1795000000.11"


def answered(end: float = 20.0) -> list[CelRow]:
    return [
        row(0, "CHAN_START", A, U_A, exten="1001"),
        row(0.1, "CHAN_START", B, U_B),
        row(5, "ANSWER", B, U_B),
        row(5.01, "ANSWER", A, U_A, exten="1001"),
        row(5.02, "BRIDGE_ENTER", B, U_B),
        row(5.03, "BRIDGE_ENTER", A, U_A, exten="1001"),
        row(end, "BRIDGE_EXIT", A, U_A, exten="1001"),
        row(end, "BRIDGE_EXIT", B, U_B),
        row(end, "HANGUP", B, U_B, extra={"hangupcause": 16}),
        row(end, "CHAN_END", B, U_B),
        row(end, "HANGUP", A, U_A, exten="1001", extra={"hangupcause": 16, "dialstatus": "ANSWER"}),
        row(end, "CHAN_END", A, U_A, exten="1001"),
        row(end, "LINKEDID_END", A, U_A, exten="1001"),
    ]


TRUNK = "PJSIP/trunk-siptrunk-endpoint-00000001"


@pytest.mark.parametrize("told", ["12345678", "anonymous"])
def test_who_calls_over_a_trunk_is_what_the_dialplan_has_read(told: str) -> None:
    """The engine itself does not look into From, so its first row knows nobody."""
    rows = [
        row(0, "CHAN_START", TRUNK, U_A, exten="5503301", num="anonymous"),
        row(0.1, "OFFHOOK_DID", TRUNK, U_A, num=told, extra={"extra": "5503301"}),
        row(0.2, "CHAN_START", B, U_B),
        row(9, "LINKEDID_END", TRUNK, U_A),
    ]
    record = fold(CALL, rows)
    assert record is not None
    assert (record.callfrom, record.type, record.source_trunk) == (told, "Inbound", "siptrunk")


def test_a_row_that_is_not_utf_8_is_read() -> None:
    line = json.dumps({"eventtype": "X", "eventtime": "1", "num": "?", "channame": A, "uniqueid": "1",
                       "linkedid": "1"}).encode().replace(b"?", b"M\xfcller")  # fmt: skip
    assert parse_row(line).num == "M\ufffdller"


def failed(dialstatus: str, cause: int) -> list[CelRow]:
    return [
        row(0, "CHAN_START", A, U_A, exten="1001"),
        row(0.1, "CHAN_START", B, U_B),
        row(8, "HANGUP", B, U_B, extra={"hangupcause": cause}),
        row(8, "CHAN_END", B, U_B),
        row(8.1, "HANGUP", A, U_A, exten="1001", extra={"hangupcause": cause, "dialstatus": dialstatus}),
        row(8.1, "CHAN_END", A, U_A, exten="1001"),
        row(8.1, "LINKEDID_END", A, U_A, exten="1001"),
    ]


def test_an_answered_call() -> None:
    record = fold(CALL, answered())
    assert record is not None
    assert (record.callfrom, record.callto, record.dialled) == ("1000", "1001", "1001")
    assert (record.call_seconds, record.talk_seconds) == (20, 15)
    assert (record.status, record.type) == ("ANSWERED", "Internal")
    assert [leg.channel for leg in record.legs] == [A, B]


@pytest.mark.parametrize(
    ("dialstatus", "cause", "status"),
    [
        ("BUSY", 17, "BUSY"),
        ("NOANSWER", 0, "NO ANSWER"),
        ("CANCEL", 127, "NO ANSWER"),
        ("CHANUNAVAIL", 20, "NO ANSWER"),
    ],
)
def test_a_call_that_failed(dialstatus: str, cause: int, status: str) -> None:
    record = fold(CALL, failed(dialstatus, cause))
    assert record is not None
    assert (record.status, record.talk_seconds, record.callto) == (status, 0, "1001")


@pytest.mark.parametrize(
    ("end", "status"), [("SUCCESS", "VOICEMAIL"), ("FAILED", "NO ANSWER"), ("", "NO ANSWER")]
)
def test_voicemail_counts_when_a_message_was_left(end: str, status: str) -> None:
    rows = failed("NOANSWER", 0)
    rows[4:4] = [
        row(8.05, "OFFHOOK_VOICEMAIL", A, U_A, extra={"extra": "1001|noanswer"}),
        row(8.06, "ANSWER", A, U_A),
        row(8.07, "OFFHOOK_VOICEMAIL_END", A, U_A, extra={"extra": f"1001|{end}"}),
    ]
    record = fold(CALL, rows)
    assert record is not None
    assert record.status == status


def test_an_originated_call_begins_to_talk_when_the_callee_answers() -> None:
    intent = Intent(callid=CALL, caller="1000", callee="1001", created=1795000000.0)
    rows = [row(0.1, "CHAN_START", A, U_A), row(3, "ANSWER", A, U_A), *answered()[1:]]
    record = fold(CALL, rows, intent)
    assert record is not None
    assert (record.callfrom, record.callto, record.talk_seconds) == ("1000", "1001", 15)
    only_caller = fold(CALL, [rows[0], rows[1], row(4, "LINKEDID_END", A, U_A)], intent)
    assert only_caller is not None
    assert (only_caller.status, only_caller.talk_seconds) == ("NO ANSWER", 0)


def test_a_promised_call_without_any_channel_has_a_record() -> None:
    intent = Intent(callid=CALL, caller="1000", callee="1001", created=1795000000.0)
    record = fold(CALL, [], intent)
    assert record is not None
    assert (record.callfrom, record.callto, record.status) == ("1000", "1001", "NO ANSWER")
    assert fold(CALL, []) is None


def test_local_channels_alone_are_no_call() -> None:
    assert (
        fold(CALL, [row(0, "CHAN_START", "Local/1@x-1;1", U_A), row(1, "LINKEDID_END", "Local/1@x-1;1", U_A)])
        is None
    )


def test_a_forwarded_call_names_who_answered() -> None:
    rows = answered()
    rows = [
        CelRow(
            **{**{n: getattr(r, n) for n in CelRow.__slots__}, "channel": r.channel.replace("1001-", "1002-")}
        )
        for r in rows
    ]
    record = fold(CALL, rows)
    assert record is not None
    assert (record.dialled, record.callto) == ("1001", "1002")


C, U_C = "PJSIP/1002-00000003", "1795000000.12"


def queue_path(time: float, number: str) -> CelRow:
    return row(time, "OFFHOOK_PATH", A, U_A, exten="6700", extra={"extra": f"queue|{number}"})


def test_a_queue_call_is_of_the_queue_that_brought_the_two_together() -> None:
    later = [queue_path(10, "6701"), row(11, "ANSWER", C, U_C), row(12, "BRIDGE_ENTER", C, U_C)]
    record = fold(CALL, [queue_path(2, "6700"), *answered(), *later])
    assert record is not None
    assert (record.callto, record.agent_ring_seconds) == ("6700(1001)", 3)


def test_who_answers_for_a_queue_that_was_left_is_no_agent() -> None:
    left = row(4, "OFFHOOK_QUEUE_LEFT", A, U_A, exten="6700", extra={"extra": "6700"})
    record = fold(CALL, [queue_path(1, "6700"), left, *answered()])
    assert record is not None
    assert (record.callto, record.agent_ring_seconds) == ("6700(1001)", 0)


def test_an_agent_who_answered_and_left_before_he_was_joined_has_not_talked() -> None:
    dumped = [row(3, "ANSWER", C, U_C), row(4, "HANGUP", C, U_C, extra={"hangupcause": 16})]
    record = fold(CALL, [queue_path(1, "6700"), *dumped, *answered()])
    assert record is not None
    assert (record.callto, record.agent_ring_seconds, record.talk_seconds) == ("6700(1001)", 4, 15)
    alone = fold(CALL, [queue_path(1, "6700"), *dumped, row(9, "LINKEDID_END", A, U_A)])
    assert alone is not None
    assert (alone.status, alone.callto) == ("ANSWERED", "6700(1002)")


@given(st.permutations(answered()))
def test_the_order_of_the_file_does_not_matter(rows: list[CelRow]) -> None:
    one, other = fold(CALL, rows), fold(CALL, answered())
    assert one is not None
    assert other is not None
    assert (one.status, one.talk_seconds, one.call_seconds) == (
        other.status,
        other.talk_seconds,
        other.call_seconds,
    )


@given(st.binary(max_size=200))
def test_any_line_is_a_row_or_refused(line: bytes) -> None:
    with suppress(RowError):
        parse_row(line)


def test_a_text_that_is_no_json_costs_only_itself() -> None:
    line = (
        b'{"eventtype":"OFFHOOK_FAILED","eventtime":"1.5","channame":"PJSIP/1-00000000","uniqueid":"1","linkedid":"1",'
        b'"eventextra":"{\\"extra\\":\\"a\\\\,b\\"}"}'
    )
    assert parse_row(line).type == "OFFHOOK_FAILED"


def test_calls_are_complete_at_their_end_and_positions_wait_for_open_ones() -> None:
    assembler = Assembler()
    other = row(1, "CHAN_START", "PJSIP/1003-00000003", "1795000000.20", "1795000000.20")
    assert assembler.feed(other, (1, 0)) is None
    for number, one in enumerate(answered()):
        complete = assembler.feed(one, (1, 100 * (number + 1)))
        assert (complete is not None) is (one.type == "LINKEDID_END")
    assert complete is not None
    assert (complete.callid, len(complete.rows)) == (CALL, 13)
    assert assembler.low() == (1, 0)
    assembler.drop("1795000000.20")
    assert assembler.low() is None


def _line(number: int) -> bytes:
    value = {
        "eventtype": "ANSWER",
        "eventtime": "1.0",
        "channame": A,
        "uniqueid": str(number),
        "linkedid": "1",
    }
    return json.dumps(value).encode() + b"\n"


def test_the_tail_waits_for_whole_lines_and_follows_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "cel.json"
    path.write_bytes(_line(1) + _line(2)[:10])
    tail = CelTail(path, Position(0, 0))
    assert [r.uniqueid for r, _ in tail.read()] == ["1"]
    with path.open("ab") as file:
        file.write(_line(2)[10:] + b"torn}\n" + _line(3))
    assert [r.uniqueid for r, _ in tail.read()] == ["2", "3"]
    path.rename(tmp_path / "cel-000001.json")
    path.write_bytes(_line(4))
    later = CelTail(path, tail.position)
    assert [r.uniqueid for r, _ in later.read()] == ["4"]
    again = CelTail(path, Position(0, 0))
    assert [r.uniqueid for r, _ in again.read()] == ["1", "2", "3", "4"]
    again.forget(again.position)
    assert (tmp_path / "cel-000001.json").exists(), "the newest rotated file keeps the count"


def fax(*ends: CelRow) -> list[CelRow]:
    line = "PJSIP/trunk-carrier-endpoint-00000001"
    return [
        row(0, "CHAN_START", line, CALL, exten="5503370"),
        row(0.1, "OFFHOOK_DID", line, CALL, extra={"extra": "5503370"}),
        row(0.2, "ANSWER", line, CALL),
        row(0.3, "OFFHOOK_FAX", line, CALL, extra={"extra": "1000|a.tif"}),
        *(end for end in ends),
        row(20.3, "HANGUP", line, CALL, extra={"hangupcause": 16}),
        row(20.3, "LINKEDID_END", line, CALL),
    ]


@pytest.mark.parametrize(
    ("end", "status", "pages", "talk"),
    [
        ("SUCCESS|3", "ANSWERED", 3, 20),
        ("FAILED|1", "NO ANSWER", 0, 0),
        ("|", "NO ANSWER", 0, 0),
        ("SUCCESS|", "NO ANSWER", 0, 0),
        (None, "NO ANSWER", 0, 0),
    ],
)
def test_a_fax(end: str | None, status: str, pages: int, talk: int) -> None:
    line = "PJSIP/trunk-carrier-endpoint-00000001"
    ends = [row(20, "OFFHOOK_FAX_END", line, CALL, extra={"extra": end})] if end is not None else []
    record = fold(CALL, fax(*ends))
    assert record is not None
    assert (record.callto, record.status, record.fax, record.fax_pages) == ("1000", status, "a.tif", pages)
    assert (record.talk_seconds, record.type, record.didnumber) == (talk, "Inbound", "5503370")


def test_the_box_that_was_reached_through_an_ivr_is_called() -> None:
    line = "PJSIP/trunk-carrier-endpoint-00000001"
    record = fold(
        CALL,
        [
            row(0, "CHAN_START", line, CALL, exten="5503300"),
            row(0.1, "OFFHOOK_PATH", line, CALL, extra={"extra": "ivr|6500"}),
            row(0.2, "ANSWER", line, CALL),
            row(5, "OFFHOOK_VOICEMAIL", line, CALL, extra={"extra": "1001|always"}),
            row(9, "OFFHOOK_VOICEMAIL_END", line, CALL, extra={"extra": "1001|SUCCESS"}),
            row(9.1, "LINKEDID_END", line, CALL),
        ],
    )
    assert record is not None
    assert (record.callto, record.status) == ("1001", "VOICEMAIL")


def test_who_went_out_through_disa_called_the_number_dialled_there() -> None:
    line, out = "PJSIP/trunk-carrier-endpoint-00000001", "PJSIP/trunk-carrier-endpoint-00000002"
    record = fold(
        CALL,
        [
            row(0, "CHAN_START", line, CALL, exten="5503350"),
            row(0.1, "OFFHOOK_DID", line, CALL, extra={"extra": "5503350"}),
            row(0.2, "ANSWER", line, CALL),
            row(5, "OFFHOOK_OUTBOUND", line, CALL, extra={"extra": "95551001"}),
            row(5.1, "CHAN_START", out, "1795000000.12"),
            row(6, "ANSWER", out, "1795000000.12"),
            row(9, "BRIDGE_EXIT", out, "1795000000.12"),
            row(9.1, "LINKEDID_END", line, CALL),
        ],
    )
    assert record is not None
    assert (record.callto, record.status, record.destination_trunk) == ("95551001", "ANSWERED", "carrier")


@pytest.mark.parametrize(("ends", "status"), [(False, "ANSWERED"), (True, "NO ANSWER")])
def test_who_took_another_call_has_a_record_of_his_own(ends: bool, status: str) -> None:
    rows = [
        row(0, "CHAN_START", A, U_A, exten="*4"),
        row(0.1, "OFFHOOK_JOIN", A, U_A, extra={"extra": "pickup"}),
        row(0.2, "ANSWER", A, U_A),
        *([row(0.3, "HANGUP", A, U_A, extra={"hangupcause": 1})] if ends else []),
        row(0.4, "LINKEDID_END", A, U_A),
    ]
    record = fold(CALL, rows)
    assert record is not None
    assert (record.callfrom, record.callto, record.status) == ("1000", "*4", status)
    assert record.talk_seconds == 0


@pytest.mark.parametrize(("answers", "status"), [(True, "ANSWERED"), (False, "BUSY")])
def test_an_invitation_is_from_the_room(answers: bool, status: str) -> None:
    inner, outer = "Local/6400-1001@offhook-invited-1;1", "Local/6400-1001@offhook-invited-1;2"
    rows = [
        row(0, "CHAN_START", inner, U_A, exten="6400-1001"),
        row(0, "CHAN_START", outer, "1795000000.12", exten="6400-1001"),
        row(0.1, "OFFHOOK_PATH", outer, "1795000000.12", extra={"extra": "conference|6400"}),
        row(0.2, "CHAN_START", B, U_B),
        *([row(3, "ANSWER", B, U_B), row(9, "BRIDGE_EXIT", B, U_B)] if answers else []),
        row(9, "HANGUP", B, U_B, extra={"hangupcause": 17}),
        row(9, "HANGUP", outer, "1795000000.12", extra={"dialstatus": "ANSWER" if answers else "BUSY"}),
    ]
    record = fold(CALL, rows)
    assert record is not None
    assert (record.callfrom, record.callto, record.status) == ("6400", "1001", status)
    assert record.talk_seconds == (6 if answers else 0)


@pytest.mark.parametrize(("why", "status"), [("dnd", "BUSY"), ("busy", "BUSY"), ("always", "NO ANSWER")])
def test_a_box_without_a_message_says_why_it_was_reached(why: str, status: str) -> None:
    rows = [
        row(0, "CHAN_START", A, U_A, exten="1001"),
        row(0.1, "OFFHOOK_VOICEMAIL", A, U_A, extra={"extra": f"1001|{why}"}),
        row(0.2, "ANSWER", A, U_A),
        row(4, "OFFHOOK_VOICEMAIL_END", A, U_A, extra={"extra": "1001|FAILED"}),
        row(4, "HANGUP", A, U_A, extra={"hangupcause": 16}),
    ]
    record = fold(CALL, rows)
    assert record is not None
    assert (record.callto, record.status) == ("1001", status)


def test_what_a_call_runs_through_after_the_answer_does_not_count() -> None:
    later = [
        row(10, "OFFHOOK_FORWARD", A, U_A, extra={"extra": "1002|always|Custom Number|9555"}),
        row(10, "OFFHOOK_PATH", A, U_A, extra={"extra": "queue|6700"}),
    ]
    record = fold(CALL, [*answered(), *later])
    assert record is not None
    assert (record.callto, record.status, record.agent_ring_seconds) == ("1001", "ANSWERED", 0)


def test_a_forward_to_the_outside_names_the_number_that_was_called() -> None:
    trunk = "PJSIP/trunk-far-endpoint-00000003"
    rows = [
        row(0, "CHAN_START", A, U_A, exten="1001"),
        row(1, "OFFHOOK_FORWARD", A, U_A, extra={"extra": "1001|always|Custom Number|95551234"}),
        row(1.5, "OFFHOOK_OUTBOUND", A, U_A, extra={"extra": "95551234"}),
        row(2, "CHAN_START", trunk, U_B),
        row(3, "ANSWER", trunk, U_B),
        row(8, "BRIDGE_EXIT", trunk, U_B),
        row(8, "HANGUP", A, U_A, extra={"hangupcause": 16}),
    ]
    record = fold(CALL, rows)
    assert record is not None
    assert (record.callto, record.type, record.destination_trunk) == ("95551234", "Outbound", "far")


def test_a_clock_that_was_put_back_in_a_call_makes_no_negative_times() -> None:
    record = fold(CALL, answered(end=-3600.0))
    assert record is not None
    assert record.call_seconds >= 0
    assert record.talk_seconds == 0
    assert record.status == "ANSWERED"


def test_room_for_rows_is_kept_behind_the_end_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "cel.json"
    tail = CelTail(path, Position(0, 0))
    tail.reserve()
    assert path.stat().st_size == 0
    assert path.stat().st_blocks * 512 >= RESERVE_BYTES
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("row")
    tail.reserve()
    assert path.read_text() == "row"
    assert path.stat().st_blocks * 512 >= RESERVE_BYTES
    CelTail(tmp_path / "missing" / "cel.json", Position(0, 0)).reserve()
