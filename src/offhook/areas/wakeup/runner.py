"""Rings wake-up calls when they are due: at a set rate, never in the way of people's calls.

    store ── due, the longest first ──► try noted ──► engine rings ──► record ──► outcome noted, next time set
                                        (one transaction with the intent)   (one transaction with the record)

Nothing is kept here that the store does not have: after a crash the next runner goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from offhook.areas.control.launch import Launcher, NewCall
from offhook.areas.control.live import LiveCalls
from offhook.areas.objects.field import Row
from offhook.areas.pbxsettings.service import SettingsService
from offhook.areas.pbxsettings.wakeup_settings import WAKEUP
from offhook.areas.wakeup import store as rows
from offhook.areas.wakeup import tries
from offhook.areas.wakeup.misses import Misses
from offhook.areas.wakeup.model import DEFAULT_PROMPT, Alarm, Outcome, Rules
from offhook.areas.wakeup.service import WakeupService
from offhook.asterisk.switch import Switch
from offhook.callstate.model import Member, PartyKind
from offhook.clock import Clock, Steps
from offhook.contract.errors import ContractError
from offhook.events.api import Event, WakeupResult
from offhook.ledger import CallRecord
from offhook.ledger.rows import CelRow
from offhook.store.unit import Store, UnitOfWork
from offhook.tasks import stop, woken

log = logging.getLogger(__name__)

FROM = "wakeup"
"""Who calls, in events, records and at the phone."""

_TICK_SECONDS = 0.2
_REST_SECONDS = 2.0
_RETRY_SECONDS = 10.0
"""Until one is tried again that the engine would not begin."""
_BATCH = 20
_FOUND = 500
_FULL = 0.8
"""Share of the machine's calls that may be up when a wake-up call begins: the rest is for people."""
_LOST_SECONDS, _FORGET_SECONDS = 60.0, 3600.0
_STEP_SECONDS = 5.0
"""By so much the clock has to be set until anything is done about it."""
_DOUBT_SECONDS = 300.0
"""So long after a step forward nothing is given up as too late: the clock may have been set wrong."""


class WakeupRunner:
    """The one who rings. `capacity` is how many calls this machine carries."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        service: WakeupService,
        settings: SettingsService,
        launcher: Launcher,
        switch: Switch,
        live: LiveCalls,
        misses: Misses,
        *,
        prompt_exists: Callable[[str], bool],
        capacity: int,
    ) -> None:
        self._store = store
        self._clock = clock
        self._zone = service.zone
        self._settings = settings
        self._launcher = launcher
        self._switch = switch
        self._live = live
        self._misses = misses
        self._prompt_exists = prompt_exists
        self._most = max(1, int(capacity * _FULL))
        self._changed = asyncio.Event()
        self._next: float | None = None
        self._held: dict[int, float] = {}  # wake-up call -> when it may be tried again, monotonic
        self._begin_at = 0.0  # the next one, on the loop's clock
        self._task: asyncio.Task[None] | None = None
        self._look_for_lost = self._forget_at = clock.monotonic()
        self._steps = Steps(clock, _STEP_SECONDS)
        self._step = 0.0  # taken by the clock, and still to be followed
        self._ahead = 0.0  # by so much it was set forward
        self._doubt_until = float("-inf")  # monotonic
        self.publish: Callable[[UnitOfWork, Event], None] = lambda _unit, _event: None
        """How the end of a try is told, in its transaction."""
        service.on_changed(self._changed.set)

    # -- life ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Put right what a restart or another zone has left, and begin."""

        def work(unit: UnitOfWork) -> list[Alarm]:
            return tries.resume(unit, self._clock.now(), self._rules(unit.connection))

        moved = await self._store.write("wake-up calls resumed", work)
        if moved:
            log.info("wake-up calls: %d have another time now, in the zone %s", len(moved), self._zone.key)
        self._changed.set()
        self._task = asyncio.create_task(self._run(), name="wake-up calls")

    async def close(self) -> None:
        """Begin no more; what rings goes on."""
        await stop(self._task)

    async def _run(self) -> None:
        while True:
            await woken(self._changed, _TICK_SECONDS)
            try:
                await self._look()
            except Exception:
                # what is due stays due in the store
                log.exception("wake-up calls: could not be looked at")
                await asyncio.sleep(_REST_SECONDS)

    # -- what the record tells ----------------------------------------------------------------------------

    def on_record(self, unit: UnitOfWork, record: CallRecord, cel: Sequence[CelRow]) -> None:
        """Note how a try ended, in the transaction of its call's record."""
        if record.callfrom != FROM:
            return
        alarm = tries.settle(unit, record, cel, self._clock.now(), self._rules(unit.connection))
        outcome = tries.judge(record, cel)[0]
        if alarm is not None:
            self._misses.note_in(unit, alarm, outcome)
            self.publish(unit, WakeupResult(record.callid, alarm.number, outcome, alarm.time))
        broken = outcome is Outcome.BROKEN
        unit.after_commit(lambda: self._over(alarm.id if alarm and broken else None))

    def _over(self, broken: int | None) -> None:
        if broken is not None:
            self._held[broken] = self._clock.monotonic() + _REST_SECONDS
        self._changed.set()

    # -- ringing ------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        self._step += self._steps.taken()
        if self._step:
            await self._follow_clock()
        if self._changed.is_set():
            self._changed.clear()
            self._next = await self._store.read(rows.next_moment)
        if self._next is None or self._next > self._clock.now():
            await self._tidy()
            return
        try:
            await self._ring_due()
        finally:
            self._next = await self._store.read(rows.next_moment)

    async def _follow_clock(self) -> None:
        step = self._step

        def work(unit: UnitOfWork) -> list[Alarm]:
            return tries.follow_clock(unit, step, self._clock.now(), self._rules(unit.connection))

        moved = await self._store.write("wake-up calls: the clock was set", work)
        self._step -= step
        log.warning("wake-up calls: the clock was set by %.0f s, %d have other times", step, len(moved))
        monotonic = self._clock.monotonic()
        self._ahead = max(0.0, step + (self._ahead if monotonic < self._doubt_until else 0.0))
        if step > 0:
            self._doubt_until = monotonic + _DOUBT_SECONDS
        elif self._ahead < _STEP_SECONDS:
            self._doubt_until = float("-inf")
        self._changed.set()

    async def _ring_due(self) -> None:
        now, monotonic = self._clock.now(), self._clock.monotonic()
        self._step += self._steps.taken()
        if self._step:
            return  # set within this very look, which would miss calls: the next one follows it
        self._held = {one: until for one, until in self._held.items() if until > monotonic}
        settings = await self._settings.get(WAKEUP)
        latest = now - settings["latest"] * 60
        since = latest if monotonic < self._doubt_until else 0.0
        found = await self._store.read(lambda connection: rows.due(connection, now, _FOUND, since))
        late = [alarm for alarm in found if alarm.at < latest]
        if late:
            await self._miss(late, now)
        ready = [alarm for alarm in found if alarm.at >= latest and alarm.id not in self._held]
        for alarm in ready[:_BATCH] if self._switch.healthy else ():
            await self._turn(settings["rate"])
            if self._crowded():
                return
            await self._ring(alarm, settings)

    async def _miss(self, late: Sequence[Alarm], now: float) -> None:
        def work(unit: UnitOfWork) -> None:
            rules = self._rules(unit.connection)
            for alarm in late:
                with contextlib.suppress(tries.NotDue):
                    missed = tries.miss(unit, alarm.id, now, "the PBX could not ring in time", rules)
                    self._misses.note_in(unit, missed, Outcome.MISSED)
                    self.publish(unit, WakeupResult("", missed.number, Outcome.MISSED, missed.time))

        await self._store.write("wake-up calls missed", work)

    async def _turn(self, rate: int) -> None:
        """Wait until the next one may begin."""
        loop = asyncio.get_running_loop()
        if (wait := self._begin_at - loop.time()) > 0:
            await asyncio.sleep(wait)
        self._begin_at = max(self._begin_at, loop.time() - 1 / rate) + 1 / rate

    def _crowded(self) -> bool:
        """Whether people's calls come first: one of theirs waits to begin, or the machine is nearly full."""
        return self._switch.crowded or len(self._live.picture.calls) >= self._most

    async def _ring(self, alarm: Alarm, settings: Row) -> None:
        prompt = alarm.prompt if self._prompt_exists(alarm.prompt) else ""
        if not prompt and alarm.prompt != DEFAULT_PROMPT:
            log.warning(
                "wake-up call %d: the prompt %s is gone, the default is played", alarm.id, alarm.prompt
            )
        callid = ""

        def also(unit: UnitOfWork, promised: str) -> None:
            nonlocal callid
            callid = promised
            tries.begin(unit, alarm.id, self._clock.now(), promised, self._rules(unit.connection))

        try:
            await self._launcher.launch(self._call(alarm.number, prompt, settings), also)
        except tries.NotDue:
            return
        except ContractError as refused:
            self._held[alarm.id] = self._clock.monotonic() + _RETRY_SECONDS
            if callid:
                await self._broken(callid, refused.detail or str(refused))

    async def _broken(self, callid: str, cause: str) -> None:
        def work(unit: UnitOfWork) -> None:
            rules = self._rules(unit.connection)
            tries.end(unit, callid, Outcome.BROKEN, cause, self._clock.now(), rules)

        await self._store.write("wake-up call broken", work)

    @staticmethod
    def _call(number: str, prompt: str, settings: Row) -> NewCall:
        variables = {
            "OFFHOOK_RIGHT": "",
            "OFFHOOK_OUT_FROM": FROM,
            "OFFHOOK_THEN": "wakeup",
            "OFFHOOK_THEN_NUMBER": "",
            "OFFHOOK_RING": str(settings["ringtime"]),
            "OFFHOOK_PLAY": str(settings["playtime"]),
            "OFFHOOK_PROMPT": prompt,
            "OFFHOOK_SAY": "1" if settings["saytime"] else "",
            "OFFHOOK_AUTOANSWER": "1" if settings["autoanswer"] else "",
        }
        return NewCall(
            caller=FROM,
            callee=number,
            channel=f"Local/{number}@offhook-wakeup",
            context="offhook-answered",
            exten="s",
            timeout=settings["ringtime"] + 60,  # the dialplan's own limit comes first
            variables={f"__{name}": value for name, value in variables.items()},
            first=Member(kind=PartyKind.EXT, number=number, channelid=""),
            called=True,
        )

    def _rules(self, connection: sa.Connection) -> Rules:
        return Rules(self._zone, self._settings.get_in(connection, WAKEUP)["everyring"])

    async def _tidy(self) -> None:
        """Give up tries whose call is lost, and forget those that are older than the operator wants."""
        monotonic = self._clock.monotonic()
        if monotonic >= self._look_for_lost:
            self._look_for_lost = monotonic + _LOST_SECONDS
            if await self._store.read(rows.unknown_tries):
                await self._store.write("wake-up calls lost", self._give_up)
        if monotonic >= self._forget_at:
            self._forget_at = monotonic + _FORGET_SECONDS
            days = (await self._settings.get(WAKEUP))["journaldays"]
            before = self._clock.settled() - days * 86400

            def forget(unit: UnitOfWork) -> int:
                self._misses.expire_in(unit, self._clock.settled())
                return rows.journal_forget(unit.connection, before)

            gone = await self._store.write("wake-up journal", forget)
            if gone:
                log.info("wake-up calls: %d tries older than %d days are forgotten", gone, days)

    def _give_up(self, unit: UnitOfWork) -> None:
        tries.give_up(unit, self._clock.now(), self._rules(unit.connection))
        unit.after_commit(self._changed.set)
