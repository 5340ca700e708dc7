"""What the dialplan counts of wrong PINs: told to the log, and forgotten when it means nothing any more.

The dialplan counts (`offhook-pin-try`), in the engine's own database, so that it goes on without us.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping

from offhook.asterisk.ami import actions
from offhook.asterisk.switch import EngineRefused, Switch, SwitchError
from offhook.clock import Clock

log = logging.getLogger(__name__)

FAMILY = "offhook-pin"
_SWEEP_SECONDS = 3600.0
_OVER_SECONDS = 86400  # well over, so that none is deleted that a call counts on at this moment


class PinGuard:
    """Listens, and sweeps once an hour."""

    def __init__(self, switch: Switch, clock: Clock) -> None:
        self._switch = switch
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="PINs")

    async def close(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def on_wrong(self, event: Mapping[str, str]) -> None:
        """A PIN was refused (UserEvent OffhookPin)."""
        mailbox, by = event.get("Mailbox", ""), event.get("By", "")
        if event.get("Locked") == "yes":
            log.warning("voicemail: box %s or caller %s is locked after too many wrong PINs", mailbox, by)
        else:
            log.warning("voicemail: a wrong PIN for box %s by %s", mailbox, by)

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
            try:
                await self.sweep()
            except SwitchError as failure:
                log.info("voicemail: what was counted of PINs cannot be looked at: %s", failure)
            except Exception:
                log.exception("voicemail: what was counted of PINs cannot be looked at")
            await asyncio.sleep(_SWEEP_SECONDS)
