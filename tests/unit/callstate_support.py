"""Recorded AMI sessions of a real Asterisk 22.10.1, and facts written as short lines of text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from offhook.callstate import Picture, expect, fold, resync
from offhook.callstate.facts import (
    CallFailed,
    CallStatus,
    ExtensionStatus,
    Fact,
    Forward,
    PhaseChanged,
    RoomChanged,
    Transfer,
)
from offhook.callstate.model import Member, PartyKind

TRACES = Path(__file__).parent.parent / "data" / "callstate"
NO_SINGLE_CALL = (
    "snapshot",
    "registrations",
    "pickup",
    "pickup_by_code",
    "bridge_of_two_calls",
    "parked_and_taken_out",
    "refer_with_replaces",
)
ADDRESS = "127.0.0.1"

Event = dict[str, str]


def load(name: str) -> list[Event]:
    """The events of a recorded session, in their order."""
    return [json.loads(line) for line in (TRACES / f"{name}.jsonl").read_text().splitlines()]


def all_calls() -> list[str]:
    """The names of all recorded sessions with calls."""
    names = sorted(path.stem for path in TRACES.glob("*.jsonl"))
    return [name for name in names if name not in NO_SINGLE_CALL]


def contacts() -> list[Event]:
    """The registrations of the recorded sessions: 1000 to 1003, of which 1003 has two phones."""
    return [event for event in load("snapshot") if event["Event"] == "ContactList"]


def at_rest() -> Picture:
    """A picture without calls, with the registrations of the recorded sessions."""
    picture, facts = resync(Picture(), [], contacts())
    assert facts == ()
    return picture


def play(picture: Picture, events: Iterable[Event]) -> tuple[Picture, list[Fact]]:
    """Fold a list of events."""
    told: list[Fact] = []
    for event in events:
        picture, facts = fold(picture, event)
        told.extend(facts)
    return picture, told


def play_call(name: str, events: Sequence[Event] | None = None) -> tuple[Picture, list[Fact]]:
    """Fold a recorded session of one call (or `events` made from it), originated ones announced."""
    picture = at_rest()
    events = load(name) if events is None else events
    if name.startswith("originate"):
        caller = "1003" if "two_phones" in name else "1000"
        picture = expect(picture, callid_of(events), caller, "1001")
    return play(picture, events)


def callid_of(events: Sequence[Event]) -> str:
    """The callid of a recorded call: that of its first channel or of the failed originate."""
    first = next(event for event in events if event["Event"] in ("Newchannel", "OriginateResponse"))
    return first["Uniqueid"]


def lines(facts: Iterable[Fact]) -> list[str]:
    """Facts as text, without ids and without what stays inside offhook but for the end."""
    return [line(fact) for fact in facts if not isinstance(fact, PhaseChanged | RoomChanged)]


def line(fact: Fact) -> str:
    """One fact as text."""
    match fact:
        case ExtensionStatus(extension, status, address):
            return f"{extension} is {status}" + ("" if address == ADDRESS else f" at {address!r}")
        case CallStatus(members=members):
            return ", ".join(_member(member) for member in members)
        case CallFailed(reason=reason, members=members):
            return f"failed {reason}: {', '.join(_member(member) for member in members)}"
        case Forward(members=members) | Transfer(members=members):
            return f"{type(fact).__name__.lower()} {', '.join(_member(member) for member in members)}"
        case _:
            return "ended"


def _member(member: Member) -> str:
    status = f" {member.status}" if member.status else ""
    if member.kind is PartyKind.EXT:
        return member.number + status
    return f"{member.kind} {member.from_number}>{member.to_number}@{member.trunk}{status}"
