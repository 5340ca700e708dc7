"""One call: its channels (legs), its parties (seats) and the rules by which their states change.

A leg is one channel. A seat is one party of the call: usually one leg, but all phones of an extension
that ring together are one seat until one of them answers. Everything is immutable; a change makes a
new call. A member's status changes by `set_status` only (and its word by `set_role`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from offhook.callstate.model import Direction, Member, MemberStatus, PartyKind
from offhook.callstate.party import Party, other_half
from offhook.callstate.phase import Phase
from offhook.callstate.reasons import Reason


class LegState(StrEnum):
    """State of a channel, spelt as AMI's ChannelStateDesc."""

    DOWN = "Down"
    RING = "Ring"
    RINGING = "Ringing"
    UP = "Up"


class Role(StrEnum):
    """Side of the call on which a party stands."""

    CALLER = "caller"
    CALLEE = "callee"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One channel of a call. `dialled` legs were made by the PBX, the others by a phone or a trunk."""

    uniqueid: str
    channelid: str
    party: Party | None
    state: LegState
    dialled: bool
    attempt: int = 0
    # The legs that this one has put on hold, and whether it waits in a parking slot.
    holds: frozenset[str] = frozenset()
    parked: bool = False
    # The application holds this leg; the bridge in which it is.
    held: bool = False
    bridge: str = ""
    # The channel of who breaks into its talk: heard by this party, and by whom it talks with.
    ear: str = ""
    # How many keys its party has pressed since it is there.
    keys: int = 0
    # It is on its way into this call and has another linkedid until it is there.
    added: bool = False
    refused: bool = False
    dial_status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTransfer:
    """Somebody transfers by a key: the others of his call wait while he types a number and talks.

    `leg` is his, `role` what he was before, `waiting` the legs of the others, who hear music while he is
    `away`. `path` is what their call runs through. `called` once the number is dialled, `there` the bridge of
    that talk. A hold before he enters the other bridge means a change-over (`changing`); without one he has
    come back for good (`home`).
    """

    leg: str
    role: Role
    waiting: frozenset[str]
    path: tuple[str, str] = ("", "")
    called: bool = False
    there: str = ""
    home: bool = False
    away: bool = True
    changing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One party of a call; `legs` are the uniqueids of its channels."""

    party: Party
    role: Role
    legs: tuple[str, ...]
    member: Member

    @property
    def status(self) -> MemberStatus | None:
        """The member's status, None while its phone does not ring yet."""
        return self.member.status

    @property
    def talking(self) -> bool:
        """Whether the member's call was answered (held or not)."""
        return self.status in TALKING

    def without_leg(self, uniqueid: str) -> Seat:
        """Take a leg away."""
        if uniqueid not in self.legs:
            return self
        return replace(self, legs=tuple(key for key in self.legs if key != uniqueid))


ALLOWED: Mapping[MemberStatus | None, frozenset[MemberStatus]] = {
    None: frozenset(set(MemberStatus) - {MemberStatus.HOLD}),
    MemberStatus.ALERT: frozenset({MemberStatus.ANSWERED, MemberStatus.BYE}),
    MemberStatus.RING: frozenset({MemberStatus.ANSWER, MemberStatus.BYE}),
    MemberStatus.ANSWERED: frozenset({MemberStatus.ALERT, MemberStatus.HOLD, MemberStatus.BYE}),
    MemberStatus.ANSWER: frozenset({MemberStatus.HOLD, MemberStatus.BYE}),
    MemberStatus.HOLD: frozenset({MemberStatus.ANSWERED, MemberStatus.ANSWER, MemberStatus.BYE}),
    MemberStatus.BYE: frozenset(),
}
"""Which status may follow which. ANSWERED to ALERT: an IVR passes its caller on (spec 15, `unclear`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consultation:
    """Who consults a third party and who waits meanwhile, by their channels' uniqueids."""

    transferring: str
    waiting: str
    role: Role  # of who transfers, before
    number: str = ""  # that was called
    told: bool = False  # that the one who waits is held


TALKING = frozenset({MemberStatus.ANSWERED, MemberStatus.ANSWER, MemberStatus.HOLD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call with its legs and seats; seats stand in the order of the wire, callers first."""

    callid: str
    seats: tuple[Seat, ...] = ()
    legs: Mapping[str, Leg] = field(default_factory=dict)

    # Caller and callee of a call that we originate, as announced by `expect`.
    expected: str = ""
    expected_callee: str = ""
    # Who is rung first, as CallFailed shows it while it has no channel; None for an extension that calls.
    first: Member | None = None
    # The PBX rings the caller's own phones: who joins now is the caller.
    calling_back: bool = False
    # The PBX calls by itself (an IVR calls out, a prompt is played): who joins first is called.
    called: bool = False
    # An ear in another call or a party on its way into one: no call of its own to the world.
    quiet: bool = False
    # The caller, kept for CallFailed when it has gone; of a call by the PBX itself who was called first.
    caller: Member | None = None

    # Destinations so far: a forward begins the next one, what failed before does not count any more.
    attempt: int = 0
    failure: Reason | None = None
    # What the engine answered the caller's phone: the reason when nobody was called at all.
    told_caller: Reason | None = None
    refused_by_dialplan: bool = False
    given_up: bool = False
    # Somebody or something answered the caller; `connected`: a callee did.
    answered: bool = False
    connected: bool = False
    voicemail: bool = False

    # Who transfers by a key right now.
    key_transfer: KeyTransfer | None = None
    # The caller is about to be joined to another call (pick-up, a parking slot), which tells him then.
    joining: bool = False

    # What the call runs through (an IVR, a queue, …): its kind and number, the latest of several.
    path_kind: str = ""
    callpath: str = ""
    # What call/playprompt played was heard to its end, and that was told.
    played: bool = False
    # In a conference: a moderator has to come first.
    waits_for_moderator: bool = False
    # The conference into which somebody is called who has not entered yet.
    invited_to: str = ""
    # How the next leg to the outside is shown: who calls, and what was dialled.
    calling_out: tuple[str, str] | None = None

    # What an application does with it, and who is consulted.
    phase: Phase = Phase.IDLE
    consultation: Consultation | None = None
    # What decided about a call that Invite announced: an application's word, or `timeout`.
    decided: str = ""

    # Legs known to go, in that order, before their Hangup comes.
    leaving: tuple[str, ...] = ()
    last_left: Member | None = None

    @property
    def members(self) -> tuple[Member, ...]:
        """The parties as clients see them, callers first."""
        return tuple(seat.member for seat in self.seats if seat.status is not None)

    @property
    def direction(self) -> Direction:
        """Inbound when an outside party called in, outbound when one was called, else internal."""
        kinds = {seat.member.kind for seat in self.seats}
        if self.caller is not None:
            kinds.add(self.caller.kind)
        if PartyKind.INBOUND in kinds:
            return Direction.INBOUND
        return Direction.OUTBOUND if PartyKind.OUTBOUND in kinds else Direction.INTERNAL

    def seat_of(self, uniqueid: str) -> Seat | None:
        """The seat that a leg belongs to."""
        return next((seat for seat in self.seats if uniqueid in seat.legs), None)

    def seat_behind(self, uniqueid: str) -> Seat | None:
        """The seat that a leg belongs to; of a Local channel, who is or will be bridged with its end."""
        seat, leg = self.seat_of(uniqueid), self.legs.get(uniqueid)
        if seat is not None or leg is None:
            return seat
        end = self.leg_of(other_half(leg.channelid))
        for one in self.seats:
            if (
                end is not None
                and end.bridge
                and any(self.legs[key].bridge == end.bridge for key in one.legs)
            ):
                return one
        return next((one for one in self.seats if one.talking), None)

    def leg_of(self, channelid: str) -> Leg | None:
        """The leg with this channel name."""
        return next((leg for leg in self.legs.values() if leg.channelid == channelid), None)

    def with_leg(self, leg: Leg) -> Call:
        """Add a leg or change it."""
        return replace(self, legs={**self.legs, leg.uniqueid: leg})

    def without_leg(self, uniqueid: str) -> Call:
        """Take a leg away, from its seat too."""
        legs = {key: leg for key, leg in self.legs.items() if key != uniqueid}
        leaving = tuple(key for key in self.leaving if key != uniqueid)
        seats = tuple(seat.without_leg(uniqueid) for seat in self.seats)
        return replace(self, legs=legs, leaving=leaving, seats=seats)

    def with_seat(self, seat: Seat) -> Call:
        """Add a seat: callers before callees, else in the order of coming."""
        seats = (*self.seats, seat)
        return replace(self, seats=tuple(sorted(seats, key=lambda one: one.role is Role.CALLEE)))

    def with_path(self, kind: str, number: str) -> Call:
        """The call runs through this from now on, and with it all its members but those who wait."""
        waiting = self._waiting()
        seats = tuple(
            seat if waiting & set(seat.legs) else replace(seat, member=replace(seat.member, callpath=number))
            for seat in self.seats
        )
        caller = replace(self.caller, callpath=number) if self.caller else None
        return replace(self, seats=seats, caller=caller, path_kind=kind, callpath=number)

    def with_changed(self, old: Seat, new: Seat) -> Call:
        """Put a seat in the place of another."""
        return replace(self, seats=tuple(new if seat is old else seat for seat in self.seats))

    def listed(self, *, everyone: bool = False) -> tuple[Member, ...]:
        """The members that an event of this call lists: without those who wait for a consultation to end."""
        if everyone:
            return self.members
        transfer = self.key_transfer
        if transfer is not None and not (transfer.called and transfer.away):
            return self.members
        waiting = self._waiting()
        return tuple(s.member for s in self.seats if s.status is not None and not waiting & set(s.legs))

    def _waiting(self) -> frozenset[str]:
        """The legs of those who wait while another consults a third party."""
        if self.key_transfer is not None:
            return self.key_transfer.waiting
        if self.consultation is not None:
            return frozenset(key for key, leg in self.legs.items() if leg.held)
        return frozenset()

    def without_seat(self, gone: Seat) -> Call:
        """Take a seat away."""
        return replace(self, seats=tuple(seat for seat in self.seats if seat is not gone))


def set_status(seat: Seat, status: MemberStatus) -> Seat:
    """The only setter of a member's status; a transition that `ALLOWED` lacks leaves the seat unchanged.

    Events can be lost, doubled or late, so a wrong transition is no error: the resynchronisation mends it.
    """
    if status not in ALLOWED[seat.status]:
        return seat
    return replace(seat, member=replace(seat.member, status=status))


def set_role(seat: Seat, role: Role) -> Seat:
    """Put a party on the other side of the call; its status changes its name, not its meaning."""
    if seat.role is role or seat.status is None:
        return replace(seat, role=role)
    renamed = {wait_status(seat.role): wait_status(role), talk_status(seat.role): talk_status(role)}
    member = replace(seat.member, status=renamed.get(seat.status, seat.status))
    return replace(seat, role=role, member=member)


def set_talking(seat: Seat) -> Seat:
    """A party that waits or is held talks from now on."""
    return set_status(seat, talk_status(seat.role))


def set_waiting(seat: Seat) -> Seat:
    """A party that talked or was held is passed on: it is the caller from now on, and hears ringing."""
    return set_status(set_role(set_talking(seat), Role.CALLER), MemberStatus.ALERT)


def seen_by(seat: Seat, leg: Leg) -> Seat:
    """The member is known to clients by this channel from now on."""
    return replace(seat, member=replace(seat.member, channelid=leg.channelid))


def talk_status(role: Role) -> MemberStatus:
    """The status of a member whose call is answered."""
    return MemberStatus.ANSWERED if role is Role.CALLER else MemberStatus.ANSWER


def wait_status(role: Role) -> MemberStatus:
    """The status of a member whose call is not answered yet."""
    return MemberStatus.ALERT if role is Role.CALLER else MemberStatus.RING
