"""One engine as the areas see it: typed actions, a snapshot, and events (architecture, decision 11)."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field

from offhook.asterisk.ami.client import (
    AmiClient,
    AmiError,
    AmiRefused,
    AmiTimeout,
    AmiUnreachable,
    Headers,
)
from offhook.asterisk.ami.wire import Message, WireError
from offhook.clock import Clock

log = logging.getLogger(__name__)

FIRST_CALL_NUMBER = 1_000_000
"""Ids of calls that we originate count from here, so that they never meet Asterisk's own (decision 3)."""


class SwitchError(Exception):
    """The engine did not do what was asked; the base of this family."""


class EngineUnreachable(SwitchError):
    """There is no link to the engine."""


class EngineRefused(SwitchError):
    """The engine refused; the text is its reason."""


class ActionTimeout(SwitchError):
    """The engine did not answer in time."""


class SwitchBusy(SwitchError):
    """More calls are waiting to begin than this machine starts in a reasonable time."""


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
    """What the engine has at one moment: CoreShowChannel and ContactList events."""

    channels: tuple[Mapping[str, str], ...]
    contacts: tuple[Mapping[str, str], ...]


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
    ) -> None:
        self._clock = clock
        self._pace = Pace(clock, rate)
        self._on_connected = on_connected
        self._numbers = itertools.count(FIRST_CALL_NUMBER)
        self._epoch = 0
        self._synced = asyncio.Event()
        self._on_lost = on_lost
        self._client = AmiClient(
            address, on_events=on_events, on_connected=self._resynchronise, on_lost=self._lost
        )

    def start(self) -> None:
        """Begin to connect."""
        self._client.start()

    async def close(self) -> None:
        """End the link; the engine goes on."""
        await self._client.close()

    @property
    def healthy(self) -> bool:
        """Whether the engine answers and its events are in step."""
        return self._client.up

    async def wait_healthy(self, seconds: float) -> None:
        """Wait until the engine answers. Raises EngineUnreachable after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._synced.wait()
        except TimeoutError:
            raise EngineUnreachable(f"the engine did not answer in {seconds:g} s") from None

    def set_busy(self, busy: bool) -> None:
        """Tell whether calls are up: then events are flushed every 40 ms instead of every second."""
        self._client.busy = busy

    def next_call_id(self) -> str:
        """A new id `<epoch>.<n>` for a call that we originate.

        Never given twice, also not by the next process: that one starts in a later second, and a clock
        that is set back does not move the epoch of a running one.
        """
        self._epoch = max(self._epoch, int(self._clock.now()))
        return f"{self._epoch}.{next(self._numbers)}"

    async def originate(self, request: OriginateRequest) -> None:
        """Begin a call; returns when the engine has taken it on, not when somebody answers.

        Raises SwitchBusy, EngineUnreachable, EngineRefused, ActionTimeout.
        """
        if delay := self._pace.reserve():
            await asyncio.sleep(delay)
        headers = [
            ("Channel", request.channel),
            ("ChannelId", request.callid),
            ("Context", request.context),
            ("Exten", request.exten),
            ("Priority", "1"),
            ("Timeout", str(request.timeout * 1000)),
            ("Async", "true"),
        ]
        if request.other_channel_id:
            headers.append(("OtherChannelId", request.other_channel_id))
        if request.caller_id:
            headers.append(("CallerID", request.caller_id))
        headers += [("Variable", f"{name}={value}") for name, value in request.variables.items()]
        self._client.busy = True
        await self._do("Originate", headers)

    async def hangup(self, channel: str, cause: int) -> None:
        """Hang up one channel with a Q.850 cause. Raises EngineRefused when there is no such channel."""
        await self._do("Hangup", [("Channel", _exactly(channel)), ("Cause", str(cause))])

    async def reload(self, module: str) -> None:
        """Have a module read its configuration again."""
        await self._do("Reload", [("Module", module)])

    async def module_runs(self, module: str) -> bool:
        """Whether a module is loaded and runs."""
        try:
            await self._do("ModuleCheck", [("Module", module)])
        except EngineRefused:
            return False
        return True

    async def voicemail_refresh(self, mailbox: str) -> None:
        """Have the lamps of one mailbox set right after messages were changed on disk."""
        await self._do("VoicemailRefresh", [("Context", "default"), ("Mailbox", mailbox)])

    async def snapshot(self) -> Snapshot:
        """All channels and contacts of this moment."""
        channels = await self._list("CoreShowChannels")
        contacts = await self.snapshot_contacts()
        return Snapshot(
            tuple(message for message in channels if message.event == "CoreShowChannel"), contacts
        )

    async def snapshot_contacts(self) -> tuple[Mapping[str, str], ...]:
        """Everything that is registered at this moment."""
        contacts = await self._list("PJSIPShowContacts")
        return tuple(message for message in contacts if message.event == "ContactList")

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
                await self._do("DBDel", [("Family", "registrar/contact"), ("Key", key)])
                ended.append((name, contact.get("Uri", "")))
        return ended

    async def _resynchronise(self) -> None:
        await self._on_connected()
        self._synced.set()

    def _lost(self) -> None:
        self._synced.clear()
        self._on_lost()

    async def _do(self, name: str, headers: Headers) -> None:
        try:
            await self._client.action(name, headers)
        except (AmiError, WireError) as failure:
            raise _own(failure) from None

    async def _list(self, name: str) -> list[Message]:
        try:
            return await self._client.list_action(name, seconds=15)
        except AmiRefused as refused:
            if "No " in str(refused):  # "No Contacts found" is how the engine tells an empty list
                return []
            raise _own(refused) from None
        except (AmiError, WireError) as failure:
            raise _own(failure) from None


def _exactly(channel: str) -> str:
    # Hangup takes /…/ as a regular expression over channel names.
    if channel.startswith("/"):
        raise EngineRefused("no such channel")
    return channel


def _own(failure: AmiError | WireError) -> SwitchError:
    if isinstance(failure, AmiTimeout):
        return ActionTimeout(str(failure))
    if isinstance(failure, AmiUnreachable):
        return EngineUnreachable(str(failure))
    return EngineRefused(str(failure))
