"""Records of calls that the PBX makes by itself for an application: who is caller, callee, agent."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from offhook.ledger import CallRecord, CelRow, Direction, Intent, fold
from tests.unit.test_ledger import CALL, row

FIRST, SECOND = "PJSIP/trunk-first-endpoint-00000001", "PJSIP/trunk-second-endpoint-00000002"
AGENT = "PJSIP/1001-00000003"


def local(context: str) -> list[CelRow]:
    """The Local channel that rings who is called first."""
    name = f"Local/95550001@{context}-00000000;1"
    return [
        row(0, "CHAN_START", name, CALL),
        row(0.01, "CHAN_START", name.replace(";1", ";2"), "1795000000.11"),
    ]


def leg(channel: str, start: float, answer: float | None, end: float) -> list[CelRow]:
    """A party's channel."""
    rows = [row(start, "CHAN_START", channel, channel), row(end, "CHAN_END", channel, channel)]
    return rows if answer is None else [*rows, row(answer, "ANSWER", channel, channel)]


def note(time: float, kind: str, channel: str, text: str) -> CelRow:
    """A user event of the dialplan."""
    return row(time, kind, channel, channel, extra={"extra": text})


def record(caller: str, callee: str, rows: Sequence[CelRow], kind: Direction = "Outbound") -> CallRecord:
    """The record of a promised call of 30 seconds."""
    intent = Intent(callid=CALL, caller=caller, callee=callee, created=1795000000.0, type=kind)
    end = row(30, "LINKEDID_END", "Local/x@offhook-called-00000000;1", CALL)
    found = fold(CALL, [*rows, end], intent)
    assert found is not None
    return found


def test_a_queue_that_calls_out_counts_its_agents_ringing_from_the_entry() -> None:
    found = record(
        "6700",
        "95550001",
        [
            *local("offhook-called"),
            note(0.1, "OFFHOOK_PATH", FIRST, "queue|6700"),
            *leg(FIRST, 0.2, 5, 30),
            note(5.1, "OFFHOOK_ANSWERED", FIRST, "callee"),
            note(5.2, "OFFHOOK_PATH", FIRST, "queue|6700"),
            *leg(AGENT, 6, 12, 29),
            row(12.1, "BRIDGE_ENTER", AGENT, AGENT),
            row(12.1, "BRIDGE_ENTER", FIRST, FIRST),
            row(29, "BRIDGE_EXIT", FIRST, FIRST),
        ],
    )
    assert (found.callfrom, found.callto, found.status, found.type) == (
        "6700",
        "95550001",
        "ANSWERED",
        "Outbound",
    )
    assert (found.agent_ring_seconds, found.talk_seconds) == (7, 24)


@pytest.mark.parametrize("answered", [True, False])
def test_of_two_outside_parties_the_one_rung_first_is_the_caller(answered: bool) -> None:
    found = record(
        "95550001",
        "85550002",
        [
            *local("offhook-calling"),
            *leg("PJSIP/trunk-down-endpoint-00000009", 0.1, None, 0.2),  # the first trunk that was tried
            *leg(FIRST, 0.3, 4, 30),
            note(4.1, "OFFHOOK_ANSWERED", FIRST, "caller"),
            *leg(SECOND, 5, 10 if answered else None, 30),
        ],
    )
    assert (found.callfrom, found.callto, found.destination_trunk) == ("95550001", "85550002", "second")
    assert found.source_trunk == ""
    assert (found.status, found.talk_seconds) == (("ANSWERED", 20) if answered else ("NO ANSWER", 0))


def test_a_caller_outside_for_whom_nobody_was_called_went_out_by_his_own_trunk() -> None:
    rows = [*local("offhook-calling"), *leg(FIRST, 0.3, 4, 30)]
    found = record("95550001", "85550002", [*rows, note(4.1, "OFFHOOK_ANSWERED", FIRST, "caller")])
    assert (found.status, found.destination_trunk) == ("NO ANSWER", "first")


@pytest.mark.parametrize(("cause", "status"), [("17", "BUSY"), ("20", "NO ANSWER"), ("38", "NO ANSWER")])
def test_nobody_was_rung(cause: str, status: str) -> None:
    half = "Local/1000@offhook-called-00000000;2"
    ends = row(0.2, "HANGUP", half, "1795000000.11", extra={"hangupcause": cause})
    found = record("6500", "1000", [*local("offhook-called"), ends], "Internal")
    assert (found.callfrom, found.callto, found.status, found.type) == ("6500", "1000", status, "Internal")


def test_a_multicast_address_is_no_channel_and_yet_is_played_to() -> None:
    found = record(
        "prompt",
        "6301",
        [
            *local("offhook-playprompt"),
            note(0.1, "OFFHOOK_PATH", "Local/6301@offhook-playprompt-00000000;2", "paging|6301"),
            row(0.2, "ANSWER", "Local/6301@offhook-playprompt-00000000;1", CALL),
            note(0.3, "OFFHOOK_ANSWERED", "Local/6301@offhook-playprompt-00000000;1", "callee"),
        ],
        "Internal",
    )
    assert (found.callfrom, found.callto, found.status, found.talk_seconds) == (
        "prompt",
        "6301",
        "ANSWERED",
        30,
    )


@pytest.mark.parametrize("taken", [True, False])
def test_a_caller_who_took_a_parked_call_goes_on_in_that_one(taken: bool) -> None:
    channel = "PJSIP/1000-00000001"
    rows = [row(0, "CHAN_START", channel, CALL), row(2, "ANSWER", channel, CALL)]
    rows.append(note(2.1, "OFFHOOK_JOIN", channel, "parking"))
    rows += [] if taken else [row(4, "HANGUP", channel, CALL)]
    found = record("1000", "6900", rows, "Internal")
    assert found.status == ("ANSWERED" if taken else "NO ANSWER")
