"""What the dialplan counts of wrong PINs: told to the log, and forgotten when it means nothing any more.

The dialplan counts (`offhook-pin-try`), in the engine's own database, so that it goes on without us.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence

from offhook.areas.extensions.model import ExtensionChanged
from offhook.asterisk.ami import actions
from offhook.asterisk.switch import EngineRefused, Switch, SwitchError
from offhook.clock import Clock
from offhook.tasks import stop, woken

log = logging.getLogger(__name__)

FAMILY = "offhook-pin"
_KINDS = {"": "box", "disa": "DISA", "route": "outbound route"}
_SWEEP_SECONDS = 3600.0
_OVER_SECONDS = 86400  # well over, so that none is deleted that a call counts on at this moment


class PinGuard:
    """Listens, and sweeps once an hour and when the engine is back."""

    def __init__(self, switch: Switch, clock: Clock) -> None:
        self._switch = switch
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()
        self._renewed: set[str] = set()  # boxes whose count the engine has still to forget

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="PINs")

    async def close(self) -> None:
        """End."""
        await stop(self._task)

    def on_wrong(self, event: Mapping[str, str]) -> None:
        """A PIN was refused (UserEvent OffhookPin)."""
        kind, _, one = event.get("Mailbox", "").rpartition("-")
        what, by = f"{_KINDS.get(kind, kind)} {one}", event.get("By", "")
        if event.get("Locked") == "yes":
            log.warning("PINs: %s or caller %s is locked after too many wrong ones", what, by)
        else:
            log.warning("PINs: a wrong one for %s by %s", what, by)

    async def on_extensions_changed(self, changed: Sequence[ExtensionChanged]) -> None:
        """Forget what was counted for boxes that have another PIN, or none any more.

        Wrong ones were guesses at the old one, and who had the PIN changed has to get in at once. What was
        counted for callers stays: they are no part of the box.
        """
        for one in changed:
            if one.new_pin or one.operation == "del":
                self._renewed.add(one.number)
        try:
            await self._forget()
        except SwitchError as failure:
            log.info("voicemail: locks of boxes with a new PIN are lifted later: %s", failure)

    def on_connected(self) -> None:
        """The engine is back, and can be told what it has to forget."""
        self._connected.set()

    async def _forget(self) -> None:
        for number in tuple(self._renewed):
            with contextlib.suppress(EngineRefused):  # nothing was counted
                await self._switch.act(actions.DBDel(family=FAMILY, key=f"box-{number}"))
            self._renewed.discard(number)

    async def sweep(self) -> None:
        """Forget what has been over for a day: every number that ever called from outside would stay.

        Raises SwitchError.
        """
        for entry in await self._switch.items(actions.DBGetTree(family=FAMILY)):
            key = entry.get("Key", "").removeprefix(f"/{FAMILY}/")
            until = entry.get("Val", "").partition("-")[2]
            if until.isdecimal() and self._clock.now() - int(until) > _OVER_SECONDS:
                with contextlib.suppress(EngineRefused):  # gone meanwhile
                    await self._switch.act(actions.DBDel(family=FAMILY, key=key))

    async def _run(self) -> None:
        while True:
            self._connected.clear()
            try:
                await self._forget()
                await self.sweep()
            except SwitchError as failure:
                log.info("voicemail: what was counted of PINs cannot be looked at: %s", failure)
            except Exception:
                log.exception("voicemail: what was counted of PINs cannot be looked at")
            await woken(self._connected, _SWEEP_SECONDS)
