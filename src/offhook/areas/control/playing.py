"""Playing prompts to a party or a paging group (spec 13-call: call/playprompt, paginggroup/hangup/music)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from offhook.areas.control.dialling import first_leg, shown
from offhook.areas.control.launch import Launcher, NewCall
from offhook.areas.control.legs import NORMAL_CLEARING
from offhook.areas.control.live import LiveCalls
from offhook.areas.control.targets import Kind, Target, Targets
from offhook.asterisk.switch import EngineRefused, EngineUnreachable, Switch
from offhook.callstate import Call
from offhook.callstate.call import Role
from offhook.contract.errors import ContractError, Errno

FROM = "prompt"
"""Who calls, in events and records (spec 15: `outbound from` of PlayPromptEnd)."""

UNCHANGED = 10
OPEN_SECONDS, PICK_UP_SECONDS = 5, 15
"""How long the phones of a group have to answer, by themselves or by hand; the others wait for them."""

_LONGEST = 600  # seconds until the Local channel gives up; each attempt behind it has its own limit
_LISTENERS = frozenset({Kind.EXTENSION, Kind.OUTSIDE, Kind.PAGING})


def gain(volume: int | None) -> str:
    """A volume of 0 to 20 as a factor for the engine's VOLUME(TX): 2 dB a step, 10 is as recorded.

    Empty where nothing changes; the engine takes 0 for unchanged, so silence cannot be asked for.
    """
    if volume is None or volume == UNCHANGED:
        return ""
    factor = 10 ** ((volume - UNCHANGED) / 10)
    return f"{factor:.3f}"


class Playing:
    """Plays prompts; stops what is played to a paging group."""

    def __init__(
        self,
        launcher: Launcher,
        switch: Switch,
        live: LiveCalls,
        targets: Targets,
        prompt_exists: Callable[[str], bool],
    ) -> None:
        self._launcher = launcher
        self._switch = switch
        self._live = live
        self._targets = targets
        self._prompt_exists = prompt_exists

    async def play(
        self,
        number: str,
        prompts: Sequence[str],
        *,
        count: int,
        volume: int | None,
        auto_answer: bool | None,
        dialpermission: str | None,
    ) -> str:
        """Call `number`, play the prompts in turn, all of them `count` times; returns the callid.

        The phones of a paging group answer by themselves unless `auto_answer` is False, that of an extension
        only if it is True. Raises ContractError 10006 when number or dialpermission is nobody, 10100 for a
        number that no route fits, 10004 when an outside number comes without dialpermission, 10024 without
        the right, 10023 when a prompt does not exist, 10116, 30002.
        """
        target = await self._target(number, dialpermission)
        if not prompts or not all(self._prompt_exists(name) for name in prompts):
            raise ContractError(Errno.NO_SUCH_AUDIO)
        opens = auto_answer is not False if target.kind is Kind.PAGING else bool(auto_answer)
        variables = {
            **first_leg(target, shown=FROM, then="prompt"),
            "__OFFHOOK_PROMPTS": "+".join(prompts),
            "__OFFHOOK_COUNT": str(count),
            "__OFFHOOK_GAIN": gain(volume),
            "__OFFHOOK_AUTOANSWER": "1" if opens else "",
            "__OFFHOOK_OPEN": str(OPEN_SECONDS if opens else PICK_UP_SECONDS),
        }
        return await self._launcher.launch(
            NewCall(
                caller=FROM,
                callee=number,
                channel=f"Local/{number}@offhook-playprompt",
                context="offhook-multicast" if target.kind is Kind.PAGING else "offhook-answered",
                exten="s",
                timeout=_LONGEST,
                variables=variables,
                type="Outbound" if target.kind is Kind.OUTSIDE else "Internal",
                first=shown(target, FROM),
                called=True,
            )
        )

    async def _target(self, number: str, dialpermission: str | None) -> Target:
        unknown = Errno.NO_ROUTE if dialpermission else Errno.NO_SUCH_EXTENSION
        target = await self._targets.reach(number, dialpermission, unknown=unknown)
        if target.kind not in _LISTENERS:
            raise ContractError(Errno.NO_SUCH_EXTENSION, f"{number} is a {target.kind.value}")
        return target

    async def stop(self, number: str) -> None:
        """End what is played to a paging group, and an announcement that somebody speaks to it.

        Nothing going on is no error. Raises ContractError 10036 when `number` is no paging group, 30002.
        """
        if await self._targets.kind(number) is not Kind.PAGING:
            raise ContractError(Errno.NO_SUCH_PAGING)
        calls = self._live.picture.calls.values()
        for call in [one for one in calls if (one.path_kind, one.callpath) == ("paging", number)]:
            await self._end(call)

    async def _end(self, call: Call) -> None:
        """Hang up who calls, or all who listen: a page ends with its caller, a prompt has none."""
        talking = {key for seat in call.seats if seat.role is Role.CALLER for key in seat.legs}
        legs = [leg for leg in call.legs.values() if call.called or leg.uniqueid in talking]
        # what still rings phones goes first
        for leg in sorted(legs, key=lambda one: one.party is not None):
            self._live.about_to_hang_up(leg.channelid)
            try:
                with suppress(EngineRefused):  # it has just ended
                    await self._switch.hangup(leg.channelid, NORMAL_CLEARING)
            except EngineUnreachable:
                raise ContractError(Errno.ENGINE_UNREACHABLE) from None
