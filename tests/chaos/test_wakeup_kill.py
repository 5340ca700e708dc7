"""Wake-up calls and kill -9 of control plane, engine and both: none is lost and none rings twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
from contextlib import closing

from tests.support.pbx import STRONG, Client
from tests.support.phone import Phone, eventually
from tests.support.process import UpProcess, up_process

ROOM = "2003"


def _due_now(up: UpProcess) -> None:
    """Nobody has the patience to wait for a whole minute: what is to ring is due at this moment."""
    with closing(sqlite3.connect(up.data / "offhook.db")) as store:
        store.execute("UPDATE wakeups SET at = ?, due = ?", (time.time(), time.time()))
        store.commit()


def _journal(up: UpProcess) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(up.data / "offhook.db")) as store:
        return list(store.execute("SELECT ring, outcome FROM wakeup_journal ORDER BY id"))


def _states(up: UpProcess) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(up.data / "offhook.db")) as store:
        return list(store.execute("SELECT state, ring FROM wakeups"))


async def _room(client: Client) -> None:
    extension = {"number": ROOM, "username": ROOM, "registername": ROOM, "registerpassword": STRONG}
    await client.ok("extension/add", extension)
    wish = {"time": "06:30", "type": "everyday", "repeats": "1", "repeatinterval": "30"}
    await client.ok("wakeupcall/create", {"number": ROOM, "wakeup": wish})


async def test_kills_while_a_wake_up_call_is_due_rings_and_is_answered() -> None:
    async with up_process() as up:
        await up.start()
        client = await up.client()
        await client.login()
        await _room(client)
        async with Phone(ROOM, STRONG, ("127.0.0.1", up.sip_port)) as phone:
            assert await phone.register() == 200
            await asyncio.sleep(1.5)  # the engine writes registrations to disk each second

            # due while nobody was there to ring it
            await up.kill()
            _due_now(up)
            await up.start()
            call = await phone.incoming()
            assert _journal(up) == [(1, "ringing")]

            # everything dies while it rings: it rings again at once, as the same ring
            engine = up.engine_pid
            await up.kill()
            os.kill(engine, signal.SIGKILL)
            phone.forget_calls()
            await up.start()
            call = await phone.incoming()
            assert _journal(up) == [(1, "broken"), (1, "ringing")]

            # the control plane dies; the guest answers, listens and hangs up, and all else dies too
            await up.kill()
            await call.answer()
            await eventually(lambda: call.rtp.level > 300, "the prompt")
            os.kill(up.engine_pid, signal.SIGKILL)
            phone.forget_calls()
            await up.start()
            await eventually(lambda: _journal(up)[-1] == (1, "answered"), "the try is settled")
            assert _journal(up) == [(1, "broken"), (1, "answered")]
            assert _states(up) == [("waiting", 1)], "for tomorrow"
            await asyncio.sleep(1)
            assert not phone.calls, "nobody is woken twice"
        await client.close()
