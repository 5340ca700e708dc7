"""One phone's session: opened by INVITE, calls monitored, checked now and then, opened again when lost."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from offhook.areas.uacsta import csta
from offhook.areas.uacsta.agent import Agent, Rings
from offhook.areas.uacsta.calls import Calls, Operation, Wish
from offhook.areas.uacsta.csta import CallEvent, CstaError, Heard, Refusal, Reply, read_csta
from offhook.areas.uacsta.dialog import Dialog
from offhook.areas.uacsta.session import CHECK_SECONDS, Happening, Session, State
from offhook.areas.uacsta.sip import Address, Contact, Login, Message, authorization, written
from offhook.areas.uacsta.transaction import NoAnswer

log = logging.getLogger(__name__)

REQUEST_SECONDS = 6.0
_PASSING = frozenset({408, 480, 486, 491, 500, 503, 504})
"""Refusals that say "not now"; all others say that the phone has no use for us."""
_GONE = frozenset({404, 408, 481})


class CommandFailed(Exception):
    """The phone did not do what it was asked for; the text says why, for the log and the answer."""


class _Refused(Exception):
    """The phone will not open a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a session needs of the rest. `login` gives how a phone knows the PBX, None when its extension is
    gone; `pace` returns when the next session may be opened; `own` is our address as a phone reaches it."""

    agent: Agent
    login: Callable[[str], Awaitable[Login | None]]
    pace: Callable[[], Awaitable[None]]
    own: Callable[[Address], Address]


class PhoneSession:
    """The session with one phone of one extension; `tell` gets each operation with the call's id."""

    def __init__(
        self,
        number: str,
        contact: Contact,
        surroundings: Surroundings,
        tell: Callable[[PhoneSession, Operation, str], None],
    ) -> None:
        self.number = number
        self.contact = contact
        self.calls = Calls()
        self._around = surroundings
        self._agent = surroundings.agent
        self._tell = tell
        self._session = Session(f"{number} at {written(contact.address)}")
        self._dialog: Dialog | None = None
        self._login: Login | None = None
        self._namespace = csta.NAMESPACE
        self._lost = asyncio.Event()
        self._turn = asyncio.Lock()
        self._asked: tuple[str, asyncio.Future[Refusal | None]] | None = None
        self._task = asyncio.create_task(self._run(), name=f"uacsta {number}")

    @property
    def state(self) -> State:
        """The state of the session."""
        return self._session.state

    async def close(self) -> None:
        """End the session; the phone is told without waiting for its answer."""
        self._session.on(Happening.CLOSE)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._leave()

    # -- the session's life ---------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                await self._around.pace()
                self._session.on(Happening.OPEN)
                self._session.on(await self._open())
                if self._session.state is State.UP:
                    await self._watch()
                    self._session.on(Happening.LOST)
            except Exception:
                log.exception("uacsta: the session of %s failed inside", self.number)
                self._session.on(Happening.LOST)
            self._leave()
            await asyncio.sleep(self._session.pause)

    async def _open(self) -> Happening:
        self._login = await self._around.login(self.number)
        if self._login is None:
            return Happening.REFUSED
        self._dialog = Dialog(self.contact, self._around.own(self.contact.address), self._login.username)
        self._lost.clear()
        self._agent.attach(self._dialog, self._on_request)
        try:
            await self._invite(self._dialog)
            self._session.on(Happening.ACCEPTED)
            await self._monitor(self._login)
        except Rings:
            log.warning("uacsta: %s rang for a session and is left alone from now on", self.number)
            return Happening.RANG
        except _Refused as refused:
            log.debug("uacsta: %s has no uaCSTA: %s", self.number, refused)
            return Happening.REFUSED
        except NoAnswer:
            return Happening.LOST
        return Happening.MONITORED

    def _leave(self) -> None:
        self.calls = Calls()
        if self._dialog is not None:
            self._agent.leave(self._dialog)
            self._dialog = None

    async def _invite(self, dialog: Dialog) -> None:
        body = csta.request_system_status(self._namespace)
        answer = await self._agent.invite(dialog, dialog.request("INVITE", body))
        if (proof := self._proof(answer, "INVITE")) is not None:
            answer = await self._agent.invite(dialog, dialog.request("INVITE", body, proof))
        _check(answer)
        if answer.body and answer.content_type != csta.CONTENT_TYPE:
            raise _Refused("it takes the session for a call")
        if isinstance(heard := self._read(answer.body), Refusal):
            raise _Refused(heard.reason)

    async def _monitor(self, login: Login) -> None:
        for device in (login.username, self._uri_device(login)):
            answer = await self._ask(csta.monitor_start(device, self._namespace), REQUEST_SECONDS)
            _check(answer)
            if not isinstance(self._read(answer.body), Refusal):
                break
        else:
            raise _Refused("it lets nobody monitor its calls")
        await self._look_at_calls(device)

    async def _look_at_calls(self, device: str) -> None:
        """Learn the calls that run already, from a phone that tells them."""
        try:
            answer = await self._ask(csta.snapshot_device(device, self._namespace), REQUEST_SECONDS)
        except NoAnswer:
            return
        snapshot = self._read(answer.body) if answer.status < 300 else None
        if isinstance(snapshot, Reply):
            for running in snapshot.calls:
                self.calls = self.calls.found(running)

    def _uri_device(self, login: Login) -> str:
        return f"sip:{login.username}@{self._around.own(self.contact.address)[0]}"

    async def _watch(self) -> None:
        """Return when the session is lost: ended by the phone, or unknown to it."""
        while not self._lost.is_set():
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._lost.wait()
            except TimeoutError:
                if not await self._lives():
                    return

    async def _lives(self) -> bool:
        try:
            answer = await self._ask(csta.request_system_status(self._namespace), REQUEST_SECONDS)
        except NoAnswer:
            return False
        return answer.status not in _GONE

    # -- requests -------------------------------------------------------------------------------------

    async def _ask(self, body: bytes, seconds: float) -> Message:
        dialog = self._dialog
        if dialog is None:
            raise NoAnswer("there is no session")
        answer = await self._agent.request(dialog, dialog.request("INFO", body), seconds)
        if (proof := self._proof(answer, "INFO")) is not None:
            answer = await self._agent.request(dialog, dialog.request("INFO", body, proof), seconds)
        return answer

    def _proof(self, answer: Message, method: str) -> tuple[str, str] | None:
        names = {
            401: ("www-authenticate", "authorization"),
            407: ("proxy-authenticate", "proxy-authorization"),
        }
        if answer.status not in names or self._login is None:
            return None
        asked, given = names[answer.status]
        answers = (
            authorization(challenge, method, self.contact.uri, self._login, secrets.token_hex(8))
            for challenge in answer.all(asked)
        )
        found = next((one for one in answers if one is not None), None)
        return (given, found) if found is not None else None

    def _read(self, body: bytes) -> Heard | None:
        """What a body says, None for an empty one and one that cannot be used."""
        if not body:
            return None
        try:
            heard, namespace = read_csta(body)
        except CstaError as broken:
            log.debug("uacsta: %s sent what is not taken: %s", self.number, broken)
            return None
        if namespace:
            self._namespace = namespace
        return heard

    async def command(self, callid: str, wish: Wish, seconds: float) -> None:
        """Have the phone do something with a call. Raises CommandFailed, also when `seconds` are over."""
        try:
            async with asyncio.timeout(seconds), self._turn:
                await self._command(callid, wish, seconds)
        except TimeoutError:
            raise CommandFailed(f"the phone did not do it within {seconds:g} s") from None
        except NoAnswer as silent:
            raise CommandFailed(f"the phone is not reachable: {silent}") from None

    async def _command(self, callid: str, wish: Wish, seconds: float) -> None:
        call = self.calls.by_id.get(callid)
        if self.state is not State.UP:
            raise CommandFailed("there is no session with the phone")
        if call is None:
            raise CommandFailed("the phone has no such call")
        if not call.fits(wish):
            raise CommandFailed(f"the call is {call.state}")
        device = call.deviceid or (self._login.username if self._login else self.number)
        write = csta.answer_call if wish is Wish.ANSWER else csta.clear_connection
        self.calls = self.calls.asked(callid, wish)
        verdict: asyncio.Future[Refusal | None] = asyncio.get_running_loop().create_future()
        self._asked = callid, verdict
        try:
            answer = await self._ask(write(callid, device, self._namespace), seconds)
            await self._judge(answer, verdict, callid, wish)
        finally:
            self._asked = None

    async def _judge(
        self, answer: Message, verdict: asyncio.Future[Refusal | None], callid: str, wish: Wish
    ) -> None:
        """Done when the phone says so: in its answer, in a message of its own, or by the call's event."""
        if answer.status >= 300:
            self.calls = self.calls.refused(callid, wish)
            if answer.status in _GONE:
                self._lost.set()
            raise CommandFailed(f"the phone refuses with SIP status {answer.status}")
        heard = self._read(answer.body)
        if not isinstance(heard, Reply | Refusal):
            heard = await verdict
        if isinstance(heard, Refusal):
            self.calls = self.calls.refused(callid, wish)
            raise CommandFailed(f"the phone refuses: {heard.reason}")

    # -- what the phone says --------------------------------------------------------------------------

    def _on_request(self, message: Message) -> None:
        if message.method == "BYE":
            self._lost.set()
            return
        heard = self._read(message.body)
        if isinstance(heard, Reply | Refusal):
            self._settle(heard)
        elif isinstance(heard, CallEvent):
            self._on_event(heard)

    def _settle(self, heard: Reply | Refusal | None) -> None:
        if self._asked is not None and not self._asked[1].done():
            self._asked[1].set_result(heard if isinstance(heard, Refusal) else None)

    def _on_event(self, event: CallEvent) -> None:
        before = self.calls.by_id.get(event.callid)
        self.calls, operation = self.calls.take(event)
        after = self.calls.by_id.get(event.callid)
        moved = before is not None and (after is None or after.state is not before.state)
        if moved and self._asked is not None and self._asked[0] == event.callid:
            self._settle(None)
        if operation is not None:
            self._tell(self, operation, event.callid)


def _check(answer: Message) -> None:
    """Raises _Refused, and NoAnswer for a refusal that may pass."""
    if answer.status in _PASSING:
        raise NoAnswer(f"SIP status {answer.status}")
    if answer.status >= 300:
        raise _Refused(f"SIP status {answer.status}")
