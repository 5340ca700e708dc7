"""Pages that are running: a paged phone presses * and talks with who pages (spec 08)."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Mapping

from offhook import logs
from offhook.asterisk.ami import actions
from offhook.asterisk.switch import EngineRefused, Switch, SwitchError
from offhook.tasks import Background

log = logging.getLogger(__name__)


class PageAnswers:
    """Puts who presses * through to who pages; the page ends for the others as its pager leaves it."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._tasks = Background()

    def on_events(self, events: Iterable[Mapping[str, str]]) -> None:
        """Take the requests out of a batch of events."""
        for event in logs.each(events):
            if event.get("Event") == "UserEvent" and event.get("UserEvent") == "OffhookPageAnswer":
                self._tasks.begin(self._answer(event.get("Pager", ""), event.get("Channel", "")))

    async def _answer(self, pager: str, member: str) -> None:
        """A page is a conference of its own: all but the two leave it, and the member is heard in it."""
        try:
            for room in await self._switch.items(actions.ConfbridgeListRooms()):
                name = room.get("Conference", "")
                found = await self._switch.items(actions.ConfbridgeList(conference=name))
                channels = [one.get("Channel", "") for one in found]
                if pager in channels and member in channels:
                    await self._leave_alone(name, channels, pager, member)
                    return
        except SwitchError as failure:
            log.info("paging: %s cannot talk with %s: %s", member, pager, failure)

    async def _leave_alone(self, room: str, channels: list[str], pager: str, member: str) -> None:
        await self._switch.act(actions.ConfbridgeUnmute(conference=room, channel=member))
        for channel in channels:
            if channel not in {pager, member}:
                with contextlib.suppress(EngineRefused):  # it has just left
                    await self._switch.act(actions.ConfbridgeKick(conference=room, channel=channel))

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._tasks.finish()
