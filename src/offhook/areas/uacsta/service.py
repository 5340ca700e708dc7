"""uaCSTA as a whole: a session with every registered phone while it is on, and what the API asks for.

Off, which it is by default, there is no socket, no session and no task, and events of the engine are not
looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Final

from offhook.areas.extensions.model import REALM, Extension
from offhook.areas.pbxsettings.sections import SIP
from offhook.areas.pbxsettings.service import SettingsService
from offhook.areas.uacsta.agent import Agent
from offhook.areas.uacsta.calls import Operation, Wish
from offhook.areas.uacsta.phone import CommandFailed, PhoneSession, Surroundings
from offhook.areas.uacsta.sip import Address, Contact, Login, contact_of, read_address, written
from offhook.callstate.party import PartyType, party_of_endpoint
from offhook.callstate.presence import Phones
from offhook.contract.errors import ContractError, Errno
from offhook.events.api import UacstaCall

log = logging.getLogger(__name__)

COMMAND_SECONDS: Final = 3.0
OPENED_PER_SECOND: Final = 25.0
_SETTLE_SECONDS = 0.05
_ANYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - what is compared with

FindExtension = Callable[[str], Awaitable[Extension | None]]
Publish = Callable[[UacstaCall], None]


class UacstaService:
    """`phones` gives the registrations of every extension at this moment, `publish` sends an event."""

    def __init__(
        self,
        settings: SettingsService,
        find_extension: FindExtension,
        phones: Callable[[], Mapping[str, Phones]],
        publish: Publish,
        bind: str,
    ) -> None:
        self._settings = settings
        self._find_extension = find_extension
        self._phones = phones
        self._publish = publish
        self._bind = bind
        self._agent: Agent | None = None
        self._sessions: dict[tuple[str, str], PhoneSession] = {}
        self._port = 0
        self._turn = asyncio.Lock()
        self._stale: set[str] = set()
        self._settling: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_opening = 0.0

    @property
    def sessions(self) -> Sequence[PhoneSession]:
        """The sessions with all phones, in whatever state."""
        return tuple(self._sessions.values())

    # -- on and off -----------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Bring everything in line with the switch and with what is registered."""
        async with self._turn:
            row = await self._settings.get(SIP)
            port = int(row["uacstaport"]) if row["uacsta"] else 0
            if port != self._port or (port and self._agent is None):
                await self._stop()
                if port:
                    await self._start(port)
            if self._agent is not None:
                numbers = {*self._phones(), *(number for number, _ in self._sessions)}
                await self._look_at(numbers)

    def refresh_soon(self) -> None:
        """As `refresh`, without waiting for it."""
        self._start_task(self.refresh())

    def _start_task(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name="uacsta-phones")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            log.error("uacsta: the sessions could not be brought in line", exc_info=failure)

    async def on_parts_changed(self, parts: frozenset[str]) -> None:
        """Settings have changed; those of uaCSTA are a part of their own."""
        if "uacsta" in parts:
            await self.refresh()

    async def _start(self, port: int) -> None:
        agent = Agent()
        try:
            await agent.open(self._bind, port)
        except OSError as failure:
            log.error("uacsta: UDP port %d cannot be opened: %s", port, failure)
            return
        self._agent, self._port = agent, port
        log.info("uacsta: on, at UDP port %d", port)

    async def _stop(self) -> None:
        agent, self._agent, self._port = self._agent, None, 0
        sessions = list(self._sessions.values())
        self._sessions.clear()
        await asyncio.gather(*(session.close() for session in sessions))
        if agent is not None:
            await agent.close()
            log.info("uacsta: off")

    async def close(self) -> None:
        """Take leave of all phones."""
        if self._settling is not None:
            self._settling.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        async with self._turn:
            await self._stop()

    # -- which phones there are -----------------------------------------------------------------------

    def on_events(self, events: Iterable[Mapping[str, str]]) -> None:
        """Take in the registrations that came and went in a batch of the engine's events."""
        if self._agent is None:
            return
        for event in events:
            if event.get("Event") == "ContactStatus":
                party = party_of_endpoint(event.get("EndpointName", ""))
                if party is not None and party.type is PartyType.EXTENSION:
                    self._stale.add(party.name)
        if self._stale and self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(_SETTLE_SECONDS, self._settle)

    def _settle(self) -> None:
        self._settling = None
        numbers, self._stale = self._stale, set()
        self._start_task(self._settle_now(numbers))

    async def _settle_now(self, numbers: set[str]) -> None:
        async with self._turn:
            if self._agent is not None:
                await self._look_at(numbers)

    async def _look_at(self, numbers: Iterable[str]) -> None:
        """Open and close sessions until they are those of the phones that are registered as `numbers`."""
        phones, wanted = self._phones(), dict[tuple[str, str], Contact]()
        for number in numbers:
            for uri in phones[number].contacts if number in phones else ():
                if (contact := contact_of(uri)) is not None:
                    wanted[number, contact.uri] = contact
        of_these = set(numbers)
        gone = [key for key in self._sessions if key[0] in of_these and key not in wanted]
        ended = [self._sessions.pop(key) for key in gone]
        await asyncio.gather(*(session.close() for session in ended))
        if self._agent is None:
            return
        around = Surroundings(agent=self._agent, login=self._login, pace=self._pace, own=self._own)
        for key, contact in wanted.items():
            if key not in self._sessions:
                self._sessions[key] = PhoneSession(key[0], contact, around, self._told)

    async def _login(self, number: str) -> Login | None:
        found = await self._find_extension(number)
        return Login(found.registername, REALM, found.ha1) if found is not None else None

    async def _pace(self) -> None:
        """At most so many sessions are opened in a second, however many phones there are."""
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next_opening)
        self._next_opening = turn + 1 / OPENED_PER_SECOND
        await asyncio.sleep(turn - now)

    def _own(self, phone: Address) -> Address:
        """Our address as that phone reaches it: the one that the system would send from."""
        if self._bind not in _ANYWHERE:
            return self._bind, self._port
        family = socket.AF_INET6 if ":" in phone[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            with contextlib.suppress(OSError):
                probe.connect(phone)
            return str(probe.getsockname()[0]), self._port

    def _told(self, session: PhoneSession, operation: Operation, callid: str) -> None:
        address = written(session.contact.address)
        self._publish(UacstaCall(operation, session.number, callid, address))

    # -- what the API asks for ------------------------------------------------------------------------

    async def accept(self, number: str, callid: str, address: str) -> None:
        """Have the phone answer a call that rings on it. Raises ContractError."""
        await self._command(number, callid, address, Wish.ANSWER)

    async def refuse(self, number: str, callid: str, address: str) -> None:
        """Have the phone refuse a call that rings on it. Raises ContractError."""
        await self._command(number, callid, address, Wish.REFUSE)

    async def hangup(self, number: str, callid: str, address: str) -> None:
        """Have the phone leave a call. Raises ContractError."""
        await self._command(number, callid, address, Wish.HANGUP)

    async def _command(self, number: str, callid: str, address: str, wish: Wish) -> None:
        if await self._find_extension(number) is None:
            raise ContractError(Errno.NO_SUCH_EXTENSION, f"there is no extension {number}")
        if self._agent is None:
            raise ContractError(Errno.UACSTA_FAILED, "uaCSTA is switched off")
        phone = read_address(address)
        mine = (
            one for one in self._sessions.values() if one.number == number and one.contact.address == phone
        )
        session = next(mine, None)
        if session is None:
            raise ContractError(Errno.UACSTA_FAILED, f"{number} is not registered at that address")
        try:
            await session.command(callid, wish, COMMAND_SECONDS)
        except CommandFailed as failed:
            log.info("uacsta: %s a call of %s at %s: %s", wish, number, address, failed)
            raise ContractError(Errno.UACSTA_FAILED, str(failed)) from None
