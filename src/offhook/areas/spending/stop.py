"""The stop of all calls to the outside: a setting that the dialplan reads at each call."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from offhook.areas.pbxsettings.service import SettingsService
from offhook.areas.pbxsettings.spending_settings import SPENDING

log = logging.getLogger(__name__)


class OutsideStop:
    """The switch. `end_calls` ends the calls that run, where an engine does."""

    def __init__(self, settings: SettingsService) -> None:
        self._settings = settings
        self.end_calls: Callable[[], Awaitable[int]] | None = None

    async def stop(self, *, end_calls: bool) -> int:
        """No new calls to the outside, but for emergency numbers; with `end_calls` others that run end.

        Returns how many were ended. Raises SwitchError when the engine cannot end them; then no new one
        begins all the same.
        """
        await self._settings.update(SPENDING, {"stop": True})
        log.warning("spending: calls to the outside are stopped")
        if not end_calls or self.end_calls is None:
            return 0
        ended = await self.end_calls()
        log.warning("spending: %d calls to the outside were ended", ended)
        return ended

    async def resume(self) -> None:
        """Calls to the outside may be made again."""
        await self._settings.update(SPENDING, {"stop": False})
        log.warning("spending: calls to the outside may be made again")

    async def stopped(self) -> bool:
        """Whether calls to the outside are stopped."""
        return bool((await self._settings.get(SPENDING))["stop"])
