"""One engine as the areas see it: typed actions, a snapshot, and events (architecture, decision 11)."""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
from collections.abc import Awaitable, Callable, Container, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, ParamSpec, TypeVar

from offhook.asterisk import details
from offhook.asterisk.ami import actions
from offhook.asterisk.ami.action import Action, ListAction
from offhook.asterisk.ami.client import (
    AmiClient,
    AmiError,
    AmiLost,
    AmiRefused,
    AmiTimeout,
    AmiUnreachable,
    Timing,
)
from offhook.asterisk.ami.wire import Message, WireError
from offhook.clock import Clock

log = logging.getLogger(__name__)

FIRST_CALL_NUMBER = 1_000_000
"""Ids of calls that we originate count from here, so that they never meet Asterisk's own (decision 3)."""

LIST_SECONDS = 15.0

_P = ParamSpec("_P")
_T = TypeVar("_T")


class SwitchError(Exception):
    """The engine did not do what was asked; the base of this family."""


class EngineUnreachable(SwitchError):
    """There is no link to the engine."""


class EngineLost(EngineUnreachable):
    """The link to the engine was lost before its answer came; it may have done what was asked."""


class EngineRefused(SwitchError):
    """The engine refused; the text is its reason."""


class ActionTimeout(SwitchError):
    """The engine did not answer in time."""


class SwitchBusy(SwitchError):
    """More calls are waiting to begin than this machine starts in a reasonable time."""


NO_ANSWER = (ActionTimeout, EngineLost)
"""Whether the engine has done it is unknown: what was promised stays so, and the picture tells the rest."""


def _own(failure: AmiError | WireError) -> SwitchError:
    if isinstance(failure, AmiTimeout):
        return ActionTimeout(str(failure))
    if isinstance(failure, AmiLost):
        return EngineLost(str(failure))
    if isinstance(failure, AmiUnreachable):
        return EngineUnreachable(str(failure))
    return EngineRefused(str(failure))


def _one_family(method: Callable[_P, Awaitable[_T]]) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """What the AMI raises becomes a SwitchError; a value that cannot be sent counts as refused."""

    @functools.wraps(method)
    async def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return await method(*args, **kwargs)
        except (AmiError, WireError) as failure:
            raise _own(failure) from None

    return wrapped


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginateRequest:
    """A call to begin: `channel` is rung, and when it answers it enters `exten`@`context`.

    `callid` becomes uniqueid and linkedid of the first leg; `other_channel_id` is that of the second half
    of a Local channel. `timeout` is in seconds; `variables` are set on the channel.
    """

    callid: str
    channel: str
    context: str
    exten: str
    timeout: int
    caller_id: str = ""
    other_channel_id: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the engine has at one moment, as the events of its lists: channels (with the headers of
    `asterisk/details.py`), contacts, registrations, who is in which conference, and who is parked."""

    channels: tuple[Mapping[str, str], ...]
    contacts: tuple[Mapping[str, str], ...]
    registrations: tuple[Mapping[str, str], ...] = ()
    rooms: tuple[Mapping[str, str], ...] = ()
    parked: tuple[Mapping[str, str], ...] = ()


class Pace:
    """Lets `rate` calls per second begin; those that would wait longer than `longest` seconds are refused."""

    def __init__(self, clock: Clock, rate: int, longest: float = 2.0) -> None:
        self._clock = clock
        self._interval = 1.0 / rate
        self._longest = longest
        self._next = 0.0

    def reserve(self) -> float:
        """Seconds to wait before the next call may begin. Raises SwitchBusy."""
        now = self._clock.monotonic()
        begin = max(now, self._next)
        if begin - now > self._longest:
            raise SwitchBusy("too many calls begin at once")
        self._next = begin + self._interval
        return begin - now

    @property
    def waiting(self) -> bool:
        """Whether calls wait for their turn."""
        return self._next - self._clock.monotonic() > 1.5 * self._interval


class Switch:
    """One engine. `address` tells host, port, user and secret of its AMI at this moment.

    `on_connected` is awaited after every login and before the events that came since: it takes the
    snapshot and brings everything in line with it.
    """

    def __init__(
        self,
        address: Callable[[], tuple[str, int, str, str]],
        clock: Clock,
        *,
        on_events: Callable[[Sequence[Mapping[str, str]]], None],
        on_connected: Callable[[], Awaitable[None]],
        on_lost: Callable[[], None],
        rate: int = 100,
        timing: Timing | None = None,
    ) -> None:
        self._address = address
        self._clock = clock
        self._pace = Pace(clock, rate)
        self._on_connected = on_connected
        self._numbers = itertools.count(FIRST_CALL_NUMBER + int(clock.now() % 1 * 1_000_000))
        self._epoch = 0
        self._synced = asyncio.Event()
        self._on_lost = on_lost
        self._client = AmiClient(
            address,
            on_events=on_events,
            on_connected=self._resynchronise,
            on_lost=self._lost,
            timing=timing,
        )

    def listener(self, user: str, on_events: Callable[[Sequence[Mapping[str, str]]], None]) -> AmiClient:
        """A link of its own, not started yet, by which another AMI user hears what he may, soon."""

        def address() -> tuple[str, int, str, str]:
            host, port, _, secret = self._address()
            return host, port, user, secret

        async def nothing() -> None:
            pass

        return AmiClient(
            address,
            on_events=on_events,
            on_connected=nothing,
            on_lost=lambda: None,
            timing=Timing(ping_rest=0.1, gather=0.001),
        )

    def start(self) -> None:
        """Begin to connect."""
        self._client.start()

    async def close(self) -> None:
        """End the link; the engine goes on."""
        self._synced.clear()
        await self._client.close()

    @property
    def healthy(self) -> bool:
        """Whether the engine answers and its events are in step."""
        return self._client.up

    @property
    def behind(self) -> float:
        """How many seconds of what the engine did may not have been told in events yet."""
        return self._client.behind

    @property
    def latency(self) -> float:
        """Seconds that the engine took for its last answer to a Ping."""
        return self._client.latency

    async def wait_healthy(self, seconds: float) -> None:
        """Wait until the engine answers. Raises EngineUnreachable after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._synced.wait()
        except TimeoutError:
            raise EngineUnreachable(f"the engine did not answer in {seconds:g} s") from None

    @property
    def crowded(self) -> bool:
        """Whether calls wait for their turn to begin: what can wait better lets them go first."""
        return self._pace.waiting

    def set_busy(self, busy: bool) -> None:
        """Tell whether calls are up: then events are flushed every 40 ms instead of every second."""
        self._client.busy = busy

    def next_call_id(self) -> str:
        """A new id `<epoch>.<n>` for a call that we originate.

        Never given twice, also not by the next process: its numbers begin at the microsecond of its start, so
        that even one that starts in the same second goes on above; a clock that is set back does not move
        the epoch of a running one.
        """
        self._epoch = max(self._epoch, int(self._clock.now()))
        return f"{self._epoch}.{next(self._numbers)}"

    @_one_family
    async def originate(self, request: OriginateRequest) -> None:
        """Begin a call; returns when the engine has taken it on, not when somebody answers.

        Raises SwitchBusy, EngineUnreachable, EngineRefused, ActionTimeout.
        """
        action = actions.Originate(
            channel=request.channel,
            channel_id=request.callid,
            other_channel_id=request.other_channel_id,
            context=request.context,
            exten=request.exten,
            priority=1,
            timeout=request.timeout * 1000,
            caller_id=request.caller_id,
            variables=request.variables,
        )
        if delay := self._pace.reserve():
            await asyncio.sleep(delay)
        self._client.busy = True
        await self.act(action)

    @_one_family
    async def hangup(self, channel: str, cause: int) -> None:
        """Hang up one channel with a Q.850 cause. Raises EngineRefused when there is no such channel."""
        await self.act(actions.Hangup(channel=channel, cause=cause))

    @_one_family
    async def redirect(
        self, channel: str, to: tuple[str, str], extra: tuple[str, str, str] | None = None
    ) -> None:
        """Send a channel to (context, exten), and its peer to `extra`: (channel, context, exten).

        Without `extra` the peer is hung up. Await the event that shows the channel's arrival before the next
        redirect of the same channel: the engine loses a second one that comes too early.
        """
        extra_channel, extra_context, extra_exten = extra or ("", "", "")
        await self.act(
            actions.Redirect(
                channel=channel,
                context=to[0],
                exten=to[1],
                extra_channel=extra_channel,
                extra_context=extra_context,
                extra_exten=extra_exten,
                extra_priority=1 if extra else None,
            )
        )

    @_one_family
    async def bridge(self, one: str, other: str) -> None:
        """Join two channels; who was joined with them before is hung up or goes on in its dialplan."""
        await self.act(actions.Bridge(channel1=one, channel2=other))

    @_one_family
    async def setvar(self, channel: str, name: str, value: str) -> None:
        """Set a variable of a channel."""
        await self.act(actions.Setvar(channel=channel, variable=name, value=value))

    @_one_family
    async def getvar(self, channel: str, name: str) -> str:
        """A variable of a channel; empty when it is not set."""
        answer = await self.act(actions.Getvar(channel=channel, variable=name))
        return answer.get("Value", "")

    @_one_family
    async def mute(self, channel: str, direction: Literal["in", "out", "all"], *, on: bool) -> None:
        """Mute what a channel says (in), what it hears (out), or both. The engine tells nobody."""
        state: Literal["on", "off"] = "on" if on else "off"
        await self.act(actions.MuteAudio(channel=channel, direction=direction, state=state))

    @_one_family
    async def reload(self, module: str) -> None:
        """Have a module read its configuration again."""
        await self.act(actions.Reload(module=module))

    @_one_family
    async def module_runs(self, module: str) -> bool:
        """Whether a module is loaded and runs."""
        try:
            await self.act(actions.ModuleCheck(module=module))
        except EngineRefused:
            return False
        return True

    @_one_family
    async def register(self, registration: str) -> None:
        """Have an outbound registration made anew now; its name is that of the engine's object."""
        await self.act(actions.PJSIPRegister(registration=registration))

    @_one_family
    async def unregister(self, registration: str) -> None:
        """End an outbound registration; returns before the other side has answered."""
        await self.act(actions.PJSIPUnregister(registration=registration))

    @_one_family
    async def voicemail_refresh(self, mailbox: str) -> None:
        """Have the lamps of one mailbox set right after messages were changed on disk."""
        await self.act(actions.VoicemailRefresh(mailbox=mailbox))

    async def snapshot(self) -> Snapshot:
        """All channels, contacts, registrations, conferences and parked calls of this moment."""
        channels = await self._channels()
        rooms: list[Mapping[str, str]] = []
        for room in await self.items(actions.ConfbridgeListRooms()):
            rooms += await self.items(actions.ConfbridgeList(conference=room.get("Conference", "")))
        parked = await self.items(actions.ParkedCalls())
        registrations = await self.snapshot_registrations()
        return Snapshot(channels, await self.snapshot_contacts(), registrations, tuple(rooms), parked)

    async def _channels(self) -> tuple[Mapping[str, str], ...]:
        listed = await self.items(actions.CoreShowChannels())
        channels = details.detailed(listed, await self.items(actions.Status(variables=details.VARIABLES)))
        holding = [name for name in details.holders(channels) if await self._holds(name)]
        return tuple({**one, "Holds": "1"} if one["Channel"] in holding else one for one in channels)

    async def _holds(self, channel: str) -> bool:
        try:
            return await self.getvar(channel, details.HELD_BY_PHONE) == "1"
        except EngineRefused:
            return False  # it has hung up since

    async def snapshot_registrations(self) -> tuple[Mapping[str, str], ...]:
        """Every registration with a carrier at this moment."""
        return await self.items(actions.PJSIPShowRegistrationsOutbound())

    async def snapshot_contacts(self) -> tuple[Mapping[str, str], ...]:
        """Everything that is registered at this moment."""
        return await self.items(actions.PJSIPShowContacts())

    @_one_family
    async def end_registrations(self, names: Container[str]) -> list[tuple[str, str]]:
        """End every registration of these AORs; returns their names and contact URIs.

        The registrar keeps contacts in the engine's own database (docs/internals.md) and reads it each time.
        """
        contacts = (await self.snapshot_contacts()) if names else ()
        ended: list[tuple[str, str]] = []
        for contact in contacts:
            key = contact.get("ObjectName", "")
            name = key.partition(";@")[0]
            if name in names:
                await self.act(actions.DBDel(family="registrar/contact", key=key))
                ended.append((name, contact.get("Uri", "")))
        return ended

    @_one_family
    async def act(self, action: Action) -> Mapping[str, str]:
        """Do any action and return the engine's answer.

        Raises EngineUnreachable, EngineRefused, ActionTimeout.
        """
        return await self._client.action(action.NAME, action.headers())

    @_one_family
    async def items(self, action: ListAction, *, seconds: float = LIST_SECONDS) -> tuple[Message, ...]:
        """Do any action that answers with a list, and return its items.

        Raises EngineUnreachable, EngineRefused, ActionTimeout.
        """
        try:
            messages = await self._client.list_action(action.NAME, action.headers(), seconds=seconds)
        except AmiRefused as refused:
            if not action.EMPTY or not str(refused).startswith(action.EMPTY):
                raise
            return ()
        return tuple(message for message in messages if message.event in action.ITEMS)

    async def _resynchronise(self) -> None:
        await self._on_connected()
        self._synced.set()

    def _lost(self) -> None:
        self._synced.clear()
        self._on_lost()
