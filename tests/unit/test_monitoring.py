"""Who breaks into a talk is sent there again whenever the talk is another one (call/listen, `barge`)."""

from __future__ import annotations

import asyncio
from typing import cast

from offhook.areas.control.live import LiveCalls
from offhook.areas.control.monitoring import Monitoring
from offhook.areas.extensions.model import Extension
from offhook.asterisk.switch import EngineRefused, Switch

EAR = "Local/1002@offhook-monitor-00000000;1"


class Engine:
    """Refuses the first redirect; right then the talk changes once more."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, tuple[str, str]]] = []
        self.monitoring = Monitoring(cast(Switch, self), cast(LiveCalls, None), self._nobody)

    async def _nobody(self, number: str) -> Extension:
        raise AssertionError(number)

    async def redirect(self, channel: str, to: tuple[str, str]) -> None:
        """Note where the channel is sent."""
        self.sent.append((channel, to))
        if len(self.sent) == 1:
            asyncio.get_running_loop().call_soon(self.monitoring.follow, channel)
            raise EngineRefused("no such channel")


async def test_a_change_right_after_the_last_one_was_followed_is_followed_too() -> None:
    engine = Engine()
    engine.monitoring.follow(EAR)
    for _ in range(5):
        await asyncio.sleep(0)
    await engine.monitoring.close()
    assert engine.sent == [(EAR, ("offhook-spy", "barge"))] * 2


async def test_changes_that_come_together_are_followed_once() -> None:
    engine = Engine()
    engine.sent.append(("", ("", "")))
    for _ in range(3):
        engine.monitoring.follow(EAR)
    await engine.monitoring.close()
    assert engine.sent[1:] == [(EAR, ("offhook-spy", "barge"))]
