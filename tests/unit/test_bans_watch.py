"""The watch over attackers without an engine: what it counts goes by time that passes, not by the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio

from offhook.areas.bans.log import LogTail
from offhook.areas.bans.service import BanList
from offhook.areas.bans.watch import BanWatch
from offhook.areas.pbxsettings.bans_settings import BANS
from offhook.clock import ManualClock
from offhook.dialplan import views
from offhook.store.migrate import open_store
from tests.support.waiting import eventually

EVIL, HOME = "192.0.2.9", "198.51.100.7"


class Rest:
    """What the watch needs of settings, switch, link and alarms."""

    busy = False

    async def get(self, _section: object) -> dict[str, Any]:
        return dict(BANS.defaults)

    def listener(self, _user: str, _heard: object) -> Rest:
        return self

    def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def raise_(self, _key: str, _text: str) -> None:
        pass

    def clear(self, _key: str, _text: str) -> None:
        pass


async def nobody() -> tuple[str, ...]:
    return ()


class Gate:
    """A watch, its clock and its list."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.store = open_store(folder / "s.db", views())
        self.list = BanList(self.store, self.clock)
        self.folder = folder
        self.watch = self.life()

    def life(self) -> BanWatch:
        rest = cast(Any, Rest())
        tail = LogTail(self.folder / "messages")
        return BanWatch(self.list, rest, rest, self.clock, rest, tail, nobody)

    def hear(self, event: str, source: str, account: str, transport: str = "UDP") -> None:
        said = {"Event": event, "Service": "PJSIP", "RemoteAddress": f"IPV4/{transport}/{source}/5060"}
        self.watch.on_events([{**said, "AccountID": account, "SessionID": account}])

    async def banned(self) -> list[str]:
        return [ban.address for ban in await self.list.living()]


@pytest_asyncio.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    gate = Gate(tmp_path)
    await gate.watch.start()
    yield gate
    await gate.watch.close()
    gate.store.close()


@pytest.mark.parametrize("by", [30 * 86400, -31 * 86400])
async def test_guesses_are_forgotten_when_their_time_has_passed_whatever_the_clock_says(
    gate: Gate, by: float
) -> None:
    most = BANS.defaults["attempts"]
    for number in range(most - 1):
        gate.hear("InvalidAccountID", EVIL, f"10{number}")
    gate.clock.set_by(by)
    gate.clock.advance(BANS.defaults["window"] + 1)
    gate.hear("InvalidAccountID", EVIL, "later")
    for number in range(most - 1):
        gate.hear("InvalidAccountID", "203.0.113.1", f"10{number}")
    gate.clock.set_by(by)
    gate.hear("InvalidAccountID", "203.0.113.1", "at once")
    await eventually(lambda: gate.watch.banned == 1, "one is banned")
    assert await gate.banned() == ["203.0.113.1"]


@pytest.mark.parametrize("by", [30 * 86400, -31 * 86400])
async def test_where_phones_are_stays_known_over_a_clock_that_is_set_and_a_restart(
    gate: Gate, by: float
) -> None:
    gate.hear("SuccessfulAuth", HOME, "1000")
    await gate.watch._note_homes()
    await gate.watch.close()
    gate.clock.settled()
    gate.clock.set_by(by)
    gate.watch = gate.life()
    await gate.watch.start()
    assert gate.watch._judge.is_home(HOME, gate.clock.monotonic())
    gate.clock.advance(8 * 86400)
    assert not gate.watch._judge.is_home(HOME, gate.clock.monotonic())
