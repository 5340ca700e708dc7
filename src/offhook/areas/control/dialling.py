"""Which calls an application can set up, and how each is begun (spec 13-call: call/dial)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from offhook.areas.control.launch import Launcher, NewCall
from offhook.areas.control.targets import Kind, Target, Targets
from offhook.callstate.model import Member, PartyKind
from offhook.contract.errors import ContractError, Errno

RING_SECONDS = 60
"""How long an outside party is rung that nobody in the house waits for."""

_LONGEST = 600  # seconds until a Local channel gives up; each attempt behind it has its own limit
_INSIDE = frozenset(Kind) - {Kind.FEATURE}

COMBINATIONS: Mapping[Kind, frozenset[Kind]] = {
    Kind.EXTENSION: _INSIDE,
    Kind.IVR: frozenset({Kind.OUTSIDE, Kind.EXTENSION}),
    Kind.RINGGROUP: frozenset({Kind.OUTSIDE}),
    Kind.QUEUE: frozenset({Kind.OUTSIDE}),
    Kind.OUTSIDE: frozenset({Kind.OUTSIDE}),
}
"""Whom each kind of caller may call (spec 13, `combinations`; an IVR calls extensions as in version 1)."""

THEN = {Kind.IVR: "ivr", Kind.RINGGROUP: "ringgroup", Kind.QUEUE: "queue", Kind.OUTSIDE: "outside"}
"""Where who answers goes on, as the dialplan names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialledExtension:
    """What call/dial has to know of an extension."""

    number: str
    callerid: str
    username: str
    ringtimeout: int
    maxregistrations: int


class Dialling:
    """Sets up calls between two parties."""

    def __init__(
        self,
        launcher: Launcher,
        targets: Targets,
        find_extension: Callable[[str], Awaitable[DialledExtension | None]],
    ) -> None:
        self._launcher = launcher
        self._targets = targets
        self._find_extension = find_extension

    async def dial(self, caller: str, callee: str, dialpermission: str | None, *, auto_answer: bool) -> str:
        """Ring the caller and, when it has answered, call the callee; returns the callid.

        An IVR, a ring group or a queue calls the callee, who goes on there. All is checked before anything is
        stored or rung. Raises ContractError: 10006 when caller or dialpermission is nobody, 10101 for a
        combination that cannot be, 10100 for a number that no route fits, 10004 when an outside leg needs
        dialpermission, 10024 without the right to call out, 10116 or 30002 when the engine cannot do it.
        """
        calling, called = await self._targets.kind(caller), await self._targets.kind(callee)
        if calling is Kind.OUTSIDE and not await self._targets.knows_route(caller):
            errno = Errno.NO_ROUTE if dialpermission else Errno.NO_SUCH_EXTENSION
            raise ContractError(errno, f"{caller} is no number of the PBX, and no outbound route fits it")
        if caller == callee:
            raise ContractError(Errno.COMBINATION_NOT_SUPPORTED, "caller and callee are the same")
        if called not in COMBINATIONS.get(calling, frozenset()):
            raise ContractError(
                Errno.COMBINATION_NOT_SUPPORTED, f"no {calling.value} can call a {called.value}"
            )
        if calling is Kind.EXTENSION:
            return await self._from_extension(caller, callee, dialpermission, auto_answer=auto_answer)
        if calling is Kind.OUTSIDE:
            return await self._from_outside(caller, callee, dialpermission)
        return await self._from_inside(calling, caller, callee, dialpermission)

    async def _from_extension(
        self, caller: str, callee: str, dialpermission: str | None, *, auto_answer: bool
    ) -> str:
        calling = await self._find_extension(caller)
        if calling is None:  # it has been deleted since
            raise ContractError(Errno.NO_SUCH_EXTENSION, "caller is no extension")
        right = dialpermission
        if right is None or await self._targets.kind(right) is not Kind.EXTENSION:
            right = caller  # spec 19-tolerances: a dialpermission that is no extension falls back
        target = await self._targets.reach(callee, right, unknown=Errno.NO_ROUTE)
        # One phone is rung itself; of several, that which answers goes on from a Local channel.
        several = calling.maxregistrations > 1 or auto_answer
        variables = {"OFFHOOK_CALLER": caller, "OFFHOOK_PERMISSION": target.right}
        if several:
            variables |= {"OFFHOOK_CALLEE": callee, "OFFHOOK_AUTOANSWER": "1" if auto_answer else ""}
            variables = {f"_{name}": value for name, value in variables.items()}  # for the phone behind it
        else:
            variables |= OWN
        return await self._launcher.launch(
            NewCall(
                caller=caller,
                callee=callee,
                channel=f"Local/{caller}@ring-extension" if several else f"PJSIP/{caller}",
                context="from-extension",
                exten=callee,
                timeout=calling.ringtimeout,
                caller_id=f"<{callee}>",
                variables=variables,
                type="Outbound" if target.kind is Kind.OUTSIDE else "Internal",
            )
        )

    async def _from_outside(self, caller: str, callee: str, dialpermission: str | None) -> str:
        first = await self._targets.reach(caller, dialpermission, unknown=Errno.NO_ROUTE)
        await self._targets.reach(callee, dialpermission, unknown=Errno.NO_ROUTE)
        return await self._launcher.launch(
            NewCall(
                caller=caller,
                callee=callee,
                channel=f"Local/{caller}@offhook-calling",
                context="offhook-answered",
                exten="s",
                timeout=_LONGEST,
                variables=first_leg(first, shown=first.right, then="outside", number=callee),
                type="Outbound",
                first=shown(first, first.right),
            )
        )

    async def _from_inside(self, kind: Kind, caller: str, callee: str, dialpermission: str | None) -> str:
        if dialpermission is None and kind is Kind.IVR:
            target = await self._targets.reach_from_ivr(caller, callee)
        else:
            target = await self._targets.reach(callee, dialpermission, unknown=Errno.NO_ROUTE)
        variables = first_leg(target, shown=caller, then=THEN[kind], number=caller)
        if kind is Kind.IVR:
            variables["__Ivr2outbound"] = "yes"  # as files written for the appliances ask (spec 18)
        return await self._launcher.launch(
            NewCall(
                caller=caller,
                callee=callee,
                channel=f"Local/{callee}@offhook-called",
                context="offhook-answered",
                exten="s",
                timeout=_LONGEST,
                variables=variables,
                type="Outbound" if target.kind is Kind.OUTSIDE else "Internal",
                first=shown(target, caller),
                called=True,
            )
        )


OWN = {"OFFHOOK_OWN": "1", "CHANNEL(callgroup)": ""}
"""The variables of a phone that is rung for the PBX itself: nobody picks it up (dialplan, `offhook-own`)."""


def first_leg(target: Target, *, shown: str, then: str, number: str = "") -> dict[str, str]:
    """The variables with which a party is rung that goes on by itself (dialplan, `offhook-first`)."""
    return {
        "__OFFHOOK_RIGHT": target.right,
        "__OFFHOOK_OUT_FROM": shown,
        "__OFFHOOK_THEN": then,
        "__OFFHOOK_THEN_NUMBER": number,
        "OFFHOOK_RING": str(RING_SECONDS),
    }


def shown(target: Target, calling: str) -> Member:
    """Who is rung first, as long as it has no channel."""
    if target.kind is Kind.OUTSIDE:
        return Member(kind=PartyKind.OUTBOUND, from_number=calling, to_number=target.number, channelid="")
    return Member(kind=PartyKind.EXT, number=target.number, channelid="")
