"""A new certificate is in use within seconds, on every port and without a restart; an old one is an alarm."""

from __future__ import annotations

import asyncio
import datetime
import logging
from typing import Protocol

from offhook.areas.alarms.raiser import Raiser
from offhook.asterisk.switch import SwitchError
from offhook.clock import Clock
from offhook.tasks import stop
from offhook.web.tls import PortCertificate

log = logging.getLogger(__name__)

KEY = "certificate"
_MODULE = "res_pjsip.so"
_LOOK_SECONDS = 5.0
_PATIENCE_SECONDS = 60.0  # between the certificate and the key of who puts them there one after the other
_EXPIRY = datetime.timedelta(days=14)


class Engine(Protocol):
    """What reads its certificate when it is told to."""

    async def reload(self, module: str) -> None:
        """Have a module read its configuration again. Raises SwitchError."""


class CertificateWatch:
    """Looks for what the operator puts in place, and has the engine read it: its transport takes no part in
    the calls and connections that are there, so these go on (measured)."""

    def __init__(
        self,
        certificate: PortCertificate,
        switch: Engine,
        clock: Clock,
        alarms: Raiser,
        *,
        seconds: float = _LOOK_SECONDS,
    ) -> None:
        self._certificate = certificate
        self._switch = switch
        self._clock = clock
        self._alarms = alarms
        self._seconds = seconds
        self._stale = False
        self._refused_since: float | None = None
        self._told = ""
        self._task: asyncio.Task[None] | None = None

    def start(self, *, stale: bool) -> None:
        """Begin. `stale`: the engine may have one that is older than what is in place."""
        self._stale = stale
        self._task = asyncio.create_task(self._run(), name="certificate")

    async def close(self) -> None:
        """End."""
        await stop(self._task)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("the certificate could not be looked at")
            await asyncio.sleep(self._seconds)

    async def look(self) -> None:
        """Use what is new, and say what is wrong."""
        if await asyncio.to_thread(self._certificate.look):
            log.info("certificate: a new one is in use, until %s", self._certificate.expires().date())
            self._stale = True
        if self._stale:
            await self._tell_engine()
        self._judge()

    async def _tell_engine(self) -> None:
        try:
            await self._switch.reload(_MODULE)
        except SwitchError as failure:
            log.warning("certificate: the engine did not take it yet: %s", failure)
        else:
            self._stale = False

    def _judge(self) -> None:
        now, refused = self._clock.monotonic(), self._certificate.refused
        if not refused:
            self._refused_since = None
        elif self._refused_since is None:
            self._refused_since = now
        left = self._certificate.expires() - datetime.datetime.fromtimestamp(self._clock.now(), datetime.UTC)
        if self._refused_since is not None and now - self._refused_since >= _PATIENCE_SECONDS:
            self._raise(f"what is in tls/ cannot be used, the old one stays: {refused}")
        elif left < _EXPIRY:
            ends = f"ends in {left.days} days" if left.days >= 0 else "has ended"
            self._raise(f"the certificate {ends}: put a new one into tls/")
        else:
            self._told = ""
            self._alarms.clear(KEY, "the certificate is as it should be")

    def _raise(self, text: str) -> None:
        if text != self._told:
            self._told = text
            self._alarms.raise_(KEY, text)
