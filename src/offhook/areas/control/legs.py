"""Finding the leg that an application means, and what stands in the way of an operation on it.

Refusals (spec 13-call, 16-errors): 10103 for a channelid that no leg has, 10015 for a leg that talks with
nobody yet, 10102 for an operation that the call's present state forbids, 10007 when the leg has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from offhook.areas.control.live import LiveCalls
from offhook.asterisk.switch import EngineRefused, EngineUnreachable, SwitchError
from offhook.callstate import Call
from offhook.callstate.call import Leg, LegState, Seat
from offhook.callstate.party import PartyType
from offhook.callstate.phase import Phase
from offhook.callstate.picture import Picture
from offhook.contract.errors import ContractError, Errno

NORMAL_CLEARING = 16
"""The cause of a hang-up that nobody is to blame for (Q.850)."""

ARRIVAL_SECONDS = 2.0
"""How long an operation waits for the engine to show that a leg has arrived."""

OPTIMISING_SECONDS = 0.7
"""How long the legs of an extension with several phones may take to share a bridge (engine notes, 8.5)."""


def find_leg(picture: Picture, channelid: str) -> tuple[Call, Leg]:
    """The running call and leg with this channelid. Raises ContractError 10103."""
    call = picture.by_channel(channelid)
    leg = call.leg_of(channelid) if call is not None else None
    if call is None or leg is None:
        raise ContractError(Errno.NO_SUCH_CHANNEL)
    return call, leg


def talking_with(call: Call, leg: Leg) -> Leg:
    """The one leg that `leg` talks with, or would but for a hold.

    Raises ContractError 10015 when nobody has answered, 10102 where more or fewer than two talk.
    """
    mine = call.seat_of(leg.uniqueid)
    if mine is None or not mine.talking or leg.state is not LegState.UP:
        raise ContractError(Errno.CALL_NOT_CONNECTED)
    others = [seat for seat in call.seats if seat is not mine and seat.talking]
    if not others:
        errno = Errno.CALL_OPERATION_FAILED if call.path_kind else Errno.CALL_NOT_CONNECTED
        raise ContractError(errno, "this leg talks with nobody")
    if len(others) > 1 or call.path_kind in {"conference", "paging"}:
        raise ContractError(Errno.CALL_OPERATION_FAILED, "more than two talk in this call")
    return leg_of_seat(call, others[0])


def leg_of_seat(call: Call, seat: Seat) -> Leg:
    """The leg by which clients know a party."""
    return next(call.legs[key] for key in seat.legs if call.legs[key].channelid == seat.member.channelid)


def extension_of(leg: Leg) -> str | None:
    """The number of the extension whose phone this leg is; None for that of a trunk, however it is called."""
    if leg.party is None or leg.party.type is not PartyType.EXTENSION:
        return None
    return leg.party.name


def require_phase(call: Call, *phases: Phase) -> None:
    """Raises ContractError 10102 when the call is in none of these phases."""
    if call.phase not in phases:
        raise ContractError(Errno.CALL_OPERATION_FAILED, f"the call is {call.phase.value}")


async def arrives(live: LiveCalls, callid: str, leg: Leg, condition: Callable[[Call], bool]) -> bool:
    """Whether the engine shows in time that a leg is where it was sent: `condition` holds for its call.

    A leg that has gone meanwhile has arrived too: it has its own events.
    """

    def there(picture: Picture) -> bool:
        call = picture.call(callid)
        return call is None or leg.uniqueid not in call.legs or condition(call)

    return await live.until(there, ARRIVAL_SECONDS)


async def require_arrival(live: LiveCalls, callid: str, leg: Leg, condition: Callable[[Call], bool]) -> None:
    """Wait as `arrives` does. Raises ContractError 10102 when the engine does not show it in time."""
    if not await arrives(live, callid, leg, condition):
        raise ContractError(Errno.CALL_OPERATION_FAILED, "the engine did not move the leg in time")


@contextmanager
def engine_answers() -> Iterator[None]:
    """What the engine does not do becomes the contract's errno: 30002 away, 10007 the leg is gone, 10102."""
    try:
        yield
    except EngineUnreachable:
        raise ContractError(Errno.ENGINE_UNREACHABLE) from None
    except EngineRefused as refused:
        raise ContractError(Errno.NO_SUCH_CALL, str(refused)) from None
    except SwitchError as failure:
        raise ContractError(Errno.CALL_OPERATION_FAILED, str(failure)) from None
